import plistlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.app.native import CodeDirectory
from gate.formats import codesign
from gate.formats.errors import Malformed, OverLimit
from tests.formats.write_macho import blob, code_directory, der_entitlements, superblob
from tests.formats.write_signing import tlv

ENTITLEMENTS = {"get-task-allow": True, "groups": ["a", "b"], "level": 3, "nested": {"x": "y"}}
XML = blob(0xFADE7171, plistlib.dumps(ENTITLEMENTS))
DER = blob(0xFADE7172, der_entitlements(ENTITLEMENTS))
DIRECTORY = code_directory("com.example.app", team="ABCDE12345")


def test_facts_of_a_signature() -> None:
    signature = codesign.parse(
        superblob(
            {
                0: DIRECTORY,
                2: blob(0xFADE0C01, struct.pack(">I", 0)),
                5: XML,
                7: DER,
                0x10000: blob(0xFADE0B01, b"cms"),
            }
        )
    )
    assert signature.code_directories == (
        CodeDirectory(
            slot=0,
            identifier="com.example.app",
            team_id="ABCDE12345",
            flags=0,
            version=0x20400,
            hash_type=2,
            hash_size=32,
            page_size=4096,
            code_limit=8192,
            n_special=7,
            n_code=2,
        ),
    )
    assert signature.entitlements_xml == signature.entitlements_der == ENTITLEMENTS
    assert signature.entitlements == ENTITLEMENTS
    assert not signature.entitlements_differ
    assert signature.cms == b"cms"
    assert signature.requirements
    assert not signature.is_adhoc


def test_an_ad_hoc_signature_is_told_by_its_flag() -> None:
    signature = codesign.parse(
        superblob({0: code_directory("a", flags=2), 0x10000: blob(0xFADE0B01, b"")})
    )
    assert signature.is_adhoc
    assert signature.cms == b""
    assert signature.entitlements_xml is None
    assert signature.entitlements == {}
    assert not signature.requirements


def test_a_signature_without_cms_is_ad_hoc_though_no_flag_says_so() -> None:
    assert codesign.parse(superblob({0: DIRECTORY})).is_adhoc
    signed = superblob({0: DIRECTORY, 0x10000: blob(0xFADE0B01, b"cms")})
    assert not codesign.parse(signed).is_adhoc


def test_alternate_directories_follow_the_primary_one() -> None:
    first = code_directory("a", hash_type=1, hash_size=20)
    signature = codesign.parse(superblob({0x1000: code_directory("a", hash_type=2), 0: first}))
    assert [(d.slot, d.hash_type) for d in signature.code_directories] == [(0, 1), (0x1000, 2)]


def test_der_entitlements_stand_in_where_there_is_no_xml() -> None:
    signature = codesign.parse(superblob({0: DIRECTORY, 7: DER}))
    assert signature.entitlements == ENTITLEMENTS


def test_entitlements_that_differ_are_told() -> None:
    other = blob(0xFADE7172, der_entitlements({"get-task-allow": False}))
    assert codesign.parse(superblob({0: DIRECTORY, 5: XML, 7: other})).entitlements_differ


def test_empty_entitlements_are_there_and_empty() -> None:
    signature = codesign.parse(superblob({0: DIRECTORY, 5: blob(0xFADE7171, b"")}))
    assert signature.entitlements_xml == {}
    assert signature.entitlements_der is None


def test_a_bare_code_directory_is_a_signature() -> None:
    assert codesign.parse(DIRECTORY).code_directories[0].identifier == "com.example.app"


def test_padding_behind_the_signature_is_ignored() -> None:
    assert codesign.parse(superblob({0: DIRECTORY}) + bytes(100)).code_directories


def test_a_large_code_limit_takes_the_place_of_the_small_one() -> None:
    directory = bytearray(DIRECTORY)
    struct.pack_into(">Q", directory, 56, 1 << 33)
    assert codesign.parse(bytes(directory)).code_directories[0].code_limit == 1 << 33


def test_an_old_directory_has_no_team() -> None:
    directory = bytearray(DIRECTORY)
    struct.pack_into(">I", directory, 8, 0x20100)
    assert codesign.parse(bytes(directory)).code_directories[0].team_id == ""


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


