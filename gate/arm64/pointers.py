"""What the pointers of an image point to once it is loaded: a place in it, or an import.

Sources: Apple's mach-o/fixup-chains.h (dyld_chained_*); dyld's MachOLoaded.cpp. Three forms:
chained fixups, threaded binds (the older form of the same on arm64e), and plain pointers with
opcodes beside them. A zero pointer stays null whatever the form.
"""

import struct
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gate.arm64 import binding
from gate.arm64.image import MAX_IMAGE, Image
from gate.formats.errors import Malformed, OverLimit

Column = npt.NDArray[Any]

MAX_IMPORTS: Final = 1 << 22
_CHAINED, _INFO = 0x80000034, (0x22, 0x80000022)
_ARM64E: Final = (1, 9, 12)  # DYLD_CHAINED_PTR_ARM64E, _USERLAND, _USERLAND24
_PLAIN_64: Final = (2, 6)  # DYLD_CHAINED_PTR_64, _64_OFFSET
_FROM_BASE: Final = (6, 9, 12)  # their targets count from the base, the others' are addresses
_NO_CHAIN: Final = 0xFFFF
_THREADED: Final = 1
# How far an entry is from the next one, and where the offset of its name begins.
_IMPORTS: Final = {1: (4, 0, 9), 2: (8, 0, 9), 3: (16, 0, 32)}


