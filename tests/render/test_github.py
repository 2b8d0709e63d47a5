import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from hypothesis import given, settings

from gate.decide import Decision, Standing, State, Verdict
from gate.policy import Action
from gate.render import render
from gate.report import Document, Report
from tests.render.hostile import EVERYTHING, texts
from tests.render.samples import (
    ANDROID,
    BLOCKED,
    IOS,
    PASSING,
    STANDINGS,
    TOGETHER,
    document,
    flood,
    labelled,
)


@dataclass(frozen=True)
class Annotation:
    level: str
    properties: dict[str, str]
    message: str


def annotations(scan: Document) -> list[Annotation]:
    """What the runner makes of the output (actions/runner, ActionCommand.TryParseV2)."""
    text = render(scan, "github")
    assert isinstance(text, str)
    assert text.endswith("\n")
    return [_parse(line) for line in text[:-1].split("\n")]


def _parse(line: str) -> Annotation:
    assert line.lstrip().startswith("::")
    head, message = line.lstrip()[2:].split("::", 1)
    level, _, rest = head.partition(" ")
    pairs = (pair.split("=", 1) for pair in rest.split(","))
    return Annotation(level, {key: unquote(value) for key, value in pairs}, unquote(message))


def test_the_verdict_comes_first() -> None:
    first = annotations(BLOCKED)[0]
    assert (first.level, first.properties["title"]) == ("error", "The release is blocked")
    (only,) = annotations(PASSING)
    assert (only.level, only.properties["title"]) == ("notice", "The release may go on")


def test_of_two_builds_both_verdicts_come_first() -> None:
    titles = [each.properties["title"] for each in annotations(TOGETHER)[:2]]
    assert titles == ["The release is blocked", "The release may go on"]


def test_what_is_open_follows_the_hardest_first_and_what_is_waived_comes_last() -> None:
    found = annotations(BLOCKED)[1:]
    assert [each.level for each in found] == ["error"] * 2 + ["warning"] * 4 + ["notice"] * 2
    assert found[-1].properties["title"].startswith("Waived: ")
    assert found[0].properties == {
        "title": "The release build lets a debugger attach (A63-DBG-01, A63-RES-02)",
        "file": "app/build/outputs/app release.apk",
    }
    assert not any("quotes.example.com" in each.message for each in found[:-1])


def test_a_build_outside_the_checkout_names_no_file() -> None:
    verdict = replace(ANDROID.verdict)
    members = {name: getattr(ANDROID, name) for name in ANDROID.__struct_fields__}
    elsewhere = Report(**{**members, "build": IOS.build, "verdict": verdict})
    assert not any("file" in each.properties for each in annotations(document(elsewhere)))


def test_ten_of_a_level_are_given_and_the_last_counts_the_rest() -> None:
    found = annotations(flood(300))
    assert [each.level for each in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    counts = [re.findall(r"\+(\d+) more", each.message) for each in found]
    assert [number for number, count in enumerate(counts) if count] == [9, 19, 29]
    assert [counts[9], counts[19], counts[29]] == [["91"], ["90"], ["90"]]


def test_ten_of_a_level_say_nothing_of_more() -> None:
    found = annotations(flood(27))
    assert [each.level for each in found].count("error") == 10
    assert not any("more" in each.message for each in found)


def test_evidence_that_is_missing_is_annotated() -> None:
    by_hand = next(each for each in STANDINGS if each.state is State.BY_HAND)
    failing = Standing(by_hand.control, State.FAILS, Action.BLOCK)
    members = {name: getattr(IOS, name) for name in IOS.__struct_fields__}
    verdict = Verdict(Decision.BLOCK, ("1 control fails and blocks",), (failing,))
    found = annotations(document(Report(**{**members, "verdict": verdict})))
    assert found[1].level == "error"
    assert "A63-PRO-01: no evidence was given of: laboratory report; its review" in found[1].message


@settings(deadline=None)
@given(texts)
def test_a_label_adds_no_command_and_no_property(label: str) -> None:
    for each in annotations(labelled(label)):
        assert each.level in ("error", "warning", "notice")
        assert set(each.properties) <= {"title", "file"}
        assert "\n" not in each.message
        assert "##" not in each.message


def test_the_worst_label_gives_as_many_lines_as_a_harmless_one() -> None:
    assert len(annotations(labelled(EVERYTHING))) == len(annotations(labelled("label")))
