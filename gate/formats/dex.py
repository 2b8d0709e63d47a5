"""The header of a DEX file: what it declares.

Sources: source.android.com, Dalvik executable format; AOSP art/libdexfile/dex/dex_file.h. The
runtime refuses a file whose checksum, sizes or offsets do not fit, and so does this reader.
"""

import struct
import zlib
from dataclasses import dataclass

from gate.formats.errors import Malformed

HEADER_SIZE = 0x70
VERSIONS = ("035", "037", "038", "039", "040")
_TABLES = (  # name, offset of its size in the header, bytes of one item
    ("string_ids", 0x38, 4),
    ("type_ids", 0x40, 4),
    ("proto_ids", 0x48, 12),
    ("field_ids", 0x50, 8),
    ("method_ids", 0x58, 8),
    ("class_defs", 0x60, 32),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a DEX file declares: its version and the number of items in each table."""

    version: str
    strings: int
    methods: int
    classes: int


def read_header(data: bytes) -> Header:
    """The header of a whole DEX file; Malformed where ART would not load it."""
    if data[:4] != b"dex\n" or data[7:8] != b"\0":
        kind = "a compact DEX file, which only a device makes" if data[:4] == b"cdex" else "no DEX"
        raise Malformed(f"{kind}: it begins with {data[:8]!r}", 0)
    version = data[4:7].decode("latin-1")
    if version not in VERSIONS:
        raise Malformed(f"DEX version {version!r} is not supported", 4)
    if len(data) < HEADER_SIZE:
        raise Malformed(f"DEX header cut off after {len(data)} bytes", len(data))
    checksum, size, header_size, endian = struct.unpack_from("<I20xIII", data, 8)
    if size != len(data) or header_size != HEADER_SIZE or endian != 0x12345678:
        raise Malformed("DEX header with a wrong file size, header size or byte order", 0x20)
    if checksum != zlib.adler32(memoryview(data)[12:]):
        raise Malformed("DEX file with a wrong checksum", 8)
    counts = {}
    for name, at, item in _TABLES:
        count, offset = struct.unpack_from("<II", data, at)
        if count and not HEADER_SIZE <= offset <= len(data) - count * item:
            raise Malformed(f"DEX table {name} lies outside the file", at)
        counts[name] = count
    return Header(version, counts["string_ids"], counts["method_ids"], counts["class_defs"])
