"""The verdict: every rule by example, and what must hold for every input."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app import Location
from gate.check import (
    Confidence,
    Finding,
    Outcome,
    Result,
    Unresolved,
)
from gate.decide import Decision, Judged, State, Verdict, decide, refused
from gate.policy import (
    Action,
    Control,
    Exceptions,
    Profile,
    Rules,
    Ruleset,
    Text,
    Waiver,
)

TODAY = date(2026, 11, 20)
HERE = Location("AndroidManifest.xml")
APP = "com.example.trade"


CHECKS = {
    "android-one": "android",
    "android-two": "android",
    "ios-one": "ios",
    "app-any": "app",
}


def control(
    name: str,
    *checks: str,
    action: Action = Action.BLOCK,
    severity: str = "high",
    automatable: str = "yes",
    platforms: tuple[str, ...] = ("android", "ios"),
) -> Control:
    return Control(
        id=name,
        title=Text(name, name),
        area="a",
        clause="",
        platforms=platforms,
        severity=severity,
        rationale="",
        automatable=automatable,
        action={"store": action},
        exceptions=Exceptions(90, 1),
        checks=checks,
    )


def policy(*controls: Control, rules: Rules | None = None) -> Ruleset:
    return Ruleset(
        name="ours",
        version="1",
        title=Text("", ""),
        description=Text("", ""),
        profiles=(Profile("store", Text("", "")),),
        default_profile="store",
        rules=rules or Rules(),
        areas={},
        sources={},
        controls=controls,
    )


def finding(subject: str = "com.example.Share", *, sure: bool = True) -> Finding:
    confidence = Confidence.HIGH if sure else Confidence.LOW
    return Finding(subject, "It is exported.", HERE, confidence=confidence)


def found(check: str, *findings: Finding) -> Result:
    return Result(check, Outcome.FOUND, findings or (finding(),))


def clean(check: str) -> Result:
    return Result(check, Outcome.CLEAN)


def unsure(check: str, *findings: Finding) -> Result:
    return Result(check, Outcome.UNDECIDED, findings, why="encrypted")


def waiver(
    subject: str = "com.example.Share",
    *,
    control: str = "",
    check: str = "",
    app: str = APP,
    created: date = date(2026, 11, 1),
    expires: date = date(2026, 12, 1),
) -> Waiver:
    return Waiver(
        subject=subject,
        app=app,
        reason="r",
        compensating_measure="m",
        requested_by="a",
        approved_by=("b",),
        created=created,
        expires=expires,
        ticket="t",
        control=control,
        check=check,
    )


def judge(
    ruleset: Ruleset,
    *results: Result,
    waivers: Sequence[Waiver] = (),
    platform: str = "android",
) -> Verdict:
    return decide(
        results,
        ruleset,
        waivers,
        profile="store",
        app_id=APP,
        platform=platform,
        as_of=TODAY,
        asks_about=CHECKS,
    )


def states(verdict: Verdict) -> list[State]:
    return [standing.state for standing in verdict.standings]


def test_a_clean_build_passes() -> None:
    verdict = judge(policy(control("C", "android-one")), clean("android-one"))
    assert verdict.decision is Decision.PASS
    assert states(verdict) == [State.PASSES]
    assert verdict.reasons == ("Nothing that was found blocks the release.",)


@pytest.mark.parametrize(
    "action, decision, words",
    [
        (Action.BLOCK, Decision.BLOCK, "1 control fails and blocks: C"),
        (Action.WARN, Decision.PASS, "1 control fails with a warning: C"),
        (Action.NOTE, Decision.PASS, "1 control fails, which is only noted: C"),
    ],
)
def test_a_finding_has_the_action_of_its_control(
    action: Action, decision: Decision, words: str
) -> None:
    verdict = judge(policy(control("C", "android-one", action=action)), found("android-one"))
    assert verdict.decision is decision
    assert states(verdict) == [State.FAILS]
    assert words in verdict.reasons
    assert verdict.standings[0].judged == (
        Judged("finding", "android-one", "com.example.Share", action),
    )


def test_every_control_is_judged_after_one_that_blocks() -> None:
    ruleset = policy(
        control("C", "android-one"),
        control("D", "android-two"),
        control("E", "app-any", action=Action.WARN),
        control("F", "android-one", action=Action.NOTE),
    )
    verdict = judge(ruleset, found("android-one"), clean("android-two"), found("app-any"))
    assert states(verdict) == [State.FAILS, State.PASSES, State.FAILS, State.FAILS]
    assert verdict.decision is Decision.BLOCK


def test_a_control_that_is_not_applied_takes_no_notice() -> None:
    ruleset = policy(
        control("C", "android-one", action=Action.NOT_APPLIED), control("D", "app-any")
    )
    for result in (found("android-one"), unsure("android-one")):
        verdict = judge(ruleset, result, clean("app-any"))
        assert states(verdict) == [State.NOT_APPLICABLE, State.PASSES]
        assert verdict.decision is Decision.PASS


def test_a_control_of_another_platform_takes_no_notice() -> None:
    ruleset = policy(control("C", "app-any", platforms=("ios",)), control("D", "android-one"))
    verdict = judge(ruleset, found("app-any"), clean("android-one"))
    assert states(verdict) == [State.NOT_APPLICABLE, State.PASSES]
    assert verdict.decision is Decision.PASS


def test_a_check_of_another_platform_is_not_asked_for() -> None:
    ruleset = policy(control("C", "android-one", "ios-one"), control("D", "ios-one"))
    verdict = judge(ruleset, clean("android-one"))
    assert states(verdict) == [State.PASSES, State.NOT_JUDGED]
    verdict = judge(ruleset, clean("ios-one"), platform="ios")
    assert states(verdict) == [State.PASSES, State.PASSES]


@pytest.mark.parametrize(
    "severity, action, softened",
    [
        ("high", Action.BLOCK, Action.WARN),
        ("high", Action.WARN, Action.NOTE),
        ("high", Action.NOTE, Action.NOTE),
        ("critical", Action.BLOCK, Action.WARN),
        ("critical", Action.WARN, Action.WARN),
        ("critical", Action.NOTE, Action.NOTE),
    ],
)
def test_low_confidence_softens_one_step(severity: str, action: Action, softened: Action) -> None:
    one = control("C", "android-one", action=action, severity=severity)
    result = found("android-one", finding(sure=False))
    assert judge(policy(one), result).standings[0].judged[0].action is softened
    same = policy(one, rules=Rules(low_confidence="same"))
    assert judge(same, result).standings[0].judged[0].action is action


def test_a_finding_in_third_party_code_softens_one_step_however_unsure() -> None:
    one = control("C", "android-one", action=Action.BLOCK, severity="high")
    same = policy(one, rules=Rules(third_party="same"))
    for origin, sure, ruleset, action in (
        ("com.example:library", True, policy(one), Action.WARN),
        ("com.example:library", False, policy(one), Action.WARN),
        ("com.example:library", True, same, Action.BLOCK),
        ("first-party", True, policy(one), Action.BLOCK),
        ("", True, policy(one), Action.BLOCK),
    ):
        result = found("android-one", replace(finding(sure=sure), origin=origin))
        assert judge(ruleset, result).standings[0].judged[0].action is action


@pytest.mark.parametrize("action", [Action.BLOCK, Action.WARN, Action.NOTE])
def test_an_undecided_check_leaves_no_verdict_whatever_the_control_does(action: Action) -> None:
    ruleset = policy(control("C", "android-one", action=action), control("D", "app-any"))
    verdict = judge(ruleset, unsure("android-one"), clean("app-any"))
    assert verdict.decision is Decision.UNDECIDED
    assert states(verdict) == [State.UNDECIDED, State.PASSES]
    assert "1 check could not decide: android-one" in verdict.reasons


def test_an_undecided_check_may_only_warn_if_the_ruleset_says_so() -> None:
    ruleset = policy(
        control("C", "android-one"),
        control("D", "app-any"),
        rules=Rules(undecided=Action.WARN),
    )
    verdict = judge(ruleset, unsure("android-one"), clean("app-any"))
    assert verdict.decision is Decision.PASS
    assert states(verdict) == [State.UNDECIDED, State.PASSES]


def test_a_check_without_a_result_is_undecided() -> None:
    verdict = judge(policy(control("C", "android-one", "app-any")), clean("app-any"))
    assert verdict.decision is Decision.UNDECIDED
    assert verdict.standings[0].judged == (Judged("undecided", "android-one", "", Action.BLOCK),)


def test_a_check_that_nobody_knows_is_undecided() -> None:
    verdict = judge(policy(control("C", "android-gone", "app-any")), clean("app-any"))
    assert states(verdict) == [State.UNDECIDED]


def test_a_result_that_says_found_and_shows_nothing_is_undecided() -> None:
    verdict = judge(policy(control("C", "app-any")), Result("app-any", Outcome.FOUND))
    assert verdict.decision is Decision.UNDECIDED


def test_what_was_seen_before_a_check_stopped_counts() -> None:
    verdict = judge(policy(control("C", "android-one")), unsure("android-one", finding()))
    assert verdict.decision is Decision.BLOCK
    assert states(verdict) == [State.FAILS]
    assert [each.kind for each in verdict.standings[0].judged] == ["finding", "undecided"]


@pytest.mark.parametrize(
    "action, decision",
    [
        (Action.BLOCK, Decision.BLOCK),
        (Action.WARN, Decision.PASS),
        (Action.NOTE, Decision.PASS),
    ],
)
def test_an_unknown_value_has_the_action_of_the_ruleset(action: Action, decision: Decision) -> None:
    result = Result("app-any", Outcome.CLEAN, (), (Unresolved("url", "from a server", HERE),))
    ruleset = policy(control("C", "app-any", action=Action.NOTE), rules=Rules(unresolved=action))
    verdict = judge(ruleset, result)
    assert verdict.decision is decision
    assert states(verdict) == [State.UNDECIDED]
    assert verdict.standings[0].judged == (Judged("unresolved", "app-any", "url", action),)


def test_what_no_check_asks_about_is_not_judged() -> None:
    verdict = judge(policy(control("C"), control("D", "app-any")), clean("app-any"))
    assert states(verdict) == [State.NOT_JUDGED, State.PASSES]
    assert verdict.decision is Decision.PASS


def test_what_a_person_must_show_is_listed_and_does_not_block() -> None:
    ruleset = policy(control("C", automatable="no"), control("D", "app-any"))
    verdict = judge(ruleset, clean("app-any"))
    assert states(verdict) == [State.BY_HAND, State.PASSES]
    assert verdict.decision is Decision.PASS
    assert "1 control needs evidence from a person" in verdict.reasons


@pytest.mark.parametrize(
    "action, decision", [(Action.BLOCK, Decision.BLOCK), (Action.WARN, Decision.PASS)]
)
def test_missing_evidence_may_fail_the_control(action: Action, decision: Decision) -> None:
    ruleset = policy(
        control("C", automatable="no", action=action),
        control("D", "app-any"),
        rules=Rules(missing_evidence="action"),
    )
    verdict = judge(ruleset, clean("app-any"))
    assert states(verdict) == [State.FAILS, State.PASSES]
    assert verdict.decision is decision


def test_a_control_whose_checks_do_not_apply_is_not_applicable() -> None:
    ruleset = policy(control("C", "android-one"), control("D", "android-one", "app-any"))
    away = Result("android-one", Outcome.NOT_APPLICABLE, why="no native code")
    verdict = judge(ruleset, away, clean("app-any"))
    assert states(verdict) == [State.NOT_APPLICABLE, State.PASSES]
    assert verdict.decision is Decision.PASS


@pytest.mark.parametrize(
    "ruleset, results",
    [
        (policy(), ()),
        (policy(control("C")), ()),
        (policy(control("C", automatable="no")), (clean("app-any"),)),
        (policy(control("C", "ios-one")), (clean("ios-one"),)),
        (policy(control("C", "app-any", action=Action.NOT_APPLIED)), (clean("app-any"),)),
        (policy(control("C", "app-any")), (Result("app-any", Outcome.NOT_APPLICABLE),)),
        (policy(control("C", "app-any"), rules=Rules(undecided=Action.NOTE)), ()),
    ],
)
def test_a_build_that_nothing_answered_about_does_not_pass(
    ruleset: Ruleset, results: tuple[Result, ...]
) -> None:
    verdict = judge(ruleset, *results)
    assert verdict.decision is Decision.UNDECIDED
    assert verdict.reasons[0] == "No check gave an answer about this build."


def test_a_finding_outweighs_an_undecided_check() -> None:
    verdict = judge(policy(control("C", "android-one", "app-any")), found("app-any"))
    assert verdict.decision is Decision.BLOCK
    assert states(verdict) == [State.FAILS]


def test_long_lists_of_controls_are_cut() -> None:
    verdict = judge(policy(*(control(f"C{n}", "app-any") for n in range(15))), found("app-any"))
    assert verdict.reasons[0].startswith("15 controls fail and block: C0, ")
    assert verdict.reasons[0].endswith("C11 and 3 more")


TWO = policy(control("C", "android-one"), control("D", "android-one"))


def test_a_waiver_by_control_leaves_other_controls_as_they_are() -> None:
    verdict = judge(TWO, found("android-one"), waivers=[waiver(control="C")])
    assert states(verdict) == [State.WAIVED, State.FAILS]
    assert verdict.decision is Decision.BLOCK
    assert verdict.standings[0].judged[0].waiver == 0
    assert (verdict.waivers[0].state, verdict.waivers[0].uses) == ("used", 1)


def test_a_waiver_by_check_counts_under_every_control() -> None:
    verdict = judge(TWO, found("android-one"), waivers=[waiver(check="android-one")])
    assert states(verdict) == [State.WAIVED, State.WAIVED]
    assert verdict.decision is Decision.PASS
    assert verdict.waivers[0].uses == 2
    assert "2 controls rest on waivers: C, D" in verdict.reasons


def test_a_waiver_covers_its_subject_only() -> None:
    result = found("android-one", finding("com.example.Share"), finding("com.example.Other"))
    verdict = judge(TWO, result, waivers=[waiver(check="android-one")])
    assert states(verdict) == [State.FAILS, State.FAILS]
    open_ones = [each.subject for each in verdict.standings[0].judged if each.waiver is None]
    assert open_ones == ["com.example.Other"]


@pytest.mark.parametrize(
    "glob, subject, matches",
    [
        ("com.example.*", "com.example.ui.Share", True),
        ("lib/*/libvendor.so", "lib/arm64-v8a/libvendor.so", True),
        ("*", "anything at all", True),
        ("com.example.Shar?", "com.example.Share", True),
        ("com.example.[ST]hare", "com.example.Share", True),
        ("com.example.share", "com.example.Share", False),
        ("com.example", "com.example.Share", False),
        ("-[NSURL a:]", "-[NSURL a:]", True),
    ],
)
def test_a_subject_is_exact_or_a_glob(glob: str, subject: str, matches: bool) -> None:
    ruleset = policy(control("C", "android-one"))
    waivers = [waiver(glob, control="C")]
    verdict = judge(ruleset, found("android-one", finding(subject)), waivers=waivers)
    assert (states(verdict) == [State.WAIVED]) is matches


@pytest.mark.parametrize(
    "given_waiver, state",
    [
        (waiver(control="C", expires=date(2026, 11, 19)), "expired"),
        (waiver(control="C", expires=TODAY), "used"),
        (waiver(control="C", created=TODAY), "used"),
        (waiver(control="C", created=date(2026, 11, 21)), "expired"),
        (waiver(control="C", app="com.example.other"), "other-app"),
        (waiver(control="C", app="com.example.*"), "used"),
        (waiver(control="E"), "unused"),
        (waiver("com.example.Gone", control="C"), "unused"),
    ],
)
def test_what_became_of_a_waiver_is_told(given_waiver: Waiver, state: str) -> None:
    verdict = judge(
        policy(control("C", "android-one")), found("android-one"), waivers=[given_waiver]
    )
    assert verdict.waivers[0].state == state
    assert (states(verdict) == [State.WAIVED]) is (state == "used")


def test_a_waiver_that_overlaps_another_is_not_unused() -> None:
    waivers = [waiver("com.*", control="C"), waiver(control="C")]
    verdict = judge(policy(control("C", "android-one")), found("android-one"), waivers=waivers)
    assert verdict.standings[0].judged[0].waiver == 0
    assert [use.state for use in verdict.waivers] == ["used", "used"]


def test_only_the_reserved_subject_waives_an_undecided_check() -> None:
    ruleset = policy(control("C", "android-one"), control("D", "app-any"))
    results = (unsure("android-one"), clean("app-any"))
    blanket = judge(ruleset, *results, waivers=[waiver("*", check="android-one")])
    assert states(blanket) == [State.UNDECIDED, State.PASSES]
    verdict = judge(ruleset, *results, waivers=[waiver("undecided", check="android-one")])
    assert states(verdict) == [State.WAIVED, State.PASSES]
    assert verdict.decision is Decision.PASS


def test_the_reserved_subject_waives_no_finding() -> None:
    ruleset = policy(control("C", "android-one"))
    result = found("android-one", finding("undecided"))
    verdict = judge(ruleset, result, waivers=[waiver("undecided", control="C")])
    assert verdict.decision is Decision.BLOCK


def test_waiving_everything_that_was_undecided_passes_nothing() -> None:
    ruleset = policy(control("C", "android-one"))
    waivers = [waiver("undecided", control="C")]
    verdict = judge(ruleset, unsure("android-one"), waivers=waivers)
    assert states(verdict) == [State.WAIVED]
    assert verdict.decision is Decision.UNDECIDED


def test_a_build_that_was_not_read_leaves_every_control_undecided() -> None:
    ruleset = policy(
        control("C", "android-one"),
        control("D", "app-any", action=Action.NOT_APPLIED),
        control("E", automatable="no"),
        control("F"),
    )
    verdict = refused(ruleset, "store", "not a zip file")
    assert verdict.decision is Decision.UNDECIDED
    assert verdict.reasons == ("The build could not be read: not a zip file",)
    assert states(verdict) == [
        State.UNDECIDED,
        State.NOT_APPLICABLE,
        State.BY_HAND,
        State.NOT_JUDGED,
    ]


# --- what holds for every input -----------------------------------------------------------------

SUBJECTS = st.sampled_from(["a.B", "a.C", "b", "undecided"])
NAMES = st.sampled_from([*CHECKS, "android-gone"])
FINDINGS = st.builds(finding, SUBJECTS, sure=st.booleans())
PLACES = st.builds(Unresolved, SUBJECTS, st.just("unknown"), st.just(HERE))
RESULTS = st.lists(
    st.builds(
        Result,
        NAMES,
        st.sampled_from(Outcome),
        st.lists(FINDINGS, max_size=3).map(tuple),
        st.lists(PLACES, max_size=2).map(tuple),
    ),
    max_size=5,
)
CONTROLS = st.lists(
    st.builds(
        lambda checks, **how: control("C", *checks, **how),
        st.lists(NAMES, max_size=3),
        action=st.sampled_from(Action),
        severity=st.sampled_from(["critical", "high"]),
        automatable=st.sampled_from(["yes", "partly", "no"]),
        platforms=st.sampled_from([("android",), ("ios",), ("android", "ios")]),
    ),
    max_size=5,
).map(lambda made: [replace(each, id=f"C{at}") for at, each in enumerate(made)])
UNSURE = st.sampled_from([Action.BLOCK, Action.WARN, Action.NOTE])
RULES = st.builds(
    Rules,
    UNSURE,
    UNSURE,
    st.sampled_from(["one-step", "same"]),
    st.sampled_from(["list", "action"]),
)
RULESETS = st.builds(lambda controls, rules: policy(*controls, rules=rules), CONTROLS, RULES)
WAIVERS = st.one_of(
    st.builds(waiver, st.sampled_from(["a.*", "b", "*", "undecided"]), control=st.just("C0")),
    st.builds(waiver, st.sampled_from(["a.*", "b", "*", "undecided"]), check=NAMES),
    st.builds(waiver, SUBJECTS, control=st.just("C1"), app=st.sampled_from([APP, "x"])),
)
WORST_FIRST = [State.FAILS, State.UNDECIDED, State.WAIVED]


def badness(state: State) -> int:
    return len(WORST_FIRST) - WORST_FIRST.index(state) if state in WORST_FIRST else 0


@settings(deadline=None)
@given(RULESETS, RESULTS, st.lists(WAIVERS, max_size=3), NAMES, FINDINGS)
def test_one_more_finding_never_turns_a_block_into_anything_else(
    ruleset: Ruleset, results: list[Result], waivers: list[Waiver], check: str, more: Finding
) -> None:
    before = judge(ruleset, *results, waivers=waivers)
    added = [
        replace(each, findings=(*each.findings, more)) if each.check == check else each
        for each in results
    ]
    for changed in (added, [*results, found(check, more)]):
        after = judge(ruleset, *changed, waivers=waivers)
        if before.decision is Decision.BLOCK:
            assert after.decision is Decision.BLOCK


@settings(deadline=None)
@given(RULESETS, RESULTS, st.lists(WAIVERS, max_size=3), WAIVERS)
def test_one_more_waiver_makes_no_control_stand_worse(
    ruleset: Ruleset, results: list[Result], waivers: list[Waiver], more: Waiver
) -> None:
    before = judge(ruleset, *results, waivers=waivers)
    after = judge(ruleset, *results, waivers=[*waivers, more])
    for was, now in zip(before.standings, after.standings, strict=True):
        assert badness(now.state) <= badness(was.state)
        if more.control and more.control != was.control.id:
            assert now == was


@settings(deadline=None)
@given(RULESETS, RESULTS, st.lists(WAIVERS, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_results_makes_no_difference(
    ruleset: Ruleset, results: list[Result], waivers: list[Waiver], chance: Random
) -> None:
    shuffled = [replace(each, findings=each.findings[::-1]) for each in results]
    chance.shuffle(shuffled)
    assert judge(ruleset, *results, waivers=waivers) == judge(ruleset, *shuffled, waivers=waivers)


@settings(deadline=None)
@given(RULESETS, RESULTS, st.lists(WAIVERS, max_size=3))
def test_every_control_stands_once_and_a_pass_has_nothing_open_that_blocks(
    ruleset: Ruleset, results: list[Result], waivers: list[Waiver]
) -> None:
    verdict = judge(ruleset, *results, waivers=waivers)
    assert [standing.control for standing in verdict.standings] == list(ruleset.controls)
    blocking = [
        judged
        for standing in verdict.standings
        for judged in standing.judged
        if judged.waiver is None and judged.action is Action.BLOCK
    ]
    assert not (blocking and verdict.decision is Decision.PASS)
    assert verdict.reasons
