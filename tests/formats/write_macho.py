"""Mach-O images, fat files and code signatures for tests, written field by field."""

import struct
from typing import Any

from tests.formats.write_signing import tlv

ARM64, X86_64 = 0x0100000C, 0x01000007


def command(number: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 8)
    return struct.pack(order + "II", number, 8 + len(body)) + body


def string_command(number: int, header: bytes, text: bytes) -> bytes:
    offset = 12 + len(header)
    return command(number, struct.pack("<I", offset) + header + text + b"\0")


def segment(name: bytes, offset: int, size: int) -> bytes:
    return command(0x19, struct.pack("<16s4Q4I", name, 0, 0x4000, offset, size, 5, 5, 0, 0))


def dylib(name: bytes, number: int = 0xC) -> bytes:
    return string_command(number, struct.pack("<III", 2, 0x10000, 0x10000), name)


def rpath(path: bytes) -> bytes:
    return string_command(0x8000001C, b"", path)


def build_version(platform: int, min_os: int, sdk: int) -> bytes:
    return command(0x32, struct.pack("<IIII", platform, min_os, sdk, 0))


def image(
    *commands: bytes,
    cpu: int = ARM64,
    subtype: int = 0,
    kind: int = 2,
    flags: int = 0x200085,
    tail: bytes = b"",
    count: int | None = None,
) -> bytes:
    """A little-endian 64-bit image whose bytes behind the load commands are `tail`."""
    body = b"".join(commands)
    number = len(commands) if count is None else count
    return (
        struct.pack("<4s7I", b"\xcf\xfa\xed\xfe", cpu, subtype, kind, number, len(body), flags, 0)
        + body
        + tail
    )


def fat(*slices: tuple[int, bytes], wide: bool = False, count: int | None = None) -> bytes:
    """A fat file of (CPU type, image) pairs, each image aligned to 16 bytes."""
    form = ">IIQQII" if wide else ">5I"
    header = 8 + len(slices) * struct.calcsize(form)
    index, body = b"", b""
    for cpu, data in slices:
        body += bytes(-(header + len(body)) % 16)
        place = (cpu, 0, header + len(body), len(data), 4)
        index += struct.pack(form, *place, *((0,) if wide else ()))
        body += data
    magic = 0xCAFEBABF if wide else 0xCAFEBABE
    return struct.pack(">II", magic, len(slices) if count is None else count) + index + body


def blob(magic: int, payload: bytes) -> bytes:
    return struct.pack(">II", magic, 8 + len(payload)) + payload


def superblob(blobs: dict[int, bytes]) -> bytes:
    offset, index, body = 12 + 8 * len(blobs), b"", b""
    for slot, data in blobs.items():
        index += struct.pack(">II", slot, offset + len(body))
        body += data
    return blob(0xFADE0CC0, struct.pack(">I", len(blobs)) + index + body)


def code_directory(
    identifier: str, *, team: str = "", flags: int = 0, hash_type: int = 2, hash_size: int = 32
) -> bytes:
    """A version 0x20400 directory of 7 special and 2 code slots, its hashes zero."""
    names = identifier.encode() + b"\0"
    team_offset = 88 + len(names) if team else 0
    names += team.encode() + b"\0" if team else b""
    hashes = 88 + len(names) + 7 * hash_size
    payload = struct.pack(
        ">7I4BI4I3Q",
        0x20400,
        flags,
        hashes,
        88,
        7,
        2,
        8192,
        hash_size,
        hash_type,
        0,
        12,
        0,
        0,
        team_offset,
        0,
        0,
        0,
        0,
        0,
    ) + bytes(8)
    return blob(0xFADE0C02, payload[:80] + names + bytes(9 * hash_size))


def der_entitlements(value: dict[str, Any]) -> bytes:
    return tlv(0x70, tlv(2, b"\1") + _der(value))


def _der(value: Any) -> bytes:
    if isinstance(value, bool):
        return tlv(1, b"\xff" if value else b"\0")
    if isinstance(value, int):
        return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if isinstance(value, str):
        return tlv(12, value.encode())
    if isinstance(value, list):
        return tlv(0x30, b"".join(map(_der, value)))
    pairs = (tlv(0x30, tlv(12, key.encode()) + _der(item)) for key, item in value.items())
    return tlv(0xB0, b"".join(pairs))
