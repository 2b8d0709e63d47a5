import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gate.render import render
from gate.render.text import render_text
from tests.render.hostile import EVERYTHING, texts
from tests.render.samples import BLOCKED, NAMED, TOGETHER, UNREAD, flood, labelled

COLOR = re.compile(r"\x1b\[[0-9;]*m")


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("name", NAMED)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    text = render_text(NAMED[name], width=width, color=False, unicode=True)
    assert max(map(cell_len, text.splitlines())) <= width


def test_colour_changes_nothing_but_colour() -> None:
    plain = render_text(BLOCKED, width=80, color=False, unicode=True)
    colored = render_text(BLOCKED, width=80, color=True, unicode=True)
    assert "\x1b" not in plain
    assert colored != plain
    assert COLOR.sub("", colored) == plain


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_text(BLOCKED, width=80, color=True, unicode=True)
    for name, value in {
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "40",
        "FORCE_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert render_text(BLOCKED, width=80, color=True, unicode=True) == before


def test_without_unicode_all_is_ascii() -> None:
    text = render_text(BLOCKED, width=80, color=False, unicode=False)
    assert text.isascii()
    assert "Wallet \\u9322\\u5305" in text


def test_the_verdict_is_the_first_word() -> None:
    firsts = {name: str(render(scan, "text")).split("  ")[0] for name, scan in NAMED.items()}
    assert firsts == {
        "blocked": "BLOCKED",
        "passing": "PASSES",
        "unread": "NO VERDICT",
        "together": "BLOCKED",
    }


def test_what_blocks_comes_before_what_warns_and_what_is_noted() -> None:
    text = str(render(BLOCKED, "text"))
    places = [text.index(f"\n{head}\n") for head in ("Blocks the release", "Warns", "Is noted")]
    assert places == sorted(places)


def test_a_failure_is_of_the_firms_own_measures_and_no_breach_of_a_rule() -> None:
    text = words(str(render(BLOCKED, "text")))
    assert "fails control A63-DBG-01 of the firm's own measures" in text
    for format in ("text", "markdown", "github", "sarif", "sarif-full"):
        assert not re.search("breach|violat|Article 6", str(render(BLOCKED, format)), re.IGNORECASE)


def test_a_note_is_one_line() -> None:
    text = render_text(BLOCKED, width=50, color=False, unicode=True)
    after = text.split("\nIs noted\n")[1].split("\n\n")[0]
    assert after.splitlines() == ["  A63-OS-01  minSdkVersion: The app runs on syste…"]


def test_what_could_not_be_looked_at_is_listed() -> None:
    text = words(str(render(BLOCKED, "text")).split("\nCould not be looked at\n")[1])
    for part in (
        "check android-native-relro",
        "dex read 118 of 120 classes",
        "not in force on darwin",
    ):
        assert part in text
    assert "build: the central directory ends" in str(render(UNREAD, "text"))


def test_of_a_flood_twenty_are_shown_and_the_rest_is_counted() -> None:
    text = str(render(flood(3_000), "text"))
    assert text.count("and 980 more; the JSON report has them all") == 3
    assert len(text.splitlines()) < 150


def test_several_builds_are_counted_at_the_end() -> None:
    assert str(render(TOGETHER, "text")).endswith("\n2 builds: 1 passing, 1 blocked\n")


def leads(text: str) -> list[str]:
    """Each line up to its first word; a bar counts as a word."""
    return [line.split()[0] for line in text.splitlines() if line.strip()]


@settings(deadline=None)
@given(texts, st.sampled_from([40, 80, 120]), st.booleans())
def test_no_line_begins_with_words_of_the_app(label: str, width: int, unicode: bool) -> None:
    ours = set(leads(render_text(labelled("label"), width=width, color=False, unicode=unicode)))
    text = render_text(labelled(label), width=width, color=False, unicode=unicode)
    assert set(leads(text)) - {"│", "|"} <= ours
    assert "##" not in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_the_worst_label_forms_no_command() -> None:
    text = str(render(labelled(EVERYTHING), "text"))
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "##" not in text
