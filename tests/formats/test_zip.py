import io
import random
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import (
    EntryData,
    ZipDirectory,
    iter_entry,
    read_directory,
    read_entry,
)
from gate.formats.zip_records import _HOSTILE_NAMES, decode_name
from tests.formats.write_zip import Member, deflated, write_zip, zip64_end, zip64_extra

BIG = 0xFFFF_FFFF
MANIFEST = Member(b"AndroidManifest.xml", b"manifest " * 40, deflate=True)
DEX = Member(b"classes.dex", b"dex\n035\0")


def directory_of(data: bytes) -> ZipDirectory:
    return read_directory(io.BytesIO(data))


def tricks(data: bytes) -> list[tuple[str, str]]:
    return [(anomaly.entry, anomaly.trick) for anomaly in directory_of(data).anomalies]


def read(data: bytes, name: str, limit: int = 1 << 20) -> EntryData:
    directory = directory_of(data)
    entry = directory.find(name)
    assert entry
    return read_entry(io.BytesIO(data), entry, directory, limit)


def test_a_plain_archive_has_no_anomaly() -> None:
    data = write_zip(MANIFEST, DEX, comment=b"hello")
    directory = directory_of(data)
    assert [entry.name for entry in directory.entries] == ["AndroidManifest.xml", "classes.dex"]
    assert directory.anomalies == ()
    assert directory.faults == {}
    assert directory.comment == b"hello"
    assert data[directory.central_offset :].startswith(b"PK\1\2")
    assert data[directory.eocd_offset :].startswith(b"PK\5\6")
    assert read(data, "AndroidManifest.xml") == EntryData(MANIFEST.data, crc_ok=True, unused=0)
    assert read(data, "classes.dex") == EntryData(DEX.data, crc_ok=True, unused=0)
    assert directory.find("classes2.dex") is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a ZIP archive"),
        (b"plain text, and long enough for a record", "not a ZIP archive"),
        (b"PK\5\6" + bytes(17), "not a ZIP archive"),
        (b"PK\5\6" + bytes(18), "without entries"),
        (write_zip(DEX, start=5000), "runs into its end record"),
        (write_zip(DEX, count=2), "cannot hold 2 entries"),
        (write_zip(DEX, count=2, directory_tail=bytes(60)), "no ZIP directory record 1 of 2"),
        (write_zip(Member(b"a", central={"magic": b"PK\1\3"})), "no ZIP directory record 0"),
        (write_zip(Member(b"a", central={"name_size": 2})), "record 0 of 1 is cut"),
        (write_zip(Member(b"a", central={"extra_size": 65535})), "record 0 of 1 is cut"),
        (write_zip(Member(b"a", central={"comment_size": 1})), "record 0 of 1 is cut"),
        (write_zip(DEX, size=BIG), "no ZIP64 end record"),
        (write_zip(DEX, comment=bytes(65535), trailing=b"x"), "not a ZIP archive"),
        (write_zip(MANIFEST, DEX)[:-60], "not a ZIP archive"),
    ],
)
def test_a_directory_that_android_does_not_find_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        directory_of(data)


def test_the_last_end_record_counts() -> None:
    inner = write_zip(MANIFEST)
    data = write_zip(DEX, comment=inner)
    with pytest.raises(Malformed, match="no ZIP directory record 0"):
        directory_of(data)


def test_records_after_the_counted_ones_do_not_exist() -> None:
    hidden = write_zip(Member(b"hidden"))
    start = hidden.index(b"PK\1\2")
    tail = hidden[start : hidden.index(b"PK\5\6")]
    data = write_zip(MANIFEST, directory_tail=tail)
    assert [entry.name for entry in directory_of(data).entries] == ["AndroidManifest.xml"]
    assert tricks(data) == [
        ("", f"{len(tail)} bytes in the central directory after the last counted entry")
    ]


@pytest.mark.parametrize(
    ("data", "trick"),
    [
        (write_zip(DEX, trailing=b"xyz"), "3 bytes after the end of the archive"),
        (write_zip(DEX, comment_size=9), "only 0 of 9 bytes of the archive comment"),
        (write_zip(DEX, on_disk=7), "the end record counts both 7 and 1 entries"),
        (
            write_zip(DEX, after_directory=b"gap"),
            "bytes between the central directory and its end record",
        ),
        (write_zip(DEX, prefix=b"#!/bin/sh\n"), "data before the first entry"),
        (
            write_zip(DEX, prefix=b"dex\n035\0"),
            "data before the first entry: a DEX file (Janus, CVE-2017-13156)",
        ),
    ],
)
def test_bytes_out_of_place_are_an_anomaly_of_the_archive(data: bytes, trick: str) -> None:
    assert tricks(data) == [("", trick)]
    assert read(data, "classes.dex").data == DEX.data