class Pointers:
    """Reads pointers of one image; raises Malformed at once where its fixups are not sound."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._format = 0
        self._names: list[str] = []
        self._slots: dict[int, int] = {}
        self._pages: tuple[_Pages, ...] = ()
        self._walked: dict[tuple[int, int], frozenset[int]] = {}
        if (command := image.command(_CHAINED)) is not None:
            self._chained(*command.unpack("II", 8))
        elif (command := image.command(*_INFO)) is not None:
            self._opcodes(command.unpack("10I", 8))

    def at(self, place: int) -> int | str | None:
        """The place that the pointer at a place points to, or the import; None for neither."""
        raw = self._image.number(place, 8)
        if not raw:
            return self._bound(self._slots.get(place, -1))
        target, base = raw, 0 if self._format in _FROM_BASE else self._image.base
        if self._format in _ARM64E:
            if raw >> 62 & 1:
                return self._bound(raw & (0xFFFFFF if self._format == 12 else 0xFFFF))
            target = (raw & 0xFFFFFFFF) if raw >> 63 else (raw & 0x7FFFFFFFFFF) - base
        elif self._format in _PLAIN_64:
            if raw >> 63:
                return self._bound(raw & 0xFFFFFF)
            target = (raw & 0xFFFFFFFFF) - base
        elif place in self._slots:
            return self._bound(self._slots[place])
        else:
            target -= base
        return target if 0 <= target < MAX_IMAGE else None

    def _bound(self, number: int) -> str | None:
        return self._names[number] if 0 <= number < len(self._names) else None

    def sure(self, place: int) -> bool:
        """Whether what lies at a place is a pointer at all; plain ones are told by their value."""
        for pages in self._pages:
            inside = place - pages.place
            number = inside // pages.page_size
            if inside >= 0 and number < len(pages.starts):
                return place in self._chain(pages, number)
        return not self._format and isinstance(self.at(place), int | str)

    def name(self, number: int) -> str:
        """The import of a number."""
        return self._names[number]

    @cached_property
    def numbers(self) -> dict[str, list[int]]:
        """The numbers of each import, by name."""
        found: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            found.setdefault(name, []).append(number)
        return found

    def many(self, places: Column) -> tuple[Column, Column]:
        """As `column`, of the pointers at these places."""
        return self.column(read(self._image, places, "<u8"), places)

    def column(self, raw: Column, places: Column) -> tuple[Column, Column]:
        """Of pointers as the file has them, the places they point to and the numbers of imports.

        Each is -1 where the pointer has none.
        """
        raw = raw.astype(np.uint64)
        if self._format in _ARM64E:
            return self._arm64e(raw)
        if self._format in _PLAIN_64:
            bind = raw >> np.uint64(63) == 1
            target = (raw & np.uint64(0xFFFFFFFFF)).astype(np.int64)
            return self._split(raw, bind, target, (raw & np.uint64(0xFFFFFF)).astype(np.int64))
        targets = self._inside(raw.astype(np.int64) - self._image.base, raw)
        numbers = np.full(len(raw), -1, np.int64)
        if self._slots:
            slots, ordinals = self._sorted_slots
            index = np.minimum(np.searchsorted(slots, places), len(slots) - 1)
            hit = slots[index] == places
            numbers[hit] = ordinals[index[hit]]
            targets[hit] = -1
        return targets, numbers

    def _arm64e(self, raw: Column) -> tuple[Column, Column]:
        signed = raw >> np.uint64(63) == 1
        bind = raw >> np.uint64(62) & np.uint64(1) == 1
        plain = (raw & np.uint64(0x7FFFFFFFFFF)).astype(np.int64)
        if self._format not in _FROM_BASE:
            plain -= self._image.base
        target = np.where(signed, (raw & np.uint64(0xFFFFFFFF)).astype(np.int64), plain)
        mask = np.uint64(0xFFFFFF if self._format == 12 else 0xFFFF)
        ordinal = (raw & mask).astype(np.int64)
        return self._numbered(raw, bind, target, ordinal)

    def _split(
        self,
        raw: Column,
        bind: Column,
        target: Column,
        ordinal: Column,
    ) -> tuple[Column, Column]:
        if self._format not in _FROM_BASE:
            target = target - self._image.base
        return self._numbered(raw, bind, target, ordinal)

    def _numbered(
        self,
        raw: Column,
        bind: Column,
        target: Column,
        ordinal: Column,
    ) -> tuple[Column, Column]:
        known = bind & (ordinal < len(self._names))
        numbers = np.where(known, ordinal, -1)
        return np.where(bind, -1, self._inside(target, raw)), numbers

    @staticmethod
    def _inside(target: Column, raw: Column) -> Column:
        return np.where((raw != 0) & (target >= 0) & (target < MAX_IMAGE), target, -1)

    @cached_property
    def _sorted_slots(self) -> tuple[Column, Column]:
        slots = np.fromiter(self._slots.keys(), np.int64, len(self._slots))
        numbers = np.fromiter(self._slots.values(), np.int64, len(self._slots))
        order = np.argsort(slots)
        return slots[order], numbers[order]

    def _opcodes(self, parts: tuple[int, ...]) -> None:
        """Bind, weak bind and lazy bind, each an offset and a size, after those of rebase."""
        streams = tuple(_cut(self._image.data, *parts[at : at + 2]) for at in (2, 4, 6))
        end = max((s.place + s.size for s in self._image.segments), default=0)
        binds = binding.read(streams, self._image.starts, end)
        self._names, self._slots = [c_name(name) for name in binds.names], binds.slots
        if binds.threaded:
            self._format, self._slots = _THREADED, {}

    def _chained(self, offset: int, size: int) -> None:
        blob = _cut(self._image.data, offset, size)
        if len(blob) < 28:
            raise Malformed("Mach-O chained fixups cut short", offset)
        _, starts, imports, symbols, count, form, packed = struct.unpack_from("<7I", blob)
        if form not in _IMPORTS or packed:
            raise Malformed(f"Mach-O chained imports of format {form}, {packed}", offset)
        self._names = [c_name(n) for n in _imports(blob, imports, symbols, count, form)]
        self._pages = _pages(blob, starts, self._image)
        formats = {pages.format for pages in self._pages}
        if len(formats) > 1 or not formats <= {*_ARM64E, *_PLAIN_64}:
            raise Malformed(f"Mach-O chained pointers of formats {sorted(formats)}", offset)
        self._format = next(iter(formats), 6)

    def _chain(self, pages: "_Pages", number: int) -> frozenset[int]:
        """The places of the pointers of a page, along its chain."""
        key = (pages.place, number)
        if key not in self._walked:
            self._walked[key] = frozenset(self._walk(pages, number))
        return self._walked[key]

    def _walk(self, pages: "_Pages", number: int) -> list[int]:
        step, shift, mask = (8, 51, 0x7FF) if self._format in _ARM64E else (4, 51, 0xFFF)
        start = pages.starts[number]
        found: list[int] = []
        if start == _NO_CHAIN:
            return found
        place = pages.place + number * pages.page_size + start
        end = pages.place + (number + 1) * pages.page_size
        while place < end:
            found.append(place)
            raw = self._image.number(place, 8)
            if raw is None or not (following := raw >> shift & mask):
                break
            place += following * step
        return found


class _Pages:
    """Where the chains of a segment's pages begin."""

    def __init__(self, place: int, page_size: int, form: int, starts: tuple[int, ...]) -> None:
        self.place, self.page_size, self.format, self.starts = place, page_size, form, starts


