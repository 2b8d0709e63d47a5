"""One pass over an image's instructions: who branches where, and who forms which address.

What is found is a little too much, never too little: an address is joined from the nearest ADRP
before it that writes its register, whatever lies between. A find that counts is confirmed in its
function (`body.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gate.arm64.body import FRAME
from gate.arm64.decode import SP
from gate.arm64.image import MAX_IMAGE, Image, Section
from gate.arm64.pointers import Column
from gate.arm64.symbols import page_of

CHUNK: Final = 1 << 20  # instructions at a time, so that what is in between stays small
# Apple's platforms keep the frame pointer for frames; it and the stack pointer hold no page.
_BASES: Final = (*range(29), 30)
_REACH: Final = 1 << 25  # more than an instruction adds to a page
_FAR: Final = 1 << 16  # bytes between an ADRP and what is added to it


class Branches:
    """Sources and targets of calls (BL) and jumps (B), each by source."""

    def __init__(self, call: Sequence[Column], jump: Sequence[Column]) -> None:
        self.call_from, self.call_to = call
        self.jump_from, self.jump_to = jump


class Addresses:
    """Addresses that the code forms: the place of the last instruction of it, of the ADRP (the
    same where there is none), and the target; sorted by target.
    """

    def __init__(self, use: Column, page: Column, target: Column) -> None:
        order = order_of(target)
        self.use, self.page, self.target = use[order], page[order], target[order]

    def of(self, begin: int, end: int) -> slice:
        """The rows whose target lies from `begin` up to `end`."""
        low, high = np.searchsorted(self.target, (begin, end))
        return slice(int(low), int(high))


def order_of(places: Column) -> Column:
    """The rows of places in their order; NumPy sorts numbers faster than rows by numbers."""
    keys = places.astype(np.int64) << 32 | np.arange(len(places))
    keys.sort()
    return (keys & 0xFFFFFFFF).astype(np.int32)


def branches(image: Image, code: Sequence[Section]) -> Branches:
    """Every direct branch with a 26-bit distance in all of the code."""
    found: tuple[list[Column], ...] = ([], [], [], [])
    for section, first, words in chunks(image, code):
        rows = np.flatnonzero(words & 0x7C000000 == 0x14000000)
        distance = words[rows].view(np.int32) << 6 >> 4  # the sign of 26 bits, and times four
        source = (section.place + 4 * (first + rows)).astype(np.int32)
        target = source + distance
        call = words[rows] >> 31 == 1
        for into, each in zip(
            found, (source[call], target[call], source[~call], target[~call]), strict=True
        ):
            into.append(each)
    one, two, three, four = (_joined(each) for each in found)
    return Branches((one, two), (three, four))


def addresses(image: Image, code: Sequence[Section], end: int) -> Addresses:
    """Every address up to `end` that ADR, a literal load, or ADRP with its user forms."""
    parts: tuple[list[Column], ...] = ([], [], [])
    for section in code:
        pages, users, near = _found(image, section)
        for each in (_near(*near), _pairs(pages, users)):
            held = (each[2] >= 0) & (each[2] < end)
            for into, part in zip(parts, each, strict=True):
                into.append(part[held])
    use, page, target = (_joined(each) for each in parts)
    return Addresses(use, page, target)


def chunks(image: Image, code: Sequence[Section]) -> Iterator[tuple[Section, int, Column]]:
    """The instructions of every section, a chunk at a time: section, number of the first, words."""
    for section in code:
        words = np.frombuffer(image.data, "<u4", section.size // 4, section.offset)
        for first in range(0, len(words), CHUNK):
            yield section, first, words[first : first + CHUNK]


Found = tuple[Column, Column]


def _found(image: Image, section: Section) -> tuple[Found, Found, Found]:
    """Places and words of ADRP, of what may use one, and of what forms an address alone."""
    parts: tuple[list[Column], ...] = ([], [], [], [], [], [])
    for _, first, words in chunks(image, (section,)):
        top = words >> 24
        adrp = np.flatnonzero(top & 0x9F == 0x90)
        near = np.flatnonzero((top & 0x9F == 0x10) | (top & 0x3B == 0x18))
        users = np.flatnonzero((words >> 23 == 0x122) | (top & 0x3B == 0x39))
        base = words[users] >> 5 & 31
        users = users[(base != FRAME) & (base != SP)]
        for at, rows in enumerate((adrp, users, near)):
            parts[2 * at].append((section.place + 4 * (first + rows)).astype(np.int32))
            parts[2 * at + 1].append(words[rows])
    a, b, c, d, e, f = (_joined(each) for each in parts)
    return (a, b), (c, d), (e, f)


def _near(places: Column, words: Column) -> tuple[Column, Column, Column]:
    """ADR, and LDR from a literal: signed distances of 21 bits and of 19 words."""
    wide = words.astype(np.int64)
    here = places.astype(np.int64)
    adr = (wide >> 29 & 3) | (wide >> 5 & 0x7FFFF) << 2
    adr -= (adr >> 20 & 1) << 21
    literal = wide >> 5 & 0x7FFFF
    literal -= (literal >> 18 & 1) << 19
    target = here + np.where(wide >> 24 & 0x9F == 0x10, adr, literal * 4)
    return places, places, _bounded(target)


def _pairs(pages: Found, users: Found) -> tuple[Column, Column, Column]:
    """Each user with the nearest ADRP before it of the register that it adds to or loads by."""
    places, words = pages
    named = _bounded(page_of(words.astype(np.int64), places.astype(np.int64)))
    added = offset_of(users[1])
    register, base = (words & 31).astype(np.uint8), (users[1] >> 5 & 31).astype(np.uint8)
    order, ends = np.argsort(base, kind="stable"), np.cumsum(np.bincount(base, minlength=32))
    found: tuple[list[Column], ...] = ([], [], [])
    for number in _BASES:
        rows = np.flatnonzero(register == number)
        mine = order[ends[number - 1] if number else 0 : ends[number]]
        if not len(rows) or not len(mine):
            continue
        at, use = places[rows], users[0][mine]
        nearest = np.searchsorted(at, use) - 1
        page = at[np.maximum(nearest, 0)]
        held = (nearest >= 0) & (use - page <= _FAR)
        target = named[rows[nearest[held]]] + added[mine[held]]
        for into, each in zip(found, (use[held], page[held], target), strict=True):
            into.append(each)
    one, two, three = (_joined(each) for each in found)
    return one, two, three


def _bounded(places: Column) -> Column:
    """Places as 32-bit numbers, one below zero for what lies out of the image."""
    return np.where((places >= 0) & (places < MAX_IMAGE - _REACH), places, -_REACH).astype(np.int32)


def offset_of(words: Column) -> Column:
    """What ADD adds to its register, and what a load or store with an unsigned offset does."""
    immediate = (words >> 10 & 0xFFF).astype(np.int32)
    top = (words >> 24).astype(np.uint8)
    quad = (top & 0xC4 == 0x04) & (words >> 23 & 1 == 1)  # 128-bit SIMD registers
    shift = np.where(quad, 4, top >> 6)
    shift = np.where(words >> 23 == 0x122, (words >> 22 & 1) * 12, shift)
    return immediate << shift.astype(np.int32)


def _joined(parts: Sequence[Column]) -> Column:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)
