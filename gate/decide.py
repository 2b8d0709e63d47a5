"""Results and policy to a verdict, without touching the world.

Every control is judged, whatever became of the others. What could not be told is never a pass.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase

from gate.app.code import FIRST_PARTY
from gate.check import Confidence, Finding, Outcome, Result
from gate.frozen import dataclass
from gate.policy import Action, Control, Rules, Ruleset, Waiver

SOFTER = {Action.BLOCK: Action.WARN, Action.WARN: Action.NOTE}
UNDECIDED_SUBJECT = "undecided"
NAMED = 12  # how many names a reason lists before it only counts


class Decision(StrEnum):
    """The verdict on a build."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    BLOCK = "block"
    UNDECIDED = "undecided"


class State(StrEnum):
    """How one control stands."""

    PASSES = "passes"
    FAILS = "fails"
    WAIVED = "waived"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not-applicable"
    NOT_JUDGED = "not-judged"
    BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True)
class Judged:
    """One finding (or unresolved place, or undecided check) under one control.

    `kind` is finding, unresolved or undecided; `check` and `subject` find it in the results
    (`subject` is '' for an undecided check); `action` is what the policy does about it, after
    confidence; `waiver` is the index in the verdict's `waivers`, or None where it is open.
    """

    kind: str
    check: str
    subject: str
    action: Action
    waiver: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a control stands, with everything that counted for it."""

    control: Control
    state: State
    action: Action
    judged: tuple[Judged, ...] = ()


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What became of a waiver: used, unused, expired, or other-app."""

    waiver: Waiver
    state: str
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict and how every control of the ruleset stands, in the ruleset's order.

    `reasons` are the plain sentences a person reads first.
    """

    decision: Decision
    reasons: tuple[str, ...]
    standings: tuple[Standing, ...]
    waivers: tuple[WaiverUse, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """What every control is judged by; `waivers` are those that count, with their index."""

    results: Mapping[str, Sequence[Result]]
    asks_about: Mapping[str, str]
    rules: Rules
    profile: str
    platform: str
    waivers: tuple[tuple[int, Waiver], ...]


def decide(
    results: Sequence[Result],
    ruleset: Ruleset,
    waivers: Sequence[Waiver],
    *,
    profile: str,
    app_id: str,
    platform: str,
    as_of: date,
    asks_about: Mapping[str, str],
) -> Verdict:
    """The verdict on one build, the same for any order of `results`.

    `waivers` were loaded for this ruleset and profile; `platform` is android or ios;
    `asks_about` has the platform of each check, app for both. One that a control names and that
    left no result is undecided.
    """
    uses = [WaiverUse(waiver, _waiver_state(waiver, app_id, as_of)) for waiver in waivers]
    live = tuple((at, use.waiver) for at, use in enumerate(uses) if use.state == "unused")
    by_check: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_check[result.check].append(result)
    case = _Case(by_check, asks_about, ruleset.rules, profile, platform, live)
    standings = []
    for control in ruleset.controls:
        standing, matched = _stand(control, case)
        standings.append(standing)
        for at in matched:
            uses[at] = replace(uses[at], state="used", uses=uses[at].uses + 1)
    answered = any(_answered(standing, case) for standing in standings)
    decision = _decision(standings, answered)
    reasons = tuple(_reasons(decision, standings, answered))
    return Verdict(decision, reasons, tuple(standings), tuple(uses))


def refused(ruleset: Ruleset, profile: str, why: str) -> Verdict:
    """The verdict on a build that could not be read: no control that asks of it is decided."""
    standings = tuple(
        Standing(each, _state_unread(each, profile) or State.UNDECIDED, each.action[profile])
        for each in ruleset.controls
    )
    return Verdict(Decision.UNDECIDED, (f"The build could not be read: {why}",), standings)


def _state_unread(control: Control, profile: str) -> State | None:
    if control.action[profile] is Action.NOT_APPLIED:
        return State.NOT_APPLICABLE
    if control.automatable == "no":
        return State.BY_HAND
    return None if control.checks else State.NOT_JUDGED


def _waiver_state(waiver: Waiver, app_id: str, as_of: date) -> str:
    if not _matches(app_id, waiver.app):
        return "other-app"
    return "unused" if waiver.created <= as_of <= waiver.expires else "expired"


def _matches(text: str, pattern: str) -> bool:
    return text == pattern or fnmatchcase(text, pattern)


def _stand(control: Control, case: _Case) -> tuple[Standing, list[int]]:
    """How the control stands, and the index of a waiver for every match it had."""
    action = control.action[case.profile]
    state = _state_unread(control, case.profile)
    if case.platform not in control.platforms:
        state = State.NOT_APPLICABLE
    elif state is State.BY_HAND and case.rules.missing_evidence == "action":
        state = State.FAILS
    asked = _asked(control, case)
    if state is not None or not asked:
        return Standing(control, state or State.NOT_JUDGED, action), []
    judged, matched = [], []
    for each in _judge(control, asked, case):
        found = [at for at, waiver in case.waivers if _waives(waiver, control, each)]
        judged.append(replace(each, waiver=found[0]) if found else each)
        matched += found
    state = _state(judged, asked, case)
    return Standing(control, state, action, tuple(judged)), matched


def _asked(control: Control, case: _Case) -> list[str]:
    """The control's checks that ask about this kind of app; one nobody knows does too."""
    ours = ("app", case.platform, None)
    return sorted({each for each in control.checks if case.asks_about.get(each) in ours})


