"""Waiver files: what is allowed, and where a mistake is reported."""

import re
from datetime import date
from pathlib import Path

import pytest

from gate.catalogue import catalogue
from gate.policy import (
    Action,
    Control,
    Exceptions,
    PolicyError,
    Profile,
    Rules,
    Ruleset,
    Text,
    Waiver,
)
from gate.policy.ruleset import load_ruleset
from gate.policy.waivers import load_waivers

CHECKS = ("android-debuggable", "android-activity-exported", "app-private-key-embedded")
TODAY = date(2026, 11, 20)
WAIVER = """\
- control: OUR-1
  subject: com.example.ShareActivity
  app: com.example.trade
  reason: It receives quotes.
  compensating_measure: It holds no session.
  requested_by: Lin Mei-ling
  approved_by: Chen Po-han
  created: 2026-11-02
  expires: 2027-01-31
  ticket: SEC-1
"""
HEAD = "format: 1\nwaivers:\n"


def control(name: str, severity: str, limits: Exceptions, *checks: str) -> Control:
    return Control(
        id=name,
        title=Text(name, name),
        area="a",
        clause="",
        platforms=("android", "ios"),
        severity=severity,
        rationale="",
        automatable="yes",
        action={"store": Action.BLOCK, "staff": Action.WARN},
        exceptions=limits,
        checks=checks,
    )


RULESET = Ruleset(
    name="ours",
    version="1",
    title=Text("", ""),
    description=Text("", ""),
    profiles=(Profile("store", Text("", "")), Profile("staff", Text("", ""))),
    default_profile="store",
    rules=Rules(),
    areas={},
    sources={},
    controls=(
        control("OUR-1", "high", Exceptions(90, 1), "android-activity-exported"),
        control("OUR-2", "critical", Exceptions(30, 2), "app-private-key-embedded"),
        control("OUR-3", "low", Exceptions(180, 1), "app-private-key-embedded"),
        control("OUR-4", "critical", Exceptions(30, 1, ("store",)), "android-debuggable"),
        control("OUR-5", "low", Exceptions(0, 0)),
    ),
)


def load(tmp_path: Path, text: str, profile: str = "store") -> tuple[Waiver, ...]:
    file = tmp_path / "w.yml"
    file.write_text(HEAD + text, "utf-8")
    return load_waivers(str(file), RULESET, CHECKS, profile, TODAY)


def complaint(tmp_path: Path, text: str, profile: str = "store") -> str:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text, profile)
    return str(caught.value).replace(str(tmp_path / "w.yml"), "F")


def test_a_waiver_is_read_with_its_line(tmp_path: Path) -> None:
    first, second = load(tmp_path, WAIVER + WAIVER)
    assert first.control == "OUR-1"
    assert first.check == ""
    assert first.approved_by == ("Chen Po-han",)
    assert (first.created, first.expires) == (date(2026, 11, 2), date(2027, 1, 31))
    assert (first.file, first.line) == (str(tmp_path / "w.yml"), 3)
    assert second.line == 13


def test_a_file_without_waivers_is_no_error(tmp_path: Path) -> None:
    assert load(tmp_path, "  []\n") == ()


def test_a_file_without_the_key_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "w.yml"
    file.write_text("format: 1\n", "utf-8")
    with pytest.raises(PolicyError, match="the key 'waivers' is missing"):
        load_waivers(str(file), RULESET, CHECKS, "store", TODAY)


def test_an_expired_waiver_is_no_error(tmp_path: Path) -> None:
    text = WAIVER.replace("2026-11-02", "2025-01-01").replace("2027-01-31", "2025-02-01")
    assert load(tmp_path, text)[0].expires == date(2025, 2, 1)


def test_a_waiver_may_last_exactly_as_long_as_its_control_allows(tmp_path: Path) -> None:
    assert (date(2027, 1, 31) - date(2026, 11, 2)).days == 90
    assert load(tmp_path, WAIVER)
    said = complaint(tmp_path, WAIVER.replace("2027-01-31", "2027-02-01"))
    assert said == "F:11: waiver 1: lasts 91 days where OUR-1 allows 90; set an earlier date"


def test_a_waiver_may_be_created_on_the_day_of_the_scan_and_not_later(tmp_path: Path) -> None:
    assert load(tmp_path, WAIVER.replace("2026-11-02", "2026-11-20"))
    said = complaint(tmp_path, WAIVER.replace("2026-11-02", "2026-11-21"))
    assert said.startswith("F:10: waiver 1: created on 2026-11-21, after the day of the scan")


def test_a_waiver_may_last_a_single_day(tmp_path: Path) -> None:
    assert load(tmp_path, WAIVER.replace("2027-01-31", "2026-11-02"))
    assert "expires before it was created" in complaint(
        tmp_path, WAIVER.replace("2027-01-31", "2026-11-01")
    )