@pytest.mark.parametrize(
    ("name", "trick"),
    [
        ("", "has no name"),
        ("/etc/passwd", "its name is an absolute path"),
        ("C:autoexec.bat", "its name is an absolute path"),
        ("a/../../b", "its name leads out of the archive"),
        ("..", "its name leads out of the archive"),
        ("a\\b.txt", "its name holds a backslash"),
        ("a\0b", "its name holds a NUL"),
        ("a\n::error::b", "its name holds a control character"),
        ("a\x9bb", "its name holds a control character"),
        ("a\u202egpj.exe", "its name holds a character that turns the direction of writing"),
    ],
)
def test_a_hostile_name_is_kept_and_reported(name: str, trick: str) -> None:
    data = write_zip(Member(name.encode(), b"x"))
    assert directory_of(data).entries[0].name == name
    assert tricks(data) == [(name, trick)]


@pytest.mark.parametrize("name", ["a..b", "...", "res/..a/b", "r/a:b", "圖/檔.png"])
def test_an_unusual_but_harmless_name_is_no_anomaly(name: str) -> None:
    assert tricks(write_zip(Member(name.encode(), b"x"))) == []


def test_a_name_in_a_windows_code_page_is_read_as_cp437() -> None:
    data = write_zip(Member("檔案".encode("big5"), b"x"))
    entry = directory_of(data).entries[0]
    assert entry.name == "檔案".encode("big5").decode("cp437")
    assert entry.raw_name == "檔案".encode("big5")
    assert tricks(data)[0] == (entry.name, "its name is not UTF-8")
    assert read(data, entry.name).data == b"x"


def test_a_name_wrongly_declared_utf8_has_replacement_characters() -> None:
    data = write_zip(Member(b"a\xff", b"x", central={"flags": 1 << 11}))
    assert tricks(data) == [("a\ufffd", "its name is not UTF-8 though it is declared so")]


def test_the_first_of_two_entries_of_one_name_is_found() -> None:
    data = write_zip(Member(b"a", b"first"), Member(b"b"), Member(b"a", b"last"))
    directory = directory_of(data)
    assert [entry.name for entry in directory.entries] == ["a", "b", "a"]
    assert directory.duplicates == {"a"}
    assert read(data, "a").data == b"first"
    assert tricks(data) == [("a", "occurs more than once")]


def test_the_method_is_that_of_the_directory() -> None:
    data = write_zip(Member(b"a", b"content" * 9, deflate=True, local={"method": 77}))
    assert read(data, "a").data == b"content" * 9
    assert tricks(data) == [("a", "its local header says method 77, the directory 8")]


def test_the_sizes_and_crc_are_those_of_the_directory() -> None:
    data = write_zip(Member(b"a", b"content", local={"size": 3, "compressed_size": 3, "crc32": 1}))
    assert read(data, "a") == EntryData(b"content", crc_ok=True, unused=0)
    assert tricks(data) == [
        ("a", "its local header gives other sizes than the directory"),
        ("a", "its local header gives another CRC than the directory"),
    ]


def test_a_data_descriptor_excuses_the_local_header() -> None:
    zeros = {"flags": 8, "crc32": 0, "size": 0, "compressed_size": 0}
    data = write_zip(
        Member(b"a", b"content", deflate=True, local=zeros, central={"flags": 8}, after=bytes(16))
    )
    assert tricks(data) == []
    assert read(data, "a").data == b"content"


@pytest.mark.parametrize("where", ["local", "central"])
def test_the_encryption_bit_is_ignored_but_reported(where: str) -> None:
    lie = {"flags": 1}
    member = Member(
        b"a",
        b"content",
        local=lie if where == "local" else {},
        central=lie if where == "central" else {},
    )
    data = write_zip(member)
    assert read(data, "a").data == b"content"
    assert tricks(data) == [("a", "is marked as encrypted, which Android ignores")]


