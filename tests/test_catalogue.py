"""The catalogue: a check's file, id, texts and references agree."""

import importlib
import re
from pathlib import Path

import pytest

from gate.catalogue import catalogue
from gate.check import Check, read_doc

EVERY = list(catalogue().values())


def test_there_are_checks_of_every_kind() -> None:
    assert {check.platform for check in EVERY} == {"android", "ios", "app"}


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_the_id_follows_from_the_file(check: Check) -> None:
    *_, folder, _area, name = check.module.split(".")
    assert check.module.startswith("gate.checks.")
    assert folder == {"app": "both"}.get(check.platform, check.platform)
    assert check.id == f"{check.platform}-{name.replace('_', '-')}"
    assert re.fullmatch(r"(android|ios|app)(-[a-z0-9]+)+", check.id)


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_the_references_are_well_formed(check: Check) -> None:
    assert all(0 < number < 2000 for number in check.cwe)
    assert all(re.fullmatch(r"MASVS-[A-Z]+-\d", each) for each in check.masvs)


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_the_texts_are_fit_for_print(check: Check) -> None:
    texts = (check.doc.title, check.doc.looks_at, check.doc.matters_because, check.doc.fix_by)
    assert len(check.doc.title) <= 100
    assert all(text[0].isupper() or text[0] in "`@<" for text in texts)
    assert all(text.endswith(".") for text in (*texts[1:], check.doc.cannot_see))


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_a_check_imports_only_facts_and_the_words_of_checks(check: Check) -> None:
    source = Path(importlib.import_module(check.module).__file__ or "").read_text("utf-8")
    imported = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", source, re.MULTILINE)
    ours = {name for name in imported if name.split(".")[0] in ("gate", "checks")}
    assert all(name == "gate.check" or name.split(".")[:2] == ["gate", "app"] for name in ours)
    assert not {name.split(".")[0] for name in imported} & {"androguard", "lief", "cryptography"}


def test_a_docstring_without_its_four_headings_is_refused() -> None:
    with pytest.raises(ValueError, match="Cannot see"):
        read_doc("A title.\n\nLooks at: this.\n\nMatters because: that.\n\nFix by: so.", "x.py")


def test_a_docstring_is_read_into_its_parts() -> None:
    doc = read_doc(
        """
        A title
        on two lines.

        Looks at: one
        thing: closely.

        Matters because: two.

        Fix by: three.

        Cannot see: four.
        """,
        "x.py",
    )
    assert doc.title == "A title on two lines"
    assert doc.looks_at == "one thing: closely."
    assert doc.cannot_see == "four."
