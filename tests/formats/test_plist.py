import plistlib
import struct
import time
from datetime import datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats import plist
from gate.formats.errors import Malformed, OverLimit

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'

values = st.recursive(
    st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]))
    | st.binary()
    | st.integers(0, 1 << 32).map(lambda seconds: datetime(1970, 1, 1) + timedelta(0, seconds)),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), inner
        )
    ),
    max_leaves=20,
)


def xml(body: str) -> bytes:
    return HEAD + f'<plist version="1.0">{body}</plist>'.encode()


def binary(objects: list[bytes], top: int = 0) -> bytes:
    offsets = list(accumulate(map(len, objects), initial=8))
    table = offsets.pop()
    index = b"".join(struct.pack(">I", offset) for offset in offsets)
    return (
        b"bplist00"
        + b"".join(objects)
        + index
        + struct.pack(">6xBBQQQ", 4, 1, len(objects), top, table)
    )


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
@given(value=values)
def test_what_plistlib_writes_is_read_back(form: plistlib.PlistFormat, value: object) -> None:
    assert plist.parse(plistlib.dumps(value, fmt=form)) == value  # type: ignore[arg-type]


@given(st.binary() | st.binary().map(b"bplist00".__add__) | st.binary().map(HEAD.__add__))
def test_any_bytes_give_a_value_or_malformed(data: bytes) -> None:
    try:
        plist.parse(data)
    except Malformed:
        return


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
@given(data=st.data())
def test_mutated_lists_give_a_value_or_malformed(
    form: plistlib.PlistFormat, data: st.DataObject
) -> None:
    seed = {"a": [1, 2.5, True, b"x", "y", datetime(2020, 1, 1)], "b": {"c": "d" * 20}}
    raw = bytearray(plistlib.dumps(seed, fmt=form))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    try:
        plist.parse(bytes(raw))
    except Malformed:
        return


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n \t", b"\xef\xbb\xbf\r\n"])
def test_a_mark_and_white_space_before_the_declaration_are_tolerated(before: bytes) -> None:
    assert plist.parse(before + xml("<dict><key>a</key><true/></dict>")) == {"a": True}


def test_utf_16_with_a_mark_is_read() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><plist><string>é</string></plist>'
    assert plist.parse(text.encode("utf-16")) == "é"


def test_a_root_without_a_plist_element_around_it_is_read() -> None:
    assert plist.parse(b"<dict><key>a</key><array/></dict>") == {"a": []}


def test_a_root_that_is_no_dictionary_is_the_callers_business() -> None:
    assert plist.parse(xml("<array><string>a</string></array>")) == ["a"]


def test_a_uid_becomes_what_core_foundation_writes_in_xml() -> None:
    data = plistlib.dumps({"root": plistlib.UID(7)}, fmt=plistlib.FMT_BINARY)
    assert plist.parse(data) == {"root": {"CF$UID": 7}}


def test_the_result_holds_plain_dictionaries_only() -> None:
    value = plist.parse(xml("<dict><key>a</key><dict/></dict>"))
    assert isinstance(value, dict)
    assert type(value) is dict
    assert type(value["a"]) is dict


def test_a_key_given_twice_is_named() -> None:
    data = xml(
        "<dict><key>b</key><true/><key>a</key><dict>"
        "<key>x</key><true/><key>x</key><false/></dict><key>b</key><false/></dict>"
    )
    assert plist.parse(data) == {"b": False, "a": {"x": False}}
    assert plist.duplicate_keys(data) == ("b", "x")


def test_a_key_given_twice_in_a_binary_list_is_named() -> None:
    data = binary([b"\xd2\x01\x01\x02\x03", b"\x51a", b"\x09", b"\x08"])
    assert plist.parse(data) == {"a": False}
    assert plist.duplicate_keys(data) == ("a",)


def test_a_key_in_two_dictionaries_is_no_duplicate() -> None:
    body = "<array><dict><key>a</key><true/></dict><dict><key>a</key><true/></dict></array>"
    assert plist.duplicate_keys(xml(body)) == ()


def test_depth_64_is_read_and_65_is_over_the_limit() -> None:
    assert plist.parse(xml("<array>" * 64 + "</array>" * 64))
    with pytest.raises(OverLimit, match="deeper than 64"):
        plist.parse(xml("<array>" * 65 + "</array>" * 65))
    deep: object = "x"
    for _ in range(65):
        deep = [deep]
    with pytest.raises(OverLimit, match="deeper than 64"):
        plist.parse(plistlib.dumps(deep, fmt=plistlib.FMT_BINARY))  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [300, 5_000, 100_000])
def test_absurd_nesting_is_malformed_in_both_forms(depth: int) -> None:
    with pytest.raises(Malformed):
        plist.parse(xml("<array>" * depth + "</array>" * depth))
    chain = [b"\xa1" + struct.pack(">I", i + 1) for i in range(depth)] + [b"\x09"]
    raw = bytearray(binary(chain))
    raw[-25] = 4  # references of four bytes
    with pytest.raises(Malformed):
        plist.parse(bytes(raw))


def test_one_byte_over_the_size_limit_is_over_the_limit() -> None:
    data = xml("<true/>")
    assert plist.parse(data, max_bytes=len(data)) is True
    with pytest.raises(OverLimit):
        plist.parse(data, max_bytes=len(data) - 1)


