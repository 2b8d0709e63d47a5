"""A second reading of native code, by lief, each file in a process of its own.

Where our reader refuses a file, what lief reads stands in, so that what is wrong with the rest of
it is found all the same; the gap stays. Where a file states twice what counts once, lief is asked
what it takes: another answer than ours is evasion, as in `gate.read.witness` of manifests. No other
file is given to it, so that an ordinary scan does not load it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Final, TypeVar

from gate.app import Journal, Unread
from gate.app.native import ElfLibrary
from gate.formats import by_lief, macho
from gate.formats.elf_image import PT_DYNAMIC, PT_LOAD, Image, dynamic_entries
from gate.formats.errors import Malformed
from gate.frozen import dataclass
from gate.read.apart import Allowance, Lost, Refused, apart

T = TypeVar("T")

NAME: Final = "lief"
SECONDS = 15.0  # of wall time, for all files of a build together
HEADERS: Final = {PT_DYNAMIC: "PT_DYNAMIC", 0x6474E551: "PT_GNU_STACK"}
ENTRIES: Final = {30: "DT_FLAGS", 0x6FFFFFFB: "DT_FLAGS_1"}
OF_AN_IMAGE: Final = {
    "architecture": "architecture",
    "file_type": "file type",
    "pie": "PIE",
    "platform": "platform",
    "min_os": "least system",
    "encrypted": "encryption",
}
OF_A_LIBRARY: Final = {
    "abi": "ABI",
    "relro": "RELRO",
    "bind_now": "BIND_NOW",
    "gnu_stack_flags": "flags of the stack",
    "writable_executable": "segments both writable and executable",
}


@dataclass(slots=True)
class SecondReader:
    """lief, for one build; `seconds` of wall time are left to it."""

    journal: Journal
    seconds: float = field(default_factory=lambda: SECONDS)
    allowed: Allowance = field(default_factory=Allowance)

    def images(self, data: bytes) -> tuple[macho.Slice, ...]:
        """The images of a Mach-O file, with the bytes of their signatures; raises Lost."""
        found = self._ask(by_lief.images, data, tuple[macho.Slice, ...])
        return tuple(replace(each, signature=_signature(data, each)) for each in found)

    def library(self, data: bytes) -> ElfLibrary:
        """The facts of an ELF file, without its path; raises Lost."""
        return replace(self._ask(by_lief.library, data, ElfLibrary), witness=NAME)

    def instead(
        self, fact: str, part: str, reason: Malformed, read: Callable[[bytes], T], data: bytes
    ) -> T:
        """What `read` makes of a part that our reader refuses for a reason: a gap all the same.

        Raises Unread where there is no second reading either.
        """
        try:
            found = read(data)
        except Refused:  # which alone says nothing
            raise Unread(str(reason)) from reason
        except Lost as lost:
            raise Unread(f"{reason}; {NAME}, asked too, {lost}") from lost
        self.journal.gap(fact, part, f"{reason}; what {NAME} reads stands in")
        return found

    def on_images(self, ours: Sequence[macho.Slice], data: bytes) -> tuple[str, ...]:
        """In what lief reads an odd Mach-O file otherwise than `ours`; a refusal says nothing."""
        odd = [each for image in ours for each in image.odd]
        if not odd:
            return ()
        try:
            theirs = self.images(data)
        except Lost:
            return ()
        if len(ours) != len(theirs):
            return (f"{len(ours)} or {len(theirs)} images",)
        pairs = zip(ours, theirs, strict=True)
        said = (each for pair in pairs for each in _differences(*pair, OF_AN_IMAGE))
        return _because(said, odd)

    def on_library(self, ours: ElfLibrary, data: bytes) -> tuple[str, ...]:
        """In what lief reads an odd ELF file otherwise than `ours`; a refusal says nothing."""
        odd = oddities(data)
        if not odd:
            return ()
        try:
            theirs = self.library(data)
        except Lost:
            return ()
        return _because(_differences(ours, theirs, OF_A_LIBRARY), odd)

    def _ask(self, read: Callable[[bytes], T], data: bytes, form: type[T]) -> T:
        if self.seconds <= 0:
            raise Lost("is asked no more, since its time for one build is spent")
        wall = min(self.allowed.wall, self.seconds)
        started = time.monotonic()
        try:
            return apart(read, data, form, replace(self.allowed, wall=wall))
        finally:
            self.seconds -= time.monotonic() - started


def oddities(data: bytes) -> tuple[str, ...]:
    """What an ELF file that we can read states twice, or in two places, in words."""
    image = Image.open(data)
    kinds = [segment.type for segment in image.segments]
    tags = [tag for tag, _ in dynamic_entries(image)]
    found = [f"has two {name}" for kind, name in HEADERS.items() if kinds.count(kind) > 1]
    found += (f"has two {name}" for tag, name in ENTRIES.items() if tags.count(tag) > 1)
    return (*found, *_displaced(image))


def _displaced(image: Image) -> Iterator[str]:
    """A dynamic section that lies at one place in the file and is loaded from another."""
    loads = [each for each in image.segments if each.type == PT_LOAD]
    dynamic = next((e for e in image.segments if e.type == PT_DYNAMIC and e.filesz), None)
    if dynamic is None:
        return
    holders = (each for each in loads if 0 <= dynamic.vaddr - each.vaddr < each.filesz)
    holder = next(holders, None)
    if holder and holder.offset + dynamic.vaddr - holder.vaddr != dynamic.offset:
        yield "has a PT_DYNAMIC that is loaded from elsewhere than it says"


def _signature(data: bytes, image: macho.Slice) -> bytes:
    if image.code_signature is None:
        return b""
    offset, size = image.code_signature
    return data[image.offset + offset : image.offset + min(offset + size, image.size)]


def _differences(ours: object, theirs: object, names: dict[str, str]) -> Iterator[str]:
    for name, said in names.items():
        one, other = getattr(ours, name), getattr(theirs, name)
        if one != other:
            yield f"{said} {_shown(one)} or {_shown(other)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "not stated" if value in (None, "", ()) else str(value)


def _because(differences: Iterable[str], odd: Sequence[str]) -> tuple[str, ...]:
    why = ", ".join(dict.fromkeys(odd))
    return tuple(f"{each} (the file {why})" for each in dict.fromkeys(differences))
