"""Property lists, XML and binary: bytes to a plain tree that is safe to walk.

XML is `gate.formats.plist_xml`'s. The binary layout is that of CoreFoundation's CFBinaryPList.c;
plistlib decodes it, and what plistlib leaves open is closed here: objects that overlap, containers
that hold themselves, objects shared so often that a walk would never end, and numbers that no
reader of Apple's can hold.
"""

import codecs
import plistlib
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from gate.formats import plist_xml
from gate.formats.errors import Malformed, OverLimit
from gate.formats.plist_xml import MAX_DEPTH, MAX_NODES, PlistValue
from gate.frozen import dataclass

__all__ = ["MAX_BYTES", "PlistValue", "duplicate_keys", "parse", "parse_strictly"]

MAX_BYTES: Final = 16 << 20
MAX_TEXT: Final = 64 << 20  # characters and bytes, each shared string counted at every visit

_UTF16: Final = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
_TRAILER: Final = 32

# plistlib lets all of these out on bytes that are no property list.
_FAULTS: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
)


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> PlistValue:
    """The value of an XML or binary property list, of whatever type its root is.

    The result holds only dict (keys str), list, str, int (-2^63 to 2^64-1), float, bool, bytes
    and naive UTC datetime, nests at most 64 deep and has at most 1,000,000 nodes, shared ones
    counted at each place, in a binary list no more than it has bytes. An archiver's UID is
    `{"CF$UID": n}`, as CoreFoundation writes it in XML. Where a dictionary has a key twice the last
    wins: see `duplicate_keys`. Raises Malformed, and OverLimit past `max_bytes` or these limits.
    """
    return _load(data, max_bytes)[0]


def duplicate_keys(data: bytes, *, max_bytes: int = MAX_BYTES) -> tuple[str, ...]:
    """The keys that one dictionary of this property list holds more than once, sorted.

    Readers differ in which value they keep, so such a list has no certain meaning. Raises as
    `parse` does.
    """
    return parse_strictly(data, max_bytes=max_bytes)[1]


def parse_strictly(
    data: bytes, *, max_bytes: int = MAX_BYTES
) -> tuple[PlistValue, tuple[str, ...]]:
    """What `parse` and `duplicate_keys` give, in one pass."""
    value, duplicates = _load(data, max_bytes)
    return value, tuple(sorted(duplicates))


def _load(data: bytes, max_bytes: int) -> tuple[PlistValue, set[str]]:
    """The value, and the keys that one dictionary has more than once."""
    if len(data) > max_bytes:
        raise OverLimit(f"property list of {len(data)} bytes, more than {max_bytes}")
    duplicates: set[str] = set()
    if data.startswith(b"bplist0"):
        return _binary(data, duplicates), duplicates
    return plist_xml.parse(_xml_text(data), duplicates), duplicates


def _xml_text(data: bytes) -> bytes:
    """The XML document without what CoreFoundation skips before it: a UTF-8 mark, white space."""
    if data.startswith(_UTF16):
        return data
    text = data.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if text.startswith((b"<", b"\0<")):
        return text
    if text.startswith((b"{", b"(", b'"', b"/")):
        raise Malformed("old-style (OpenStep) property list, not XML or binary")
    raise Malformed("empty property list" if not text else "neither an XML nor a binary plist")


def _binary(data: bytes, duplicates: set[str]) -> PlistValue:
    """Decode with dictionaries that note in `duplicates` a key that they are given again."""

    class Keyed(dict[Any, Any]):
        def __setitem__(self, key: object, value: object) -> None:
            if key in self and isinstance(key, str):
                duplicates.add(key)
            super().__setitem__(key, value)

    _check_binary(data)
    try:
        root = plistlib.loads(data, fmt=plistlib.FMT_BINARY, dict_type=Keyed)
    except _FAULTS as fault:
        reason = str(fault) or type(fault).__name__
        raise Malformed(f"not a binary property list: {reason}") from fault
    # Writers share scalars and no containers (CFBinaryPList.c), so that every node takes a byte.
    return _Copy(min(MAX_NODES, len(data))).value(root, 0)


