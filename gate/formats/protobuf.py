"""The wire format of Protocol Buffers, read without a schema and without recursion.

Source: protobuf.dev/programming-guides/encoding. A field that a reader does not know, or that has
another wire type than it asks for, is skipped, as there. In one thing this reader is stricter: a
field that may occur once and does twice is refused. Parsers merge such fields, no writer makes
them, and whoever looks at one of the two is deceived.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from gate.formats.errors import Malformed, OverLimit

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5
MAX_GROUPS: Final = 100

_GROUP_START: Final = 3
_GROUP_END: Final = 4
_LONGEST_VARINT: Final = 10
_64_BITS: Final = (1 << 64) - 1
_32_BITS: Final = (1 << 32) - 1
_FIXED_SIZES: Final = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field as stored; offsets in bytes from the start of the whole data.

    `value` is the unsigned number of a VARINT, FIXED64 or FIXED32, and the offset at which the
    payload of a LENGTH_DELIMITED starts; `end` is the offset behind the field.
    """

    number: int
    wire: int
    value: int
    end: int


class Budget:
    """How many fields may still be read of one file; what nests or repeats counts each time."""

    __slots__ = ("left",)

    def __init__(self, fields: int) -> None:
        self.left = fields

    def spend(self, offset: int) -> None:
        """Count one field; raise OverLimit where it is one too many."""
        self.left -= 1
        if self.left < 0:
            raise OverLimit("there are more fields than any build tool writes", offset)


