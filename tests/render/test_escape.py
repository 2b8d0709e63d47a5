import re
from urllib.parse import unquote

from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gate.render import escape
from tests.render.hostile import EVERYTHING, PIECES, texts

MARKDOWN = MarkdownIt("commonmark").enable("table")


def cells(row: str) -> list[Token]:
    """The contents of the cells of a table's one row, as a reader of Markdown sees them."""
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n{row}\n")
    body = tokens[[token.type for token in tokens].index("tbody_open") :]
    assert [token.type for token in body].count("tr_open") == 1
    return [token for token in body if token.type == "inline"]


@given(texts)
def test_a_visible_text_is_one_printable_line_of_limited_length(text: str) -> None:
    shown = escape.visible(text)
    assert shown.isprintable()
    assert len(shown) <= escape.NAME
    shown.encode()


@given(texts)
def test_showing_a_text_twice_changes_nothing(text: str) -> None:
    assert escape.visible(escape.visible(text)) == escape.visible(text)


def test_harmless_text_stays_as_it_is() -> None:
    for text in ("com.example.Wallet", "Wallet 錢包", "std::string", "a # b", "C:\\x"):
        assert escape.visible(text) == text
        assert escape.terminal(text) == text


def test_what_is_not_printable_is_written_as_its_escape() -> None:
    assert escape.visible("a\x1b\u202e\n\udcff\x00b") == r"a\x1b\u202e\n\udcff\x00b"


def test_a_long_text_ends_in_an_ellipsis_and_no_half_escape() -> None:
    assert escape.visible("x" * 201) == "x" * 199 + "…"
    assert escape.visible("x" * 196 + "\x1b" * 2) == "x" * 196 + "…"


@given(texts)
def test_no_runner_finds_a_command_in_a_terminal_text(text: str) -> None:
    shown = escape.terminal(text)
    assert "##" not in shown
    assert not re.search(r"(^|\s)::", shown)


@given(texts)
def test_a_terminal_without_unicode_gets_ascii(text: str) -> None:
    shown = escape.terminal(text, unicode=False)
    assert shown.isascii()
    assert shown.isprintable()


@given(texts)
def test_command_data_comes_back_as_shown_and_holds_no_command(text: str) -> None:
    data = escape.command_data(text)
    assert data.isprintable()
    assert not re.search("%(?!25)", data)
    assert data.replace("%25", "%") == escape.terminal(text, escape.PROSE)


@given(texts)
def test_a_command_property_cannot_end_or_start_another(text: str) -> None:
    value = escape.command_property(text)
    assert not re.search("[:,\r\n]", value)
    assert not re.search("%(?!25|3A|2C)", value)


@given(texts)
def test_inline_code_is_read_back_as_it_is_shown(text: str) -> None:
    shown = escape.visible(text)
    inline = MARKDOWN.parseInline(f"see {escape.code_span(text)} here")[0].children or []
    assert [token.content for token in inline if token.type == "code_inline"] == [shown][
        : bool(shown)
    ]
    assert {token.type for token in inline} <= {"text", "code_inline"}


@given(texts)
def test_code_in_a_cell_stays_one_piece_of_code_in_its_cell(text: str) -> None:
    shown = escape.visible(text)
    first, second = cells(f"| {escape.code_cell(text)} | next |")
    assert second.content == "next"
    code = [token.content for token in first.children or () if token.type == "code_inline"]
    assert code == ([re.sub(r"\\(?=\|)", r"\\x5c", shown)] if shown else [])


@given(texts)
def test_words_in_a_cell_are_nothing_but_words(text: str) -> None:
    first, second = cells(f"| {escape.markdown_text(text)} | next |")
    assert second.content == "next"
    assert {token.type for token in first.children or ()} <= {"text", "text_special"}
    said = "".join(token.content for token in first.children or ())
    assert said.split() == escape.visible(text, escape.PROSE).split()


@given(texts)
def test_words_form_nothing_that_github_looks_for_in_plain_text(text: str) -> None:
    shown = escape.markdown_text(text)
    assert not re.search(r"://|@|www\.|\$|<", shown, re.IGNORECASE)
    assert not re.search(r":[\w+-]+:", shown)


@given(texts)
def test_a_sarif_message_holds_no_link_of_the_apps_making(text: str) -> None:
    shown = escape.sarif_message(text)
    bare = re.sub(r"\\[\\\[\]]", "", shown)
    assert not re.search(r"[\[\]]", bare)
    assert not bare.endswith("\\")
    assert shown.isprintable()


@given(texts)
def test_a_uri_path_is_relative_and_never_climbs(text: str) -> None:
    path = escape.uri_path(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~+@=,()/-]|%[0-9A-F]{2})+", path)
    parts = unquote(path, errors="strict").split("/")
    assert not {"", ".", ".."} & set(parts)


def test_two_long_paths_with_one_beginning_stay_two() -> None:
    assert escape.uri_path("a" * 300 + "1") != escape.uri_path("a" * 300 + "2")


def test_every_hostile_piece_passes_every_escaper() -> None:
    for text in (*PIECES, EVERYTHING):
        for escaper in (escape.terminal, escape.command_data, escape.command_property):
            assert escaper(text).isprintable()
        for escaper in (escape.code_cell, escape.markdown_text, escape.sarif_text):
            assert escaper(text).isprintable()
