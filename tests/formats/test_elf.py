import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats import elf
from gate.formats.elf_image import Segment
from gate.formats.errors import Malformed, OverLimit
from tests.formats.write_elf import LOAD, STACK, ElfWriter

SYMBOLS = (
    (b"malloc", 0),
    (b"__stack_chk_fail", 0),
    (b"_kDartIsolateSnapshotData", 7),
    (b"JNI_OnLoad", 8),
)


def written(**changes: Any) -> bytes:
    return ElfWriter(**changes).write()


def rich(**changes: Any) -> bytes:
    facts: dict[str, Any] = {
        "needed": (b"liblog.so", b"libc.so"),
        "soname": b"libx.so",
        "runpath": b"/data/local",
        "symbols": SYMBOLS,
        "hashed": 3,
        "tags": ((0x6FFFFFFB, 1), (3, 0x10000)),
        "relocated": (1, 2),
    }
    return written(**{**facts, **changes})


@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (64, ">"), (32, "<"), (32, ">")])
def test_facts_of_a_library_of_either_class_and_byte_order(bits: int, order: str) -> None:
    data = rich(bits=bits, order=order, machine=183 if bits == 64 else 40)
    facts = elf.parse(data)
    assert facts.abi == ("arm64-v8a" if bits == 64 else "armeabi-v7a")
    assert (facts.elf_class, facts.type) == (bits, "shared")
    assert facts.needed == ("liblog.so", "libc.so")
    assert (facts.soname, facts.runpath, facts.rpath) == ("libx.so", "/data/local", "")
    assert facts.segments[0] == Segment(LOAD, 5, 0, 0x10000, len(data), len(data), 0x4000)
    assert len(facts.segments) == 4
    assert facts.gnu_stack_flags == 6
    assert facts.relro
    assert facts.bind_now
    assert facts.has_dynamic
    assert facts.has_relocations
    assert facts.has_got
    assert not facts.text_relocations
    assert facts.writable_executable == ()
    assert elf.dynamic_symbols(data) == tuple(name.decode() for name, _ in SYMBOLS)
    assert elf.imported_symbols(data) == ("malloc", "__stack_chk_fail")


def test_a_library_without_any_hardening() -> None:
    facts = elf.parse(written(extra=(), load_flags=7))
    assert facts.gnu_stack_flags is None
    assert not facts.relro
    assert not facts.bind_now
    assert not facts.has_relocations
    assert not facts.has_got
    assert facts.writable_executable == (0,)


@pytest.mark.parametrize("tag", [(24, 0), (30, 8), (0x6FFFFFFB, 1)])
def test_each_way_to_ask_for_immediate_binding_counts(tag: tuple[int, int]) -> None:
    assert elf.parse(written(tags=(tag,))).bind_now


@pytest.mark.parametrize("tag", [(22, 0), (30, 4)])
def test_each_way_to_state_text_relocations_counts(tag: tuple[int, int]) -> None:
    assert elf.parse(written(tags=(tag,))).text_relocations


@pytest.mark.parametrize("tag", [2, 8, 18, 35, 0x60000010, 0x60000012, 0x6FFFE001])
def test_each_kind_of_relocation_table_counts(tag: int) -> None:
    assert elf.parse(written(tags=((tag, 24),))).has_relocations
    assert not elf.parse(written(tags=((tag, 0),))).has_relocations


@pytest.mark.parametrize(
    ("machine", "bits", "abi"),
    [
        (183, 64, "arm64-v8a"),
        (40, 32, "armeabi-v7a"),
        (3, 32, "x86"),
        (62, 64, "x86_64"),
        (243, 64, "riscv64"),
        (8, 32, "mips"),
        (8, 64, "mips64"),
        (62, 32, "machine-62"),
        (999, 64, "machine-999"),
    ],
)
def test_abis_have_androids_names(machine: int, bits: int, abi: str) -> None:
    assert elf.parse(written(machine=machine, bits=bits)).abi == abi


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_symbols_are_counted_by_either_hash_table(style: str) -> None:
    assert len(elf.dynamic_symbols(rich(hash_style=style))) == 4


