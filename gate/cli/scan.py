"""`gate scan`: judge builds and leave reports."""

import os
import re
import shutil
import sys
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from gate.catalogue import catalogue
from gate.cli.closed import is_closed
from gate.cli.limit import LIMIT, limits_of
from gate.cli.output import OUTPUT, Output, clear, is_same, show, write
from gate.flow import Progress, Terms, created
from gate.flow import scan as judge_all
from gate.policy import Ruleset, Waiver
from gate.policy.file import read_file
from gate.policy.ruleset import load_ruleset
from gate.policy.waivers import load_waivers
from gate.release.ledger import Policy
from gate.release.ledger_file import LedgerError, Written
from gate.release.record import Record, begin
from gate.render.escape import terminal
from gate.report import Document

WAIVERS = ".gate-waivers.yml"


@click.command()
@click.argument("builds", metavar="BUILD...", nargs=-1, required=True)
@click.option(
    "--ruleset",
    "policy",
    default="article-6-3",
    show_default=True,
    metavar="NAME|FILE",
    help="The policy: a shipped one (see `gate rulesets`) or a YAML file of your own.",
)
@click.option(
    "--profile",
    metavar="NAME",
    help="The kind of app, which decides what blocks; the ruleset has its own default.",
)
@click.option(
    "--waivers",
    type=click.Path(dir_okay=False),
    help=f"The file of dated exceptions.  [default: {WAIVERS} where it exists]",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge as on this day (YYYY-MM-DD): expiry of profiles and waivers.  [default: today]",
)
@click.option(
    "--report",
    "outputs",
    type=OUTPUT,
    multiple=True,
    metavar="FORMAT=PATH",
    help="Also write a report; may be given more than once. FORMAT is json, sarif, sarif-full, "
    "github, markdown or text; PATH - is standard output.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Append to this release ledger that the scan starts, and its verdicts when it ends; where "
    "that cannot be written there is no verdict (exit 3). See `gate ledger`.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many builds are read at the same time.",
)
@click.option(
    "--limit",
    "limits",
    type=LIMIT,
    multiple=True,
    metavar="NAME=NUMBER",
    help="Change a limit of the process that reads a build. In bytes, or with K, M, G: memory, "
    "input, answer, total, manifest, resources, code; in seconds: cpu, wall; counts: entries, "
    "ratio, nesting, depth, strings, findings. docs/ci.md tells what each bounds; a report says "
    "what was in force.",
)
@click.option(
    "--require-sandbox",
    is_flag=True,
    help="Give no verdict (exit 3) where the kernel's sandbox, Linux's Landlock, is missing.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print no report for people and no progress.")
def scan(
    builds: tuple[str, ...],
    policy: str,
    profile: str | None,
    waivers: str | None,
    as_of: datetime | None,
    outputs: tuple[Output, ...],
    ledger: str | None,
    jobs: int,
    limits: tuple[tuple[str, int], ...],
    require_sandbox: bool,
    quiet: bool,
) -> int:
    """Judge one or more builds: APK, IPA or .app folder.

    Prints the verdict with its evidence. Exit code 0 is pass, 1 is block, 3 is no verdict; of
    several builds the worst counts, in the order 1, 3, 0.

    \b
      gate scan app-release.apk
      gate scan app.apk App.ipa --report sarif=gate.sarif --report json=gate.json
      gate scan vendor.apk --profile vendor --waivers exceptions.yml --as-of 2026-12-01
    """
    _check_epoch()
    shown = _is_shown(outputs, quiet=quiet)
    day = as_of.date() if as_of else today()
    ruleset = load_ruleset(policy, catalogue())
    name = _profile(ruleset, profile)
    confined = limits_of(limits, require_sandbox=require_sandbox)
    terms = Terms(ruleset, _waivers(waivers, ruleset, name, day), name, day, confined)
    clear(outputs, inputs=(*builds, ledger) if ledger else builds)
    record = _begin(ledger, builds, terms, waivers) if ledger else None
    with _progress(len(builds) * len(ruleset.checks), quiet) as bar:
        document = judge_all(builds, terms, _steps(bar), jobs)
    write(document, (output for output in outputs if output.path != "-"))
    if record:
        _finish(record, document, outputs, quiet=quiet)
    write(document, (output for output in outputs if output.path == "-"))
    if shown:
        show(document, shutil.get_terminal_size((100, 24)).columns)
    return document.exit_code


