"""The lint itself: a check that cannot fail proves nothing."""

import json

import pytest

from gate.render import render
from tests.render.lint_sarif import complaints
from tests.render.mutations import FOR_THE_LINT, Breaks, broken
from tests.render.samples import BLOCKED


@pytest.mark.parametrize("breaks", FOR_THE_LINT.values(), ids=FOR_THE_LINT)
def test_the_lint_finds_what_validators_let_pass(breaks: Breaks) -> None:
    good = render(BLOCKED, "sarif")
    assert isinstance(good, str)
    assert complaints(good, for_github=True) == []
    assert complaints(json.dumps(broken(json.loads(good), breaks)), for_github=True)


def test_the_lint_finds_a_run_that_github_would_cut() -> None:
    log = json.loads(render(BLOCKED, "sarif"))
    log["runs"][0]["results"] *= 2_000
    assert "more results than GitHub keeps" in complaints(json.dumps(log), for_github=True)
