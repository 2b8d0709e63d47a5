"""What a Mach-O image is made of: sections, classes, selectors, functions, and what is left in.

Sources: Apple's mach-o/loader.h (sections, LC_FUNCTION_STARTS); objc4, objc-runtime-new.h
(`class_t`, the low bits of whose data mark Swift's classes); mach-o/fixup-chains.h (where a chained
pointer keeps its target). What compilers leave: Swift's ABI (`__swift5_*`), Dart's snapshot
symbols, Go's `__gopclntab`, Rust's personality routine.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from gate.app.image import Residue, Segment
from gate.formats import macho, macho_symbols
from gate.formats.errors import Malformed, OverLimit
from gate.formats.load_commands import Command
from gate.formats.macho_symbols import Names
from gate.frozen import dataclass

MAX_SEGMENTS: Final = 64
MAX_SECTIONS: Final = 4_096
MAX_POINTERS: Final = 1_000_000
_PATHS_TOLD: Final = 8
_MAX_SELECTOR: Final = 1_024
_MAX_HITS: Final = 100_000

# The command, the form of its four numbers, where protections and sections begin, section's form.
_SEGMENTS: Final = {
    0x1: ("4I", 24, 40, 56, "2I", 68),
    0x19: ("4Q", 24, 56, 72, "2Q", 80),
}
_FUNCTION_STARTS: Final = 0x26
_CHAINED_TARGET: Final = (1 << 36) - 1
_SWIFT_CLASS: Final = 0x3  # FAST_IS_SWIFT_LEGACY, FAST_IS_SWIFT_STABLE
_DART: Final = (b"_kDartVmSnapshotData", b"_kDartIsolateSnapshotData")
_RUST: Final = (b"_rust_eh_personality", b"_rust_begin_unwind")
_UNLOADED: Final = ("__LINKEDIT", "__DWARF", "__LLVM")
_HOMES: Final = (b"/Users/", b"/home/")
_SOURCE: Final = re.compile(
    rb"/(?:Users|home)/[^/\x00-\x1f\"']{1,64}(/[^\x00-\x1f\"']{0,300}?"
    rb"\.(?:swift|mm?|c|cc|cpp|cxx|h|hpp|rs|go|dart|o|a))(?![\w./-])"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section's bytes in the image, and where they are mapped."""

    name: str
    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts of `gate.app.image.Image` that are read from one image's bytes."""

    segments: tuple[Segment, ...]
    imports: frozenset[str]
    selectors: frozenset[str] | None
    objc_classes: int
    functions: int | None
    languages: frozenset[str]
    residue: Residue


def parse(image: bytes, *, encrypted: bool = False) -> Contents:
    """What an image that `macho.parse` accepts is made of; raises Malformed and OverLimit.

    Of an `encrypted` image the strings are not looked at.
    """
    return _Reader(image).contents(encrypted=encrypted)