def _check_binary(data: bytes) -> None:
    """Refuse a binary list whose objects claim, together, more than the file holds.

    A writer lays objects side by side, so that their sizes add up to less than the file. Objects
    that overlap would let a few bytes stand for any amount of memory.
    """
    if len(data) < 8 + _TRAILER:
        raise Malformed("binary property list cut short")
    offset_size, ref_size, count, top, table = struct.unpack(">6xBBQQQ", data[-_TRAILER:])
    if not 1 <= offset_size <= 8 or not 1 <= ref_size <= 8:
        raise Malformed("binary property list with impossible integer sizes", len(data) - 26)
    if count > MAX_NODES:
        raise OverLimit(f"binary property list of {count} objects, more than {MAX_NODES}")
    if top >= count or table + count * offset_size > len(data) - _TRAILER:
        raise Malformed("binary property list whose object table leaves the file", len(data) - 24)
    claimed = 0
    for offset in _offsets(data, table, count, offset_size):
        claimed += _object_size(data, offset, ref_size, table)
        if claimed > table:
            raise Malformed("binary property list whose objects overlap", offset)


def _offsets(data: bytes, table: int, count: int, size: int) -> Iterator[int]:
    for at in range(table, table + count * size, size):
        yield int.from_bytes(data[at : at + size], "big")


def _object_size(data: bytes, offset: int, ref_size: int, table: int) -> int:
    """Bytes that the object at `offset` takes, its marker included."""
    if not 8 <= offset < table:
        raise Malformed("binary property list object outside the object area", offset)
    kind, low = data[offset] >> 4, data[offset] & 0xF
    if kind in (0x1, 0x2, 0x3):
        return 1 + (1 << low)
    if kind == 0x8:
        return 2 + low
    unit = {0x4: 1, 0x5: 1, 0x6: 2, 0xA: ref_size, 0xD: 2 * ref_size}.get(kind)
    if unit is None:
        return 1
    header = 1
    if low == 0xF:
        # 0x13 is the widest length marker: an integer of 2^3 bytes.
        if data[offset + 1] & 0xFC != 0x10:
            raise Malformed("binary property list object with a bad length marker", offset + 1)
        width = 1 << (data[offset + 1] & 3)
        low = int.from_bytes(data[offset + 2 : offset + 2 + width], "big")
        header = 2 + width
    return header + low * unit


@dataclass(slots=True)
class _Copy:
    """A plain copy of what plistlib answered, made within the budgets of nodes and text.

    A container that holds itself is a path without end, so the depth limit meets it.
    """

    most: int
    nodes: int = 0
    text: int = 0

    def value(self, value: object, depth: int) -> PlistValue:
        """Copy one value; `depth` is the number of containers around it."""
        self.nodes += 1
        if self.nodes > self.most:
            raise OverLimit(f"binary property list of more than {self.most} nodes")
        if isinstance(value, (dict, list)):
            return self._container(value, depth + 1)
        if isinstance(value, plistlib.UID):
            return {"CF$UID": value.data}
        if isinstance(value, (str, bytes)):
            self._spend(len(value))
            return value
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
            raise Malformed("property list integer of more than 64 bits")
        if isinstance(value, (bool, int, float, datetime)):
            return value
        raise Malformed("null object in a property list")

    def _container(self, value: dict[object, object] | list[object], depth: int) -> PlistValue:
        if depth > MAX_DEPTH:
            raise OverLimit(f"property list nested deeper than {MAX_DEPTH}")
        if isinstance(value, list):
            return [self.value(item, depth) for item in value]
        tree: dict[str, PlistValue] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise Malformed("property list dictionary with a key that is no string")
            self._spend(len(key))
            tree[key] = self.value(item, depth)
        return tree

    def _spend(self, size: int) -> None:
        self.text += size
        if self.text > MAX_TEXT:
            raise OverLimit(f"property list of more than {MAX_TEXT} characters")
