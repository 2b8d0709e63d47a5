"""Every check on every build of its fixtures: the exact subjects, or a stated silence."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from gate.app import App
from gate.catalogue import catalogue
from gate.check import Outcome, Result
from gate.read import open_app
from gate.run import run_one

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASES = sorted(
    path.parent for path in FIXTURES.glob("*/*/expected.txt") if path.parents[1].name != "builds"
)
DAY = date(2026, 6, 1)
KINDS = (".apk", ".aab", ".apks", ".ipa")


def judged(case: Path) -> Result:
    build = next(path for path in case.glob("build.*") if path.suffix in KINDS)
    beside = build.with_name(f"{build.name}.idsig")
    with ExitStack() as files:
        fd = files.enter_context(build.open("rb")).fileno()
        idsig = files.enter_context(beside.open("rb")).fileno() if beside.exists() else ""
        app: App = open_app(fd, build.name, DAY, idsig=idsig)
        return run_one(catalogue()[case.parent.name], app)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_fixture_gives_exactly_the_expected_subjects(case: Path) -> None:
    lines = (case / "expected.txt").read_text("utf-8").splitlines()
    undecided = [
        line.removeprefix("undecided: ") for line in lines if line.startswith("undecided:")
    ]
    subjects = [line for line in lines if line and not line.startswith("undecided:")]
    result = judged(case)
    assert [finding.subject for finding in result.findings] == sorted(subjects)
    if undecided:
        assert result.outcome is Outcome.UNDECIDED
        assert all(words in result.why for words in undecided)
    else:
        assert result.outcome is (Outcome.FOUND if subjects else result.outcome), result.why
        assert result.outcome is not Outcome.UNDECIDED, result.why


@pytest.mark.parametrize("check", sorted(catalogue()))
def test_a_check_has_a_fixture_that_fires_and_one_that_stays_silent(check: str) -> None:
    cases = [case for case in CASES if case.parent.name == check]
    fires = [case for case in cases if case.name.startswith("fires-")]
    silent = [case for case in cases if case.name.startswith("silent-")]
    assert fires and silent
    assert len(fires) + len(silent) == len(cases)
    assert all((case / "expected.txt").read_text("utf-8").strip() for case in fires)
    assert not any((case / "expected.txt").read_text("utf-8").strip() for case in silent)


def test_every_fixture_folder_belongs_to_a_check() -> None:
    assert {case.parent.name for case in CASES} == set(catalogue())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_finding_says_what_and_where(case: Path) -> None:
    for finding in judged(case).findings:
        assert finding.message.endswith(".") and len(finding.message) < 600
        assert "\n" not in finding.message
        assert finding.at.path or finding.at.element
