"""ELF shared objects: hardening facts, wanted libraries and dynamic symbols.

Sources: System V gABI chapters 4 and 5, elf(5), and bionic's linker.cpp and linker_soinfo.cpp for
the tables that Android reads; the file itself is `gate.formats.elf_image`'s.
"""

import struct
from collections.abc import Iterator
from typing import Final

from gate.formats.elf_image import (
    PT_LOAD,
    Image,
    Segment,
    StringTable,
    dynamic_entries,
    string_table,
)
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

DART_SNAPSHOT: Final = "_kDartIsolateSnapshotData"  # a symbol of compiled Dart code
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W, PF_R = 1, 2, 4

_DT_NEEDED, _DT_PLTRELSZ, _DT_PLTGOT, _DT_HASH, _DT_SYMTAB, _DT_RELA = 1, 2, 3, 4, 6, 7
_DT_RELASZ, _DT_SONAME, _DT_RPATH, _DT_REL, _DT_RELSZ, _DT_PLTREL = 8, 14, 15, 17, 18, 20
_DT_TEXTREL, _DT_JMPREL, _DT_BIND_NOW, _DT_RUNPATH, _DT_FLAGS = 22, 23, 24, 29, 30
_DT_GNU_HASH, _DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFFB
# Sizes of every relocation table: REL, RELA, JMPREL, RELR, and Android's packed REL, RELA, RELR.
RELOCATION_SIZES: Final = (
    _DT_RELSZ,
    _DT_RELASZ,
    _DT_PLTRELSZ,
    35,
    0x60000010,
    0x60000012,
    0x6FFFE001,
)
_DF_TEXTREL, DF_BIND_NOW, DF_1_NOW = 4, 8, 1

_TYPE: Final = {1: "relocatable", 2: "executable", 3: "shared", 4: "core"}
_ABI: Final = {
    (183, 64): "arm64-v8a",
    (40, 32): "armeabi-v7a",
    (3, 32): "x86",
    (62, 64): "x86_64",
    (243, 64): "riscv64",
    (8, 32): "mips",
    (8, 64): "mips64",
}
_MAX_SYMBOLS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Elf:
    """Facts of one ELF file. `abi` is Android's name, or `machine-<e_machine>`.

    `elf_class` is 32 or 64. `gnu_stack_flags` is None where there is no PT_GNU_STACK, which lets
    the stack be executable. `writable_executable` are indices into `segments`. `soname`, `runpath`
    and `rpath` are "" where absent.
    """

    abi: str
    machine: int
    elf_class: int
    type: str
    segments: tuple[Segment, ...]
    relro: bool
    gnu_stack_flags: int | None
    has_dynamic: bool
    bind_now: bool
    has_relocations: bool
    text_relocations: bool
    has_got: bool
    needed: tuple[str, ...]
    soname: str
    runpath: str
    rpath: str

    @property
    def writable_executable(self) -> tuple[int, ...]:
        """The loaded segments that may be both written and executed."""
        return tuple(
            index
            for index, segment in enumerate(self.segments)
            if segment.type == PT_LOAD and segment.flags & PF_W and segment.flags & PF_X
        )


def parse(data: bytes | memoryview) -> Elf:
    """Facts of an ELF file of either class and byte order.

    Raises Malformed where it is none, or where headers, segments, the dynamic section or a string
    leave the file.
    """
    image = Image.open(data)
    dynamic = dynamic_entries(image)
    last = dict(dynamic)  # bionic keeps the last of an entry that comes twice
    flags, flags_1 = last.get(_DT_FLAGS, 0), last.get(_DT_FLAGS_1, 0)
    stacks = [segment.flags for segment in image.segments if segment.type == PT_GNU_STACK]
    strings = string_table(image, last)
    return Elf(
        abi=abi_name(image.machine, image.bits),
        machine=image.machine,
        elf_class=image.bits,
        type=_TYPE.get(image.type, f"type-{image.type}"),
        segments=image.segments,
        relro=any(segment.type == PT_GNU_RELRO for segment in image.segments),
        gnu_stack_flags=stacks[-1] if stacks else None,
        has_dynamic=bool(dynamic),
        bind_now=_DT_BIND_NOW in last or bool(flags & DF_BIND_NOW or flags_1 & DF_1_NOW),
        has_relocations=any(last.get(tag) for tag in RELOCATION_SIZES),
        text_relocations=_DT_TEXTREL in last or bool(flags & _DF_TEXTREL),
        has_got=_DT_PLTGOT in last,
        needed=tuple(strings.text(value) for tag, value in dynamic if tag == _DT_NEEDED),
        soname=_named(strings, last, _DT_SONAME),
        runpath=_named(strings, last, _DT_RUNPATH),
        rpath=_named(strings, last, _DT_RPATH),
    )


