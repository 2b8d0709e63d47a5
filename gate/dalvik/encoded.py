"""Encoded values of a DEX file: what static fields begin with, and what annotations say.

Source: source.android.com, Dalvik executable format, encoded_value, encoded_array.
"""

from gate.dalvik.classdata import Numbers, class_fields
from gate.dalvik.dex import Dex
from gate.formats.errors import Malformed
from gate.frozen import dataclass

MAX_NESTING = 32


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded value: its type code, and a number or an index, or the parts of an array."""

    kind: int
    number: int = 0
    parts: tuple["Encoded", ...] = ()


BYTE, SHORT, CHAR, INT, LONG, FLOAT, DOUBLE = 0x00, 0x02, 0x03, 0x04, 0x06, 0x10, 0x11
METHOD_TYPE, METHOD_HANDLE = 0x15, 0x16
STRING, TYPE, FIELD, METHOD, ENUM, ARRAY = 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C
ANNOTATION, NULL, BOOLEAN = 0x1D, 0x1E, 0x1F
_SIGNED = (BYTE, SHORT, INT, LONG)


def static_values(dex: Dex, row: int) -> dict[int, Encoded]:
    """The first value of a class's static fields by field index; absent ones are zero or null."""
    offset = int(dex.classes["values"][row])
    fields = class_fields(dex, row)
    if not offset:
        return {}
    reader = Numbers(dex.data, offset)
    size = reader.unsigned()
    if size > len(fields):
        raise Malformed("DEX class with more static values than static fields", offset)
    return {fields[place][0]: read_value(reader) for place in range(size)}


def read_value(reader: Numbers, depth: int = 0) -> Encoded:
    """The encoded value at the reader's place."""
    if depth > MAX_NESTING or reader.at >= len(reader.data):
        raise Malformed("DEX value nested too deep or outside of the file", reader.at)
    head = reader.data[reader.at]
    reader.at += 1
    argument, kind = head >> 5, head & 31
    if kind in (NULL, BOOLEAN):
        return Encoded(kind, argument)
    if kind == ARRAY:
        size = reader.unsigned()
        if size > len(reader.data) - reader.at:
            raise Malformed("DEX array value larger than the file", reader.at)
        return Encoded(kind, parts=tuple(read_value(reader, depth + 1) for _ in range(size)))
    if kind == ANNOTATION:
        owner, size = reader.unsigned(), reader.unsigned()
        if size > len(reader.data) - reader.at:
            raise Malformed("DEX annotation larger than the file", reader.at)
        parts = []
        for _ in range(size):
            reader.unsigned()
            parts.append(read_value(reader, depth + 1))
        return Encoded(kind, owner, tuple(parts))
    raw = reader.data[reader.at : reader.at + argument + 1]
    if len(raw) <= argument:
        raise Malformed("DEX value outside of the file", reader.at)
    reader.at += argument + 1
    return Encoded(kind, int.from_bytes(raw, "little", signed=kind in _SIGNED))