def test_an_unknown_method_is_read_as_stored() -> None:
    lie = {"method": 0x29F3, "compressed_size": 2}
    data = write_zip(Member(b"a", b"content", local=lie, central=lie))
    assert read(data, "a").data == b"content"
    assert tricks(data) == [
        ("a", "has the unknown compression method 10739, stored to Android 9 and later")
    ]


def test_a_stored_entry_of_two_sizes_is_read_by_its_uncompressed_size() -> None:
    lie = {"compressed_size": 2}
    data = write_zip(Member(b"a", b"content", local=lie, central=lie))
    assert read(data, "a").data == b"content"
    assert tricks(data) == [("a", "is stored, yet takes 2 bytes for 7")]


def test_a_version_that_does_not_exist_is_reported() -> None:
    data = write_zip(Member(b"a", central={"needed": 65535}))
    assert tricks(data) == [("a", "needs version 65535 of the format, which does not exist")]


def test_a_wrong_crc_is_told_and_the_data_given() -> None:
    lie = {"crc32": 1}
    data = write_zip(Member(b"a", b"content", local=lie, central=lie))
    assert read(data, "a") == EntryData(b"content", crc_ok=False, unused=0)
    assert tricks(data) == []


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        (Member(b"a", b"x", local_name=b"b"), "its local header bears another name"),
        (Member(b"a", b"x", local_name=b"abc"), "its local header bears another name"),
        (Member(b"a", b"x", local={"magic": b"PK\3\5"}), "has no local header"),
        (
            Member(b"a", b"x", central={"offset": 4_000_000_000}),
            "its local header is not before the central directory",
        ),
        (
            Member(b"a", b"x", local={"extra_size": 65535}),
            "its local header runs into the central directory",
        ),
        (
            Member(b"a", b"x", central={"compressed_size": 900, "size": 900}),
            "its data runs into the central directory",
        ),
        (Member(b"a", b"x", central={"size": BIG}), "its ZIP64 sizes are missing"),
        (Member(b"a", b"x", central={"offset": BIG}), "its ZIP64 sizes are missing"),
        (
            Member(b"a", b"x", central={"size": BIG}, central_extra=b"\1\0\4\0abcd"),
            "its ZIP64 sizes are missing",
        ),
        (
            Member(b"a", b"x", central={"size": BIG}, central_extra=b"\1\0\xff\xff"),
            "its ZIP64 sizes are missing",
        ),
        (
            Member(b"a", b"x", local={"size": BIG, "compressed_size": BIG}),
            "its ZIP64 sizes are missing",
        ),
    ],
)
def test_an_entry_that_leads_nowhere_is_a_fault_of_that_entry_alone(
    member: Member, fault: str
) -> None:
    data = write_zip(DEX, member)
    assert ("a", fault) in tricks(data)
    with pytest.raises(Malformed, match=f"ZIP entry 'a': {fault}"):
        read(data, "a")
    assert read(data, "classes.dex").data == DEX.data


def test_entries_that_share_bytes_are_never_inflated() -> None:
    packed = deflated(bytes(100_000))
    quoted = write_zip(Member(b"b", bytes(100_000), deflate=True)).partition(b"PK\1\2")[0]
    inside = len(write_zip(DEX, Member(b"a")).partition(b"PK\1\2")[0])
    lie = {"offset": inside, "compressed_size": len(packed)}
    data = write_zip(
        DEX,
        Member(b"a", quoted),
        Member(b"b", bytes(100_000), raw=b"", deflate=True, central=lie),
    )
    assert ("a", "its data overlaps that of 'b'") in tricks(data)
    assert ("b", "its data overlaps that of 'a'") in tricks(data)
    for name in ("a", "b"):
        with pytest.raises(Malformed, match="overlaps"):
            read(data, name)
    assert read(data, "classes.dex").data == DEX.data


def test_one_local_header_for_two_names_is_an_overlap() -> None:
    data = write_zip(Member(b"a", b"x"), Member(b"a", b"x", central={"offset": 0}), DEX)
    assert directory_of(data).faults == {0: "its data overlaps that of 'a'"}


def test_entries_that_touch_do_not_overlap() -> None:
    data = write_zip(*(Member(b"%d" % n, b"", deflate=n % 2 == 0) for n in range(50)))
    assert directory_of(data).faults == {}


