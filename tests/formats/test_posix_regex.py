import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats.errors import Malformed, OverLimit
from gate.formats.posix_regex import Expression


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("^.*", ["", "a", "a/b"], []),
        ("^", ["", "a"], []),
        (r"^Info\.plist$", ["Info.plist"], ["a/Info.plist", "Info.plist/", "InfoXplist"]),
        (r"^.*\.lproj/", ["en.lproj/a", "x/en.lproj/"], ["en.lproj", "xlproj/"]),
        (r".*\.dSYM($|/)", ["A.dSYM", "b/A.dSYM/c"], ["A.dSYMs", "dSYM"]),
        (r"^(.*/)?\.DS_Store$", [".DS_Store", "a/b/.DS_Store"], ["a.DS_Store", ".DS_Store/a"]),
        ("^[^/]+$", ["a", "a.b"], ["", "a/b"]),
        (r"^(A/[^/]+\.f/|())S/[^/]+\.(x|y)$", ["S/a.x", "A/b.f/S/c.y"], ["A/S/a.x", "S/a.z"]),
        ("[]a-c]+$", ["]", "b"], ["d", ""]),
        ("[^]a-]", ["b"], ["]", "-", "a"]),
        ("[a-]", ["-"], ["b"]),
        ("a+b?c*$", ["a", "aab", "ac"], ["b", "ad"]),
        ("a|b$", ["a!", "!b"], ["b!"]),
        ("", ["", "a"], []),
        (r"\$\.", ["$."], ["$a"]),
    ],
)
def test_what_an_expression_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    expression = Expression(pattern)
    assert all(expression.search(text) for text in matching)
    assert not any(expression.search(text) for text in others)


@pytest.mark.parametrize(
    "pattern", ["(", ")", "a)", "*", "+a", "a{2}", "[a", "[[:alpha:]]", r"\1", "\\", "(|*)", "[^"]
)
def test_syntax_that_is_not_understood_is_malformed(pattern: str) -> None:
    with pytest.raises(Malformed):
        Expression(pattern)


@pytest.mark.parametrize("pattern", ["a" * 513, "(" * 20 + ")" * 20])
def test_expressions_past_the_limits_are_over_the_limit(pattern: str) -> None:
    with pytest.raises(OverLimit):
        Expression(pattern)


def test_a_pattern_made_to_backtrack_costs_no_more_for_it() -> None:
    expression = Expression("^(a*)*(a|a)*(.*a)*$" * 2 + "b")
    before = time.process_time()
    assert not expression.search("a" * 20_000 + "c")
    assert time.process_time() - before < 5


def test_work_past_the_budget_is_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.formats.posix_regex.MAX_WORK", 1000)
    expression = Expression("b$")
    assert not expression.search("a" * 900)
    with pytest.raises(OverLimit, match="costs too much"):
        expression.search("a" * 900)


def test_an_expression_of_more_states_than_are_remembered_still_answers() -> None:
    pattern = "^(a|b)*a" + "(a|b)" * 12 + "c$"
    ours, theirs = Expression(pattern), re.compile(pattern)
    draw = random.Random(1)
    for _ in range(100):
        text = "".join(draw.choices("ab", k=80)) + "c"
        assert ours.search(text) is bool(theirs.search(text))


def test_many_states_are_over_the_limit_within_seconds() -> None:
    expression = Expression("^(a|b)*a" + "(a|b)" * 16 + "c$")
    draw = random.Random(1)
    before = time.process_time()
    with pytest.raises(OverLimit, match="costs too much"):
        for _ in range(5_000):
            expression.search("".join(draw.choices("ab", k=1_000)))
    assert time.process_time() - before < 10


ATOMS = st.sampled_from(["a", "b", "/", ".", r"\.", "[^/]", "[ab]"])
BODIES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["", "^", "(^|/)"]),
    BODIES,
    st.sampled_from(["", "$", "($|/)"]),
    st.lists(st.text("ab./", max_size=8), min_size=1, max_size=5),
)
def test_python_agrees(start: str, body: str, end: str, texts: list[str]) -> None:
    pattern = f"{start}({body}){end}"
    ours, theirs = Expression(pattern), re.compile(pattern)
    for text in texts:
        assert ours.search(text) is bool(theirs.search(text))


@given(st.text(r"ab.*+?()|[]^$\-{}", max_size=20), st.text("ab^$", max_size=10))
def test_any_pattern_compiles_or_is_malformed(pattern: str, text: str) -> None:
    try:
        expression = Expression(pattern)
    except Malformed:
        return
    assert expression.search(text) in (True, False)
