"""The symbol table of an image, where functions begin, and what each stub calls.

Sources: Apple's mach-o/nlist.h and mach-o/loader.h (LC_SYMTAB, LC_DYSYMTAB, LC_FUNCTION_STARTS).
A stub is read as the processor runs it: the pointer that its code loads says what it calls, since
that is what the loader fills in. The indirect symbol table, which no loader needs for it, is asked
only where the code has another form.
"""

from functools import cached_property
from typing import Final

import numpy as np

from gate.arm64.image import MAX_TEXT, SYMBOL_STUBS, Image, Section
from gate.arm64.pointers import Column, Pointers, c_name

_SYMTAB, _DYSYMTAB, _FUNCTION_STARTS = 0x2, 0xB, 0x26
_ENTRY: Final = np.dtype(
    [("name", "<u4"), ("type", "u1"), ("section", "u1"), ("desc", "<u2"), ("value", "<u8")]
)
_NO_SYMBOL: Final = 0x40000000  # INDIRECT_SYMBOL_LOCAL and _ABS are above
_ALTERNATIVE: Final = 0x200  # N_ALT_ENTRY: a place inside of another function or datum
_STUB_SIZES: Final = (12, 16)
_OBJC_STUB: Final = 32


class Symbols:
    """Names of places, from LC_SYMTAB; a table that leaves the image counts as empty."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._entries = np.empty(0, _ENTRY)
        self._texts = b""
        command = image.command(_SYMTAB)
        if command is not None:
            at, count, texts, size = command.unpack("4I", 8)
            if at + count * _ENTRY.itemsize <= len(image.data) >= texts + size:
                self._entries = np.frombuffer(image.data, _ENTRY, count, at)
                self._texts = bytes(image.data[texts : texts + size])

    @cached_property
    def _placed(self) -> tuple[Column, Column]:
        """Places of the symbols that a section defines, sorted, and their numbers."""
        kinds = self._entries["type"]
        inside = self._entries["desc"] & _ALTERNATIVE == 0
        rows = np.flatnonzero((kinds & 0xE0 == 0) & (kinds & 0x0E == 0x0E) & inside)
        places = self._entries["value"][rows].astype(np.int64) - self._image.base
        order = np.argsort(places, kind="stable")
        return places[order], rows[order]

    def at(self, place: int) -> str:
        """The name of a place as C writes it, '' for none; of several names the first."""
        places, rows = self._placed
        index = int(np.searchsorted(places, place))
        if index == len(places) or places[index] != place:
            return ""
        return self._name(int(rows[index]))

    @property
    def places(self) -> Column:
        """Every place that has a name, sorted."""
        return self._placed[0]

    def indirect(self, section: Section, size: int) -> list[str]:
        """The names of the indirect symbols of a section's entries of `size` bytes."""
        command = self._image.command(_DYSYMTAB)
        if command is None:
            return []
        at, count = command.unpack("2I", 56)
        at, count = at + 4 * section.reserved1, min(count - section.reserved1, section.size // size)
        if count <= 0 or at + 4 * count > len(self._image.data):
            return []
        rows = np.frombuffer(self._image.data, "<u4", count, at).tolist()
        known = len(self._entries)
        return [self._name(row) if row < min(known, _NO_SYMBOL) else "" for row in rows]

    def _name(self, row: int) -> str:
        start = int(self._entries["name"][row])
        end = self._texts.find(b"\0", start, start + 4 * MAX_TEXT)
        name = self._texts[start : max(end, start)]
        return c_name(name.decode("utf-8", "backslashreplace"))


def function_starts(image: Image) -> Column:
    """The places that LC_FUNCTION_STARTS lists: ULEB128 distances, up to a zero."""
    command = image.command(_FUNCTION_STARTS)
    if command is None:
        return np.empty(0, np.int64)
    at, size = command.unpack("II", 8)
    data = np.frombuffer(image.data[at : at + size], np.uint8)
    ends = np.flatnonzero(data < 0x80)
    begins = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))[: len(ends)]
    steps = np.zeros(len(ends), np.int64)
    length = ends - begins
    for index in range(5):
        rows = length >= index
        steps[rows] |= (data[begins[rows] + index].astype(np.int64) & 0x7F) << 7 * index
    over = np.flatnonzero(steps == 0)
    return np.cumsum(steps[: over[0]] if len(over) else steps)


def page_of(words: Column, places: Column) -> Column:
    """The page that each ADRP of `words`, at `places`, names."""
    offset = (words >> 29 & 3) | (words >> 5 & 0x7FFFF) << 2
    offset -= (offset >> 20 & 1) << 21
    return (places & ~0xFFF) + (offset << 12)


def stub_names(image: Image, symbols: Symbols, pointers: Pointers) -> dict[int, str]:
    """What every symbol stub calls, by the stub's place."""
    found: dict[int, str] = {}
    for section in image.sections:
        size = section.reserved2
        if section.kind != SYMBOL_STUBS or size not in _STUB_SIZES or section.size < size:
            continue
        slots = _stub_slots(image, section, size)
        targets, numbers = pointers.many(slots)
        spare = symbols.indirect(section, size)
        for index, number in enumerate(numbers.tolist()):
            name = pointers.name(number) if number >= 0 else ""
            if not name and targets[index] < 0 and index < len(spare):
                name = spare[index]
            if name:
                found[section.place + index * size] = name
    return found


def selector_stubs(image: Image) -> tuple[Column, Column]:
    """The places of the stubs of __objc_stubs and of the selector references that they load."""
    stubs, slots = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for section in image.named("__objc_stubs"):
        if section.size >= _OBJC_STUB:
            slots.append(_stub_slots(image, section, _OBJC_STUB))
            stubs.append(np.arange(len(slots[-1]), dtype=np.int64) * _OBJC_STUB + section.place)
    return np.concatenate(stubs), np.concatenate(slots)


def _stub_slots(image: Image, section: Section, size: int) -> Column:
    """The pointer that each stub loads: ADRP and LDR, ADRP and ADD, or a literal LDR behind NOP."""
    count = section.size // size
    flat = np.frombuffer(image.data, "<u4", count * size // 4, section.offset)
    words = flat.reshape(count, size // 4).astype(np.int64)
    places = np.arange(count, dtype=np.int64) * size + section.place
    first, second = words[:, 0], words[:, 1]
    low = second >> 10 & 0xFFF
    slots = page_of(first, places) + np.where(second >> 22 == 0x3E5, low * 8, low)
    literal = second >> 24 == 0x58
    near = second >> 5 & 0x7FFFF
    near -= (near >> 18 & 1) << 19
    slots = np.where(literal, places + 4 + near * 4, slots)
    formed = (first & 0x9F000000 == 0x90000000) & np.isin(second >> 22, (0x3E5, 0x244))
    return np.where(formed | literal, slots, -1)
