"""The report for a person at a terminal: the verdict first, then why, then what to do."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from gate.app import Location
from gate.check import Confidence
from gate.decide import Decision, Standing, State
from gate.policy import Action
from gate.render.escape import PROSE
from gate.render.points import ACTIONS, Point, by_key, key_of, points, without_evidence
from gate.render.sheet import Sheet
from gate.render.wording import count, first_sentence, place, sentence
from gate.report import Document, Report

PLAIN_WIDTH = 100
MOST_OF_A_CHECK = 20
MOST_LINES = 30

_VERDICT = {
    Decision.PASS: ("PASSES", "bold green"),
    Decision.BLOCK: ("BLOCKED", "bold red"),
    Decision.UNDECIDED: ("NO VERDICT", "bold magenta"),
}
_TOTAL = {
    Decision.PASS: "passing",
    Decision.BLOCK: "blocked",
    Decision.UNDECIDED: "without a verdict",
}
_STYLE = {Action.BLOCK: "red", Action.WARN: "yellow", Action.NOTE: "cyan"}
_HEADING = {
    Action.BLOCK: "Blocks the release",
    Action.WARN: "Warns",
    Action.NOTE: "Is noted",
}
_DOES = {Action.BLOCK: "blocks", Action.WARN: "only warns", Action.NOTE: "is only noted"}
_NEXT = {
    Decision.PASS: "No check stands in the way; the rest is for people, as listed above.",
    Decision.BLOCK: "Fix what blocks, build again and scan again.",
    Decision.UNDECIDED: "See to it that what could not be looked at can be, and scan again.",
}


def render_text(scan: Document, *, width: int, color: bool, unicode: bool) -> str:
    """The report in lines of `width` cells, with ANSI colours and beyond ASCII only if asked."""
    sheet = Sheet(width, color=color, unicode=unicode)
    for number, report in enumerate(scan.reports):
        if number:
            sheet.gap()
        _report(sheet, report)
    if len(scan.reports) > 1:
        _total(sheet, scan.reports)
    return sheet.text()


def plain(scan: Document) -> str:
    """The same for a file."""
    return render_text(scan, width=PLAIN_WIDTH, color=False, unicode=True)


def _report(sheet: Sheet, report: Report) -> None:
    every = points(report)
    _verdict(sheet, report)
    _identity(sheet, report)
    failing = _failing(report)
    for action in ACTIONS:
        if standings := [each for each in failing if _hardest(each) is action]:
            _controls(sheet, action, standings, every)
    _waived(sheet, every)
    _unread(sheet, report, every)
    _left_to_people(sheet, report)
    _next(sheet, report, failing)


def _verdict(sheet: Sheet, report: Report) -> None:
    word, style = _VERDICT[report.verdict.decision]
    app = report.app
    name = f"{app.id} {app.version}" if app else report.build.path
    sheet.say("", (word, style), "  ", (sheet.shown(name), "bold"), rest=f"  {sheet.bar}")
    for reason in report.verdict.reasons:
        sheet.say("  - ", sheet.shown(reason, PROSE))


def _identity(sheet: Sheet, report: Report) -> None:
    policy, app = report.policy, report.app
    sheet.gap()
    if app:
        said = f"{app.name or app.id}, version {app.version} ({app.build_number}), {app.platform}"
        sheet.say("  app      ", sheet.shown(said))
    sheet.say("  build    ", sheet.shown(report.build.path))
    sheet.say("  sha256   ", report.build.sha256 or "unknown")
    sheet.say(
        "  ruleset  ",
        f"{policy.name} {policy.version}, profile {policy.profile}, as of {policy.as_of}",
    )


def _failing(report: Report) -> list[Standing]:
    """The controls with something open, in the ruleset's order."""
    missing = without_evidence(report)
    return [each for each in report.verdict.standings if _open(each) or each in missing]


