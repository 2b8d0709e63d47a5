"""The class_data items of a DEX file: which methods it defines, and where their code lies.

Source: source.android.com, Dalvik executable format, class_data_item, code_item. All items are
decoded at once: every byte below 0x80 ends a number, so the ends alone give all numbers.
"""

import numpy as np

from gate.dalvik.dex import Dex, Ints
from gate.formats.errors import Malformed, OverLimit

CODE_HEADER = 16  # registers, ins, outs, tries (2 bytes each), debug info, units (4 bytes each)
MAX_METHODS = 4 << 20  # a file has at most 65,536 method ids; several classes may name one item


class Methods:
    """The methods that a file defines, one row each, sorted by where their code lies.

    `owner` is the row of the class in the file's table, `index` the method id, `flags` the access
    flags, `code` the offset of the code item, 0 where there is none. `begin` and `end` bound the
    instructions of those with code, in 16-bit units; several rows may share one code item.
    """

    def __init__(self, dex: Dex) -> None:
        owner, index, flags, code = _rows(dex)
        if len(index) and int(index.max()) >= len(dex.methods):
            raise Malformed("DEX class data names a method outside of the table", 0)
        order = np.argsort(code, kind="stable")
        self.owner = owner[order].astype(np.int32)
        self.index = index[order].astype(np.int32)
        self.flags = flags[order].astype(np.int32)
        self.code = code[order]
        self.first = int(np.searchsorted(self.code, 1))  # the rows before it have no code
        self._bound(dex)

    def _bound(self, dex: Dex) -> None:
        """The instructions of every row with code, all inside the file and none overlapping."""
        code, end = self.code[self.first :], dex.header.end
        if len(code) and (int(code[-1]) + CODE_HEADER > end or bool((code & 3).any())):
            raise Malformed("DEX code item outside of the file or not aligned", int(code[-1]))
        if len(code) and int(code[0]) < dex.header.begin:
            raise Malformed("DEX code item outside of the file", int(code[0]))
        at = code >> 1
        size = dex.units[at + 6].astype(np.int64) | dex.units[at + 7].astype(np.int64) << 16
        self.begin = (at + 8).astype(np.int64)
        self.end = self.begin + size
        if len(code) and int(self.end.max()) > end // 2:
            raise Malformed("DEX code item runs out of the file", 0)
        shared = self.begin[1:] == self.begin[:-1]
        self._is_shared = bool(shared.any())
        if bool(((self.end[:-1] > self.begin[1:] - 8) & ~shared).any()):
            raise Malformed("DEX code items overlap", 0)

    def rows_sharing(self, row: int) -> range:
        """The rows that have the same code item as the `row`-th with code, itself among them."""
        if not self._is_shared:
            return range(row, row + 1)
        low, high = np.searchsorted(self.begin, (self.begin[row], self.begin[row] + 1))
        return range(int(low), int(high))


def _rows(dex: Dex) -> tuple[Ints, Ints, Ints, Ints]:
    """Class row, method index, flags and code offset of every method, in the file's order."""
    offsets = dex.classes["data"].astype(np.int64)
    rows = np.flatnonzero(offsets)
    offsets = offsets[rows]
    if not len(offsets):
        empty = np.empty(0, np.int64)
        return empty, empty, empty, empty
    low, high = int(offsets.min()), int(offsets.max())
    if low < dex.header.begin or high >= dex.header.end:
        raise Malformed("DEX class data outside of the file", high)
    values, at = _numbers(dex.bytes[low : _end(dex.data, high)], offsets - low)
    if int(at.max()) + 4 > len(values):
        raise Malformed("DEX class data cut off", high)
    fields = values[at] + values[at + 1]
    direct, virtual = values[at + 2], values[at + 3]
    if int(fields.max()) > 0x20000 or int(direct.max()) > 0x10000 or int(virtual.max()) > 0x10000:
        raise Malformed("DEX class data with more members than there are ids", low)
    if int((direct + virtual).sum()) > MAX_METHODS:
        raise OverLimit(f"DEX file that defines more than {MAX_METHODS} methods")
    begin = at + 4 + 2 * fields
    if int((begin + 3 * (direct + virtual)).max()) > len(values):
        raise Malformed("DEX class data cut off", high)
    parts = [
        _members(values, rows, begin, direct),
        _members(values, rows, begin + 3 * direct, virtual),
    ]
    owner, index, flags, code = (np.concatenate(each) for each in zip(*parts, strict=True))
    return owner, index, flags, code