def varint(data: bytes, offset: int, end: int) -> tuple[int, int]:
    """Read a varint before `end`: its unsigned 64-bit value and the offset behind it.

    Raises Malformed for one that is cut off or has more than ten bytes.
    """
    value = shift = 0
    for place in range(offset, min(offset + _LONGEST_VARINT, end)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _64_BITS, place + 1
        shift += 7
    cut = end - offset < _LONGEST_VARINT
    raise Malformed("a varint is cut off" if cut else "a varint has more than 10 bytes", offset)


def fields(data: bytes, start: int, end: int, budget: Budget) -> Iterator[Field]:
    """Yield the fields of the message between two offsets, in their order; groups are skipped.

    Payloads are stepped over, not looked into. Raises Malformed where a field does not add up,
    OverLimit where `budget` is spent.
    """
    offset = start
    while offset < end:
        budget.spend(offset)
        field = _short_field(data, offset, end) or _field(data, offset, end)
        offset = field.end
        if field.wire == _GROUP_START:
            offset = _behind_group(data, field, end, budget)
        elif field.wire == _GROUP_END:
            raise Malformed("a group ends that has not begun", field.value)
        else:
            yield field


def _short_field(data: bytes, offset: int, end: int) -> Field | None:
    """Read one field of the form that nearly all have: a tag and a number of one byte each."""
    if offset + 2 > end:
        return None
    tag, value = data[offset], data[offset + 1]
    if not 8 <= tag < 0x80 or value >= 0x80:
        return None
    behind = offset + 2
    if tag & 7 == VARINT:
        return Field(tag >> 3, VARINT, value, behind)
    if tag & 7 == LENGTH_DELIMITED and behind + value <= end:
        return Field(tag >> 3, LENGTH_DELIMITED, behind, behind + value)
    return None


def _field(data: bytes, offset: int, end: int) -> Field:
    """Read one field; the marks of a group have their own offset as value."""
    tag, place = varint(data, offset, end)
    number, wire = tag >> 3, tag & 7
    if not number or tag > _32_BITS:
        raise Malformed(f"a field has the number {number}", offset)
    if wire == VARINT:
        return Field(number, wire, *varint(data, place, end))
    if wire == LENGTH_DELIMITED:
        size, place = varint(data, place, end)
        if size > end - place:
            raise Malformed(f"field {number} of {size} bytes passes its message", offset)
        return Field(number, wire, place, place + size)
    if wire in _FIXED_SIZES:
        behind = place + _FIXED_SIZES[wire]
        if behind > end:
            raise Malformed(f"field {number} passes the end of its message", offset)
        return Field(number, wire, int.from_bytes(data[place:behind], "little"), behind)
    if wire in (_GROUP_START, _GROUP_END):
        return Field(number, wire, offset, place)
    raise Malformed(f"field {number} has the wire type {wire}, which does not exist", offset)


def _behind_group(data: bytes, start: Field, end: int, budget: Budget) -> int:
    """Give the offset behind the group that begins with `start`."""
    opened, offset = [start.number], start.end
    while opened:
        if offset >= end:
            raise Malformed(f"the group of field {opened[-1]} does not end", start.value)
        budget.spend(offset)
        field = _field(data, offset, end)
        offset = field.end
        if field.wire == _GROUP_START:
            if len(opened) >= MAX_GROUPS:
                raise OverLimit(f"groups nest deeper than {MAX_GROUPS}", field.value)
            opened.append(field.number)
        elif field.wire == _GROUP_END and opened.pop() != field.number:
            raise Malformed("a group ends that has not begun", field.value)
    return offset


class Message:
    """The fields of one message, asked for by number; nothing inside them has been looked at."""

    __slots__ = ("_budget", "_data", "_fields", "start")

    def __init__(self, data: bytes, budget: Budget, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._budget = budget
        self.start = start
        self._fields: dict[tuple[int, int], list[Field]] = {}
        for field in fields(data, start, len(data) if end is None else end, budget):
            self._fields.setdefault((field.number, field.wire), []).append(field)

    def __contains__(self, number: int) -> bool:
        return (number, LENGTH_DELIMITED) in self._fields

    def unsigned(self, number: int) -> int:
        """Return a uint32, a bool or an enum as 32 bits; 0 where the field is absent."""
        return self._scalar(number, VARINT) or 0

    def is_true(self, number: int) -> bool:
        """Return a bool; False where the field is absent."""
        field = self._once(number, VARINT)
        return field is not None and field.value != 0

    def text(self, number: int) -> str:
        """Return a string; "" where the field is absent, Malformed where it is not UTF-8."""
        field = self._once(number, LENGTH_DELIMITED)
        if field is None:
            return ""
        try:
            return self._data[field.value : field.end].decode()
        except UnicodeDecodeError:
            raise Malformed(f"the text of field {number} is not UTF-8", field.value) from None

    def message(self, number: int) -> "Message | None":
        """Return an embedded message, None where the field is absent."""
        field = self._once(number, LENGTH_DELIMITED)
        return None if field is None else self._within(field)

    def messages(self, number: int) -> Iterator["Message"]:
        """Yield the messages of a repeated field, each decoded when its turn comes."""
        return (self._within(field) for field in self.spans(number))

    def spans(self, number: int) -> tuple[Field, ...]:
        """Return the fields of a repeated message as they are stored."""
        return tuple(self._fields.get((number, LENGTH_DELIMITED), ()))

    def one_of(self, numbers: dict[int, int]) -> tuple[int, int] | None:
        """Return number and value of the one field that is set of a oneof, None where none is.

        `numbers` maps field numbers to wire types. A LENGTH_DELIMITED field's value is its offset;
        numbers keep their 32 low bits. Raises Malformed where more than one is set.
        """
        found = [number for number, wire in numbers.items() if (number, wire) in self._fields]
        if not found:
            return None
        if len(found) > 1:
            raise Malformed(f"fields {found[0]} and {found[1]} exclude each other", self.start)
        return found[0], self._scalar(found[0], numbers[found[0]]) or 0

    def _within(self, field: Field) -> "Message":
        return Message(self._data, self._budget, field.value, field.end)

    def _scalar(self, number: int, wire: int) -> int | None:
        field = self._once(number, wire)
        return None if field is None else field.value & _32_BITS

    def _once(self, number: int, wire: int) -> Field | None:
        found = self._fields.get((number, wire), ())
        if len(found) > 1:
            raise Malformed(f"field {number} occurs twice in one message", found[1].value)
        return found[0] if found else None
