"""The names in a Mach-O image: its symbol table, and the imports of its fixups.

Sources: Apple's mach-o/nlist.h and mach-o/stab.h (symbols), mach-o/fixup-chains.h (chained
imports), mach-o/loader.h (BIND_OPCODE_*). A stripped image may name its imports in the fixups
alone, and an old one in the symbol table alone: all are read.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.formats.load_commands import Command
from gate.frozen import dataclass

MAX_SYMBOLS: Final = 4_000_000
MAX_NAME: Final = 16_384
_SHARED: Final = 8  # how many names may share a byte of their table, on the whole
_TOLD: Final = 8  # names kept of what should not be there

_SYMTAB, _CHAINED, _DYLD_INFO = 0x2, 0x80000034, (0x22, 0x80000022)
_STAB, _PRIVATE, _TYPE, _EXTERNAL = 0xE0, 0x10, 0x0E, 0x01
_UNDEFINED, _ABSOLUTE, _SECTION = 0x0, 0x2, 0xE
_DEBUG_MAP: Final = (0x24, 0x64, 0x66)  # N_FUN, N_SO, N_OSO
# Names that linkers put in by themselves, or strip leaves as its trace.
_LINKERS: Final = (b"__dyld_private", b"__mh_", b"dyld_stub_binder", b"radr://", b"ltmp", b"l_.str")
_IMPORT_SIZES: Final = {1: 4, 2: 8, 3: 16}  # DYLD_CHAINED_IMPORT, _ADDEND, _ADDEND64
_HOME: Final = re.compile(r"(?<=/Users)/[^/]+/|(?<=/home)/[^/]+/")  # whose home is not told
_MAX_INFLATED: Final = 1 << 26


@dataclass(slots=True)
class Names:
    """Imports and exports, and the first of the local symbols and of the debugger's map."""

    imports: set[str] = field(default_factory=set)
    exports: set[bytes] = field(default_factory=set)
    local_symbols: list[str] = field(default_factory=list)
    debug_map: list[str] = field(default_factory=list)


def names(image: bytes, commands: Sequence[Command], order: str, *, wide: bool) -> Names:
    """All names; raises Malformed for a table outside the image and OverLimit for too many."""
    found = Names()
    for command in commands:
        if command.number == _SYMTAB:
            _symbols(image, command, order, wide, found)
        elif command.number == _CHAINED:
            found.imports.update(_chained(image, command))
        elif command.number in _DYLD_INFO:
            for at in (16, 24, 32):  # binds, weak binds, lazy binds
                found.imports.update(_bound(part(image, command, at)))
    return found


def part(image: bytes, command: Command, at: int) -> bytes:
    """The bytes that an offset and a size, at `at` in a command, name; they lie in the image."""
    offset, size = command.unpack("II", at)
    if size > len(image) or offset > len(image) - size:
        raise Malformed(f"Mach-O table of {size} bytes that leaves the image", command.at)
    return bytes(image[offset : offset + size])


def _symbols(image: bytes, command: Command, order: str, wide: bool, found: Names) -> None:
    offset, count = command.unpack("II", 8)
    entry = struct.Struct(order + ("IBBHQ" if wide else "IBBHI"))
    if count > MAX_SYMBOLS:
        raise OverLimit(f"Mach-O image of {count} symbols, more than {MAX_SYMBOLS}", command.at)
    end = offset + count * entry.size
    if end > len(image):
        raise Malformed(f"Mach-O table of {count} symbols that leaves the image", command.at)
    texts = _Texts(part(image, command, 16))
    for name, kind, *_ in entry.iter_unpack(image[offset:end]):
        if kind & _STAB:
            if kind in _DEBUG_MAP and len(found.debug_map) < _TOLD and (text := texts.at(name)):
                found.debug_map.append(_HOME.sub("/.../", _shown(text), count=1))
        elif kind & _TYPE == _UNDEFINED:
            found.imports.add(_shown(texts.at(name)))
        elif kind & _TYPE in (_ABSOLUTE, _SECTION):  # the image's own
            if kind & _EXTERNAL and not kind & _PRIVATE:
                found.exports.add(texts.at(name))
            elif len(found.local_symbols) < _TOLD:
                text = texts.at(name)
                if text and not text.startswith(_LINKERS):
                    found.local_symbols.append(_shown(text))


class _Texts:
    """A table of names, of which no more is read than its size several times over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _SHARED * len(data) + MAX_NAME

    def at(self, offset: int) -> bytes:
        """The name at an offset, b"" for none; OverLimit where names share too much of the table.

        Linkers let a name end as another does, to save room, and many symbols have none.
        """
        end = self._data.find(b"\0", offset, offset + MAX_NAME)
        text = self._data[offset : end if end >= 0 else offset + MAX_NAME]
        self._left -= len(text)
        if self._left < 0:
            raise OverLimit("Mach-O names that are longer than their table", offset)
        return text


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _chained(image: bytes, command: Command) -> Iterator[str]:
    """The names of a chained fixups' table of imports."""
    data = part(image, command, 8)
    if len(data) < 28:
        raise Malformed("Mach-O chained fixups cut short", command.at)
    imports, symbols, count, form, packed = struct.unpack_from("<5I", data, 8)
    size = _IMPORT_SIZES.get(form)
    if size is None or imports + count * size > len(data) or symbols > len(data):
        raise Malformed(f"Mach-O chained fixups with {count} imports that leave them", command.at)
    texts = _Texts(_inflated(data[symbols:], command) if packed else data[symbols:])
    for at in range(imports, imports + count * size, size):
        if form == 3:
            offset = struct.unpack_from("<Q", data, at)[0] >> 32
        else:
            offset = struct.unpack_from("<I", data, at)[0] >> 9
        yield _shown(texts.at(offset))


def _inflated(data: bytes, command: Command) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_INFLATED)
    except zlib.error as fault:
        raise Malformed(
            "Mach-O chained fixups whose names cannot be inflated", command.at
        ) from fault


def _bound(stream: bytes) -> Iterator[str]:
    """The names in a stream of bind opcodes; what they bind is passed over."""
    at, end = 0, len(stream)
    while at < end:
        byte = stream[at]
        at += 1
        opcode = byte & 0xF0
        if opcode == 0x40:  # SET_SYMBOL_TRAILING_FLAGS_IMM
            stop = stream.find(b"\0", at, at + MAX_NAME)
            if stop < 0:
                raise Malformed("Mach-O bind of a name without an end", at)
            yield _shown(stream[at:stop])
            at = stop + 1
        elif opcode > 0xD0:
            raise Malformed(f"Mach-O bind opcode {byte:#x}", at)
        for _ in range(_numbers(byte)):
            while at < end and stream[at] & 0x80:
                at += 1
            at += 1


def _numbers(byte: int) -> int:
    """How many LEB128 numbers follow an opcode."""
    if byte & 0xF0 == 0xC0:  # DO_BIND_ULEB_TIMES_SKIPPING_ULEB
        return 2
    if byte & 0xF0 == 0xD0:  # THREADED: the size of the table, or nothing
        return int(byte == 0xD0)
    return int(byte & 0xF0 in (0x20, 0x60, 0x70, 0x80, 0xA0))
