"""Apple code signatures: the SuperBlob that LC_CODE_SIGNATURE points to.

Source: Apple's xnu, osfmk/kern/cs_blobs.h (structures, slots, flags) and bsd/kern/ubc_subr.c
(`cs_validate_csblob` and `cs_validate_codedirectory`, the bounds); DER entitlements as in TN3125.
All integers are big-endian. Nothing is verified here.
"""

import struct
from typing import Final

from gate.app.native import CodeDirectory, CodeSignature
from gate.formats import ber, plist
from gate.formats.errors import Malformed, OverLimit
from gate.formats.plist import PlistValue

_SUPERBLOB, _CODE_DIRECTORY, _REQUIREMENTS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0C01
_WRAPPER, _XML, _DER = 0xFADE0B01, 0xFADE7171, 0xFADE7172
_SLOT_REQUIREMENTS, _SLOT_XML, _SLOT_DER, _SLOT_CMS = 2, 5, 7, 0x10000
# The primary code directory (0) and the alternate ones, CSSLOT_ALTERNATE_CODEDIRECTORIES.
_SLOTS_DIRECTORY: Final = (0, *range(0x1000, 0x1005))
_MAGIC: Final = {
    **dict.fromkeys(_SLOTS_DIRECTORY, _CODE_DIRECTORY),
    _SLOT_REQUIREMENTS: _REQUIREMENTS,
    _SLOT_XML: _XML,
    _SLOT_DER: _DER,
    _SLOT_CMS: _WRAPPER,
}
_MAX_BLOBS: Final = 256
_MAX_DER: Final = 1 << 20
_MAX_DEPTH: Final = 64
_DIRECTORY: Final = struct.Struct(">9I4BI")
# Version from which a field is there, its offset: teamOffset, codeLimit64.
_TEAM: Final = (0x20200, 48)
_LIMIT_64: Final = (0x20300, 56)

Entitlements = dict[str, PlistValue]


def parse(data: bytes) -> CodeSignature:
    """Facts of an embedded signature; bytes behind its declared length are padding.

    A bare CodeDirectory is accepted, as xnu does. Raises Malformed for any blob or table outside
    its bounds, two blobs in one slot, a wrong magic, or entitlements that cannot be read.
    """
    magic, length = _blob(data, 0, len(data))
    if magic == _CODE_DIRECTORY:
        return CodeSignature((_code_directory(data[:length], 0),), None, None, b"", False)
    if magic != _SUPERBLOB:
        raise Malformed(f"code signature with magic {magic:#010x}", 0)
    blobs = _blobs(data[:length])
    directories = tuple(
        _code_directory(blobs[slot], slot) for slot in _SLOTS_DIRECTORY if slot in blobs
    )
    if 0 not in blobs:
        raise Malformed("code signature without a code directory", 0)
    return CodeSignature(
        code_directories=directories,
        entitlements_xml=_xml(blobs[_SLOT_XML][8:]) if _SLOT_XML in blobs else None,
        entitlements_der=_der(blobs[_SLOT_DER][8:]) if _SLOT_DER in blobs else None,
        cms=blobs.get(_SLOT_CMS, b"")[8:],
        requirements=_SLOT_REQUIREMENTS in blobs,
    )


def _blob(data: bytes, offset: int, limit: int) -> tuple[int, int]:
    """Magic and length of the blob at `offset`, which must end at or before `limit`."""
    if offset + 8 > limit:
        raise Malformed("code signature blob cut short", offset)
    magic, length = struct.unpack_from(">II", data, offset)
    if not 8 <= length <= limit - offset:
        raise Malformed(f"code signature blob of {length} bytes leaves what holds it", offset)
    return magic, length


def _blobs(data: bytes) -> dict[int, bytes]:
    """Slot to blob, for the slots that are read here."""
    if len(data) < 12:
        raise Malformed("code signature index cut short", 8)
    (count,) = struct.unpack_from(">I", data, 8)
    index_end = 12 + 8 * count
    if index_end > len(data):
        raise Malformed(f"code signature index of {count} blobs leaves the signature", 8)
    if count > _MAX_BLOBS:
        raise OverLimit(f"code signature of {count} blobs, more than {_MAX_BLOBS}", 8)
    blobs: dict[int, bytes] = {}
    for slot, offset in struct.iter_unpack(">II", data[12:index_end]):
        if offset < index_end:
            raise Malformed("code signature blob inside the index", offset)
        magic, length = _blob(data, offset, len(data))
        if slot not in _MAGIC:
            continue
        if slot in blobs:
            raise Malformed(f"code signature with two blobs in slot {slot:#x}", offset)
        if magic != _MAGIC[slot]:
            raise Malformed(f"code signature slot {slot:#x} with magic {magic:#010x}", offset)
        blobs[slot] = data[offset : offset + length]
    return blobs


