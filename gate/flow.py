"""The story of a scan: open, read, check, decide, report."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from gate import worker
from gate.catalogue import catalogue
from gate.decide import decide, refused
from gate.frozen import dataclass
from gate.isolation import Limits
from gate.policy import Ruleset, Waiver
from gate.report import Document, Policy, Report, document

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What builds are judged by: the policy, the day it is read for, and the worker's limits."""

    ruleset: Ruleset
    waivers: tuple[Waiver, ...]
    profile: str
    as_of: date
    limits: Limits = Limits()


def judge(path: str, terms: Terms, progress: Progress) -> Report:
    """One build's report."""
    build, answer = worker.examine(
        path,
        terms.ruleset.checks,
        terms.as_of.isoformat(),
        terms.limits,
        lambda done, total: progress(path, done, total),
    )
    if answer.app is None:
        verdict = refused(terms.ruleset, terms.profile, answer.refused)
    else:
        verdict = decide(
            answer.results,
            terms.ruleset,
            terms.waivers,
            profile=terms.profile,
            app_id=answer.app.id,
            platform=answer.app.platform,
            as_of=terms.as_of,
            asks_about=catalogue().platforms,
        )
    return Report(
        build=build,
        app=answer.app,
        refused=answer.refused,
        policy=_policy(terms),
        checks=answer.checks,
        results=answer.results,
        coverage=answer.coverage,
        gaps=answer.gaps,
        isolation=answer.isolation,
        verdict=verdict,
    )


def scan(paths: Sequence[str], terms: Terms, progress: Progress, jobs: int = 1) -> Document:
    """Every build's report, in the order given; `jobs` workers run at the same time."""
    if jobs == 1:
        return document(tuple(judge(path, terms, progress) for path in paths), created())
    from concurrent.futures import ThreadPoolExecutor  # late: most scans are of one build

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            reports = tuple(pool.map(lambda path: judge(path, terms, progress), paths))
        except KeyboardInterrupt:
            worker.stop()  # or leaving the pool would wait for those that run
            raise
    return document(reports, created())


def created() -> str:
    """The time of the scan in UTC; SOURCE_DATE_EPOCH stands in where it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    set_by_caller = epoch.isdecimal() and len(epoch) <= 11  # up to the year 5138
    now = datetime.fromtimestamp(int(epoch), UTC) if set_by_caller else datetime.now(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _policy(terms: Terms) -> Policy:
    profile = next(each for each in terms.ruleset.profiles if each.name == terms.profile)
    return Policy(
        name=terms.ruleset.name,
        version=terms.ruleset.version,
        title=terms.ruleset.title,
        profile=profile.name,
        profile_title=profile.title,
        sha256=terms.ruleset.sha256,
        as_of=terms.as_of.isoformat(),
    )
