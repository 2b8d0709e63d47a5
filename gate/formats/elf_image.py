"""An ELF file as its loader sees it: program headers, addresses, the dynamic section.

Sources: System V gABI chapters 4 and 5, elf(5), and bionic's linker_phdr.cpp for what Android
refuses. Sections are never consulted: the loader does not, and packers strip or forge them.
"""

import struct
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

PT_LOAD, PT_DYNAMIC = 1, 2
ET_REL: Final = 1

_DT_STRTAB, _DT_STRSZ = 5, 10
_MAX_HEADERS: Final = 2048  # bionic: at most 64 KiB of program headers
_MAX_DYNAMIC: Final = 65_536
_MAX_NAME: Final = 65_536
# Linkers let names share their ends, which makes them longer together than the table that has them.
_OVERLAP_ALLOWED: Final = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header; `flags` are PF_X 1, PF_W 2, PF_R 4, the other numbers bytes."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


@dataclass(frozen=True, slots=True)
class Image:
    """The file with what is needed to read further: byte order, class, segments."""

    data: bytes | memoryview
    order: str
    bits: int
    type: int
    machine: int
    segments: tuple[Segment, ...]

    @classmethod
    def open(cls, data: bytes | memoryview) -> "Image":
        """Read the ELF header and the program headers."""
        if bytes(data[:4]) != b"\x7fELF" or len(data) < 16:
            raise Malformed("not an ELF file", 0)
        bits, order = {1: 32, 2: 64}.get(data[4]), {1: "<", 2: ">"}.get(data[5])
        if bits is None or order is None:
            raise Malformed("ELF file of unknown class or byte order", 4)
        form = struct.Struct(order + ("HHIQQQIHHH" if bits == 64 else "HHIIIIIHHH"))
        if len(data) < 16 + form.size:
            raise Malformed("ELF header cut short", 16)
        kind, machine, _, _, offset, _, _, _, size, count = form.unpack_from(data, 16)
        segments = tuple(_segments(data, order, bits, offset, size, count))
        if not segments and kind != ET_REL:
            raise Malformed("ELF file without program headers", 16)
        return cls(data, order, bits, kind, machine, segments)

    def load(self, vaddr: int, what: str) -> memoryview:
        """The bytes in the file from a virtual address to the end of its loaded segment."""
        for segment in self.segments:
            within = vaddr - segment.vaddr
            if segment.type == PT_LOAD and 0 <= within < segment.filesz:
                start = segment.offset
                return memoryview(self.data)[start + within : start + segment.filesz]
        raise Malformed(f"ELF {what} at an address that no segment loads", vaddr)

    def words(self, vaddr: int, count: int, form: str, what: str) -> tuple[int, ...]:
        """`count` integers of the struct code `form` at a virtual address."""
        area = self.load(vaddr, what)
        if count * struct.calcsize("=" + form) > len(area):
            raise Malformed(f"ELF {what} that leaves its segment", vaddr)
        return struct.unpack_from(f"{self.order}{count}{form}", area)


def _segments(
    data: bytes | memoryview, order: str, bits: int, offset: int, size: int, count: int
) -> Iterator[Segment]:
    """The program headers; a loaded segment must lie inside the file, as bionic demands."""
    form = struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "8I"))
    if count and size != form.size:
        raise Malformed(f"ELF program headers of {size} bytes each", offset)
    if count > _MAX_HEADERS or offset + count * form.size > len(data):
        raise Malformed(f"ELF file whose {count} program headers leave it", offset)
    for at in range(offset, offset + count * form.size, form.size):
        fields = form.unpack_from(data, at)
        if bits == 64:
            kind, flags, start, vaddr, _, filesz, memsz, align = fields
        else:
            kind, start, vaddr, _, filesz, memsz, flags, align = fields
        if kind == PT_LOAD and (filesz > len(data) or start > len(data) - filesz):
            raise Malformed("ELF segment that leaves the file", at)
        yield Segment(kind, flags, start, vaddr, filesz, memsz, align)


def dynamic_entries(image: Image) -> list[tuple[int, int]]:
    """The entries of the dynamic section up to DT_NULL, found by address as the loader does."""
    entries: list[tuple[int, int]] = []
    for segment in image.segments:
        if segment.type != PT_DYNAMIC or not segment.filesz:
            continue
        form = struct.Struct(image.order + ("QQ" if image.bits == 64 else "II"))
        area = image.load(segment.vaddr, "dynamic section")
        if segment.filesz > len(area):
            raise Malformed("ELF dynamic section that leaves its segment", segment.offset)
        if segment.filesz > _MAX_DYNAMIC * form.size:
            raise OverLimit(f"ELF dynamic section of more than {_MAX_DYNAMIC} entries")
        for tag, value in form.iter_unpack(area[: segment.filesz // form.size * form.size]):
            if tag == 0:
                break
            entries.append((tag, value))
        break
    return entries


@dataclass(slots=True)
class StringTable:
    """The dynamic string table; each string is decoded once, however many entries name it."""

    data: bytes
    _known: dict[int, str] = field(default_factory=dict)
    _spent: int = 0

    def text(self, offset: int) -> str:
        """A string of the table; bytes that are no UTF-8 are shown as escapes.

        Raises OverLimit where the strings asked for overlap beyond what a linker makes of them.
        """
        if offset not in self._known:
            self._known[offset] = self._read(offset)
        return self._known[offset]

    def _read(self, offset: int) -> str:
        data = self.data
        end = data.find(b"\0", offset, offset + _MAX_NAME) if offset < len(data) else -1
        if end < 0:
            raise Malformed("ELF string outside its table or without an end", offset)
        self._spent += end - offset
        if self._spent > _OVERLAP_ALLOWED * len(data):
            raise OverLimit("ELF strings that overlap many times over", offset)
        return data[offset:end].decode("utf-8", "backslashreplace")


def string_table(image: Image, dynamic: dict[int, int]) -> StringTable:
    """The dynamic string table, without a string where the file names none."""
    address, size = dynamic.get(_DT_STRTAB), dynamic.get(_DT_STRSZ, 0)
    if address is None or not size:
        return StringTable(b"")
    table = image.load(address, "string table")
    if size > len(table):
        raise Malformed("ELF string table that leaves its segment", address)
    return StringTable(bytes(table[:size]))