def _code_directory(blob: bytes, slot: int) -> CodeDirectory:
    """Read one CodeDirectory; its tables must lie inside it, as xnu demands."""
    if len(blob) < _DIRECTORY.size:
        raise Malformed("code directory cut short", 0)
    (
        _,
        _,
        version,
        flags,
        hashes,
        identifier,
        n_special,
        n_code,
        limit,
        hash_size,
        hash_type,
        _,
        page,
        _,
    ) = _DIRECTORY.unpack_from(blob)
    if hashes < n_special * hash_size or hashes + n_code * hash_size > len(blob):
        raise Malformed("code directory whose hash table leaves it", 16)
    if page >= 32:
        raise Malformed(f"code directory with pages of 2^{page} bytes", 39)
    team = _later_field(blob, version, _TEAM, ">I")
    return CodeDirectory(
        slot=slot,
        identifier=_string(blob, identifier),
        team_id=_string(blob, team) if team else "",
        flags=flags,
        version=version,
        hash_type=hash_type,
        hash_size=hash_size,
        page_size=1 << page if page else 0,
        code_limit=_later_field(blob, version, _LIMIT_64, ">Q") or limit,
        n_special=n_special,
        n_code=n_code,
    )


def _later_field(blob: bytes, version: int, field: tuple[int, int], form: str) -> int:
    """A field that later versions added, 0 where this version has none."""
    since, offset = field
    if version < since:
        return 0
    if offset + struct.calcsize(form) > len(blob):
        raise Malformed(f"code directory too short for its version {version:#x}", offset)
    return int(struct.unpack_from(form, blob, offset)[0])


def _string(blob: bytes, offset: int) -> str:
    """A string that ends in NUL; bytes that are no UTF-8 are shown as escapes."""
    end = blob.find(b"\0", offset) if _DIRECTORY.size <= offset < len(blob) else -1
    if end < 0:
        raise Malformed("code directory string outside it or without an end", offset)
    return blob[offset:end].decode("utf-8", "backslashreplace")


def _xml(payload: bytes) -> Entitlements:
    if not payload:
        return {}
    entitlements, twice = plist.parse_strictly(payload)
    if twice:
        raise Malformed(f"entitlements with the key {twice[0]} more than once")
    if not isinstance(entitlements, dict):
        raise Malformed("entitlements that are no dictionary")
    return entitlements


def _der(payload: bytes) -> Entitlements:
    """DER entitlements: [APPLICATION 16] { INTEGER 1, dictionary }, or a bare dictionary."""
    if not payload:
        return {}
    if len(payload) > _MAX_DER:
        raise OverLimit(f"DER entitlements of {len(payload)} bytes, more than {_MAX_DER}")
    root = ber.element(payload, 0, len(payload))
    if root.tag == 0x70:
        fields = list(ber.children(payload, root))
        if len(fields) != 2:
            raise Malformed("DER entitlements without version and dictionary", root.start)
        root = fields[1]
    entitlements = _value(payload, root, 0)
    if not isinstance(entitlements, dict):
        raise Malformed("DER entitlements that are no dictionary", root.start)
    return entitlements


def _value(data: bytes, item: ber.Element, depth: int) -> PlistValue:
    """One DER value; dictionaries are [CONTEXT 16] or, before iOS 15, SET of pairs."""
    if depth > _MAX_DEPTH:
        raise OverLimit(f"DER entitlements nested deeper than {_MAX_DEPTH}", item.start)
    body = data[item.body : item.body_end]
    if item.tag == 0x01:
        return body != b"\0"
    if item.tag == ber.INTEGER and len(body) <= 9:
        return int.from_bytes(body, "big", signed=True)
    if item.tag == ber.OCTET_STRING:
        return body
    if item.tag == 0x0C:
        return body.decode("utf-8", "backslashreplace")
    if item.tag == ber.SEQUENCE:
        return [_value(data, child, depth + 1) for child in ber.children(data, item)]
    if item.tag in (0xB0, ber.SET):
        return _dictionary(data, item, depth + 1)
    raise Malformed(f"DER entitlements with tag {item.tag:#x}", item.start)


def _dictionary(data: bytes, item: ber.Element, depth: int) -> Entitlements:
    found: Entitlements = {}
    for pair in ber.children(data, item):
        parts = list(ber.children(data, pair))
        if pair.tag != ber.SEQUENCE or len(parts) != 2 or parts[0].tag != 0x0C:
            raise Malformed("DER entitlements with an entry that is no key and value", pair.start)
        key = data[parts[0].body : parts[0].body_end].decode("utf-8", "backslashreplace")
        if key in found:
            raise Malformed(f"DER entitlements with the key {key[:80]!r} twice", pair.start)
        found[key] = _value(data, parts[1], depth)
    return found
