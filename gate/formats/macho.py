"""Mach-O images, thin and fat: architecture, platform, encryption, libraries, signature bytes.

Sources: Apple's mach-o/loader.h and mach-o/fat.h (structures), xnu's bsd/kern/mach_fat.c (what a
device refuses). Headers and load commands are read, within bounds, and nothing behind them.
"""

import struct
from typing import Final

from gate.formats import load_commands
from gate.formats.errors import Malformed
from gate.frozen import dataclass

PIE: Final = 0x200000  # MH_PIE

# fat_arch and fat_arch_64: CPU type, subtype, offset, size, alignment.
_FAT: Final = {b"\xca\xfe\xba\xbe": ">5I", b"\xca\xfe\xba\xbf": ">IIQQII"}
# Byte order and length of the header, which is longer by a reserved word where it is 64-bit.
_THIN: Final = {
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xcf\xfa\xed\xfe": ("<", 32),
    b"\xfe\xed\xfa\xce": (">", 28),
    b"\xfe\xed\xfa\xcf": (">", 32),
}
# Java class files share the fat magic; their next word, the version, is 45 or more.
_MAX_SLICES: Final = 32

_ARM, _ARM64, _ARM64_32, _I386, _X86_64 = 12, 0x0100000C, 0x0200000C, 7, 0x01000007
INTEL: Final = (_I386, _X86_64)
_CPU: Final = {
    _ARM: "arm",
    _ARM64: "arm64",
    _ARM64_32: "arm64_32",
    _I386: "i386",
    _X86_64: "x86_64",
    18: "ppc",
    18 | 0x01000000: "ppc64",
}
_SUBCPU: Final = {
    (_ARM, 6): "armv6",
    (_ARM, 9): "armv7",
    (_ARM, 11): "armv7s",
    (_ARM, 12): "armv7k",
    (_ARM64, 2): "arm64e",
    (_X86_64, 8): "x86_64h",
}
_FILE_TYPE: Final = {
    1: "object",
    2: "execute",
    3: "fvmlib",
    4: "core",
    5: "preload",
    6: "dylib",
    7: "dylinker",
    8: "bundle",
    9: "dylib-stub",
    10: "dsym",
    11: "kext",
    12: "fileset",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """One architecture's image. `offset` and `size` are its place in the file, in bytes.

    `architecture` is Apple's name (arm64, arm64e, armv7, x86_64, ...) or `cpu-<n>`; `platform`,
    `min_os`, `sdk` and `uuid` are "" where the image does not state them. `code_signature` is
    offset and size within the slice, `signature` the bytes there (b"" for none). `encrypted` means
    that the App Store's encryption is on, so that code and strings cannot be read. `odd` names what
    another reader may take otherwise: it is there twice.
    """

    architecture: str
    cpu_type: int
    cpu_subtype: int
    file_type: str
    flags: int
    offset: int
    size: int
    command_count: int
    platform: str
    min_os: str
    sdk: str
    encrypted: bool
    code_signature: tuple[int, int] | None
    signature: bytes
    dylibs: tuple[str, ...]
    rpaths: tuple[str, ...]
    uuid: str
    odd: tuple[str, ...] = ()

    @property
    def pie(self) -> bool:
        """Whether the image may be loaded at any address (MH_PIE)."""
        return bool(self.flags & PIE)


def parse(data: bytes) -> tuple[Slice, ...]:
    """The images of a Mach-O file, in the order of its fat header, or the one of a thin file.

    Raises Malformed where a header, a load command, a segment or the signature leaves the file,
    where slices overlap, and for a slice that is no Mach-O image (as in a static library).
    """
    if bytes(data[:4]) not in _FAT:
        return (_slice(data, 0),)
    slices = []
    for cpu, offset, size in _fat_places(data):
        image = _slice(data[offset : offset + size], offset)
        if image.cpu_type != cpu:
            raise Malformed(f"fat Mach-O slice of CPU {image.cpu_type}, promised as {cpu}", offset)
        slices.append(image)
    return tuple(slices)


def _fat_places(data: bytes) -> list[tuple[int, int, int]]:
    """CPU type, offset and size of every slice, after xnu's `fatfile_validate_fatarches`."""
    form = struct.Struct(_FAT[bytes(data[:4])])
    count = int.from_bytes(data[4:8], "big")
    end = 8 + count * form.size
    if not 1 <= count <= _MAX_SLICES or end > len(data):
        raise Malformed(f"fat Mach-O header that names {count} slices", 4)
    fields = [form.unpack_from(data, 8 + i * form.size) for i in range(count)]
    places = [(cpu, offset, size) for cpu, _, offset, size, *_ in fields]
    for _, offset, size in sorted(places, key=lambda place: place[1]):
        if offset < end:
            raise Malformed("fat Mach-O slices that overlap", offset)
        if offset > len(data) or size > len(data) - offset:
            raise Malformed("fat Mach-O slice that leaves the file", offset)
        end = offset + size
    return places


def commands(image: bytes, offset: int = 0) -> tuple[load_commands.Command, ...]:
    """The load commands of one image, which lies at `offset` in its file; raises Malformed."""
    if bytes(image[:4]) not in _THIN:
        raise Malformed("not a Mach-O image", offset)
    order, header = _THIN[bytes(image[:4])]
    if len(image) < header:
        raise Malformed("Mach-O header cut short", offset)
    count, size = struct.unpack_from(order + "2I", image, 16)
    return load_commands.read(image, header, header + size, count, order)


def _slice(image: bytes, offset: int) -> Slice:
    """Read one image, which lies at `offset` in its file."""
    read = commands(image, offset)
    order, _ = _THIN[bytes(image[:4])]
    cpu_type, cpu_subtype, file_type, count, _, flags = struct.unpack_from(order + "6I", image, 4)
    if file_type != 10:  # a dSYM keeps its segments' places but not their bytes
        load_commands.check_segments(read, len(image))
    place = load_commands.code_signature(read, len(image))
    target = load_commands.target(read, intel=cpu_type in INTEL)
    return Slice(
        architecture=architecture(cpu_type, cpu_subtype),
        cpu_type=cpu_type,
        cpu_subtype=cpu_subtype,
        file_type=type_name(file_type),
        flags=flags,
        offset=offset,
        size=len(image),
        command_count=count,
        platform=target.platform,
        min_os=target.min_os,
        sdk=target.sdk,
        encrypted=load_commands.encrypted(read),
        code_signature=place,
        signature=bytes(image[place[0] : place[0] + place[1]]) if place else b"",
        dylibs=load_commands.dylibs(read),
        rpaths=load_commands.rpaths(read),
        uuid=load_commands.uuid(read),
        odd=load_commands.repeated(read),
    )


def type_name(file_type: int) -> str:
    """What an image is by the file type in its header: execute, dylib, ..., or `type-<n>`."""
    return _FILE_TYPE.get(file_type, f"type-{file_type}")


def architecture(cpu_type: int, cpu_subtype: int) -> str:
    """Apple's name; the top byte of the subtype holds capabilities (CPU_SUBTYPE_MASK)."""
    name = _CPU.get(cpu_type, f"cpu-{cpu_type}")
    return _SUBCPU.get((cpu_type, cpu_subtype & 0x00FFFFFF), name)