def _open(standing: Standing) -> list[tuple[Action, tuple[str, str, str]]]:
    """What is open for a control: the action and the key of its points, each once."""
    found = (
        (each.action, key_of(each))
        for each in standing.judged
        if each.waiver is None and each.action is not Action.NOT_APPLIED
    )
    return list(dict.fromkeys(found))


def _hardest(standing: Standing) -> Action:
    actions = [action for action, _ in _open(standing)] or [standing.action]
    return min(actions, key=ACTIONS.index)


def _controls(
    sheet: Sheet, action: Action, standings: Sequence[Standing], every: Sequence[Point]
) -> None:
    found = by_key(every)
    told: dict[tuple[str, ...], str] = {}
    sheet.head(_HEADING[action], _STYLE[action])
    for number, standing in enumerate(standings):
        if number and action is not Action.NOTE:
            sheet.gap()
        entries = [(does, point) for does, key in _open(standing) for point in found[key]]
        if action is Action.NOTE:
            for _, point in entries[:MOST_OF_A_CHECK]:
                sheet.say_short(f"  {standing.control.id}  ", _said(sheet, point))
            _more(sheet, "  ", len(entries) - MOST_OF_A_CHECK)
        else:
            _control(sheet, action, standing, entries, told)


def _control(
    sheet: Sheet,
    action: Action,
    standing: Standing,
    entries: list[tuple[Action, Point]],
    told: dict[tuple[str, ...], str],
) -> None:
    """One control; what was `told` under an earlier one is only pointed to."""
    control, bar = standing.control, f"  {sheet.bar}"
    sheet.say("  ", (control.id, f"bold {_STYLE[action]}"), f"  {control.title.en}", rest="    ")
    fails = "fails" if standing.state is State.FAILS else "is undecided on"
    sheet.say(bar, f"{fails} control {control.id} of the firm's own measures", rest=bar)
    if not entries:
        wanted = "; ".join(control.evidence)
        sheet.say(bar, f"no evidence was given of: {wanted}", rest=f"{bar}  ")
    for check, group in groupby(entries, key=lambda entry: entry[1].card.id):
        listed = list(group)
        sheet.say(bar, (check, "bold"), f": {listed[0][1].card.doc.title}", rest=f"{bar}  ")
        first = told.setdefault((check, *(point.subject for _, point in listed)), control.id)
        if first != control.id:
            sheet.say(f"{bar}  - ", f"{count(len(listed), 'finding')} as under {first}")
            continue
        for does, point in listed[:MOST_OF_A_CHECK]:
            _point(sheet, point, "" if does is action else f" ({_DOES[does]})")
        _more(sheet, f"{bar}  ", len(listed) - MOST_OF_A_CHECK)
        if any(point.kind == "finding" for _, point in listed):
            advice = first_sentence(listed[0][1].card.doc.fix_by)
            sheet.say(f"{bar}  fix by ", advice, rest=f"{bar}    ")


def _point(sheet: Sheet, point: Point, aside: str) -> None:
    bar = f"  {sheet.bar}"
    sheet.say(f"{bar}  - ", _said(sheet, point), aside, rest=f"{bar}    ")
    more = f", and {len(point.also)} more" if point.also else ""
    if point.at != Location():
        where = sheet.shown(place(point.at))
        sheet.say(f"{bar}    in ", (where, "dim"), more, rest=f"{bar}    ")


def _said(sheet: Sheet, point: Point) -> str:
    about = f"{sheet.shown(point.subject)}: " if point.subject else ""
    doubt = " (low confidence)" if point.confidence is Confidence.LOW else ""
    kind = "" if point.kind == "finding" else f"{point.kind}: "
    whose = f" (in {sheet.shown(point.component)})" if point.component else ""
    return f"{kind}{about}{sentence(sheet.shown(point.message, PROSE))}{whose}{doubt}"