def _judge(control: Control, asked: Iterable[str], case: _Case) -> Iterator[Judged]:
    for check in asked:
        results = case.results.get(check, ())
        found = [
            Judged("finding", check, finding.subject, _action(finding, control, case))
            for result in results
            for finding in result.findings
        ]
        places = [
            Judged("unresolved", check, place.subject, case.rules.unresolved)
            for result in results
            for place in result.unresolved
        ]
        yield from sorted(found, key=lambda each: (each.subject, each.action))
        yield from sorted(places, key=lambda each: each.subject)
        if not results or any(_is_undecided(result) for result in results):
            yield Judged("undecided", check, "", case.rules.undecided)


def _is_undecided(result: Result) -> bool:
    # A result that says found and shows nothing contradicts itself.
    empty = result.outcome is Outcome.FOUND and not result.findings
    return result.outcome is Outcome.UNDECIDED or empty


def _action(finding: Finding, control: Control, case: _Case) -> Action:
    action = control.action[case.profile]
    unsure = finding.confidence is Confidence.LOW and case.rules.low_confidence == "one-step"
    foreign = finding.origin not in ("", FIRST_PARTY) and case.rules.third_party == "one-step"
    soft = unsure or foreign
    floor = control.severity == "critical" and action is Action.WARN
    return SOFTER.get(action, action) if soft and not floor else action


def _waives(waiver: Waiver, control: Control, judged: Judged) -> bool:
    if waiver.control != control.id and waiver.check != judged.check:
        return False
    if judged.kind == "undecided" or waiver.subject == UNDECIDED_SUBJECT:
        return judged.kind == "undecided" and waiver.subject == UNDECIDED_SUBJECT
    return _matches(judged.subject, waiver.subject)


def _state(judged: Sequence[Judged], asked: Iterable[str], case: _Case) -> State:
    still = {each.kind for each in judged if each.waiver is None}
    if still:
        return State.FAILS if "finding" in still else State.UNDECIDED
    if judged:
        return State.WAIVED
    outcomes = {result.outcome for check in asked for result in case.results.get(check, ())}
    return State.NOT_APPLICABLE if outcomes == {Outcome.NOT_APPLICABLE} else State.PASSES


def _answered(standing: Standing, case: _Case) -> bool:
    """Whether some check gave an answer that counted for the control."""
    if standing.state in (State.NOT_APPLICABLE, State.NOT_JUDGED, State.BY_HAND):
        return False
    return any(
        result.outcome in (Outcome.CLEAN, Outcome.FOUND) and not _is_undecided(result)
        for check in _asked(standing.control, case)
        for result in case.results.get(check, ())
    )


def _hardest(standing: Standing, *kinds: str) -> Action | None:
    """The hardest action that an open entry of these kinds has; missing evidence is a finding."""
    actions = [
        each.action for each in standing.judged if each.waiver is None and each.kind in kinds
    ]
    if not standing.judged and standing.state is State.FAILS and "finding" in kinds:
        actions = [standing.action]
    return next((action for action in Action if action in actions), None)


def _decision(standings: Sequence[Standing], answered: bool) -> Decision:
    if any(_hardest(each, "finding", "unresolved") is Action.BLOCK for each in standings):
        return Decision.BLOCK
    undecided = any(_hardest(each, "undecided") is Action.BLOCK for each in standings)
    return Decision.UNDECIDED if undecided or not answered else Decision.PASS


# {s} ends a plural noun, {z} the verb of one.
OPEN_IN_WORDS = (
    ("finding", Action.BLOCK, "control{s} fail{z} and block{z}"),
    ("unresolved", Action.BLOCK, "control{s} meet{z} an unknown value and block{z}"),
    ("finding", Action.WARN, "control{s} fail{z} with a warning"),
    ("unresolved", Action.WARN, "control{s} meet{z} an unknown value"),
    ("finding", Action.NOTE, "control{s} fail{z}, which is only noted"),
    ("unresolved", Action.NOTE, "control{s} meet{z} an unknown value, which is only noted"),
)


def _reasons(decision: Decision, standings: Sequence[Standing], answered: bool) -> Iterator[str]:
    if decision is Decision.PASS:
        yield "Nothing that was found blocks the release."
    if not answered:
        yield "No check gave an answer about this build."
    for kind, action, words in OPEN_IN_WORDS:
        names = [each.control.id for each in standings if _hardest(each, kind) is action]
        yield from _in_words(words, names)
    unsure = [j for each in standings for j in each.judged if j.kind == "undecided"]
    names = sorted({each.check for each in unsure if each.waiver is None})
    yield from _in_words("check{s} could not decide", names)
    waived = [each.control.id for each in standings if each.state is State.WAIVED]
    yield from _in_words("control{s} rest{z} on waivers", waived)
    if by_hand := sum(each.state is State.BY_HAND for each in standings):
        yield f"{by_hand} control{'s need' if by_hand > 1 else ' needs'} evidence from a person"


def _in_words(words: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        said = words.format(s="s" * (len(names) > 1), z="s" * (len(names) == 1))
        yield f"{len(names)} {said}: {', '.join(names[:NAMED])}{rest}"