def _check_epoch() -> None:
    """A time that cannot be meant must not silently be another one."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not re.fullmatch(r"[0-9]{1,11}", epoch):
        raise click.UsageError(
            f"SOURCE_DATE_EPOCH={epoch[:40]!r}: the seconds since 1970 as a decimal number"
        )


def _is_shown(outputs: tuple[Output, ...], *, quiet: bool) -> bool:
    """Whether the report for people is printed; ClickException where a verdict would be lost."""
    printed = any(output.path == "-" for output in outputs)
    if is_closed() and (printed or not (quiet or outputs)):
        raise click.ClickException(
            "standard output is closed, so that no verdict could be shown; nothing was scanned."
            " Use --quiet for the exit code alone, or --report FORMAT=PATH with a file"
        )
    return not (quiet or printed or is_closed())


def today() -> date:
    """The day of the scan in UTC; SOURCE_DATE_EPOCH stands in where it is set."""
    return datetime.strptime(created(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).date()


def _profile(ruleset: Ruleset, name: str | None) -> str:
    names = [profile.name for profile in ruleset.profiles]
    if name is not None and name not in names:
        raise click.BadParameter(
            f"{name!r} is no profile of {ruleset.name}; it has {', '.join(names)}",
            param_hint="--profile",
        )
    return name or ruleset.default_profile


def _waivers(path: str | None, ruleset: Ruleset, profile: str, day: date) -> tuple[Waiver, ...]:
    if path is None and not os.path.lexists(WAIVERS):
        return ()
    return load_waivers(path or WAIVERS, ruleset, catalogue(), profile=profile, as_of=day)


def _begin(ledger: str, builds: tuple[str, ...], terms: Terms, waivers: str | None) -> Record:
    """Write into the ledger by what these builds are judged, before one is read."""
    path = waivers or (WAIVERS if os.path.lexists(WAIVERS) else "")
    if any(is_same(Path(ledger), Path(other)) for other in (*builds, path) if other):
        raise click.BadParameter(f"{ledger!r} is read here", param_hint="--ledger")
    ruleset = terms.ruleset
    policy = Policy(
        name=ruleset.name,
        version=ruleset.version,
        sha256=ruleset.sha256,
        profile=terms.profile,
        as_of=terms.as_of.isoformat(),
        waivers=sha256(read_file(path)).hexdigest() if path else "",
    )
    try:
        record = begin(Path(ledger), builds, policy, terms.limits)
    except LedgerError as error:
        raise click.ClickException(f"ledger {error}; nothing was scanned") from error
    _tell_torn(record.path, record.begun)
    return record


def _finish(
    record: Record, document: Document, outputs: tuple[Output, ...], *, quiet: bool
) -> None:
    """Write the verdicts into the ledger, and tell the hash of that line."""
    try:
        written = record.finish(document)
    except LedgerError as error:
        clear(outputs, inputs=())  # no report is left that tells of a verdict
        raise click.ClickException(f"ledger {error}; there is no verdict") from error
    _tell_torn(record.path, written)
    if not quiet:
        place = f"{terminal(str(record.path), 1000)}:{written.line}"
        click.echo(f"ledger {place}: {written.digest}", err=True)


def _tell_torn(path: Path, written: Written) -> None:
    if written.after_torn:
        place = f"{terminal(str(path), 1000)}:{written.line - 1}"
        click.echo(f"gate: ledger {place}: torn by a process that died; it is kept", err=True)


def _progress(total: int, quiet: bool) -> AbstractContextManager[Any]:
    return click.progressbar(
        length=total,
        label="Checking",
        file=sys.stderr,
        hidden=quiet or not sys.stderr.isatty(),
    )


def _steps(bar: Any) -> Progress:
    """Turn each build's own count into steps of the one bar."""
    seen: dict[str, int] = {}

    def step(path: str, done: int, total: int) -> None:
        bar.update(done - seen.get(path, 0))
        seen[path] = done

    return step
