"""DEX headers, of single files and of containers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats.dex import MAX_FILES, Header, read_header, read_headers
from gate.formats.errors import Malformed, OverLimit
from tests.dalvik.write_dex import ClassDef, Code, MethodDef, container, seal, write_dex

ONE = ClassDef("La/A;", [MethodDef("f", code=Code((0x0E,)))])
TWO = ClassDef("La/B;", [MethodDef("g", code=Code((0x0E,)))])
SINGLE = bytes(write_dex([ONE]).data)
BOTH = bytes(container([ONE], [TWO]))


def changed(data: bytes, at: int, form: str, *values: int, begin: int = 0) -> bytes:
    """The bytes with some overwritten, and a checksum that fits again."""
    result = bytearray(data)
    struct.pack_into(f"<{form}", result, at, *values)
    (size,) = struct.unpack_from("<I", result, begin + 0x20)
    seal(result, begin, min(begin + size, len(result)))
    return bytes(result)


def test_a_single_file_is_told_by_one_header() -> None:
    (header,) = read_headers(SINGLE)
    assert header == read_header(SINGLE)
    assert (header.version, header.classes, header.methods) == ("038", 1, 1)
    assert (header.begin, header.end) == (0, len(SINGLE))


def test_a_container_has_a_header_for_each_file() -> None:
    first, second = read_headers(BOTH)
    assert (first.begin, first.end, second.end) == (0, second.begin, len(BOTH))
    assert (first.version, second.version) == ("041", "041")


@pytest.mark.parametrize("version", ["035", "037", "039", "040"])
def test_versions_that_devices_load_are_read(version: str) -> None:
    assert read_header(bytes(write_dex([ONE], version=version).data)).version == version


@pytest.mark.parametrize("version", [b"036", b"042", b"099", b"03\xff"])
def test_a_version_that_no_device_loads_is_malformed(version: bytes) -> None:
    with pytest.raises(Malformed, match="is not supported"):
        read_header(SINGLE[:4] + version + SINGLE[7:])


def test_a_version_041_file_needs_the_longer_header() -> None:
    with pytest.raises(Malformed, match="header size"):
        read_header(changed(SINGLE, 4, "3s", b"041"))  # type: ignore[arg-type]


def test_a_header_that_lies_about_its_container_is_malformed() -> None:
    second = read_headers(BOTH)[1].begin
    for at, value in ((0x70, len(BOTH) - 4), (0x74, 0), (0x74, second + 4)):
        with pytest.raises(Malformed, match="place in its container"):
            read_headers(changed(BOTH, second + at, "I", value, begin=second))


def test_an_older_file_behind_another_is_malformed() -> None:
    with pytest.raises(Malformed, match="wrong file size"):
        read_headers(SINGLE + SINGLE)


def test_a_file_of_a_container_without_size_is_malformed() -> None:
    with pytest.raises(Malformed, match="wrong file size"):
        read_headers(changed(BOTH, 0x20, "I", 0))


def test_every_file_of_a_container_has_its_own_checksum() -> None:
    data = bytearray(BOTH)
    data[-1] ^= 1
    assert read_header(bytes(data)).begin == 0
    with pytest.raises(Malformed, match="checksum"):
        read_headers(bytes(data))


def test_tables_that_overlap_are_malformed() -> None:
    (at,) = struct.unpack_from("<I", SINGLE, 0x3C)
    with pytest.raises(Malformed, match="overlap"):
        read_headers(changed(SINGLE, 0x44, "I", at + 4))


def test_files_of_a_container_may_share_their_strings() -> None:
    first, second = read_headers(bytes(container([ONE], [ONE])))
    data = bytes(container([ONE], [ONE]))
    shared = struct.unpack_from("<II", data, second.begin + 0x38)
    assert len(read_headers(changed(data, 0x38, "II", *shared))) == 2


def test_a_container_of_more_files_than_any_app_has_is_over_the_limit() -> None:
    with pytest.raises(OverLimit):
        read_headers(bytes(container(*([()] * (MAX_FILES + 1)))))


@given(st.sampled_from([SINGLE, BOTH]), st.data())
def test_a_changed_header_is_read_or_malformed(data: bytes, draw: st.DataObject) -> None:
    begin = draw.draw(st.sampled_from([each.begin for each in read_headers(data)]))
    at = draw.draw(st.integers(4, 0x74).filter(lambda at: not 8 <= at < 12))
    value = draw.draw(st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0, len(data))))
    try:
        headers = read_headers(changed(data, begin + at, "I", value, begin=begin))
    except Malformed:
        return
    assert all(isinstance(each, Header) for each in headers)
    assert headers[-1].end == len(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    for begin in (b"", b"dex\n035\0", b"dex\n041\0"):
        with pytest.raises(Malformed):
            read_headers(begin + data)
