import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from gate.render import render
from gate.render.markdown import MOST_BYTES
from gate.report import Document
from tests.render.hostile import EVERYTHING, texts
from tests.render.samples import ANDROID, BLOCKED, document, flood, labelled

MARKDOWN = MarkdownIt("commonmark").enable("table")


def summary(scan: Document) -> str:
    text = render(scan, "markdown")
    assert isinstance(text, str)
    return text


def shape(text: str) -> list[str]:
    """The page as a reader of Markdown sees it, without its words."""
    found: list[str] = []
    for token in MARKDOWN.parse(text):
        found.append(token.type)
        found += [
            each.type for each in token.children or () if each.type not in ("text", "text_special")
        ]
    return found


@pytest.mark.parametrize(
    "part",
    [
        "A63-DBG-01",
        "A63-NET-01",
        "SEC-1042",
        "expired on 2026-11-01",
        "laboratory report",
        "| dex | classes | 120 | 118 |",
    ],
)
def test_the_summary_holds_what_a_reader_decides_by(part: str) -> None:
    assert part in summary(BLOCKED)


def test_what_blocks_comes_before_what_warns_and_what_is_noted() -> None:
    text = summary(BLOCKED)
    assert text.index("| blocks |") < text.index("| warns |") < text.index("| is noted |")
    assert text.rindex("| blocks |") < text.index("| warns |")


def test_a_flood_is_cut_at_a_row_and_the_rest_is_counted() -> None:
    text = summary(flood(30_000))
    assert len(text.encode()) < MOST_BYTES
    rows = text.count("\n| `A63-FLD")
    assert f"\n{30_000 - rows} more rows; the report has them all.\n" in text
    assert all(
        line.endswith(" |")
        for line in text.splitlines()
        if line.startswith("|") and "---" not in line
    )


def test_many_builds_stay_within_the_limit() -> None:
    text = summary(document(*[ANDROID] * 1_000))
    assert len(text.encode()) < MOST_BYTES
    assert f"{1_000 - text.count('## Blocked: ')} more builds; the report has them all." in text


@settings(deadline=None)
@given(texts.filter(str.strip))
def test_a_label_changes_nothing_of_the_page_but_words(label: str) -> None:
    assert shape(summary(labelled(label))) == shape(summary(labelled("label")))


def test_the_worst_label_changes_nothing_of_the_page_but_words() -> None:
    assert shape(summary(labelled(EVERYTHING))) == shape(summary(labelled("label")))