def test_symbols_are_counted_by_relocations_where_nothing_is_exported() -> None:
    data = rich(symbols=SYMBOLS[:2], hashed=3)
    assert elf.dynamic_symbols(data) == ("malloc", "__stack_chk_fail")
    writer = ElfWriter(symbols=SYMBOLS[:2], relocated=(1, 2), hashed=1)
    writer.hashes = lambda: writer.pack("IIII", 1, 1, 1, 0) + bytes(12)  # type: ignore[method-assign]
    assert elf.imported_symbols(writer.write()) == ("malloc", "__stack_chk_fail")


def test_an_object_file_has_no_segments_and_a_library_must() -> None:
    facts = elf.parse(patched(written(kind=1), 56, "<H", 0))
    assert (facts.type, facts.segments, facts.has_dynamic) == ("relocatable", (), False)
    with pytest.raises(Malformed, match="without program headers"):
        elf.parse(patched(written(), 56, "<H", 0))


def test_a_memoryview_is_read_like_bytes() -> None:
    data = rich()
    assert elf.parse(memoryview(data)) == elf.parse(data)
    assert elf.dynamic_symbols(memoryview(data)) == elf.dynamic_symbols(data)


def test_section_headers_are_never_consulted() -> None:
    data = rich()
    lying = patched(patched(data, 40, "<Q", 1 << 63), 58, "<HHH", 0, 65535, 65535)
    assert elf.parse(lying) == elf.parse(data)


LONG = b"x" * 60_000


def test_one_long_name_that_countless_entries_share_is_decoded_once() -> None:
    at = len(b"\0liblog.so\0")
    data = written(needed=(b"liblog.so", LONG), tags=((1, at),) * 10_000)
    names = elf.parse(data).needed
    assert len(names) == 10_002
    assert len({id(name) for name in names if name != "liblog.so"}) == 1


def test_names_that_overlap_many_times_over_are_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="overlap"):
        elf.parse(written(needed=(LONG,), tags=tuple((1, 1 + place) for place in range(10))))
    symbols = tuple((b"", 0) for _ in range(10))
    data = bytearray(written(needed=(LONG,), symbols=symbols, hash_style="sysv"))
    (address,) = struct.unpack_from("<Q", data, entry(bytes(data), 6))
    table = address - ElfWriter.BASE
    for index in range(1, 11):
        struct.pack_into("<I", data, table + 24 * index, index)
    with pytest.raises(OverLimit, match="overlap"):
        elf.dynamic_symbols(bytes(data))


def patched(data: bytes, offset: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, *values)
    return bytes(changed)


def entry(data: bytes, tag: int) -> int:
    """Offset of the value of a dynamic entry, in a 64-bit file of ours."""
    start, size = struct.unpack_from("<Q16xQ", data, 64 + 56 + 8)
    for at in range(start, start + size, 16):
        if struct.unpack_from("<Q", data, at)[0] == tag:
            return at + 8
    raise LookupError(tag)