class _Reader:
    """One image, its commands and its sections."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.commands: Sequence[Command] = macho.commands(image)
        self.order = self.commands[0].order if self.commands else "<"
        self.wide = bytes(image[:4]) in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
        self.segments: list[Segment] = []
        self.sections: list[Section] = []
        self.maps: list[tuple[int, int, int]] = []  # address, offset and size of each segment
        for command in self.commands:
            if command.number in _SEGMENTS:
                self._segment(command)
        self.mapped = sorted(each for each in self.maps if each[2])
        self.starts = [address for address, _, _ in self.mapped]
        self.base = next((address for address, offset, _ in self.mapped if not offset), 0)

    def contents(self, *, encrypted: bool) -> Contents:
        """All of it."""
        names = macho_symbols.names(self.image, self.commands, self.order, wide=self.wide)
        return Contents(
            segments=tuple(self.segments),
            imports=frozenset(names.imports - {""}),
            selectors=None if encrypted else frozenset(self._selectors()),
            objc_classes=self._objc_classes(),
            functions=self._functions(),
            languages=frozenset(self._languages(names)),
            residue=Residue(
                local_symbols=tuple(names.local_symbols),
                debug_map=tuple(names.debug_map),
                source_paths=() if encrypted else self._source_paths(),
            ),
        )

    def _segment(self, command: Command) -> None:
        form, numbers, protections, first, place, size = _SEGMENTS[command.number]
        address, _, offset, length = command.unpack(form, numbers)
        most, initial, count = command.unpack("3I", protections)
        name = command.body[8:24].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
        if first + count * size > len(command.body):
            raise Malformed(f"Mach-O segment of {count} sections cut short", command.at)
        if len(self.sections) + count > MAX_SECTIONS or len(self.segments) == MAX_SEGMENTS:
            raise OverLimit("Mach-O image of too many segments or sections", command.at)
        self.segments.append(Segment(name, initial, most))
        self.maps.append((address, offset, length))
        for start in range(first, first + count * size, size):
            title = command.body[start : start + 16].split(b"\0", 1)[0]
            where, extent = command.unpack(place, start + 32)
            inside = where - address
            if 0 <= inside <= length:  # cut to what the segment maps, as a device sees it
                here = min(extent, length - inside)
                text = title.decode("utf-8", "backslashreplace")
                self.sections.append(Section(text, where, offset + inside, here))

    def _named(self, name: str) -> Iterator[bytes]:
        """The bytes of the sections of a name, which together are no more than the image's."""
        left = len(self.image)
        for section in self.sections:
            if section.name == name:
                left -= section.size
                if left < 0:
                    raise OverLimit(f"Mach-O sections {name} that overlap", section.offset)
                yield bytes(self.image[section.offset : section.offset + section.size])

    def _selectors(self) -> Iterator[str]:
        """The selectors that code sends, by their references; all names where one leads nowhere."""
        astray = False
        left = len(self.image)  # each name is there once
        for pointer in self._pointers("__objc_selrefs"):
            at = self._offset(pointer, 1)
            end = -1 if at is None else self.image.find(b"\0", at, at + _MAX_SELECTOR)
            if at is None or end < 0:
                astray = True
                continue
            left -= end - at
            if left < 0:
                raise OverLimit("Objective-C selectors that are longer than the image", at)
            yield bytes(self.image[at:end]).decode("utf-8", "backslashreplace")
        for data in self._named("__objc_methname") if astray else ():
            for text in data.split(b"\0"):
                yield text.decode("utf-8", "backslashreplace")

    def _pointers(self, section: str) -> Iterator[int]:
        """The pointers of a section as they lie in the file."""
        width = 8 if self.wide else 4
        form = struct.Struct(self.order + ("Q" if self.wide else "I"))
        for data in self._named(section):
            if len(data) // width > MAX_POINTERS:
                raise OverLimit(f"more than {MAX_POINTERS} pointers in {section}")
            for (pointer,) in form.iter_unpack(data[: len(data) // width * width]):
                yield pointer

    def _objc_classes(self) -> int:
        """How many classes of the class list have no mark of Swift's."""
        width = 8 if self.wide else 4
        count = 0
        for pointer in self._pointers("__objc_classlist"):
            at = self._offset(pointer, 5 * width)
            flags = self.image[at + 4 * width] if at is not None else 0
            count += not flags & _SWIFT_CLASS
        return count

    def _offset(self, pointer: int, size: int) -> int | None:
        """Where in the image an address, or the target of a chained pointer, lies."""
        target = pointer & _CHAINED_TARGET
        for address in (pointer, target, self.base + target):
            number = bisect_right(self.starts, address) - 1
            if number >= 0:
                start, offset, length = self.mapped[number]
                at = offset + address - start
                if address - start <= length - size and at <= len(self.image) - size:
                    return at
        return None

    def _functions(self) -> int | None:
        for command in self.commands:
            if command.number == _FUNCTION_STARTS:
                starts = macho_symbols.part(self.image, command, 8).rstrip(b"\0")
                return len(re.findall(rb"[\x00-\x7f]", starts))
        return None

    def _languages(self, names: Names) -> Iterator[str]:
        sections = {section.name for section in self.sections}
        if any(name.startswith("__swift5") for name in sections) or any(
            name.startswith("_swift_") for name in names.imports
        ):
            yield "swift"
        if names.exports.intersection(_DART):
            yield "dart"
        if "__gopclntab" in sections:
            yield "go"
        if names.exports.intersection(_RUST) or self._has_rust():
            yield "rust"

    def _has_rust(self) -> bool:
        """Whether a panic's message names the standard library's sources."""
        return any(b"/rustc/" in data for data in self._named("__const"))

    def _source_paths(self) -> tuple[str, ...]:
        """Paths of sources in home folders, without whose home it is, from all but __LINKEDIT."""
        found: dict[bytes, None] = {}
        for start, end in self._stretches():
            for home in _HOMES:
                for path in self._paths(home, start, end):
                    found[path] = None
                    if len(found) == _PATHS_TOLD:
                        break
        return tuple(sorted(path.decode("utf-8", "backslashreplace") for path in found))

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """What the segments of the program map, each byte once."""
        behind = 0
        named = zip(self.segments, self.maps, strict=True)
        kept = [(at, size) for each, (_, at, size) in named if each.name not in _UNLOADED]
        for at, size in sorted(kept):
            if at + size > behind:
                yield max(at, behind), at + size
                behind = at + size

    def _paths(self, home: bytes, start: int, end: int) -> Iterator[bytes]:
        at = self.image.find(home, start, end)
        for _ in range(_MAX_HITS):
            if at < 0:
                return
            match = _SOURCE.match(self.image, at, min(at + 400, end))
            if match:
                yield home + b"..." + match[1]
            at = self.image.find(home, match.end() if match else at + 1, end)
