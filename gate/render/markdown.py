"""The summary of a CI run, in Markdown as GitHub renders it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from gate.app import Location
from gate.check import Confidence, Outcome
from gate.decide import Decision, Standing, State
from gate.policy import Action
from gate.render.escape import code_cell, code_span, markdown_text
from gate.render.points import ACTIONS, Point, by_key, key_of, points, without_evidence
from gate.render.wording import place, sentence
from gate.report import Document, Report

# A step's summary of more than 1 MiB is refused whole (docs.github.com, job summaries).
MOST_BYTES = 900 * 1024

_VERDICT = {
    Decision.PASS: "Passes",
    Decision.BLOCK: "Blocked",
    Decision.UNDECIDED: "No verdict",
}
_FAILING_COLUMNS = ("Control", "Title", "Action", "Check", "Subject", "Message")
_WAIVED_COLUMNS = ("Check", "Subject", "Control", "Reason", "Measure", "Approved by", "Expires")
_DOES = {Action.BLOCK: "blocks", Action.WARN: "warns", Action.NOTE: "is noted"}

Row = Sequence[str]


class Page:
    """A page that never outgrows its limit: what does not fit is counted, row by row."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        # Kept back for headings and for the lines that say how much is missing.
        self._room = MOST_BYTES - 64 * 1024

    def say(self, text: str) -> None:
        """A paragraph or a heading."""
        self._take(f"{text}\n\n")

    def table(self, heading: str, columns: Row, rows: Iterable[Row], *, fold: bool = False) -> None:
        """A headed table, folded away or not; nothing where there are no rows.

        It takes at most half of the room that is left, so that what follows has some too.
        """
        lines = [f"| {' | '.join(row)} |\n" for row in rows]
        if not lines:
            return
        head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
        shown = self._fitting(lines, self._room // 2)
        more = len(lines) - len(shown)
        rest = f"\n{more} more rows; the report has them all.\n" if more else ""
        table = f"{head}{''.join(shown)}{rest}"
        title = f"{heading} ({len(lines)})"
        if fold:
            self._take(f"<details><summary>{title}</summary>\n\n{table}\n</details>\n\n")
        else:
            self._take(f"### {title}\n\n{table}\n")

    def text(self) -> str:
        """The page as it stands."""
        return "".join(self._parts)

    @property
    def full(self) -> bool:
        """Whether there is no room for another build."""
        return self._room < MOST_BYTES // 100

    def _take(self, text: str) -> None:
        self._room -= len(text.encode())
        self._parts.append(text)

    @staticmethod
    def _fitting(lines: list[str], room: int) -> list[str]:
        for number, line in enumerate(lines):
            room -= len(line.encode())
            if room < 0:
                return lines[:number]
        return lines


def summary(scan: Document) -> str:
    """Each build's verdict and everything behind it."""
    page = Page()
    for number, report in enumerate(scan.reports):
        if page.full:
            page.say(f"{len(scan.reports) - number} more builds; the report has them all.")
            break
        _report(page, report)
    return page.text()


def _report(page: Page, report: Report) -> None:
    every = points(report)
    page.say(_title(report))
    page.say("\n".join(_identity(report)))
    page.say("\n".join(f"- {markdown_text(each)}" for each in report.verdict.reasons[:50]))
    page.table("Controls that fail", _FAILING_COLUMNS, _failing(report, every))
    page.table("Waived", _WAIVED_COLUMNS, _waived(every))
    page.table("What could not be read", ("Part", "Reason"), _unread(report))
    page.table("Waivers that do nothing", ("For", "State", "Ticket"), _idle_waivers(report))
    hand = ("Control", "Title", "Evidence")
    page.table("Controls for a person", hand, _by_hand(report), fold=True)
    read = ("Reader", "Unit", "Declared", "Read")
    page.table("What was read", read, _coverage(report), fold=True)


def _title(report: Report) -> str:
    app = report.app
    name = code_span(app.id) if app else code_span(report.build.path)
    version = f" {markdown_text(app.version, 60)} ({app.platform})" if app else ""
    return f"## {_VERDICT[report.verdict.decision]}: {name}{version}"


def _identity(report: Report) -> Iterator[str]:
    policy, build = report.policy, report.build
    yield f"Build {code_span(build.path)}, SHA-256 {code_span(build.sha256 or 'unknown')}.  "
    yield (
        f"Judged by {markdown_text(policy.title.en)} ({code_span(policy.name)} "
        f"{markdown_text(policy.version)}), profile {code_span(policy.profile)}, "
        f"as of {policy.as_of}."
    )


def _failing(report: Report, every: tuple[Point, ...]) -> Iterator[Row]:
    found = by_key(every)
    rows: list[tuple[Action, Row]] = []
    for standing in report.verdict.standings:
        for judged in dict.fromkeys(standing.judged):
            if judged.waiver is None and judged.action is not Action.NOT_APPLIED:
                rows += [
                    (judged.action, _failing_row(standing, judged.action, point))
                    for point in found[key_of(judged)]
                ]
    for standing in without_evidence(report):
        rows.append((standing.action, _evidence_row(standing)))
    return (row for _, row in sorted(rows, key=lambda pair: ACTIONS.index(pair[0])))


def _failing_row(standing: Standing, action: Action, point: Point) -> Row:
    return (
        code_cell(standing.control.id),
        markdown_text(standing.control.title.en),
        _DOES[action],
        code_cell(point.card.id),
        code_cell(point.subject) or "the whole check",
        _message(point),
    )


def _evidence_row(standing: Standing) -> Row:
    control = standing.control
    wanted = markdown_text("; ".join(control.evidence))
    title, does = markdown_text(control.title.en), _DOES[standing.action]
    return code_cell(control.id), title, does, "by hand", "evidence", f"None was given: {wanted}"


def _message(point: Point) -> str:
    said = sentence(markdown_text(point.message))
    doubt = " Confidence is low." if point.confidence is Confidence.LOW else ""
    more = f" and {len(point.also)} more" if point.also else ""
    where = f" In {code_cell(place(point.at))}{more}." if point.at != Location() else ""
    whose = f" In third-party code: {code_cell(point.component)}." if point.component else ""
    return f"{said}{whose}{doubt}{where}"


def _waived(every: tuple[Point, ...]) -> Iterator[Row]:
    for point in every:
        for count in point.counts:
            if count.waiver is not None:
                yield (
                    code_cell(point.card.id),
                    code_cell(point.subject) or "the whole check",
                    code_cell(count.control.id),
                    markdown_text(f"{count.waiver.reason} ({count.waiver.ticket})"),
                    markdown_text(count.waiver.compensating_measure),
                    markdown_text(", ".join(count.waiver.approved_by)),
                    count.waiver.expires.isoformat(),
                )


def _unread(report: Report) -> Iterator[Row]:
    if report.refused:
        yield "the build", markdown_text(report.refused)
    for gap in report.gaps:
        yield code_cell(gap.part), markdown_text(gap.reason)
    for result in report.results:
        if result.outcome is Outcome.UNDECIDED:
            yield f"check {code_cell(result.check)}", markdown_text(result.why)


def _idle_waivers(report: Report) -> Iterator[Row]:
    for use in report.verdict.waivers:
        if use.state in ("expired", "unused"):
            waiver = use.waiver
            day = f" on {waiver.expires.isoformat()}" if use.state == "expired" else ""
            about = f"{code_cell(waiver.control or waiver.check)}, {code_cell(waiver.subject)}"
            yield about, f"{use.state}{day}", markdown_text(waiver.ticket)


def _by_hand(report: Report) -> Iterator[Row]:
    for standing in report.verdict.standings:
        if standing.state is State.BY_HAND:
            control = standing.control
            evidence = markdown_text("; ".join(control.evidence)) or "not named"
            yield code_cell(control.id), markdown_text(control.title.en), evidence


def _coverage(report: Report) -> Iterator[Row]:
    for each in report.coverage:
        yield markdown_text(each.reader), each.unit, str(each.declared), str(each.read)


FORMATS: dict[str, Callable[[Document], str]] = {"markdown": summary}
