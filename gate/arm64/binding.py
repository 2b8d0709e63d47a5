"""What the opcodes of LC_DYLD_INFO bind: which pointer gets the address of which import.

Sources: Apple's mach-o/loader.h (BIND_OPCODE_*); dyld's MachOAnalyzer.cpp (`forEachBind`).
Threaded binds, as arm64e had them before chained fixups, fill the table of names alone: the
pointers themselves tell their number in it.
"""

from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_BINDS: Final = 4_000_000
MAX_NAME: Final = 16_384
_POINTER: Final = 8


@dataclass(frozen=True, slots=True)
class Binds:
    """Places of pointers by the number of their name, the names, and whether they are threaded."""

    slots: dict[int, int]
    names: list[str]
    threaded: bool


def read(streams: tuple[memoryview, ...], starts: tuple[int, ...], limit: int) -> Binds:
    """The binds of all streams; `starts` are the places of all segments, `limit` the image's end.

    A place out of the image, a number without an end or an unknown opcode is Malformed.
    """
    binds = Binds({}, [], False)
    threaded = False
    known: dict[str, int] = {}
    for stream in streams:
        reader = _Reader(bytes(stream), starts, limit, binds, known)
        reader.run()
        threaded = threaded or reader.threaded
    return Binds(binds.slots, binds.names, threaded)


class _Reader:
    """One stream of opcodes and what they have set so far."""

    def __init__(
        self,
        data: bytes,
        starts: tuple[int, ...],
        limit: int,
        binds: Binds,
        known: dict[str, int],
    ) -> None:
        self.data, self.starts, self.limit = data, starts, limit
        self.binds, self.known = binds, known
        self.at = self.place = self.number = 0
        self.threaded = False

    def run(self) -> None:
        """Read to the end of the stream; DONE only parts the entries of lazy binds."""
        while self.at < len(self.data):
            byte = self.data[self.at]
            self.at += 1
            self._step(byte & 0xF0, byte & 0x0F)

    def _step(self, opcode: int, low: int) -> None:
        match opcode:
            case 0x00 | 0x10 | 0x30 | 0x50:  # DONE, SET_DYLIB_*_IMM, SET_TYPE_IMM
                pass
            case 0x20 | 0x60:  # SET_DYLIB_ORDINAL_ULEB, SET_ADDEND_SLEB
                self._uleb()
            case 0x40:  # SET_SYMBOL_TRAILING_FLAGS_IMM
                self._name()
            case 0x70:  # SET_SEGMENT_AND_OFFSET_ULEB
                if low >= len(self.starts):
                    raise Malformed(f"Mach-O bind in segment {low}, which is not there", self.at)
                self.place = self.starts[low] + self._uleb()
            case 0x80:  # ADD_ADDR_ULEB
                self._move(self._uleb())
            case 0x90 | 0xA0 | 0xB0 | 0xC0:
                self._bind(opcode, low)
            case 0xD0:
                self._thread(low)
            case _:
                raise Malformed(f"Mach-O bind opcode {opcode | low:#x}", self.at)

    def _bind(self, opcode: int, low: int) -> None:
        count, step = 1, _POINTER
        if opcode == 0xA0:  # DO_BIND_ADD_ADDR_ULEB
            step += self._uleb()
        elif opcode == 0xB0:  # DO_BIND_ADD_ADDR_IMM_SCALED
            step += low * _POINTER
        elif opcode == 0xC0:  # DO_BIND_ULEB_TIMES_SKIPPING_ULEB
            count, step = self._uleb(), _POINTER + self._uleb()
        if self.threaded:
            return
        if len(self.binds.slots) + count > MAX_BINDS or count > self.limit // _POINTER:
            raise OverLimit("Mach-O image with too many binds", self.at)
        for _ in range(count):
            if not 0 <= self.place <= self.limit - _POINTER:
                raise Malformed("Mach-O bind outside of the image", self.at)
            self.binds.slots[self.place] = self.number
            self._move(step)

    def _thread(self, low: int) -> None:
        if low == 0:  # SET_BIND_ORDINAL_TABLE_SIZE_ULEB: what is bound next fills the table
            self._uleb()
            self.threaded = True
            self.binds.names.clear()
        elif low != 1:  # APPLY: the pointers from here on are a chain
            raise Malformed(f"Mach-O bind opcode {0xD0 | low:#x}", self.at)

    def _name(self) -> None:
        end = self.data.find(b"\0", self.at, self.at + MAX_NAME)
        if end < 0:
            raise Malformed("Mach-O bind of a name without an end", self.at)
        name = self.data[self.at : end].decode("utf-8", "backslashreplace")
        self.at = end + 1
        if self.threaded:
            self.binds.names.append(name)
            return
        self.number = self.known.setdefault(name, len(self.known))
        if self.number == len(self.binds.names):
            self.binds.names.append(name)

    def _uleb(self) -> int:
        value = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise Malformed("Mach-O bind with a number without an end", self.at)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF

    def _move(self, step: int) -> None:
        self.place = self.place + step & 0xFFFFFFFFFFFFFFFF
        if self.place >> 63:
            self.place -= 1 << 64