def test_a_folder_and_a_symlink_are_told_apart_from_files() -> None:
    unix = {"made_by": 3 << 8 | 20, "external": 0o120777 << 16}
    data = write_zip(
        Member(b"folder/"),
        Member(b"dos\\"),
        Member(b"dos.txt\\", b"x"),
        Member(b"link", b"folder", central=unix),
        Member(b"link2", b"folder", central={"external": 0o120777 << 16}),
    )
    entries = directory_of(data).entries
    assert [entry.is_folder for entry in entries] == [True, True, False, False, False]
    assert [entry.is_symlink for entry in entries] == [False, False, False, True, False]


def test_a_folder_with_data_is_reported() -> None:
    assert tricks(write_zip(Member(b"classes.dex/", b"x"))) == [
        ("classes.dex/", "is named as a folder, yet holds data")
    ]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member(b"a", b"x" * 99, True, central={"size": 98}), "inflates to more than its 98"),
        (Member(b"a", b"x" * 99, True, central={"size": 0}), "inflates to more than its 0"),
        (Member(b"a", b"x" * 99, True, central={"size": 100}), "inflates to 99 of its 100"),
        (Member(b"a", b"x" * 99, True, raw=b"\xff\xff"), "holds a broken deflate stream"),
        (Member(b"a", b"x" * 99, True, raw=b""), "ends inside its deflate stream"),
        (Member(b"a", b"xyz" * 99, True, raw=deflated(b"xyz" * 99)[:-2]), "ends inside its"),
    ],
)
def test_data_that_is_not_of_the_declared_size_is_malformed(member: Member, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read(write_zip(member), "a")


def test_bytes_after_the_deflate_stream_are_counted() -> None:
    data = write_zip(Member(b"a", b"content", True, raw=deflated(b"content") + b"junk"))
    assert read(data, "a") == EntryData(b"content", crc_ok=True, unused=4)
    more = bytes(200_000)
    data = write_zip(Member(b"a", b"content", True, raw=deflated(b"content") + more))
    assert read(data, "a").unused == len(more)


def test_an_entry_is_read_at_its_limit_and_refused_one_byte_over() -> None:
    data = write_zip(Member(b"a", b"x" * 1000, deflate=True))
    assert len(read(data, "a", limit=1000).data) == 1000
    with pytest.raises(OverLimit, match="ZIP entry 'a' of 1000 bytes, more than 999"):
        read(data, "a", limit=999)


def test_an_entry_over_the_ratio_is_refused_before_it_is_inflated() -> None:
    size = 64 * 1024 * 1024 + 1
    member = Member(b"a", b"", True, raw=b"no deflate", central={"size": size})
    data = write_zip(member)
    assert ("a", f"inflates 10 bytes to {size}") in tricks(data)
    with pytest.raises(OverLimit, match="a ratio over 200"):
        read(data, "a", limit=1 << 40)
    directory = read_directory(io.BytesIO(data), max_ratio=size)
    with pytest.raises(Malformed, match="broken deflate stream"):
        read_entry(io.BytesIO(data), directory.entries[0], directory, 1 << 40)


def test_of_entries_that_are_too_large_together_the_largest_are_not_read() -> None:
    sizes = {b"a": 700, b"b": 1500, b"c": 300, b"d": 1500}
    data = io.BytesIO(write_zip(*(Member(name, bytes(size)) for name, size in sizes.items())))
    for most, lost in ((4000, ""), (3999, "b"), (2499, "bd"), (0, "abcd")):
        directory = read_directory(data, max_total=most)
        for entry in directory.entries:
            if entry.name in lost:
                with pytest.raises(OverLimit, match=f"of 4000 bytes, more than {most}"):
                    read_entry(data, entry, directory, 2000)
            else:
                assert read_entry(data, entry, directory, 2000).data


def test_the_directory_is_read_at_its_limits_and_refused_over_them() -> None:
    data = io.BytesIO(write_zip(MANIFEST, DEX))
    size = read_directory(data).central_size
    assert read_directory(data, max_entries=2, max_directory=size).entries
    with pytest.raises(OverLimit, match="of 2 entries, more than 1"):
        read_directory(data, max_entries=1)
    with pytest.raises(OverLimit, match=f"of {size} bytes, more than {size - 1}"):
        read_directory(data, max_directory=size - 1)


def test_a_stream_comes_in_bounded_blocks_and_bounded_memory() -> None:
    size = 32 * 1024 * 1024
    data = write_zip(Member(b"a", bytes(size), True), Member(b"b", bytes(size)))
    file = io.BytesIO(data)
    directory = read_directory(file)
    for entry in directory.entries:
        stream = iter_entry(file, entry, directory, size)
        tracemalloc.start()
        assert sum(len(block) for block in stream if len(block) <= 1 << 20) == size
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert stream.crc_ok
        assert peak < 4 * 1024 * 1024


def test_a_stream_whose_output_outlives_its_input_is_read_to_the_end() -> None:
    for size in (1 << 20, (1 << 20) + 1, (1 << 20) - 1, 3 << 20, (3 << 20) + 258):
        data = write_zip(Member(b"a", bytes(size), True))
        assert len(read(data, "a", limit=size).data) == size


def test_two_streams_of_one_file_do_not_disturb_each_other() -> None:
    first, second = random.Random(1).randbytes(300_000), random.Random(2).randbytes(300_000)
    file = io.BytesIO(write_zip(Member(b"a", first, True), Member(b"b", second, True)))
    directory = read_directory(file)
    streams = [iter_entry(file, entry, directory, 1 << 20) for entry in directory.entries]
    pairs = list(zip(*streams, strict=True))
    assert b"".join(one for one, _ in pairs) == first
    assert b"".join(two for _, two in pairs) == second


def with_zip64_end(data: bytes, count: int, **end: Any) -> bytes:
    start, at = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    return write_zip(before_directory=data[:at] + zip64_end(count, at - start, start, at), **end)


def test_a_zip64_directory_is_followed() -> None:
    plain = write_zip(MANIFEST, DEX)
    for field in ("size", "start"):
        data = with_zip64_end(plain, 2, **{field: BIG})
        assert [entry.name for entry in directory_of(data).entries] == [
            "AndroidManifest.xml",
            "classes.dex",
        ]
        assert read(data, "classes.dex").data == DEX.data


@pytest.mark.parametrize("count", [0, 3, 2**64 - 1])
def test_a_zip64_count_that_does_not_fit_is_malformed(count: int) -> None:
    with pytest.raises(Malformed):
        directory_of(with_zip64_end(write_zip(MANIFEST, DEX), count, size=BIG))


@pytest.mark.parametrize(
    ("size", "start", "at", "reason"),
    [
        (0, 0, 1 << 63, "no ZIP64 end record"),
        (0, 0, 97, "no ZIP64 end record"),
        (0, 0, 95, "bad ZIP64 end record"),
        (50, 47, 96, "bad ZIP64 end record"),
        (1 << 63, 1 << 63, 96, "bad ZIP64 end record"),
    ],
)
def test_a_zip64_end_record_that_points_astray_is_malformed(
    size: int, start: int, at: int, reason: str
) -> None:
    plain = write_zip(Member(b"abc", b"content"))
    plain = plain[: plain.index(b"PK\5\6")].ljust(96, b"\0")[:96]
    with pytest.raises(Malformed, match=reason):
        directory_of(write_zip(before_directory=plain + zip64_end(1, size, start, at), size=BIG))


@pytest.mark.parametrize("values", [("size",), ("size", "compressed_size"), ("size", "offset")])
def test_zip64_values_replace_the_fields_that_ask_for_them(values: tuple[str, ...]) -> None:
    real = {"size": 7, "compressed_size": 7, "offset": 0}
    extra = b"\x55\x55\2\0ab" + zip64_extra(*(real[value] for value in values))
    lie = dict.fromkeys(values, BIG)
    data = write_zip(Member(b"a", b"content", central=lie, central_extra=extra))
    assert read(data, "a").data == b"content"
    assert tricks(data) == []


def test_all_three_zip64_values_are_taken_when_all_are_written() -> None:
    lie = {"size": BIG, "compressed_size": 5}
    data = write_zip(Member(b"a", b"content", central=lie, central_extra=zip64_extra(7, 7, 0)))
    assert read(data, "a").data == b"content"


def test_zip64_sizes_of_a_local_header_are_compared() -> None:
    lie = {"size": BIG, "compressed_size": BIG}
    data = write_zip(Member(b"a", b"content", local=lie, local_extra=zip64_extra(7, 7)))
    assert tricks(data) == []
    data = write_zip(Member(b"a", b"content", local=lie, local_extra=zip64_extra(7, 8)))
    assert tricks(data) == [("a", "its local header gives other sizes than the directory")]


def written_by_zipfile(names: dict[str, bytes], method: int, *, streamed: bool) -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return not streamed

        def tell(self) -> int:
            if streamed:
                raise OSError
            return super().tell()

    file = Unseekable()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return file.getvalue()


NAMES = st.text(st.sampled_from("abcXYZ0-_./äß圖"), min_size=1, max_size=20)


@given(
    st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=8),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.booleans(),
)
def test_what_zipfile_writes_is_read_back(
    names: dict[str, bytes], method: int, streamed: bool
) -> None:
    data = written_by_zipfile(names, method, streamed=streamed)
    file = io.BytesIO(data)
    directory = read_directory(file)
    got = {e.name: read_entry(file, e, directory, 2000).data for e in directory.entries}
    assert got == names
    assert directory.faults == {}


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=2000), st.booleans()), min_size=1, max_size=8),
    st.binary(max_size=30),
)
def test_what_is_read_here_is_what_zipfile_reads(
    members: list[tuple[str, bytes, bool]], comment: bytes
) -> None:
    if b"PK" in comment:
        return
    data = write_zip(
        *(
            Member(name.encode(), body, deflate, {"flags": 1 << 11}, {"flags": 1 << 11})
            for name, body, deflate in members
        ),
        comment=comment,
    )
    file = io.BytesIO(data)
    directory = read_directory(file)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.comment == directory.comment
    for info, entry in zip(archive.infolist(), directory.entries, strict=True):
        assert (info.filename, info.file_size) == (entry.name, entry.size)
        assert archive.open(info).read() == read_entry(file, entry, directory, 2000).data