WHOLE = superblob({0: DIRECTORY, 5: XML})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut short"),
        (WHOLE[:-1], "leaves what holds it"),
        (patched(WHOLE, 0, ">I", 0xFADE0CC1), "magic"),
        (patched(WHOLE, 8, ">I", 0xFFFFFFFF), "leaves the signature"),
        (patched(WHOLE, 16, ">I", 4), "inside the index"),
        (patched(WHOLE, 16, ">I", 0x7FFFFFFF), "cut short"),
        (patched(WHOLE, 20, ">I", 0), "two blobs"),
        (patched(WHOLE, 20, ">I", 7), "slot 0x7 with magic"),
        (patched(WHOLE, 12, ">I", 0x1000), "without a code directory"),
        (patched(DIRECTORY, 28, ">I", 0xFFFFFFFF), "hash table"),
        (patched(DIRECTORY, 24, ">I", 0xFFFFFFFF), "hash table"),
        (patched(DIRECTORY, 20, ">I", 0xFFFFFFFF), "string outside"),
        (patched(DIRECTORY, 20, ">I", 0), "string outside"),
        (patched(DIRECTORY, 48, ">I", len(DIRECTORY)), "string outside"),
        (patched(DIRECTORY, 39, "B", 32), "pages"),
        (blob(0xFADE0C02, bytes(20)), "cut short"),
    ],
)
def test_what_leaves_its_bounds_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        codesign.parse(data)


def pair(key: bytes, value: bytes) -> bytes:
    return tlv(0x30, tlv(12, key) + value)


@pytest.mark.parametrize(
    ("slot", "payload", "reason"),
    [
        (5, plistlib.dumps([]), "no dictionary"),
        (5, b"<plist", "property list"),
        (7, b"\x02\x01\x00", "no dictionary"),
        (7, b"\x70\x00", "without version"),
        (7, tlv(0xB0, tlv(0x30, b"")), "no key and value"),
        (7, tlv(0xB0, pair(b"k", tlv(1, b"\xff")) * 2), "twice"),
        (7, tlv(0xB0, pair(b"k", tlv(9, b"\1"))), "tag 0x9"),
        (7, tlv(0xB0, pair(b"k", tlv(2, bytes(10)))), "tag 0x2"),
    ],
)
def test_entitlements_that_cannot_be_read_are_malformed(
    slot: int, payload: bytes, reason: str
) -> None:
    magic = {5: 0xFADE7171, 7: 0xFADE7172}[slot]
    with pytest.raises(Malformed, match=reason):
        codesign.parse(superblob({0: DIRECTORY, slot: blob(magic, payload)}))


def test_entitlements_nested_beyond_the_limit_are_over_the_limit() -> None:
    value = b"\x0c\x01a"
    for _ in range(70):
        value = tlv(0x30, value)
    data = blob(0xFADE7172, tlv(0xB0, tlv(0x30, tlv(12, b"k") + value)))
    with pytest.raises(OverLimit, match="nested"):
        codesign.parse(superblob({0: DIRECTORY, 7: data}))


def test_an_index_of_too_many_blobs_is_over_the_limit() -> None:
    index = struct.pack(">III", 0xFADE0CC0, 12 + 8 * 300, 300) + bytes(8 * 300)
    with pytest.raises(OverLimit, match="300 blobs"):
        codesign.parse(index)


@given(st.sampled_from([0xFADE0CC0, 0xFADE0C02]), st.binary(max_size=300))
def test_any_bytes_give_a_signature_or_malformed(magic: int, payload: bytes) -> None:
    try:
        codesign.parse(blob(magic, payload))
    except Malformed:
        return


@given(st.data())
def test_mutated_signatures_give_facts_or_malformed(data: st.DataObject) -> None:
    raw = bytearray(superblob({0: DIRECTORY, 5: XML, 7: DER}))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    try:
        codesign.parse(bytes(raw))
    except Malformed:
        return


def test_entitlements_with_a_key_twice_are_refused() -> None:
    twice = plistlib.dumps({"get-task-allow": True, "get-task-allow.": False})
    twice = twice.replace(b"get-task-allow.", b"get-task-allow")
    with pytest.raises(Malformed, match="get-task-allow more than once"):
        codesign.parse(superblob({0: DIRECTORY, 5: blob(0xFADE7171, twice)}))