def _waived(sheet: Sheet, every: Sequence[Point]) -> None:
    entries = [(point, each) for point in every for each in point.counts if each.waiver]
    if not entries:
        return
    sheet.head("Waived")
    for point, each in entries[:MOST_LINES]:
        about = sheet.shown(point.subject) or "no certain answer"
        sheet.say(f"  {each.control.id}  {point.card.id}: ", about)
        if each.waiver is not None:
            until, bar = each.waiver.expires.isoformat(), f"    {sheet.bar}"
            why = f"{each.waiver.reason} ({each.waiver.ticket})"
            people = f"{each.waiver.requested_by}; {', '.join(each.waiver.approved_by)}"
            sheet.say(f"    until {until}: ", sheet.shown(why, PROSE), rest=bar)
            sheet.say("    instead: ", sheet.shown(each.waiver.compensating_measure), rest=bar)
            sheet.say("    requested and approved by: ", sheet.shown(people, PROSE), rest=bar)
    _more(sheet, "  ", len(entries) - MOST_LINES)


def _unread(sheet: Sheet, report: Report, every: Sequence[Point]) -> None:
    lines = [("build", report.refused)] if report.refused else []
    lines += [(f"check {each.card.id}", each.message) for each in every if each.kind == "undecided"]
    lines += [("part", f"{gap.part}: {gap.reason}") for gap in report.gaps]
    lines += [
        ("reader", f"{each.reader} read {each.read} of {each.declared} {each.unit}")
        for each in report.coverage
        if each.read < each.declared
    ]
    lines += [("limit", each) for each in report.isolation if each.startswith("not in force")]
    if lines:
        sheet.head("Could not be looked at")
    for lead, said in lines[:MOST_LINES]:
        sheet.say(f"  {lead}: ", sheet.shown(said, PROSE), rest=f"  {sheet.bar}")
    _more(sheet, "  ", len(lines) - MOST_LINES)


def _left_to_people(sheet: Sheet, report: Report) -> None:
    named = (
        (State.BY_HAND, "for a person, who brings evidence"),
        (State.NOT_JUDGED, "that no check judges"),
    )
    listed = [
        (words, [each.control.id for each in report.verdict.standings if each.state is state])
        for state, words in named
    ]
    if not any(ids for _, ids in listed):
        return
    sheet.head("Left to people")
    for words, ids in listed:
        if ids:
            sheet.say("  ", f"{count(len(ids), 'control')} {words}: {', '.join(ids)}", rest="    ")
    sheet.say("  ", "`gate explain ID` says what each of them asks for.", rest="    ")


def _next(sheet: Sheet, report: Report, failing: Sequence[Standing]) -> None:
    sheet.head("What to do next")
    sheet.say("  ", _NEXT[report.verdict.decision], rest="    ")
    if failing:
        example = failing[0].control.id
        words = f"`gate explain {example}` says what a control asks for and who may waive it."
        sheet.say("  ", words, rest="    ")
    for use in report.verdict.waivers:
        if use.state in ("expired", "unused"):
            waiver = use.waiver
            about = f"{waiver.control or waiver.check}, {waiver.subject}, {waiver.ticket}"
            words = "Renew or remove" if use.state == "expired" else "Remove"
            sheet.say(
                f"  {words} the {use.state} waiver: ", sheet.shown(about), rest=f"  {sheet.bar}"
            )


def _total(sheet: Sheet, reports: Sequence[Report]) -> None:
    decisions = Counter(each.verdict.decision for each in reports)
    counts = (f"{decisions[each]} {_TOTAL[each]}" for each in Decision if decisions[each])
    sheet.gap()
    sheet.say("", f"{len(reports)} builds: {', '.join(counts)}", rest="  ")


def _more(sheet: Sheet, lead: str, more: int) -> None:
    if more > 0:
        sheet.say(f"{lead}and {more} more; the JSON report has them all", rest=lead)


FORMATS: dict[str, Callable[[Document], str]] = {"text": plain}
