from contextlib import suppress
from typing import NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.formats import axml
from gate.formats.errors import Malformed
from gate.read import witness
from gate.read.apart import Allowance
from gate.read.manifest_tricks import manifest_tricks
from gate.read.witness import by_androguard, differences, disagreements
from tests.formats import write_axml
from tests.formats.write_axml import NAMESPACE, Attr, Lies, Node
from tests.read.write_builds import activity, debuggable, manifest

HONEST = manifest(activity(".Main"), Node("service"), activity(".B", exported=False))
PLAIN = write_axml.write(HONEST)


def between(data: bytes) -> list[str]:
    return [*disagreements(axml.parse(data), data)]


@pytest.mark.parametrize("utf8", [False, True])
def test_two_readers_agree_on_an_honest_manifest(utf8: bool) -> None:
    flagged = manifest(activity(".Main"), flag=debuggable(True))
    assert between(write_axml.write(flagged, Lies(utf8=utf8))) == []
    referring = manifest(activity("@string/name"), flag=debuggable((1, 0x7F010000)))
    assert between(write_axml.write(referring, Lies(utf8=utf8))) == []


@pytest.mark.parametrize(
    ("flags", "answer"),
    [
        ((True, False), "debuggable true or false"),
        ((False, True), "debuggable false or true"),
    ],
)
def test_of_two_flags_each_reader_takes_another(flags: tuple[bool, bool], answer: str) -> None:
    first, last = flags
    root = manifest(first=debuggable(first), last=debuggable(last))
    assert between(write_axml.write(root)) == [answer]


def test_components_and_their_export_are_compared() -> None:
    exported = Attr("exported", True, 0x01010010)
    private = Attr("exported", False, 0x01010010)
    name = Attr("name", ".A", write_axml.NAME)
    twice = Node("activity", (name, exported, private))
    assert between(write_axml.write(manifest(twice))) == ["which components are exported"]
    renamed = Node("activity", (name, Attr("name", ".B", write_axml.NAME)))
    assert between(write_axml.write(manifest(renamed))) == ["which components there are"]


def test_a_document_that_the_second_reader_refuses_says_nothing() -> None:
    data = write_axml.write(HONEST, Lies(header_size=16))
    assert axml.parse(data).root.name == "manifest"
    assert between(data) == []


def test_a_manifest_too_large_for_the_second_reader_is_not_given_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = write_axml.write(manifest(first=debuggable(True), last=debuggable(False)))
    monkeypatch.setattr(witness, "MAX_BYTES", len(data) - 1)
    assert between(data) == []


def tricky(*children: Node) -> Node:
    return manifest(*children, first=debuggable(True), last=debuggable(False))


NAMESPACES = Lies(before_nodes=NAMESPACE * 999)
WORDY = "many words " * 2000


@pytest.mark.parametrize(
    ("children", "lies"),
    [
        ((Node("activity"),) * 50, NAMESPACES),
        ((Node("meta-data", tuple(Attr(f"a{n}", n) for n in range(5_000))),), write_axml.HONEST),
        ((Node("meta-data", (Attr("a", WORDY),)),) * 500, write_axml.HONEST),
    ],
    ids=["namespaces", "attributes", "text"],
)
def test_a_manifest_that_takes_the_second_reader_long_is_not_given_to_it(
    children: tuple[Node, ...], lies: Lies, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> NoReturn:
        raise AssertionError("the second reader was asked")

    monkeypatch.setattr(witness, "apart", asked)
    assert between(write_axml.write(tricky(*children), lies)) == []
    with pytest.raises(AssertionError, match="was asked"):
        between(write_axml.write(tricky()))


def test_the_limit_on_what_the_second_reader_is_given_holds_at_n_and_not_at_n_plus_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = write_axml.write(tricky())
    elements = [*axml.parse(data).root.walk()]
    nodes = len(elements) + sum(len(each.attributes) for each in elements)
    monkeypatch.setattr(witness, "MAX_NODES", nodes)
    assert between(data) == ["debuggable true or false"]
    monkeypatch.setattr(witness, "MAX_NODES", nodes - 1)
    assert between(data) == []


def test_a_second_reader_that_takes_too_long_is_stopped_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witness, "ALLOWED", Allowance(wall=0.0))
    assert between(write_axml.write(tricky())) == []


def test_names_that_are_no_class_names_are_not_compared() -> None:
    assert between(write_axml.write(manifest(activity("a\x01b"), package="a\x02b"))) == []


def test_the_second_reader_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    between(write_axml.write(HONEST, Lies(root_type=0)))
    assert capfd.readouterr() == ("", "")


# The number of bytes changed, their places and their values.
CHANGES = st.lists(
    st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=4
)


@settings(max_examples=400, deadline=None)
@given(CHANGES)
@example([(0, 0)])
def test_without_a_trick_the_two_readers_agree(changes: list[tuple[int, int]]) -> None:
    mutant = bytearray(PLAIN)
    for place, value in changes:
        mutant[place] = value
    data = bytes(mutant)
    try:
        document = axml.parse(data)
    except Malformed:
        return
    odd = document.anomalies or any(manifest_tricks(document.root))
    if document.root.name == "manifest" and not odd:
        with suppress(Malformed):
            assert [*differences(document.root, by_androguard(data))] == []