MISTAKES = {
    "an unknown control": ("OUR-1", "OUR-9", 3, "unknown control 'OUR-9'; did you mean 'OUR-"),
    "an unknown check": ("control: OUR-1", "check: nothing", 3, "unknown check 'nothing'"),
    "no scope": ("control: OUR-1\n  ", "", 3, "neither 'control' nor 'check'"),
    "two scopes": (
        "control: OUR-1",
        "control: OUR-1\n  check: android-debuggable",
        3,
        "both 'control' and 'check'",
    ),
    "a misspelt key": (
        "compensating_measure",
        "compensating-measure",
        7,
        "unknown key 'compensating-measure'; did you mean 'compensating_measure'?",
    ),
    "an empty reason": ("It receives quotes.", "''", 6, "reason is empty"),
    "a blank ticket": ("SEC-1", '"  "', 12, "ticket is empty"),
    "a missing app": ("  app: com.example.trade\n", "", 3, "the key 'app' is missing"),
    "no such day": ("2027-01-31", "2027-02-30", 11, "expires is '2027-02-30'"),
    "another way to write dates": ("2026-11-02", "20261102", 10, "created is '20261102'"),
    "nobody approves": ("Chen Po-han", "[]", 9, "approved_by is an empty list"),
    "the requester approves": ("Chen Po-han", "Lin Mei-ling", 9, "approved by who requested it"),
    "in other letters": ("Chen Po-han", "LIN  mei-Ling", 9, "approved by who requested it"),
    "in wide letters": ("Chen Po-han", "Ｌｉｎ Mei-ling", 9, "approved by who requested it"),
    "among others": ("Chen Po-han", "[Chen, lin mei-ling]", 9, "approved by who requested it"),
    "an approver twice": ("Chen Po-han", "[Chen, CHEN]", 9, "an approver stands twice"),
    "a control without waivers": ("OUR-1", "OUR-5", 3, "OUR-5 allows no waiver in the profile"),
    "a profile without waivers": ("OUR-1", "OUR-4", 3, "OUR-4 allows no waiver in the profile"),
}


@pytest.mark.parametrize("old, new, line, words", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    said = complaint(tmp_path, WAIVER.replace(old, new, 1))
    assert words in said
    assert f"F:{line}: " in said
    assert all(re.match(r"F:\d+: waiver 1: .+; .+", each) for each in said.splitlines())


def test_what_one_profile_forbids_another_may_allow(tmp_path: Path) -> None:
    text = WAIVER.replace("OUR-1", "OUR-4").replace("2027-01-31", "2026-12-01")
    assert load(tmp_path, text, profile="staff")


CRITICAL = WAIVER.replace("control: OUR-1", "check: app-private-key-embedded").replace(
    "2027-01-31", "2026-12-02"
)


def test_a_waiver_by_check_keeps_to_the_strictest_control(tmp_path: Path) -> None:
    two = CRITICAL.replace("Chen Po-han", "[Chen, Wang]")
    assert load(tmp_path, two)[0].check == "app-private-key-embedded"
    assert "1 approver where OUR-2 demands 2" in complaint(tmp_path, CRITICAL)
    longer = two.replace("2026-12-02", "2026-12-03")
    assert "lasts 31 days where OUR-2 allows 30" in complaint(tmp_path, longer)
    by_control = longer.replace("check: app-private-key-embedded", "control: OUR-3")
    assert load(tmp_path, by_control)


@pytest.mark.parametrize("subject", ["*", "**", "?*", "*.*", "*/*", "[a-z]*", "[!]*"])
def test_a_critical_control_is_not_waived_as_a_whole(tmp_path: Path, subject: str) -> None:
    two = CRITICAL.replace("Chen Po-han", "[Chen, Wang]")
    text = two.replace("com.example.ShareActivity", f'"{subject}"')
    assert "waives all of OUR-2" in complaint(tmp_path, text)
    harmless = WAIVER.replace("com.example.ShareActivity", f'"{subject}"')
    assert load(tmp_path, harmless)


def test_every_mistake_of_every_waiver_is_listed(tmp_path: Path) -> None:
    text = WAIVER.replace("2027-01-31", "2028-01-31").replace("OUR-1", "OUR-3")
    said = complaint(tmp_path, text + text.replace("Chen Po-han", "Lin Mei-ling"))
    assert [line.split(":")[1] for line in said.splitlines()] == ["11", "19", "21"]


EXAMPLES = Path(__file__).parents[2] / "docs" / "waivers.md"


def test_the_examples_of_the_documentation_load(tmp_path: Path) -> None:
    ruleset = load_ruleset("article-6-3", catalogue())
    examples = re.findall(r"```yaml\n(.*?)```", EXAMPLES.read_text("utf-8"), re.S)
    assert examples
    for example in examples:
        file = tmp_path / "example.yml"
        file.write_text(example, "utf-8")
        assert load_waivers(str(file), ruleset, catalogue(), "trading", TODAY)
