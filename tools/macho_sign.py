"""Writes code signatures into thin 64-bit Mach-O files.

The format is that of XNU's ``osfmk/kern/cs_blobs.h``: a SuperBlob with one CodeDirectory or more,
an empty requirement set, entitlements as XML and as DER, and a CMS wrapper.
"""

from __future__ import annotations

import hashlib
import plistlib
import struct
from dataclasses import dataclass
from typing import Any, Literal

from asn1crypto import core
from cms_seal import seal
from fixture_keys import Signer

_LC_SEGMENT_64, _LC_CODE_SIGNATURE = 0x19, 0x1D
_PAGE = 4096
_DIRECTORY, _REQUIREMENTS, _XML, _DER, _CMS = 0, 2, 5, 7, 0x10000  # slots of a SuperBlob
_ADHOC = 0x2
_MAIN_BINARY, _ALLOW_UNSIGNED = 0x1, 0x10  # flags of the executable segment
_HASHES_OF_DIRECTORIES = "1.2.840.113635.100.9.1"
_ALTERNATE = 0x1000  # slot of the first directory beside the primary one
_HEADER_SIZES = {0x20200: 52, 0x20400: 88}

DirectoryHash = Literal["sha1", "stale-sha1", "sha256"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a signature says. Without a `signer` its CMS wrapper is empty.

    `hashes` are its code directories, the primary one first; one that is stale has wrong pages.
    """

    identifier: str
    team: str = ""
    signer: Signer | None = None
    adhoc: bool = False
    entitlements: dict[str, Any] | None = None
    xml: bool = True
    der: bool = True
    info_plist: bytes | None = None
    code_resources: bytes | None = None
    hashes: tuple[DirectoryHash, ...] = ("sha256",)
    version: int = 0x20400


@dataclass(slots=True)
class _Layout:
    """Where the load commands stand that signing has to read or change."""

    signature: int = 0
    linkedit: int = 0
    text: tuple[int, int] = (0, 0)
    end: int = 32


def sign(program: bytes, what: Seal) -> bytes:
    """`program` with the signature that `what` describes; an earlier one must not be there."""
    data = bytearray(program)
    layout = _read(data)
    address, memory, start, size = struct.unpack_from("<4Q", data, layout.linkedit + 24)
    data = data[: start + size] + bytes(-(start + size) % 16)
    limit = len(data)
    blobs = _blobs(what)
    space = _space(limit, blobs, what)
    _write_header(data, layout, limit, space, linkedit=(address, limit + space - start))
    directories = [_directory(bytes(data), layout, blobs, what, kind) for kind in what.hashes]
    alternate = {_ALTERNATE + number: each for number, each in enumerate(directories[1:])}
    wrapper = _blob(0xFADE0B01, _wrapper(directories, what))
    blobs = {_DIRECTORY: directories[0], **blobs, **alternate, _CMS: wrapper}
    block = _super_blob(blobs)
    return bytes(data) + block + bytes(space - len(block))


def _read(data: bytearray) -> _Layout:
    """Finds the segments; the linker left room behind the last load command."""
    magic, *_, count, size, _flags, _reserved = struct.unpack_from("<8I", data)
    if magic != 0xFEEDFACF:
        raise ValueError("not a thin 64-bit Mach-O file")
    layout, at = _Layout(), 32
    for _ in range(count):
        command, length = struct.unpack_from("<2I", data, at)
        name = bytes(data[at + 8 : at + 24]).rstrip(b"\0") if command == _LC_SEGMENT_64 else b""
        if name == b"__LINKEDIT":
            layout.linkedit = at
        if name == b"__TEXT":
            layout.text = struct.unpack_from("<2Q", data, at + 40)
        if command == _LC_CODE_SIGNATURE:
            raise ValueError("signed already")
        at += length
    layout.signature = layout.end = 32 + size
    return layout


def _write_header(
    data: bytearray, layout: _Layout, limit: int, space: int, linkedit: tuple[int, int]
) -> None:
    """Adds the load command and stretches the last segment over the signature."""
    count, size = struct.unpack_from("<2I", data, 16)
    if any(data[layout.signature : layout.signature + 16]):
        raise ValueError("no room for another load command: link with -headerpad")
    struct.pack_into("<2I", data, 16, count + 1, size + 16)
    struct.pack_into("<4I", data, layout.signature, _LC_CODE_SIGNATURE, 16, limit, space)
    _, extent = linkedit
    struct.pack_into("<Q", data, layout.linkedit + 32, extent + -extent % 0x4000)
    struct.pack_into("<Q", data, layout.linkedit + 48, extent)


def _blobs(what: Seal) -> dict[int, bytes]:
    """The blobs that the CodeDirectory seals."""
    blobs = {_REQUIREMENTS: _blob(0xFADE0C01, struct.pack(">I", 0))}
    if what.entitlements is not None and what.xml:
        blobs[_XML] = _blob(0xFADE7171, plistlib.dumps(what.entitlements))
    if what.entitlements is not None and what.der:
        blobs[_DER] = _blob(0xFADE7172, entitlements_der(what.entitlements))
    return blobs


def _space(limit: int, blobs: dict[int, bytes], what: Seal) -> int:
    """Bytes to set aside for the signature, generously: codesign does the same."""
    hashes = 32 * (-(-limit // _PAGE) + 8)
    beside = (len(what.hashes) - 1) * (hashes + 256)
    wanted = hashes + beside + sum(map(len, blobs.values())) + (8192 if what.signer else 0) + 1024
    return wanted + -wanted % 16


def _directory(
    data: bytes, layout: _Layout, blobs: dict[int, bytes], what: Seal, kind: DirectoryHash
) -> bytes:
    """A CodeDirectory: hashes of every page, and of what lies outside the pages."""
    sealed = {1: what.info_plist, 3: what.code_resources, **blobs}
    depth = max(slot for slot, blob in sealed.items() if blob is not None)
    outside = b"".join(_hash(sealed.get(slot), kind) for slot in range(depth, 0, -1))
    paged = bytes(len(data)) if kind == "stale-sha1" else data
    pages = [_hash(paged[at : at + _PAGE], kind) for at in range(0, len(data), _PAGE)]
    identifier = what.identifier.encode() + b"\0"
    team = what.team.encode() + b"\0" if what.team else b""
    size, start = len(pages[0]), _HEADER_SIZES[what.version]
    hashes_at = start + len(identifier) + len(team) + len(outside)
    head = struct.pack(
        ">9I4B4I4Q",
        *(0xFADE0C02, hashes_at + size * len(pages), what.version, _ADHOC if what.adhoc else 0),
        *(hashes_at, start, depth, len(pages), len(data)),
        *(size, 2 if kind == "sha256" else 1, 0, _PAGE.bit_length() - 1),
        *(0, 0, start + len(identifier) if team else 0, 0),
        *(0, 0, layout.text[1], _segment_flags(data, what)),
    )
    return head[:start] + identifier + team + outside + b"".join(pages)


def _segment_flags(data: bytes, what: Seal) -> int:
    """A program says that it is one; a debugger's permission to change it is noted too."""
    if struct.unpack_from("<I", data, 12)[0] != 2:  # MH_EXECUTE
        return 0
    debuggable = bool(what.entitlements and what.entitlements.get("get-task-allow"))
    return _MAIN_BINARY | (_ALLOW_UNSIGNED if debuggable else 0)


def _wrapper(directories: list[bytes], what: Seal) -> bytes:
    """The CMS over the primary directory, with the list of their hashes that Apple's tools add."""
    if what.signer is None:
        return b""
    named = zip(directories, what.hashes, strict=True)
    cdhashes = [_hash(directory, kind)[:20] for directory, kind in named]
    listed = (_HASHES_OF_DIRECTORIES, core.OctetString(plistlib.dumps({"cdhashes": cdhashes})))
    return seal(directories[0], what.signer, detached=True, attributes=(listed,))


def _super_blob(blobs: dict[int, bytes]) -> bytes:
    """The index of the blobs, and the blobs."""
    at = 12 + 8 * len(blobs)
    index = b""
    for slot, blob in blobs.items():
        index += struct.pack(">2I", slot, at)
        at += len(blob)
    return struct.pack(">3I", 0xFADE0CC0, at, len(blobs)) + index + b"".join(blobs.values())


def _blob(magic: int, data: bytes) -> bytes:
    """A blob: its magic, its length with both, and its data."""
    return struct.pack(">2I", magic, len(data) + 8) + data


def _hash(data: bytes | None, kind: DirectoryHash) -> bytes:
    """The digest of `data`; an empty slot is all zero."""
    new = hashlib.sha256 if kind == "sha256" else hashlib.sha1
    return bytes(new().digest_size) if data is None else new(data).digest()


def entitlements_der(entitlements: dict[str, Any]) -> bytes:
    """Entitlements in the DER form of iOS 15: [APPLICATION 16] { INTEGER 1, dictionary }."""
    return _tlv(0x70, _tlv(0x02, b"\x01") + _der(entitlements))


def _der(value: Any) -> bytes:
    """A property-list value in DER; dictionaries are [CONTEXT 16], their keys sorted."""
    if isinstance(value, bool):
        return _tlv(0x01, b"\xff" if value else b"\0")
    if isinstance(value, int):
        return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if isinstance(value, str):
        return _tlv(0x0C, value.encode())
    if isinstance(value, list):
        return _tlv(0x30, b"".join(_der(item) for item in value))
    if isinstance(value, dict):
        pairs = (_tlv(0x30, _der(key) + _der(value[key])) for key in sorted(value))
        return _tlv(0xB0, b"".join(pairs))
    raise ValueError(f"entitlements cannot hold {value!r}")


def _tlv(tag: int, content: bytes) -> bytes:
    """A DER value with its tag and length."""
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