def c_name(symbol: str) -> str:
    """A symbol as C writes it: the linker puts an underscore before each."""
    return symbol.removeprefix("_")


def read(image: Image, places: Column, form: str) -> Column:
    """The numbers of a form at places; 0 where nothing is mapped."""
    size = np.dtype(form).itemsize
    offsets = np.full(len(places), -1, np.int64)
    for segment in image.segments:
        inside = places - segment.place
        held = (inside >= 0) & (inside <= segment.file_size - size)
        offsets[held] = inside[held] + segment.offset
    data = np.frombuffer(image.data, np.uint8)
    known = offsets >= 0
    found = np.zeros((len(places), size), np.uint8)
    found[known] = data[offsets[known, None] + np.arange(size)]
    return found.view(form).reshape(len(places))


def _cut(data: memoryview, offset: int, size: int) -> memoryview:
    if size > len(data) or offset > len(data) - size:
        raise Malformed("Mach-O fixups that leave the image", offset)
    return data[offset : offset + size]


def _imports(blob: memoryview, at: int, symbols: int, count: int, form: int) -> list[str]:
    step, skip, shift = _IMPORTS[form]
    if count > MAX_IMPORTS:
        raise OverLimit(f"Mach-O image of {count} imports")
    if at + count * step > len(blob) or symbols > len(blob):
        raise Malformed(f"Mach-O chained fixups of {count} imports cut short", at)
    text = bytes(blob[symbols:])
    names = []
    for index in range(count):
        entry = at + index * step + skip
        size = 8 if form == 3 else 4
        start = int.from_bytes(blob[entry : entry + size], "little") >> shift
        end = text.find(b"\0", start, start + binding.MAX_NAME)
        if start >= len(text) or end < 0:
            raise Malformed("Mach-O import without a name", entry)
        names.append(text[start:end].decode("utf-8", "backslashreplace"))
    return names


def _pages(blob: memoryview, at: int, image: Image) -> tuple[_Pages, ...]:
    if at + 4 > len(blob):
        raise Malformed("Mach-O chained starts cut short", at)
    (count,) = struct.unpack_from("<I", blob, at)
    if at + 4 + 4 * count > len(blob):
        raise Malformed(f"Mach-O chained starts of {count} segments cut short", at)
    found, pages = [], 0
    for start in struct.unpack_from(f"<{count}I", blob, at + 4):
        if not start:
            continue
        here = at + start
        if here + 22 > len(blob):
            raise Malformed("Mach-O chained starts cut short", here)
        _, size, form, place, _, number = struct.unpack_from("<IHHQIH", blob, here)
        pages += number
        if here + 22 + 2 * number > len(blob) or pages * 2 > len(blob) or not size:
            raise Malformed(f"Mach-O chained starts of {number} pages", here)
        starts = struct.unpack_from(f"<{number}H", blob, here + 22)
        found.append(_Pages(place, size, form, starts))
    return tuple(found)
