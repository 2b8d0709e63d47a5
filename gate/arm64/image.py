"""One arm64 image of a Mach-O file: its segments and sections, and the bytes at a place.

Sources: Apple's mach-o/loader.h. A device maps segments and hardly looks at sections: what a
section says is cut to the segment that it lies in, and its bytes are taken where that maps them.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from gate.formats import load_commands
from gate.formats.errors import Malformed, OverLimit
from gate.formats.load_commands import Command
from gate.frozen import dataclass

MAX_IMAGE: Final = 1 << 30  # places are 32-bit numbers, with room to add to
MAX_SECTIONS: Final = 4_096
MAX_TEXT: Final = 4_096  # bytes of a string that is read
_SEGMENT_64: Final = 0x19
_EXECUTE, _WRITE = 4, 2
_INSTRUCTIONS: Final = 0x80000400  # S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
ZEROFILL: Final = (0x1, 0xC, 0x12)  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL
CSTRINGS, SYMBOL_STUBS = 0x2, 0x8
TEXT: Final = "__TEXT"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that the file maps: its place, its bytes in the image, what may be done there."""

    name: str
    place: int
    size: int
    offset: int
    file_size: int
    protection: int

    @property
    def executable(self) -> bool:
        """Whether its bytes may be run."""
        return bool(self.protection & _EXECUTE)

    @property
    def constant(self) -> bool:
        """Whether nothing may be written to it once the image is loaded."""
        return not self.protection & _WRITE or self.name in ("__DATA_CONST", "__AUTH_CONST")


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its place, and the part of it that has bytes in the file (`size`)."""

    name: str
    place: int
    size: int
    offset: int
    flags: int
    reserved1: int
    reserved2: int
    constant: bool
    executable: bool

    @property
    def kind(self) -> int:
        """The section's type (SECTION_TYPE)."""
        return self.flags & 0xFF

    @property
    def end(self) -> int:
        """The place behind its last byte."""
        return self.place + self.size


