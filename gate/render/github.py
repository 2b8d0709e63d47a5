"""Annotations of a GitHub workflow run: one command a line, as the runner reads them from a log."""

from collections import Counter
from collections.abc import Callable

from gate.app import Location
from gate.check import Confidence
from gate.decide import Decision, Standing
from gate.frozen import dataclass
from gate.policy import Action
from gate.render.escape import NAME, command_data, command_property, visible
from gate.render.place import within_checkout
from gate.render.points import Point, points, without_evidence
from gate.render.wording import place, sentence
from gate.report import Document, Report

# The runner keeps ten annotations of each level a step (actions/toolkit, issue 734).
MOST = 10

_LEVEL = {Action.BLOCK: "error", Action.WARN: "warning", Action.NOTE: "notice"}
_VERDICT = {
    Decision.PASS: ("notice", "The release may go on"),
    Decision.BLOCK: ("error", "The release is blocked"),
    Decision.UNDECIDED: ("error", "There is no verdict"),
}


@dataclass(frozen=True, slots=True)
class _Command:
    """One annotation, escaped."""

    level: str
    properties: str
    message: str


def annotations(scan: Document) -> str:
    """The verdicts, then what is open, the hardest first; at most ten a level.

    The last of a level says how many more there are.
    """
    every = [_verdict(report) for report in scan.reports]
    every += [_of_point(report, point) for report, point in _open(scan)]
    every += [_missing(each) for report in scan.reports for each in without_evidence(report)]
    every += [_waived(report, point) for report in scan.reports for point in _rested(report)]
    said: Counter[str] = Counter()
    more = {level: number - MOST for level, number in Counter(e.level for e in every).items()}
    lines = []
    for each in every:
        said[each.level] += 1
        if said[each.level] <= MOST:
            last = said[each.level] == MOST and more[each.level] > 0
            rest = f" +{more[each.level]} more; the report has them all." if last else ""
            lines.append(f"::{each.level} {each.properties}::{each.message}{rest}\n")
    return "".join(lines)


def _open(scan: Document) -> list[tuple[Report, Point]]:
    found = [(report, point) for report in scan.reports for point in points(report) if point.open]
    return sorted(found, key=lambda pair: pair[1].order[:2])


def _verdict(report: Report) -> _Command:
    app, policy = report.app, report.policy
    level, title = _VERDICT[report.verdict.decision]
    name = f"{visible(app.id)} {visible(app.version)}" if app else visible(report.build.path)
    by = f"by {policy.name} {policy.version}, profile {policy.profile}"
    said = f"{name}, {by}: {'; '.join(report.verdict.reasons)}"
    return _Command(level, f"title={command_property(title)}", command_data(said))


def _of_point(report: Report, point: Point) -> _Command:
    controls = ", ".join(each.control.id for each in point.counts if each.waiver is None)
    properties = f"title={command_property(f'{point.card.doc.title} ({controls})')}"
    if path := within_checkout(report.build):
        properties += f",file={command_property(path, max(NAME, len(path)))}"
    return _Command(_LEVEL[point.action], properties, command_data(_message(report, point)))


def _message(report: Report, point: Point) -> str:
    about = f"{visible(point.subject)}: " if point.subject else ""
    said = sentence(visible(point.message, 600))
    doubt = " Confidence is low." if point.confidence is Confidence.LOW else ""
    where = f" In {visible(place(point.at))}." if point.at != Location() else ""
    app = f" ({visible(report.app.id)} {visible(report.app.version)})" if report.app else ""
    return f"{point.card.id}: {about}{said}{doubt}{where}{app}"


def _rested(report: Report) -> list[Point]:
    """What a waiver stands for under every control it counts for."""
    return [point for point in points(report) if point.counts and not point.open]


def _waived(report: Report, point: Point) -> _Command:
    waivers = [each.waiver for each in point.counts if each.waiver is not None]
    until = f" Waived until {waivers[0].expires} ({visible(waivers[0].ticket)})." if waivers else ""
    title = command_property(f"Waived: {point.card.doc.title}")
    return _Command("notice", f"title={title}", command_data(_message(report, point) + until))


def _missing(standing: Standing) -> _Command:
    wanted = "; ".join(standing.control.evidence)
    title = command_property(standing.control.title.en)
    said = command_data(f"{standing.control.id}: no evidence was given of: {wanted}")
    return _Command(_LEVEL[standing.action], f"title={title}", said)


FORMATS: dict[str, Callable[[Document], str]] = {"github": annotations}