def test_an_array_that_holds_itself_is_malformed() -> None:
    with pytest.raises(Malformed):
        plist.parse(binary([b"\xa1\x00"]))


def test_sharing_that_multiplies_to_a_billion_is_over_the_limit() -> None:
    levels = [b"\xaa" + bytes([i + 1]) * 10 for i in range(9)]
    with pytest.raises(OverLimit, match="nodes"):
        plist.parse(binary([*levels, b"\x09"]))


def test_a_container_shared_is_over_the_limit_before_it_costs_anything() -> None:
    inner = b"\xaf\x10\xff" + b"\2" * 255
    with pytest.raises(OverLimit, match="nodes"):
        plist.parse(binary([b"\xaf\x10\xff" + b"\1" * 255, inner, b"\x09"]))


def test_scalars_are_shared_freely() -> None:
    data = binary([b"\xaf\x11\x10\x00" + b"\1" * 4096, b"\x09"])
    assert plist.parse(data) == [True] * 4096


def test_a_long_string_shared_often_is_over_the_limit() -> None:
    text = b"\x5f\x12" + struct.pack(">I", 1 << 20) + b"a" * (1 << 20)
    with pytest.raises(OverLimit, match="characters"):
        plist.parse(binary([b"\xaf\x10\x41" + b"\x01" * 65, text]))


def test_objects_that_overlap_are_malformed() -> None:
    raw = bytearray(binary([b"\xa2\x01\x02", b"\x4f\x10\x40" + bytes(64), b"\x09"]))
    table = len(raw) - 32 - 12
    raw[table + 8 : table + 12] = raw[table + 4 : table + 8]
    with pytest.raises(Malformed, match="overlap"):
        plist.parse(bytes(raw))


ENTITY = b'<!DOCTYPE plist [<!ENTITY a "b">]><plist><string>&a;</string></plist>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"{ a = 1; }", "OpenStep"),
        (b"\x00\x01", "neither"),
        (HEAD + ENTITY, "entities"),
        (xml(""), "without a value"),
        (xml("<dict/><dict/>"), "more than one root"),
        (xml("<set/>"), "unknown property list element"),
        (xml("<dict><string>a</string></dict>"), "out of place"),
        (xml("<dict><key>a</key></dict>"), "no value"),
        (xml("<dict><key>a</key><key>b</key></dict>"), "out of place"),
        (xml("<string>a<true/></string>"), "inside 'string'"),
        (xml("<plist/>"), "inside 'plist'"),
        (HEAD + b"<key>a</key>", "out of place"),
        (xml("<date>2020-13-01T00:00:00Z</date>"), "month"),
        (xml("<date>soon</date>"), "date 'soon'"),
        (xml("<integer>x</integer>"), "integer 'x'"),
        (xml("<integer>1_0</integer>"), "integer '1_0'"),
        (xml("<real>1_0</real>"), "real '1_0'"),
        (xml("<real>x</real>"), "not an XML property list"),
        (xml("<dict>a</dict>"), "text inside"),
        (HEAD.replace(b"UTF-8", b"UTF-9") + b"<plist/>", "encoding"),
        (xml("<integer>18446744073709551616</integer>"), "64 bits"),
        (xml("<integer>" + "9" * 5000 + "</integer>"), "integer"),
        (xml("<data>a</data>"), "not an XML property list"),
        (xml("<dict>")[:-3], "not an XML property list"),
        (b"bplist00", "cut short"),
        (binary([b"\x00"]), "null"),
        (binary([b"\xa1\x01", b"\x00"]), "null"),
        (binary([b"\xd1\x01\x01", b"\x09"]), "no string"),
        (binary([b"\x14" + b"\x7f" * 16]), "64 bits"),
        (binary([b"\x09"], top=1), "leaves the file"),
        (binary([b"\x5f\x12\x7f\xff\xff\xff"]), "overlap"),
        (binary([b"\x5f\x20a"]), "length marker"),
        (binary([b"\x51\xff"]), "not a binary property list"),
    ],
)
def test_what_no_reader_can_be_sure_of_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        plist.parse(data)


def test_a_count_of_objects_beyond_the_file_costs_nothing() -> None:
    raw = b"bplist00\x09" + struct.pack(">6xBBQQQ", 8, 8, 1 << 60, 0, 8)
    with pytest.raises(OverLimit):
        plist.parse(raw)


def test_one_long_comment_takes_no_longer_than_its_length() -> None:
    assert plist.parse(HEAD + b"<!--" + b"x" * (8 << 20) + b"--><plist><true/></plist>") is True


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-00", 0), ("+0007", 7)])
def test_leading_zeros_of_an_integer_do_not_count(text: str, value: int) -> None:
    assert plist.parse(xml(f"<integer>{text}</integer>")) == value


def test_a_million_leading_zeros_take_no_longer_than_their_length() -> None:
    before = time.process_time()
    with pytest.raises(Malformed, match="integer"):
        plist.parse(xml(f"<integer>{'0' * 1_000_000}x</integer>"))
    assert time.process_time() - before < 0.5


def test_numbers_are_read_as_core_foundation_writes_and_reads_them() -> None:
    texts = (" 7 ", "+7", "-7", "0x1F", "-0x1f", "007", "18446744073709551615")
    body = "".join(f"<integer>{text}</integer>" for text in texts)
    assert plist.parse(xml(f"<array>{body}</array>")) == [7, 7, -7, 31, -31, 7, (1 << 64) - 1]