class Image:
    """The bytes of one slice and where they are mapped; `at` is the slice's offset in its file."""

    def __init__(self, data: memoryview, at: int) -> None:
        self.data = data
        self.at = at
        if len(data) < 32 or bytes(data[:4]) != b"\xcf\xfa\xed\xfe":
            raise Malformed("not a 64-bit Mach-O image", at)
        self.file_type, count, size = struct.unpack_from("<3I", data, 12)
        self.commands = load_commands.read(data, 32, 32 + size, count, "<")
        load_commands.check_segments(self.commands, len(data))
        found = [_segment(each) for each in self.commands if each.number == _SEGMENT_64]
        self.base = _base(found, at)
        # Every segment counts in the fixups, those that are left out here too.
        self.starts = tuple(each[0].place - self.base for each in found)
        self.segments = tuple(self._placed(segment) for segment, _ in found if segment.file_size)
        sections = [each for segment, body in found for each in self._sections(segment, body)]
        if len(sections) > MAX_SECTIONS:
            raise OverLimit(f"more than {MAX_SECTIONS} Mach-O sections", at)
        self.sections = tuple(sorted(sections, key=lambda each: (each.place, each.size)))
        self._section_places = [each.place for each in self.sections]

    def command(self, *numbers: int) -> Command | None:
        """The first load command of one of these numbers."""
        return next((each for each in self.commands if each.number in numbers), None)

    def named(self, name: str) -> Iterator[Section]:
        """The sections of a name, in any segment."""
        return (each for each in self.sections if each.name == name)

    def section_at(self, place: int) -> Section | None:
        """The section that a place lies in."""
        index = bisect_right(self._section_places, place) - 1
        if index >= 0 and place < self.sections[index].end:
            return self.sections[index]
        return None

    def begin(self, section: Section, place: int) -> bytes:
        """The first 64 bytes at a place of a section, fewer at its end."""
        at = section.offset + place - section.place
        return bytes(self.data[at : min(at + 64, section.offset + section.size)])

    def offset(self, place: int, size: int = 1) -> int | None:
        """Where in the image's bytes `size` bytes at a place are; None where none are mapped."""
        for segment in self.segments:
            inside = place - segment.place
            if inside >= 0 and inside + size <= segment.file_size:
                return segment.offset + inside
        return None

    def segment_at(self, place: int) -> Segment | None:
        """The segment that a place lies in."""
        return next((s for s in self.segments if s.place <= place < s.place + s.size), None)

    def constant(self, place: int) -> bool:
        """Whether what is at a place stays what the file says."""
        segment = self.segment_at(place)
        return segment is not None and segment.constant

    def number(self, place: int, size: int) -> int | None:
        """The little-endian integer of `size` bytes at a place."""
        at = self.offset(place, size)
        return None if at is None else int.from_bytes(self.data[at : at + size], "little")

    def text(self, place: int) -> str | None:
        """The text up to a NUL at a place; None where none ends within the limit."""
        at = self.offset(place)
        if at is None:
            return None
        found, end, _ = bytes(self.data[at : at + MAX_TEXT]).partition(b"\0")
        return found.decode("utf-8", "backslashreplace") if end else None

    def code(self) -> tuple[Section, ...]:
        """Where instructions are: the sections that say so, or all of a segment without such."""
        marked = [s for s in self.sections if s.executable and s.flags & _INSTRUCTIONS and s.size]
        bare = [
            Section(s.name, s.place, s.file_size, s.offset, 0, 0, 0, s.constant, True)
            for s in self.segments
            if s.executable and not any(s.place <= each.place < s.place + s.size for each in marked)
        ]
        return tuple(_apart(sorted((*marked, *bare), key=lambda each: each.place)))

    def _placed(self, segment: Segment) -> Segment:
        place = segment.place - self.base
        if place < 0 or segment.size < segment.file_size or place + segment.size > MAX_IMAGE:
            raise Malformed(f"Mach-O segment {segment.name} at a place out of bounds", self.at)
        parts = (segment.size, segment.offset, segment.file_size, segment.protection)
        return Segment(segment.name, place, *parts)

    def _sections(self, segment: Segment, body: Command) -> Iterator[Section]:
        (count,) = body.unpack("I", 64)
        if 72 + count * 80 > len(body.body):
            raise Malformed(f"Mach-O segment of {count} sections cut short", body.at)
        for index in range(count):
            start = 72 + 80 * index
            name = body.body[start : start + 16].rstrip(b"\0").decode("latin-1")
            address, size, *_, flags, first, second, _ = body.unpack("2Q8I", start + 32)
            inside = address - segment.place
            if 0 <= inside <= segment.file_size:
                size = 0 if flags & 0xFF in ZEROFILL else min(size, segment.file_size - inside)
                yield Section(
                    name=name,
                    place=address - self.base,
                    size=size,
                    offset=segment.offset + inside,
                    flags=flags,
                    reserved1=first,
                    reserved2=second,
                    constant=segment.constant,
                    executable=segment.executable,
                )


def _segment(command: Command) -> tuple[Segment, Command]:
    name = command.body[8:24].rstrip(b"\0").decode("latin-1")
    place, size, offset, file_size = command.unpack("4Q", 24)
    (protection,) = command.unpack("I", 60)
    return Segment(name, place, size, offset, file_size, protection), command


def _base(segments: list[tuple[Segment, Command]], at: int) -> int:
    """The address of the Mach-O header: that of the segment that maps the file's begin."""
    for segment, _ in segments:
        if segment.name == TEXT or (segment.offset == 0 and segment.file_size):
            return segment.place
    raise Malformed("Mach-O image of which no segment maps the header", at)


def _apart(sections: list[Section]) -> Iterator[Section]:
    """Sections of code that begin behind the end of the one before, at a whole instruction."""
    end = 0
    for each in sections:
        if each.place >= end and each.place % 4 == 0 and each.offset % 4 == 0:
            end = each.end
            yield each