RICH = rich()
SYSV = rich(hash_style="sysv")
# Offset of the number of symbols in the System V hash table.
CHAINS = struct.unpack_from("<Q", SYSV, entry(SYSV, 4))[0] - ElfWriter.BASE + 4
HEAD = 64  # of the first program header, which is the loaded segment
DYNAMIC_HEAD = 64 + 56


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an ELF file"),
        (b"\x7fELF", "not an ELF file"),
        (b"PK\3\4" + bytes(100), "not an ELF file"),
        (patched(RICH, 4, "B", 3), "class or byte order"),
        (patched(RICH, 5, "B", 0), "class or byte order"),
        (RICH[:20], "header cut short"),
        (RICH[:100], "program headers leave it"),
        (patched(RICH, 56, "<H", 65535), "65535 program headers"),
        (patched(RICH, 32, "<Q", 1 << 63), "program headers leave it"),
        (patched(RICH, 54, "<H", 8), "8 bytes each"),
        (RICH[:-1], "segment that leaves the file"),
        (patched(RICH, HEAD + 8, "<Q", 1 << 62), "segment that leaves the file"),
        (patched(RICH, DYNAMIC_HEAD + 16, "<Q", 4), "no segment loads"),
        (patched(RICH, DYNAMIC_HEAD + 32, "<Q", 1 << 40), "dynamic section that leaves"),
        (patched(RICH, entry(RICH, 5), "<Q", 4), "string table at an address"),
        (patched(RICH, entry(RICH, 10), "<Q", 1 << 40), "string table that leaves"),
        (patched(RICH, entry(RICH, 14), "<Q", 1 << 40), "string outside"),
        (patched(RICH, entry(RICH, 10), "<Q", 4), "string outside"),
    ],
)
def test_what_leaves_its_bounds_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        elf.parse(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (patched(RICH, entry(RICH, 6), "<Q", 4), "symbol table at an address"),
        (patched(RICH, entry(RICH, 0x6FFFFEF5), "<Q", 4), "GNU hash table at an address"),
        (patched(SYSV, entry(SYSV, 4), "<Q", 4), "hash table at an address"),
        (patched(SYSV, CHAINS, "<I", 1_000_000), "symbol table that leaves"),
        (patched(RICH, entry(RICH, 0x6FFFFEF5), "<Q", 0x10000), "buckets|hash"),
        (
            rich(symbols=((b"a", 0),) * 3, hashed=9, relocated=(1 << 20,)),
            "symbol table that leaves",
        ),
    ],
)
def test_symbol_tables_that_leave_their_bounds_are_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        elf.dynamic_symbols(data)


def test_a_symbol_count_beyond_the_limit_is_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="symbols"):
        elf.dynamic_symbols(patched(SYSV, CHAINS, "<I", 0xFFFFFFFF))


def test_a_dynamic_section_beyond_the_limit_is_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="65536 entries"):
        elf.parse(written(tags=((0x99, 0),) * 65_536))


@given(st.binary(max_size=300))
def test_any_bytes_give_facts_or_malformed(tail: bytes) -> None:
    for head in (b"", b"\x7fELF\2\1\1", b"\x7fELF\1\2\1"):
        try:
            elf.parse(head + tail)
        except Malformed:
            continue


@given(st.data(), st.sampled_from([RICH, SYSV, rich(bits=32, machine=40)]))
def test_mutated_libraries_give_facts_or_malformed(data: st.DataObject, seed: bytes) -> None:
    raw = bytearray(seed)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    for read in (elf.parse, elf.dynamic_symbols, elf.imported_symbols):
        try:
            read(bytes(raw))
        except Malformed:
            continue


@pytest.mark.oracle
@pytest.mark.parametrize(("bits", "machine"), [(64, 183), (32, 40)])
def test_lief_reads_the_same(bits: int, machine: int) -> None:
    import lief

    data = rich(bits=bits, machine=machine)
    ours = elf.parse(data)
    theirs: Any = lief.ELF.parse(data)
    assert [(s.offset, s.vaddr, s.filesz, s.memsz, s.align, s.flags) for s in ours.segments] == [
        (
            s.file_offset,
            s.virtual_address,
            s.physical_size,
            s.virtual_size,
            s.alignment,
            int(s.flags),
        )
        for s in theirs.segments
    ]
    assert list(ours.needed) == list(theirs.libraries)
    assert [s.name for s in theirs.dynamic_symbols if s.name] == list(elf.dynamic_symbols(data))
    assert ours.gnu_stack_flags == int(theirs.get(lief.ELF.Segment.TYPE(STACK)).flags)


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("llvm-readobj") is None, reason="llvm-readobj is not installed")
def test_llvm_reads_the_same(tmp_path: Path) -> None:
    file = tmp_path / "libx.so"
    file.write_bytes(RICH)
    ran = subprocess.run(
        ["llvm-readobj", "--needed-libs", "--program-headers", "--dynamic-table", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = elf.parse(RICH)
    assert ran.stdout.count("ProgramHeader {") == len(ours.segments)
    assert all(name in ran.stdout for name in (*ours.needed, ours.soname, ours.runpath))
    assert "PT_GNU_RELRO" in ran.stdout
