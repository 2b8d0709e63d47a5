import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.app.native import DirectorySeal, Disagreement
from gate.formats import code_seal, codesign, macho
from gate.formats.errors import Malformed
from tests.formats.write_macho import blob
from tests.formats.write_seal import (
    REQUIREMENTS,
    SPACE,
    XML,
    digest,
    directory,
    prefix,
    signed,
)

CODE = prefix(bytes(range(256)) * 40)  # 10,288 bytes: two pages of 4 KiB and a part of one
INFO, RESOURCES = b"an Info.plist", b"a CodeResources"
SLOTS = {1: INFO, 2: REQUIREMENTS, 3: RESOURCES, 5: XML}
OUTSIDE: Mapping[int, bytes | None] = {1: INFO, 3: RESOURCES}


def seals(
    data: bytes,
    outside: Mapping[int, bytes | None] = OUTSIDE,
    *,
    encrypted: bool = False,
) -> tuple[DirectorySeal, ...]:
    (image,) = macho.parse(data)
    assert image.code_signature
    signature = codesign.parse(image.signature)
    return code_seal.directory_seals(
        data, image.code_signature, signature, outside, encrypted=encrypted
    )


def seal(data: bytes, outside: Mapping[int, bytes | None] = OUTSIDE) -> DirectorySeal:
    (found,) = seals(data, outside)
    return found


def built(**options: int) -> bytes:
    blobs = {0: directory(CODE, SLOTS, **options), 2: REQUIREMENTS, 5: XML}
    return signed(CODE, blobs)


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("hash_type", [1, 2, 3, 4])
@pytest.mark.parametrize("page", [0, 4, 12, 14])
def test_what_was_sealed_is_intact(hash_type: int, page: int) -> None:
    found = seal(built(hash_type=hash_type, page=page))
    assert found.intact and not found.unchecked and not found.uncovered
    assert found.first_bad_page is None
    code_directory = directory(CODE, SLOTS, hash_type=hash_type, page=page)
    assert found.cdhash == digest(hash_type, code_directory)[:20].hex()


@pytest.mark.parametrize(("at", "page"), [(200, 0), (4095, 0), (4096, 1), (len(CODE) - 1, 2)])
def test_a_changed_byte_is_told_by_its_page_alone(at: int, page: int) -> None:
    found = seal(flipped(built(), at))
    assert (found.bad_pages, found.first_bad_page) == (1, page)
    assert not found.slots
    assert not found.intact


def test_one_page_for_all_is_bad_as_a_whole() -> None:
    found = seal(flipped(built(page=0), 9000))
    assert (found.bad_pages, found.first_bad_page) == (1, 0)


def test_every_directory_is_compared_and_the_strongest_is_known_by_its_type() -> None:
    first = directory(CODE, SLOTS, hash_type=1)
    second = directory(flipped(CODE, 5000), SLOTS, hash_type=2)
    found = seals(signed(CODE, {0: first, 0x1000: second, 2: REQUIREMENTS, 5: XML}))
    assert [(each.slot, each.intact) for each in found] == [(0, True), (0x1000, False)]
    assert found[1].first_bad_page == 1


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        ({1: INFO + b"!", 3: RESOURCES}, Disagreement(altered=("Info.plist",))),
        ({1: INFO, 3: None}, Disagreement(missing=("CodeResources",))),
        ({1: INFO, 3: b""}, Disagreement(altered=("CodeResources",))),
    ],
)
def test_files_outside_the_program_are_told_by_name(
    outside: Mapping[int, bytes | None], expected: Disagreement
) -> None:
    found = seal(built(), outside)
    assert found.slots == expected
    assert not found.bad_pages


def test_a_file_that_no_slot_seals_is_unsealed() -> None:
    data = signed(CODE, {0: directory(CODE, {2: REQUIREMENTS}, special=2), 2: REQUIREMENTS, 5: XML})
    assert seal(data).slots == Disagreement(
        unsealed=("Info.plist", "CodeResources", "entitlements")
    )


def test_a_sealed_blob_that_was_taken_out_is_missing() -> None:
    assert seal(signed(CODE, {0: directory(CODE, SLOTS), 2: REQUIREMENTS})).slots == Disagreement(
        missing=("entitlements",)
    )


