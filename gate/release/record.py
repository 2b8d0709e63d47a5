"""What a scan writes into the ledger: what it judges by when it starts, its verdicts at the end."""

import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from gate import __version__
from gate.frozen import dataclass
from gate.isolation import Limits
from gate.release.ledger import Finished, Judgement, Policy, Started
from gate.release.ledger_file import Written, append
from gate.report import Document, Report, to_json

TOOL = "mobile-release-gate"


@dataclass(frozen=True, slots=True)
class Record:
    """One scan in the ledger at `path`; `scan` is its name, `begun` its first line."""

    path: Path
    scan: str
    begun: Written

    def finish(self, document: Document) -> Written:
        """Add the verdicts; LedgerError where that fails, and then there is no verdict."""
        builds = tuple(map(_judgement, document.reports))
        report = sha256(to_json(document)).hexdigest()
        return append(
            self.path,
            lambda previous, torn: Finished(
                previous=previous,
                scan=self.scan,
                time=_now(),
                exit_code=document.exit_code,
                report=report,
                builds=builds,
                after_torn=torn,
            ),
        )


def begin(path: Path, builds: Sequence[str], policy: Policy, limits: Limits) -> Record:
    """Write that a scan starts, before it reads anything; LedgerError where that fails."""
    scan = secrets.token_hex(16)
    versions = dependencies()
    begun = append(
        path,
        lambda previous, torn: Started(
            previous=previous,
            scan=scan,
            time=_now(),
            tool=TOOL,
            version=__version__,
            dependencies=versions,
            policy=policy,
            limits=limits.in_words(),
            builds=tuple(builds),
            after_torn=torn,
        ),
    )
    return Record(path, scan, begun)


def dependencies() -> dict[str, str]:
    """Python's version and that of every package the gate is installed with, sorted by name."""
    from importlib import metadata  # late: a scan without a ledger need not wait for it

    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for requirement in metadata.requires(TOOL) or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # of another platform
            continue
    return dict(sorted(found.items()))


def _now() -> str:
    """The time by this host's clock, in UTC, which SOURCE_DATE_EPOCH does not change here."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _judgement(report: Report) -> Judgement:
    build, app = report.build, report.app
    return Judgement(
        path=build.path,
        kind=build.kind,
        sha256=build.sha256,
        size=build.size,
        app=app.id if app else "",
        version=app.version if app else "",
        build_number=app.build_number if app else "",
        decision=report.verdict.decision,
    )