def _members(values: Ints, rows: Ints, begin: Ints, count: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """The encoded methods that begin at numbers `begin`; their indices are differences."""
    group = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    at = begin[group] + (np.arange(len(group)) - first[group]) * 3
    steps = values[at]
    total = np.cumsum(steps)
    filled = count > 0
    before = np.zeros(len(count), np.int64)
    before[filled] = total[first[filled]] - steps[first[filled]]
    return rows[group], total - before[group], values[at + 1], values[at + 2]


def _numbers(data: Ints, begins: Ints) -> tuple[Ints, Ints]:
    """Every ULEB128 number of a stretch of bytes, and which of them begins at each of `begins`."""
    ends = data < 0x80
    ends[begins[begins > 0] - 1] = True  # an item begins a number, whatever lies before it
    end = np.flatnonzero(ends)
    start = np.empty_like(end)
    start[0] = 0
    start[1:] = end[:-1] + 1
    length = end - start
    values = (data[start] & 0x7F).astype(np.int64)
    for byte in range(1, 5):
        longer = np.flatnonzero(length >= byte)
        values[longer] |= (data[start[longer] + byte] & 0x7F).astype(np.int64) << 7 * byte
    values[length > 4] = 1 << 40  # longer than any number may be: outside of every table
    return values, np.searchsorted(start, begins)


def _end(data: bytes, at: int) -> int:
    """Where the class data that begins at `at` ends."""
    reader = Numbers(data, at)
    static, instance, direct, virtual = (reader.unsigned() for _ in range(4))
    members = 2 * (static + instance) + 3 * (direct + virtual)
    if members > len(data) - at:
        raise Malformed("DEX class data cut off", at)
    for _ in range(members):
        reader.unsigned()
    return reader.at


class Numbers:
    """Reads LEB128 numbers one after the other; `at` is where the next one begins."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def unsigned(self) -> int:
        """The next ULEB128 number; at most 5 bytes."""
        return self._number()[0]

    def signed(self) -> int:
        """The next SLEB128 number; at most 5 bytes."""
        value, bits = self._number()
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def _number(self) -> tuple[int, int]:
        value = 0
        for shift in range(0, 35, 7):
            if not 0 <= self.at < len(self.data):
                raise Malformed("DEX number outside of the file", self.at)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, shift + 7
        raise Malformed("DEX number of more than 5 bytes", self.at)


def class_fields(dex: Dex, row: int) -> tuple[tuple[int, int], ...]:
    """Field index and flags of a class's static fields, in the order of its static values."""
    return _fields(dex, row)[0]


def _fields(dex: Dex, row: int) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    at = int(dex.classes["data"][row])
    if not at:
        return (), ()
    reader = Numbers(dex.data, at)
    counts = reader.unsigned(), reader.unsigned()
    reader.unsigned(), reader.unsigned()
    found: list[tuple[tuple[int, int], ...]] = []
    for count in counts:
        if count > len(dex.fields):
            raise Malformed("DEX class with more fields than there are ids", at)
        index, members = 0, []
        for _ in range(count):
            index += reader.unsigned()
            members.append((index, reader.unsigned()))
        found.append(tuple(members))
    return found[0], found[1]


def instance_fields(dex: Dex, row: int) -> tuple[tuple[int, int], ...]:
    """Field index and flags of a class's instance fields."""
    return _fields(dex, row)[1]
