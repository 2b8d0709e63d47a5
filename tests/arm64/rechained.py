"""A linked image with chained fixups in place of the opcodes, as Apple's newer linkers write it."""

import struct

from gate.arm64.image import Image
from gate.arm64.program import Owner, Program

PAGE = 0x4000
_INFO, _CHAINED = 0x80000022, 0x80000034
ARM64E = (1, 9, 12)


def rechained(data: bytes, form: int) -> bytes:
    """The same pointers as chains of a format; every pointer of the image has to be found."""
    image = Image(memoryview(data), 0)
    program = Program(image, Owner("", "", ""))
    made = bytearray(data)
    names = sorted(program.pointers.numbers)
    segments = []
    for start in image.starts:
        held = [each for each in image.segments if each.place == start]
        pages = []
        if held and held[0].name.startswith("__DATA"):
            (segment,) = held
            for page in range(segment.place, segment.place + segment.file_size, PAGE):
                slots = [
                    (place, found)
                    for place in range(page, page + PAGE, 8)
                    if (found := _pointer(program, place)) is not None
                ]
                _chain(made, image, slots, names, form)
                pages.append(slots[0][0] - page if slots else 0xFFFF)
        segments.append((start, pages))
    blob = _blob(segments, names, form)
    return _with_blob(made, blob)


def _pointer(program: Program, place: int) -> int | str | None:
    found = program.pointers.at(place)
    # Two small numbers in a row may look like an address in the header; no pointer goes there.
    inside = isinstance(found, int) and found >= PAGE and program.image.offset(found) is not None
    return found if inside or isinstance(found, str) else None


def _chain(
    made: bytearray,
    image: Image,
    slots: list[tuple[int, int | str]],
    names: list[str],
    form: int,
) -> None:
    step = 8 if form in ARM64E else 4
    for number, (place, found) in enumerate(slots):
        last = number + 1 == len(slots)
        following = 0 if last else (slots[number + 1][0] - place) // step
        raw = following << 51
        if isinstance(found, str):
            raw |= names.index(found) | (1 << 62 if form in ARM64E else 1 << 63)
        elif form in ARM64E and number % 2:
            raw |= found | 0x1234 << 32 | 1 << 63  # signed: a discriminator above the place
        else:
            raw |= found + (image.base if form in (1, 2) else 0)
        at = image.offset(place)
        assert at is not None
        struct.pack_into("<Q", made, at, raw)


def _blob(segments: list[tuple[int, list[int]]], names: list[str], form: int) -> bytes:
    starts = b""
    offsets = []
    head = 4 + 4 * len(segments)
    for place, pages in segments:
        offsets.append(head + len(starts) if pages else 0)
        if pages:
            size = 22 + 2 * len(pages)
            starts += struct.pack("<IHHQIH", size, PAGE, form, place, 0, len(pages))
            starts += struct.pack(f"<{len(pages)}H", *pages)
            starts += bytes(-len(starts) % 8)
    table = struct.pack(f"<I{len(segments)}I", len(segments), *offsets) + starts
    text, entries = b"\0", b""
    for name in names:
        entries += struct.pack("<I", 1 | len(text) << 9)
        text += b"_" + name.encode() + b"\0"
    imports = 28 + len(table)
    symbols = imports + len(entries)
    return struct.pack("<7I", 0, 28, imports, symbols, len(names), 1, 0) + table + entries + text


def _with_blob(made: bytearray, blob: bytes) -> bytes:
    """The load command replaced, and the blob at the end of the file, in __LINKEDIT."""
    (count,) = struct.unpack_from("<I", made, 16)
    at = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", made, at)
        if command == _INFO:
            struct.pack_into("<IIII", made, at, _CHAINED, size, len(made), len(blob))
        if command == 0x19 and bytes(made[at + 8 : at + 18]) == b"__LINKEDIT":
            (offset,) = struct.unpack_from("<Q", made, at + 40)
            size_now = len(made) + len(blob) - offset
            struct.pack_into("<Q", made, at + 32, size_now + -size_now % PAGE)
            struct.pack_into("<Q", made, at + 48, size_now)
        at += size
    return bytes(made) + blob
