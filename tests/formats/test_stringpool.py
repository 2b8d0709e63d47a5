from struct import pack

import pytest

from gate.formats.axml import parse
from gate.formats.errors import Malformed, OverLimit
from tests.formats.write_axml import Lies, Node, chunk, write


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize(
    "text", ["", "台北", "\U0001f600 and \ud800 alone", "x" * 127, "x" * 128, "é" * 0x7FFF]
)
def test_strings_of_all_lengths_and_letters_are_read(text: str, utf8: bool) -> None:
    document = parse(write(Node("a", text=text or "a"), Lies(utf8=utf8)))
    assert document.root.text == (text or "a")


def test_a_utf16_string_longer_than_one_length_word_is_read() -> None:
    assert len(parse(write(Node("a", text="x" * 0x12345))).root.text) == 0x12345


def test_a_utf8_string_whose_length_aapt_cut_is_read_to_its_end() -> None:
    assert len(parse(write(Node("a", text="x" * 70_000), Lies(utf8=True))).root.text) == 70_000


def test_a_surrogate_pair_in_two_utf8_sequences_is_one_character() -> None:
    data = write(Node("a", text="\ud83d\ue000"), Lies(utf8=True))
    stored = "\ud83d\ue000".encode("utf-8", "surrogatepass")
    pair = "\ud83d".encode("utf-8", "surrogatepass") + "\ude00".encode("utf-8", "surrogatepass")
    assert parse(data.replace(stored, pair)).root.text == "\U0001f600"


@pytest.mark.parametrize(
    ("stored", "lie", "reason"),
    [
        (b"\x06\x06target\0", b"\x06\x06tar\0et\0", "NUL inside"),
        (b"\x06\x06target\0", b"\x03\x06target\0", "is 6 units, not 3"),
        (b"\x06\x06target\0", b"\x06\x06tar\xffet\0", "not UTF-8"),
        (b"\x06\x06target\0", b"\x06\x05target\0", "not terminated"),
        (b"\x06\x06target\0", b"\x86\xff\xfftarget"[:9], "not terminated"),
    ],
)
def test_a_utf8_string_readers_disagree_on_is_malformed(
    stored: bytes, lie: bytes, reason: str
) -> None:
    data = write(Node("root", text="target"), Lies(utf8=True))
    assert data.count(stored) == 1
    with pytest.raises(Malformed, match=reason):
        parse(data.replace(stored, lie))


def test_strings_that_overlap_without_end_are_over_the_limit() -> None:
    count, longest = 200, 0x10000
    # Each offset finds a length of 0x10000 units and, that far on, a zero that ends the string.
    body = pack("<HH", 0x8001, 0) * count + b"\0\0" * (longest + 8)
    offsets = b"".join(pack("<I", 4 * index) for index in range(count))
    data = chunk(1, offsets + body, pack("<IIIII", count, 0, 0, 28 + len(offsets), 0))
    for index in range(count):
        data += chunk(0x102, pack("<iiHHHHHH", -1, index, 20, 20, 0, 0, 0, 0), b"\0" * 8)
    with pytest.raises(OverLimit, match="overlaps other strings"):
        parse(pack("<HHI", 3, 8, 8 + len(data)) + data)
