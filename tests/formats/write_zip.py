"""A ZIP writer that can lie in every field."""

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

LOCAL_FIELDS = (
    *(("magic", "4s"), ("needed", "H"), ("flags", "H"), ("method", "H"), ("time", "H")),
    *(("date", "H"), ("crc32", "L"), ("compressed_size", "L"), ("size", "L")),
    *(("name_size", "H"), ("extra_size", "H")),
)
CENTRAL_FIELDS = (
    *(("magic", "4s"), ("made_by", "H"), ("needed", "H"), ("flags", "H"), ("method", "H")),
    *(("time", "H"), ("date", "H"), ("crc32", "L"), ("compressed_size", "L"), ("size", "L")),
    *(("name_size", "H"), ("extra_size", "H"), ("comment_size", "H"), ("disk", "H")),
    *(("internal", "H"), ("external", "L"), ("offset", "L")),
)
END_FIELDS = (
    *(("magic", "4s"), ("disk", "H"), ("start_disk", "H"), ("on_disk", "H"), ("count", "H")),
    *(("size", "L"), ("start", "L"), ("comment_size", "H")),
)

Fields = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """An entry; `local` and `central` overwrite header fields, `raw` the bytes between headers."""

    name: bytes
    data: bytes = b""
    deflate: bool = False
    local: Fields = field(default_factory=dict)
    central: Fields = field(default_factory=dict)
    raw: bytes | None = None
    local_name: bytes | None = None
    local_extra: bytes = b""
    central_extra: bytes = b""
    after: bytes = b""


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def pack(layout: tuple[tuple[str, str], ...], values: Fields, lies: Fields) -> bytes:
    unknown = lies.keys() - dict(layout).keys()
    assert not unknown, unknown
    fields = {**values, **lies}
    return struct.pack(
        "<" + "".join(kind for _, kind in layout),
        *(fields.get(name, b"" if kind == "4s" else 0) for name, kind in layout),
    )


def write_zip(
    *members: Member,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    after_directory: bytes = b"",
    directory_tail: bytes = b"",
    comment: bytes = b"",
    trailing: bytes = b"",
    **end: Any,
) -> bytes:
    """Write an archive; `end` overwrites fields of the end record."""
    body, directory = bytearray(prefix), bytearray()
    for member in members:
        stored = deflated(member.data) if member.deflate else member.data
        if member.raw is not None:
            stored = member.raw
        local_name = member.name if member.local_name is None else member.local_name
        common = {
            "needed": 20,
            "method": 8 if member.deflate else 0,
            "crc32": zlib.crc32(member.data),
            "compressed_size": len(stored),
            "size": len(member.data),
        }
        record = {
            **common,
            "magic": b"PK\1\2",
            "made_by": 20,
            "name_size": len(member.name),
            "extra_size": len(member.central_extra),
            "offset": len(body),
        }
        header = {
            **common,
            "magic": b"PK\3\4",
            "name_size": len(local_name),
            "extra_size": len(member.local_extra),
        }
        directory += pack(CENTRAL_FIELDS, record, member.central)
        directory += member.name + member.central_extra
        body += pack(LOCAL_FIELDS, header, member.local)
        body += local_name + member.local_extra + stored + member.after
    body += before_directory
    directory += directory_tail
    values = {
        "magic": b"PK\5\6",
        "on_disk": end.get("count", len(members)),
        "count": len(members),
        "size": len(directory),
        "start": len(body),
        "comment_size": len(comment),
    }
    end_record = pack(END_FIELDS, values, end)
    return bytes(body + directory + after_directory + end_record + comment + trailing)


def zip64_end(count: int, size: int, start: int, at: int) -> bytes:
    """A ZIP64 end record for the offset `at`, and its locator."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


def zip64_extra(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)
