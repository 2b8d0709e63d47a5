"""SARIF 2.1.0, as GitHub takes it (`sarif`) and as an archive keeps it (`sarif-full`).

GitHub shows every result as an open alert, whatever its kind or suppression says; the first holds
nothing but what is open, therefore. The second holds everything: waived, passed, not applicable,
undecided, unresolved and what no control of the profile asks for.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from posixpath import basename
from typing import Any

from gate.decide import Decision
from gate.render.escape import uri_path
from gate.render.place import anchor
from gate.render.points import Point, points
from gate.render.sarif_log import om, sarif_log, to_text
from gate.render.sarif_places import ROOT
from gate.render.sarif_results import Results
from gate.render.sarif_rules import rules, taxonomies
from gate.render.sarif_run import descriptors, invocation, run_properties
from gate.report import Document, Report

# GitHub's limits (docs.github.com, SARIF support for code scanning): of the results of a run it
# keeps the 5,000 most severe, and it refuses a file of more than 20 runs or 10 MB when zipped.
MOST_RESULTS = 5_000
MOST_RUNS = 20
MOST_BYTES = 10_000_000

INFORMATION = "https://github.com/mobile-release-gate/mobile-release-gate"
_PLATFORM = {
    "apk": "android",
    "aab": "android",
    "apks": "android",
    "ipa": "ios",
    "app-folder": "ios",
}
_BY_HARDNESS = (Decision.BLOCK, Decision.UNDECIDED, Decision.PASS)


def for_github(scan: Document, most_bytes: int = MOST_BYTES) -> str:
    """What is open, within GitHub's limits; what had to be left out is said in a notification."""
    most = MOST_RESULTS
    while True:
        text = _github(scan, most)
        if most == 0 or len(gzip.compress(text.encode(), 6, mtime=0)) <= most_bytes:
            return text
        most //= 2


def full(scan: Document) -> str:
    """Everything there is to say about every build."""
    names = categories(scan.reports)
    runs = []
    for report, category in zip(scan.reports, names, strict=True):
        every = points(report)
        results = Results(report)
        results.add_points(every)
        results.add_answers(report)
        runs.append(_run(scan, report, category, results, every, []))
    return to_text(sarif_log(runs))


FORMATS: dict[str, Callable[[Document], str]] = {"sarif": for_github, "sarif-full": full}


def _github(scan: Document, most: int) -> str:
    names = categories(scan.reports)
    hardest = sorted(range(len(names)), key=lambda index: _hardness(scan.reports[index]))
    kept = sorted(hardest[:MOST_RUNS])
    lacking = []
    if (more := len(names) - len(kept)) > 0:
        lacking = [f"{more} more builds are left out of this file, those that pass first."]
    runs = [_open_run(scan, scan.reports[each], names[each], most, lacking) for each in kept]
    return to_text(sarif_log(runs))


def _hardness(report: Report) -> int:
    return _BY_HARDNESS.index(report.verdict.decision)


def _open_run(scan: Document, report: Report, name: str, most: int, lacking: list[str]) -> Any:
    every = points(report)
    found = [each for each in every if each.kind == "finding" and each.open]
    results = Results(report)
    results.add_points(found[:most])
    if (more := len(found) - most) > 0:
        lacking = [*lacking, f"{more} more results, the less severe, are left out of this file."]
    return _run(scan, report, name, results, every, lacking)


def _run(
    scan: Document,
    report: Report,
    category: str,
    results: Results,
    every: Sequence[Point],
    lacking: list[str],
) -> Any:
    if not report.app:
        results.add_refusal(report)
    return om.Run(
        tool=om.Tool(driver=_driver(scan, report)),
        automation_details=om.RunAutomationDetails(id=category),
        invocations=[invocation(scan, report, every, lacking)],
        taxonomies=taxonomies(report),
        original_uri_base_ids={
            ROOT: om.ArtifactLocation(
                description=om.Message(text="The root of the checked-out repository.")
            )
        },
        artifacts=results.artifacts.listed,
        column_kind="utf16CodeUnits",
        results=results.listed,
        properties=run_properties(report),
    )


def _driver(scan: Document, report: Report) -> Any:
    names = ("CWE", "MASVS", report.policy.name)
    return om.ToolComponent(
        name=scan.tool,
        full_name=f"{scan.tool} {scan.version}",
        version=scan.version,
        semantic_version=scan.version,
        information_uri=INFORMATION,
        rules=rules(report),
        notifications=descriptors(),
        supported_taxonomies=[
            om.ToolComponentReference(name=name, index=index) for index, name in enumerate(names)
        ],
    )


def categories(reports: Sequence[Report]) -> list[str]:
    """What GitHub tells the builds apart by, one each: tool, platform and app.

    Builds of the same app have their file's name as well, and a number where that is not enough,
    since GitHub refuses a file with two runs of one category.
    """
    plain = [_category(report) for report in reports]
    shared = Counter(plain)
    named = [
        name if shared[name] == 1 else f"{name}{uri_path(basename(anchor(report.build)))}/"
        for name, report in zip(plain, reports, strict=True)
    ]
    taken: Counter[str] = Counter()
    distinct = []
    for name in named:
        taken[name] += 1
        distinct.append(name if taken[name] == 1 else f"{name}{taken[name]}/")
    return distinct


def _category(report: Report) -> str:
    app, build = report.app, report.build
    platform = app.platform if app else _PLATFORM.get(build.kind, "unknown")
    name = app.id if app else basename(anchor(build))
    return f"mobile-release-gate/{platform}/{uri_path(name or 'unnamed').replace('/', '%2F')}/"