def read_everything(data: bytes) -> None:
    """Read all there is; only Malformed may stop a part of it."""
    file = io.BytesIO(data)
    try:
        directory = read_directory(file)
    except Malformed:
        return
    for entry in directory.entries:
        assert directory.find(entry.name)
        try:
            found = read_entry(file, entry, directory, 1 << 20)
        except Malformed:
            continue
        assert len(found.data) == entry.size
        assert found.crc_ok == (zlib.crc32(found.data) == entry.crc32)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_read_or_malformed(data: bytes) -> None:
    read_everything(data)
    read_everything(write_zip(DEX, directory_tail=data))
    read_everything(data + b"PK\5\6" + data[:18])


ORIGINALS: list[Callable[[], bytes]] = [
    lambda: write_zip(MANIFEST, DEX, Member(b"res/"), comment=b"hello"),
    lambda: with_zip64_end(write_zip(MANIFEST, DEX), 2, size=BIG),
    lambda: write_zip(
        Member(b"a", b"content", central={"size": BIG}, central_extra=zip64_extra(7)), DEX
    ),
]


@given(
    st.sampled_from(ORIGINALS),
    st.lists(
        st.tuples(
            st.floats(0, 1, exclude_max=True),
            st.sampled_from([b"", b"\0", b"\1", b"\x7f", b"\xff\xff\xff\xff", b"PK\5\6"]),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_mutated_archives_are_read_or_malformed(
    original: Callable[[], bytes], changes: list[tuple[float, bytes]]
) -> None:
    data = original()
    for where, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + max(1, len(new)) :]
    read_everything(data)


def test_as_many_entries_as_a_plain_archive_may_have_are_found() -> None:
    names = [f"res/{n}" for n in range(65_535)]
    data = write_zip(*(Member(name.encode()) for name in names))
    directory = directory_of(data)
    assert [entry.name for entry in directory.entries] == names
    assert directory.anomalies == ()
    assert directory.find("res/65534") == directory.entries[-1]


PIECES = st.sampled_from(
    [b"/", b".", b"..", b"\\", b":", b"C", b"a", b"-;[]~", b"\x7f", b"\0", b" ", b"\n"]
)


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_the_quick_way_to_a_plain_name_passes_over_no_hostile_one(raw: bytes) -> None:
    name, tricks = decode_name(raw, 0)
    assert name == raw.decode()
    assert tricks == [trick for pattern, trick in _HOSTILE_NAMES if pattern.search(name)]