def test_a_wrapper_is_sealed_by_what_it_holds() -> None:
    wrapper = blob(0xFADE0B01, b"what it holds")
    code_directory = directory(CODE, {4: b"what it holds"})
    assert seal(signed(CODE, {0: code_directory, 4: wrapper}), {}).intact
    assert seal(signed(CODE, {0: directory(CODE, {4: wrapper}), 4: wrapper}), {}).slots.altered == (
        "CodeTopDirectory",
    )


def test_a_sealed_file_that_is_not_at_hand_is_unchecked() -> None:
    found = seal(built(), {})
    assert found.intact
    assert found.unchecked == (
        "what is sealed as Info.plist is not at hand",
        "what is sealed as CodeResources is not at hand",
    )


def test_scattered_pages_are_stated_and_not_followed() -> None:
    found = seal(flipped(built(scatter=88), 5000))
    assert found.first_bad_page is None
    assert any("scattered" in reason for reason in found.unchecked)


def test_pages_of_an_encrypted_image_are_unchecked_unless_they_match() -> None:
    (intact,) = seals(built(), encrypted=True)
    assert intact.intact and not intact.unchecked
    (changed,) = seals(flipped(built(), 5000), encrypted=True)
    assert changed.first_bad_page is None
    assert any("encrypted" in reason for reason in changed.unchecked)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"hash_type": 9}, "hash type 9"),
        ({"hash_size": 0}, "hashes of 0 bytes for hash type 2"),
        ({"hash_size": 20}, "hashes of 20 bytes"),
        ({"limit": len(CODE) + SPACE + 1}, "code limit"),
    ],
)
def test_a_directory_that_a_device_refuses_is_a_fault(options: dict[str, int], reason: str) -> None:
    found = seal(built(**options))
    assert reason in found.fault
    assert not found.intact


def test_a_second_directory_of_the_same_type_is_a_fault() -> None:
    twice = {0: directory(CODE, SLOTS), 0x1000: directory(CODE, SLOTS)}
    first, second = seals(signed(CODE, {**twice, 2: REQUIREMENTS, 5: XML}))
    assert first.intact
    assert "second" in second.fault


def test_bytes_that_no_page_covers_are_counted() -> None:
    assert seal(built(limit=8192)).uncovered == len(CODE) - 8192
    assert seal(built(pages=1)).uncovered == len(CODE) - 4096
    assert seal(built() + b"behind").uncovered == 6


def test_pages_beyond_the_limit_are_of_nothing() -> None:
    data = built()
    at = data.index(directory(CODE, SLOTS))
    changed = bytearray(data)
    struct.pack_into(">I", changed, at + 32, 4096)  # codeLimit, while three pages are listed
    found = seal(bytes(changed))
    assert (found.bad_pages, found.first_bad_page) == (2, 1)


def test_more_special_slots_than_are_looked_at_are_stated() -> None:
    found = seal(built(special=70))
    assert found.unchecked == ("it has 70 special slots",)


def test_the_blobs_of_a_bare_directory_are_itself() -> None:
    code_directory = directory(CODE)
    assert code_seal.blobs(code_directory + bytes(9)) == {0: code_directory}
    with pytest.raises(Malformed, match="cut short"):
        code_seal.blobs(b"\xfa\xde\x0c\xc0")


@given(st.binary(max_size=200))
def test_any_bytes_give_blobs_or_malformed(data: bytes) -> None:
    try:
        code_seal.blobs(b"\xfa\xde\x0c\xc0" + data)
    except Malformed:
        return


WHOLE = built()
START = len(CODE)


@given(
    st.lists(
        st.tuples(st.integers(START, START + 700), st.integers(0, 255)), min_size=1, max_size=5
    )
)
def test_a_damaged_signature_gives_seals_or_malformed(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(WHOLE)
    for at, value in changes:
        raw[at] = value
    try:
        found = seals(bytes(raw))
    except Malformed:
        return
    assert all(0 <= each.uncovered <= len(raw) for each in found if not each.fault)
