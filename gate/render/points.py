"""The points of a report: each thing a check said, once, with every control it counts for."""

from collections.abc import Iterator, Sequence
from itertools import chain

from gate.app import Location
from gate.app.code import FIRST_PARTY
from gate.check import CheckCard, Confidence, Finding, Outcome, Result, Severity, Unresolved
from gate.decide import Judged, Standing, State
from gate.frozen import dataclass
from gate.policy import Action, Control, Waiver
from gate.report import Report

ACTIONS = tuple(Action)
SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Count:
    """What one control makes of a point; `waiver` is None where it is open."""

    control: Control
    action: Action
    waiver: Waiver | None


@dataclass(frozen=True, slots=True)
class Point:
    """A finding, an unresolved place or an undecided check; `kind` says which, as in `Judged`.

    `message` is the finding's message, or why there is no answer; `counts` names the controls that
    apply, in the ruleset's order; `flow` are the places before `at` that a value came through.
    """

    kind: str
    card: CheckCard
    subject: str
    message: str
    at: Location
    also: tuple[Location, ...]
    origin: str
    confidence: Confidence
    counts: tuple[Count, ...]
    flow: tuple[Location, ...] = ()

    @property
    def component(self) -> str:
        """The third-party component that it lies in, '' for the app's own code."""
        return "" if self.origin == FIRST_PARTY else self.origin

    @property
    def action(self) -> Action:
        """The hardest action of a control that it is open for."""
        return _hardest([each for each in self.counts if each.waiver is None])

    @property
    def hardest(self) -> Action:
        """The same, were nothing waived."""
        return _hardest(self.counts)

    @property
    def waived(self) -> bool:
        """Whether it counts, and every control that it counts for has it waived."""
        return bool(self.counts) and all(each.waiver is not None for each in self.counts)

    @property
    def open(self) -> bool:
        """Whether some control that applies still has it against the build."""
        return self.action is not Action.NOT_APPLIED

    @property
    def order(self) -> tuple[int, int, str, str, str]:
        """The sort key: hardest action first, then severity, then by name."""
        severity = SEVERITIES.index(Severity(self.card.severity))
        return ACTIONS.index(self.action), severity, self.card.id, self.subject, self.kind


Key = tuple[str, str, str]

_NOTHING = Finding("", "The check left no answer", Location())


def _hardest(counts: Sequence[Count]) -> Action:
    return ACTIONS[min((ACTIONS.index(each.action) for each in counts), default=-1)]


def points(report: Report) -> tuple[Point, ...]:
    """Every point of a report, the hardest first."""
    counts = _counts(report)
    cards = {card.id: card for card in report.checks}
    every = (_points(result, cards[result.check], counts) for result in report.results)
    found = list(chain.from_iterable(every))
    # A check without a result, or one that says found and shows nothing, counts as undecided.
    silent = counts.keys() - by_key(found).keys()
    found += [_point(kind, cards[check], _NOTHING, counts) for kind, check, _ in silent]
    return tuple(sorted(found, key=lambda point: point.order))


def without_evidence(report: Report) -> tuple[Standing, ...]:
    """The controls for a person that fail because the policy wants evidence and there is none."""
    return tuple(
        each for each in report.verdict.standings if each.state is State.FAILS and not each.judged
    )


def by_key(every: Sequence[Point]) -> dict[Key, list[Point]]:
    """The points that a `Judged` may mean, by what `key_of` says of it."""
    found: dict[Key, list[Point]] = {}
    for each in every:
        found.setdefault((each.kind, each.card.id, each.subject), []).append(each)
    return found


def key_of(judged: Judged) -> Key:
    """What finds a judged thing among the points."""
    return judged.kind, judged.check, judged.subject


def _counts(report: Report) -> dict[Key, tuple[Count, ...]]:
    waivers = report.verdict.waivers
    found: dict[Key, dict[str, Count]] = {}
    for standing in report.verdict.standings:
        for each in standing.judged:
            if each.action is not Action.NOT_APPLIED:
                waiver = None if each.waiver is None else waivers[each.waiver].waiver
                count = Count(standing.control, each.action, waiver)
                found.setdefault(key_of(each), {}).setdefault(standing.control.id, count)
    return {key: tuple(each.values()) for key, each in found.items()}


def _points(
    result: Result, card: CheckCard, counts: dict[Key, tuple[Count, ...]]
) -> Iterator[Point]:
    if result.outcome is Outcome.UNDECIDED:
        said = Finding("", result.why, Location())
        yield _point("undecided", card, said, counts)
    for finding in result.findings:
        yield _point("finding", card, finding, counts)
    for place in result.unresolved:
        yield _point("unresolved", card, _said(place), counts)


def _said(place: Unresolved) -> Finding:
    return Finding(place.subject, place.reason, place.at)


def _point(
    kind: str, card: CheckCard, said: Finding, counts: dict[Key, tuple[Count, ...]]
) -> Point:
    return Point(
        kind=kind,
        card=card,
        subject=said.subject,
        message=said.message,
        at=said.at,
        also=said.also,
        origin=said.origin,
        confidence=said.confidence,
        counts=counts.get((kind, card.id, said.subject), ()),
        flow=said.flow,
    )