def abi_name(machine: int, bits: int) -> str:
    """Android's name for an e_machine in a file of 32 or 64 bits, or `machine-<e_machine>`."""
    return _ABI.get((machine, bits), f"machine-{machine}")


def dynamic_symbols(data: bytes | memoryview) -> tuple[str, ...]:
    """Names in the dynamic symbol table, imported and exported, in table order.

    The table's length is what the hash tables imply, as the loader sees it. Raises Malformed.
    """
    return tuple(name for name, _ in _symbols(data))


def imported_symbols(data: bytes | memoryview) -> tuple[str, ...]:
    """Names in the dynamic symbol table that this file wants from others (section index 0)."""
    return tuple(name for name, section in _symbols(data) if section == 0)


def _named(strings: StringTable, dynamic: dict[int, int], tag: int) -> str:
    return strings.text(dynamic[tag]) if tag in dynamic else ""


def _symbols(data: bytes | memoryview) -> Iterator[tuple[str, int]]:
    """Name and section index of every dynamic symbol but the empty first one."""
    image = Image.open(data)
    dynamic = dict(dynamic_entries(image))
    if _DT_SYMTAB not in dynamic:
        return
    form = struct.Struct(image.order + ("IBBHQQ" if image.bits == 64 else "IIIBBH"))
    count = _symbol_count(image, dynamic)
    table = image.load(dynamic[_DT_SYMTAB], "symbol table")
    if count > _MAX_SYMBOLS:
        raise OverLimit(f"ELF file of {count} dynamic symbols, more than {_MAX_SYMBOLS}")
    if count * form.size > len(table):
        raise Malformed("ELF symbol table that leaves its segment", dynamic[_DT_SYMTAB])
    strings = string_table(image, dynamic)
    for index, fields in enumerate(form.iter_unpack(table[: count * form.size])):
        name = strings.text(fields[0]) if index else ""
        if name:
            yield name, fields[3] if image.bits == 64 else fields[5]


def _symbol_count(image: Image, dynamic: dict[int, int]) -> int:
    """Length of the symbol table, which no entry states: DT_HASH has a chain for each symbol."""
    if _DT_HASH in dynamic:
        return image.words(dynamic[_DT_HASH], 2, "I", "hash table")[1]
    if _DT_GNU_HASH in dynamic:
        return _gnu_hash_count(image, dynamic)
    return _related_count(image, dynamic)


def _gnu_hash_count(image: Image, dynamic: dict[int, int]) -> int:
    """One more than the last symbol that the GNU hash table reaches.

    Layout as in bionic's linker_soinfo.cpp: four words, a Bloom filter of machine words, the
    buckets (the first symbol of each chain), then for every symbol from `first` on a word whose
    lowest bit ends a chain. Without exported symbols the table is empty and tells nothing.
    """
    address = dynamic[_DT_GNU_HASH]
    buckets, first, bloom, _ = image.words(address, 4, "I", "GNU hash table")
    if buckets > _MAX_SYMBOLS:
        raise OverLimit(f"ELF GNU hash table of {buckets} buckets, more than {_MAX_SYMBOLS}")
    at = address + 16 + bloom * image.bits // 8
    last = max(image.words(at, buckets, "I", "GNU hash table"), default=0)
    if last < first:
        return max(first, _related_count(image, dynamic))
    chains = image.load(at + 4 * buckets, "GNU hash chains")
    form = struct.Struct(image.order + "I")
    for index in range(last - first, len(chains) // 4):
        if form.unpack_from(chains, 4 * index)[0] & 1:
            return first + index + 1
    raise Malformed("ELF GNU hash chain without an end", address)


def _related_count(image: Image, dynamic: dict[int, int]) -> int:
    """One more than the last symbol that a relocation names: what is imported is relocated."""
    plt = dynamic.get(_DT_PLTREL, _DT_REL)
    last = -1
    for table, size, kind in (
        (_DT_REL, _DT_RELSZ, _DT_REL),
        (_DT_RELA, _DT_RELASZ, _DT_RELA),
        (_DT_JMPREL, _DT_PLTRELSZ, plt),
    ):
        if not dynamic.get(table) or not dynamic.get(size):
            continue
        form = struct.Struct(image.order + ("Q" if image.bits == 64 else "I") * (2 + (kind == 7)))
        area = image.load(dynamic[table], "relocation table")
        if dynamic[size] > len(area):
            raise Malformed("ELF relocation table that leaves its segment", dynamic[table])
        whole = dynamic[size] // form.size * form.size
        shift = 32 if image.bits == 64 else 8
        last = max(last, *(entry[1] >> shift for entry in form.iter_unpack(area[:whole])), -1)
    return last + 1
