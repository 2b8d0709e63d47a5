"""Every format of the samples as a whole, so that a change of a word is seen."""

from pathlib import Path

import pytest

from gate.render import FORMATS, render
from gate.render.text import render_text
from gate.report import Document
from tests.render.samples import BLOCKED, NAMED

GOLDEN = Path(__file__).parent / "golden"
SUFFIX = {
    "sarif": "sarif",
    "sarif-full": "full.sarif",
    "github": "github.txt",
    "markdown": "md",
    "text": "txt",
}


def compare(name: str, text: str, update: bool) -> None:
    file = GOLDEN / name
    if update:
        file.write_text(text, "utf-8", newline="\n")
    assert text == file.read_bytes().decode()


@pytest.mark.parametrize("format", SUFFIX)
@pytest.mark.parametrize("name", NAMED)
def test_a_sample_is_rendered_as_it_was(
    name: str, format: str, request: pytest.FixtureRequest
) -> None:
    text = render(NAMED[name], format)
    assert isinstance(text, str)
    compare(f"{name}.{SUFFIX[format]}", text, request.config.getoption("--update-golden"))


@pytest.mark.parametrize(("width", "color", "unicode"), [(80, True, True), (60, False, False)])
def test_the_terminal_is_rendered_as_it_was(
    width: int, color: bool, unicode: bool, request: pytest.FixtureRequest
) -> None:
    text = render_text(BLOCKED, width=width, color=color, unicode=unicode)
    compare(f"blocked-{width}.txt", text, request.config.getoption("--update-golden"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("scan", NAMED.values(), ids=NAMED)
def test_the_same_document_gives_the_same_bytes(scan: Document, format: str) -> None:
    assert render(scan, format) == render(scan, format)


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no such format: pdf"):
        render(BLOCKED, "pdf")
