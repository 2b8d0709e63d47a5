"""The load commands of a Mach-O image, and what each kind says.

Sources: Apple's mach-o/loader.h (structures and numbers); dyld's MachOFile.cpp
(`forEachLoadCommand`, `validSegments`: what a device refuses).
"""

import struct
from collections.abc import Sequence
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_COMMANDS: Final = 65_536

_SEGMENT: Final = {0x1: ("4I", 24), 0x19: ("4Q", 24)}  # LC_SEGMENT, LC_SEGMENT_64
_UUID, _CODE_SIGNATURE, _BUILD_VERSION = 0x1B, 0x1D, 0x32
_ENCRYPTION: Final = (0x21, 0x2C)
_VERSION_MIN: Final = {0x24: "macos", 0x25: "ios", 0x2F: "tvos", 0x30: "watchos"}
_RPATH: Final = (0x8000001C,)
# LC_LOAD_DYLIB, LAZY_LOAD_DYLIB, LOAD_WEAK_DYLIB, REEXPORT_DYLIB, LOAD_UPWARD_DYLIB
_DYLIB: Final = (0xC, 0x20, 0x80000018, 0x8000001F, 0x80000023)
_PLATFORM: Final = {
    1: "macos",
    2: "ios",
    3: "tvos",
    4: "watchos",
    5: "bridgeos",
    6: "maccatalyst",
    7: "iossimulator",
    8: "tvossimulator",
    9: "watchossimulator",
    10: "driverkit",
    11: "visionos",
    12: "visionossimulator",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One load command: its number, its offset in the file, all its bytes, the byte order."""

    number: int
    at: int
    body: bytes
    order: str

    def unpack(self, form: str, offset: int) -> tuple[int, ...]:
        """Integers at an offset within the command; Malformed where it is too short for them."""
        if offset + struct.calcsize("=" + form) > len(self.body):
            raise Malformed(f"Mach-O load command {self.number:#x} cut short", self.at)
        return struct.unpack_from(self.order + form, self.body, offset)


@dataclass(frozen=True, slots=True)
class Target:
    """The system an image is built for: its platform and two versions, "" where not stated."""

    platform: str = ""
    min_os: str = ""
    sdk: str = ""


def read(
    data: bytes | memoryview, at: int, end: int, count: int, order: str
) -> tuple[Command, ...]:
    """The `count` commands of the area `data[at:end]`, which must hold them all."""
    if end > len(data) or count * 8 > end - at:
        raise Malformed(f"Mach-O header of {count} load commands in {end - at} bytes", at)
    if count > MAX_COMMANDS:
        raise OverLimit(f"Mach-O image of {count} load commands, more than {MAX_COMMANDS}", at)
    commands = []
    for _ in range(count):
        if at + 8 > end:
            raise Malformed("Mach-O load commands end before their count", at)
        number, size = struct.unpack_from(order + "II", data, at)
        if size < 8 or size % 4 or size > end - at:
            raise Malformed(f"Mach-O load command of {size} bytes", at)
        commands.append(Command(number, at, bytes(data[at : at + size]), order))
        at += size
    return tuple(commands)


def check_segments(commands: Sequence[Command], image_size: int) -> None:
    """Malformed where a segment's bytes do not lie inside the image."""
    for command in commands:
        if command.number in _SEGMENT:
            _, _, offset, size = command.unpack(*_SEGMENT[command.number])
            if size > image_size or offset > image_size - size:
                raise Malformed("Mach-O segment that leaves the image", command.at)


def code_signature(commands: Sequence[Command], image_size: int) -> tuple[int, int] | None:
    """Offset within the image and size of the signature; None where the image has none."""
    found = [command for command in commands if command.number == _CODE_SIGNATURE]
    if len(found) > 1:
        raise Malformed("Mach-O image with more than one code signature", found[1].at)
    if not found:
        return None
    offset, size = found[0].unpack("II", 8)
    if size > image_size or offset > image_size - size:
        raise Malformed("Mach-O code signature that leaves the image", found[0].at)
    return offset, size


def encrypted(commands: Sequence[Command]) -> bool:
    """Whether a part of the image is encrypted (LC_ENCRYPTION_INFO with a cryptid but 0)."""
    ids = [command.unpack("I", 16)[0] for command in commands if command.number in _ENCRYPTION]
    return any(ids)


def target(commands: Sequence[Command], *, intel: bool) -> Target:
    """Platform and versions by the first LC_BUILD_VERSION, else the first LC_VERSION_MIN_*.

    Before LC_BUILD_VERSION a simulator's image differed from a device's by its CPU alone.
    """
    for command in commands:
        if command.number == _BUILD_VERSION:
            number, min_os, sdk = command.unpack("III", 8)
            return Target(platform(number), _version(min_os), _version(sdk))
    for command in commands:
        if command.number in _VERSION_MIN:
            min_os, sdk = command.unpack("II", 8)
            name = oldest_platform(command.number, intel=intel)
            return Target(name, _version(min_os), _version(sdk))
    return Target()


def platform(number: int) -> str:
    """The platform that an LC_BUILD_VERSION names by its number."""
    return _PLATFORM.get(number, f"platform-{number}")


def oldest_platform(command: int, *, intel: bool) -> str:
    """The platform of an LC_VERSION_MIN_* command, or its simulator."""
    name = _VERSION_MIN[command]
    return f"{name}simulator" if intel and name != "macos" else name


def repeated(commands: Sequence[Command]) -> tuple[str, ...]:
    """Of what an image states once the things that it states twice, and differently, in words.

    A library for macOS and Mac Catalyst alike has two build versions.
    """
    kinds = (
        ("LC_BUILD_VERSION", (_BUILD_VERSION,)),
        ("LC_VERSION_MIN", tuple(_VERSION_MIN)),
        ("LC_ENCRYPTION_INFO", _ENCRYPTION),
    )
    bodies = {name: {c.body for c in commands if c.number in kind} for name, kind in kinds}
    return tuple(f"has two {name}" for name, found in bodies.items() if len(found) > 1)


def uuid(commands: Sequence[Command]) -> str:
    """The image's UUID as 32 lower-case hexadecimal digits, "" where it has none."""
    for command in commands:
        if command.number == _UUID:
            return bytes(command.unpack("16B", 8)).hex()
    return ""


def dylibs(commands: Sequence[Command]) -> tuple[str, ...]:
    """Install names of the libraries that the image loads, in order."""
    return tuple(_string(command) for command in commands if command.number in _DYLIB)


def rpaths(commands: Sequence[Command]) -> tuple[str, ...]:
    """The run paths that `@rpath` stands for, in order."""
    return tuple(_string(command) for command in commands if command.number in _RPATH)


def _string(command: Command) -> str:
    """The command's string (`lc_str`): an offset, then text up to a NUL or the command's end."""
    (offset,) = command.unpack("I", 8)
    if not 12 <= offset <= len(command.body):
        raise Malformed("Mach-O load command string outside its command", command.at)
    return command.body[offset:].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _version(packed: int) -> str:
    """`xxxx.yy.zz` in one word, the last part left out where it is 0."""
    major, minor, patch = packed >> 16, packed >> 8 & 0xFF, packed & 0xFF
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"
