"""The chain itself: what is done to its lines is seen."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.release.ledger import BEGINNING, Judgement, Kind, digest_of, read, write_line
from tests.release.write_entries import finished, started


def chain(scans: int) -> list[bytes]:
    lines: list[bytes] = []
    for number in range(scans):
        for make in (started, finished):
            previous = digest_of(lines[-1]) if lines else BEGINNING
            lines.append(write_line(make(previous, scan=f"scan{number}")))
    return lines


CHAIN = chain(4)


def faults(lines: list[bytes]) -> list[tuple[int, str]]:
    return [(fault.line, str(fault.kind)) for fault in read(lines).faults]


def test_a_chain_is_intact_and_complete() -> None:
    found = read(CHAIN)
    assert found.faults == () and not found.torn and found.broken is None
    assert (found.length, found.scans, len(found.lines)) == (8, 4, 8)
    assert found.head == digest_of(CHAIN[-1])


def test_a_ledger_without_lines_begins_with_zeros() -> None:
    found = read([])
    assert (found.head, found.length, found.torn) == ("0" * 64, 0, False)


def test_a_line_is_ascii_whatever_an_app_is_called() -> None:
    name = "\x1b[2J\u202e\u9322\udcff\n::error::x"
    line = write_line(finished(BEGINNING, build=Judgement(name, name, "", 0, name, "", "", "")))
    assert line.isascii() and line.count(b"\n") == 1 and b"\x1b" not in line
    (only,) = read([line]).lines
    assert only.entry is not None
    assert json.loads(line)["builds"][0]["app"].startswith("\x1b[2J\u202e\u9322")


def edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3].replace(b'"pass"', b'"blok"'), *lines[4:]]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (edited, 5),
        (lambda lines: lines[:3] + lines[4:], 4),
        (lambda lines: [*lines[:2], *lines[4:]], 3),
        (lambda lines: lines[1:], 1),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], 5),
        (lambda lines: [*lines[:4], b"{}\n", *lines[4:]], 5),
        (lambda lines: [*lines[:4], b"\n", *lines[4:]], 5),
        (lambda lines: [b"noise\n", *lines], 1),
        (lambda lines: [lines[0].replace(b"\n", b" \n"), *lines[1:]], 2),
    ],
    ids=[
        "edited",
        "removed",
        "two-removed",
        "first-removed",
        "swapped",
        "doubled",
        "added",
        "blank",
        "noise",
        "space",
    ],
)
def test_a_line_that_was_touched_breaks_the_chain_there(
    change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    broken = read(change(CHAIN)).broken
    assert broken is not None and broken.line == line


@given(st.data())
def test_no_byte_but_of_the_last_line_can_change_unseen(data: st.DataObject) -> None:
    raw = bytearray(b"".join(CHAIN[:4]))
    covered = len(b"".join(CHAIN[:3]))
    at = data.draw(st.integers(0, covered - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert read(bytes(raw).splitlines(keepends=True)).faults


@given(st.lists(st.binary(max_size=80).map(lambda line: line.replace(b"\n", b"") + b"\n")))
def test_any_lines_are_read_and_none_of_them_counts(lines: list[bytes]) -> None:
    found = read(lines)
    assert found.lines == () and found.length == len(lines)
    assert bool(found.faults) == bool(lines)


def test_a_scan_that_has_not_finished_is_incomplete() -> None:
    previous = digest_of(CHAIN[-1])
    lines = [*CHAIN, write_line(started(previous, scan="killed"))]
    assert faults(lines) == [(9, "incomplete")]
    lines.append(write_line(started(digest_of(lines[-1]), scan="next")))
    lines.append(write_line(finished(digest_of(lines[-1]), scan="next")))
    assert faults(lines) == [(9, "incomplete")]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (finished(digest_of(CHAIN[-1]), scan="scan0"), "not under way"),
        (finished(digest_of(CHAIN[-1]), scan="never"), "not under way"),
        (started(digest_of(CHAIN[-1]), scan="scan0"), "again"),
    ],
    ids=["twice", "never", "again"],
)
def test_a_scan_starts_once_and_finishes_once(entry: object, words: str) -> None:
    broken = read([*CHAIN, write_line(entry)]).broken  # type: ignore[arg-type]
    assert broken is not None and broken.line == 9 and words in broken.words


def test_what_a_later_version_adds_to_a_line_does_not_break_the_chain() -> None:
    later = started(BEGINNING, scan="later")
    raw = write_line(later).replace(b'{"event"', b'{"event"', 1)[:-2] + b',"new":1}\n'
    lines = [raw, write_line(finished(digest_of(raw), scan="later"))]
    assert read(lines).faults == ()


@pytest.mark.parametrize("kept", [1, 5, 12, 200, len(CHAIN[-1]) - 1])
def test_a_torn_last_line_counts_for_nothing_and_the_next_one_tells(kept: int) -> None:
    torn = CHAIN[-1][:kept]
    lines = [*CHAIN[:-1], torn]
    found = read(lines)
    assert found.torn and found.broken is None
    assert faults(lines) == [(7, "incomplete"), (8, "torn")]
    after = write_line(started(found.head, torn=True, scan="after"))
    lines = [*lines[:-1], torn + b"\n", after]
    lines.append(write_line(finished(digest_of(after), scan="after")))
    assert faults(lines) == [(7, "incomplete"), (8, "torn")]
    lines[7] = lines[7][:-1] + b"x\n"
    broken = read(lines).broken
    assert broken is not None and broken.line == 8


def test_another_file_is_no_ledger_that_was_begun() -> None:
    for lines in ([b"a file\n"], [b"PK\x03\x04"], [b"waivers: []\n", b"x: 1\n"], [b"\0" * 99]):
        assert read(lines).broken is not None
    assert read([b'{"eve']).torn


def test_the_kinds_of_fault_have_their_words() -> None:
    assert [str(kind) for kind in Kind] == ["broken", "torn", "incomplete"]
