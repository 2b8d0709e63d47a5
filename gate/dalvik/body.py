"""One method's code, decoded: instructions, control flow, and which of them defines a register.

Source: source.android.com, Dalvik bytecode, code_item, try_item. Decoding runs straight from the
first unit to the last, as ART's verifier does, which refuses code that does not end where an
instruction ends (AOSP art/runtime/verifier/method_verifier.cc, ComputeWidthsAndCountOps).
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from gate.dalvik import opcodes as op
from gate.dalvik.classdata import CODE_HEADER, Numbers
from gate.dalvik.dex import Dex
from gate.formats.errors import Malformed, OverLimit

MAX_UNITS = 1 << 20
MAX_SWITCH = 1 << 16
MAX_EDGES = 1 << 20  # of one method: several switches may share a table, and try blocks handlers
ENTRY = -1  # what defines a parameter


def starts_of(units: list[int]) -> list[int]:
    """Where instructions begin; the tables that follow switches and arrays are no instructions."""
    starts: list[int] = []
    add, size, at, lengths = starts.append, len(units), 0, op.UNITS
    try:
        while at < size:
            unit = units[at]
            if unit in (0x100, 0x200, 0x300):
                at += _table_units(units, at)
            else:
                add(at)
                at += lengths[unit & 0xFF]
    except IndexError:
        raise Malformed("code ends inside a switch or array table") from None
    if at != size:
        raise Malformed("code ends inside an instruction")
    return starts


def _table_units(units: list[int], at: int) -> int:
    if units[at] == 0x100:
        return 4 + 2 * units[at + 1]
    if units[at] == 0x200:
        return 2 + 4 * units[at + 1]
    count = units[at + 2] | units[at + 3] << 16
    return 4 + (units[at + 1] * count + 1) // 2


def signed(value: int, bits: int) -> int:
    """A field of an instruction as a signed number."""
    return value - (1 << bits) if value >> (bits - 1) else value


class Body:
    """The code of one row of a file's `Methods`.

    Instructions are named by their place in `starts`, the list of the units where they begin, and
    `units` are the code's units. `registers` and `ins` are as the code item says: parameters are in
    the last `ins` registers.
    """

    def __init__(self, dex: Dex, begin: int, end: int) -> None:
        if end - begin > MAX_UNITS:
            raise OverLimit(f"a method has more than {MAX_UNITS} code units")
        self.dex, self.begin = dex, begin
        self.leaves: dict[tuple[object, bytes], bool] = {}  # what `paths.lets_out` found
        self.units: list[int] = dex.units[begin:end].tolist()
        self.starts = starts_of(self.units)
        header = dex.units[begin - CODE_HEADER // 2 : begin].tolist()
        self._defined: dict[tuple[int, int], tuple[int, ...]] = {}
        self.registers, self.ins, _, self._tries = header[:4]
        self.debug_at = header[4] | header[5] << 16
        if self.ins > self.registers:
            raise Malformed("code with more parameters than registers", 2 * begin)

    def index_of(self, unit: int) -> int | None:
        """The instruction that begins at a unit, or None."""
        index = bisect_left(self.starts, unit)
        known = index < len(self.starts) and self.starts[index] == unit
        return index if known else None

    def opcode(self, index: int) -> int:
        """The opcode of an instruction."""
        return self.units[self.starts[index]] & 0xFF

    def operand(self, index: int) -> int:
        """The second unit of an instruction: an id, or a literal."""
        return self.units[self.starts[index] + 1]

    def long_operand(self, index: int) -> int:
        """The second and third unit of an instruction as one number."""
        at = self.starts[index]
        return self.units[at + 1] | self.units[at + 2] << 16

    def written(self, index: int) -> int | None:
        """The register that an instruction writes, the lower one of a pair, or None."""
        at = self.starts[index]
        unit = self.units[at]
        kind = op.WRITES[unit & 0xFF]
        if kind == op.NONE:
            return None
        if kind == op.NIBBLE:
            return unit >> 8 & 15
        return unit >> 8 if kind == op.BYTE else self.units[at + 1]

    def arguments(self, index: int) -> list[int]:
        """The registers that an invoke or a filled-new-array is given; pairs count twice."""
        at = self.starts[index]
        unit = self.units[at]
        if op.FORMATS[unit & 0xFF] in ("3rc", "4rcc"):
            first = self.units[at + 2]
            return list(range(first, first + (unit >> 8)))
        rest = self.units[at + 2]
        five = (rest & 15, rest >> 4 & 15, rest >> 8 & 15, rest >> 12, unit >> 8 & 15)
        return list(five[: unit >> 12])

    def targets(self, index: int) -> list[int]:
        """The units that a branch or switch may go to; [] for any other instruction."""
        at = self.starts[index]
        unit = self.units[at]
        code = unit & 0xFF
        if code == op.GOTO:
            return [at + signed(unit >> 8, 8)]
        if code == op.GOTO_16 or op.IF_EQZ <= code <= op.IF_LEZ or op.IF_EQ <= code <= op.IF_LE:
            return [at + signed(self.units[at + 1], 16)]
        if code == op.GOTO_32:
            return [at + signed(self.long_operand(index), 32)]
        if code in (op.PACKED_SWITCH, op.SPARSE_SWITCH):
            return self._switch(at, at + signed(self.long_operand(index), 32))
        return []

    def _switch(self, at: int, table: int) -> list[int]:
        units = self.units
        if not 0 <= table < len(units) - 1 or units[table] not in (0x100, 0x200):
            raise Malformed("a switch without a table", 2 * (self.begin + at))
        count = units[table + 1]
        first = table + 4 if units[table] == 0x100 else table + 2 + 2 * count
        if first + 2 * count > len(units):
            raise Malformed("a switch table outside of the code", 2 * (self.begin + table))
        pairs = range(first, first + 2 * count, 2)
        return [at + signed(units[pair] | units[pair + 1] << 16, 32) for pair in pairs]

    @cached_property
    def handlers(self) -> tuple[tuple[int, int, tuple[tuple[int | None, int], ...]], ...]:
        """First unit, end and handlers of every try block: a type (None for all) and a unit."""
        if not self._tries:
            return ()
        data = self.dex.data
        end = self.begin + len(self.units)
        at = 2 * (end + (len(self.units) & 1))
        lists = at + 8 * self._tries
        if lists > len(data):
            raise Malformed("try blocks outside of the file", at)
        found, known, last, entries = [], {}, 0, 0
        for first, count, offset in struct.iter_unpack("<IHH", data[at:lists]):
            if first < last or first + count > len(self.units):  # as ART demands
                raise Malformed("try blocks out of order or outside of the code", at)
            last = first + count
            if offset not in known:
                known[offset] = tuple(self.catch_types(lists + offset))
                entries += len(known[offset])
            if entries > MAX_EDGES:
                raise OverLimit(f"a method with more than {MAX_EDGES} handlers", at)
            found.append((first, last, known[offset]))
        return tuple(found)

    def catch_types(self, at: int) -> list[tuple[int | None, int]]:
        """Type index (None for all) and unit of each handler of the list at an offset."""
        reader = Numbers(self.dex.data, at)
        size = reader.signed()
        if abs(size) > MAX_SWITCH:
            raise Malformed("a try block with too many handlers", at)
        found: list[tuple[int | None, int]] = []
        for _ in range(abs(size)):
            kind = reader.unsigned()
            found.append((kind, reader.unsigned()))
        if size <= 0:
            found.append((None, reader.unsigned()))
        return found

    @cached_property
    def _branches(self) -> dict[int, list[int]]:
        """The instructions that each branch or switch may go to."""
        found: dict[int, list[int]] = {}
        left = MAX_EDGES
        for index in range(len(self.starts)):
            targets = self.targets(index)
            if targets:
                left -= len(targets)
                if left < 0:
                    raise OverLimit(f"a method with more than {MAX_EDGES} branches", 2 * self.begin)
                found[index] = [self._at(unit) for unit in targets]
        return found

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        """The instructions that may follow each one, without exceptions."""
        found = []
        for index in range(len(self.starts)):
            following = self._branches.get(index, [])[:]
            if self.opcode(index) not in op.ENDS and index + 1 < len(self.starts):
                following.append(index + 1)
            found.append(tuple(dict.fromkeys(following)))
        return tuple(found)

    @cached_property
    def catchers(self) -> dict[int, tuple[int, ...]]:
        """The handlers that an exception of each instruction may lead to, as instructions."""
        return {
            index: tuple(handler for _, handler in handlers)
            for index, handlers in self.typed_catchers.items()
        }

    @cached_property
    def typed_catchers(self) -> dict[int, tuple[tuple[int | None, int], ...]]:
        """The same with the type that each handler catches, None for every exception."""
        found: dict[int, tuple[tuple[int | None, int], ...]] = {}
        for first, end, handlers in self.handlers:
            entries = tuple((kind, self._at(unit)) for kind, unit in handlers)
            for index in range(bisect_left(self.starts, first), bisect_left(self.starts, end)):
                found[index] = (*found.get(index, ()), *entries)
        return found

    def _at(self, unit: int) -> int:
        index = self.index_of(unit)
        if index is None:
            raise Malformed("a branch into the middle of an instruction", 2 * self.begin)
        return index

    @cached_property
    def joins(self) -> dict[int, list[tuple[int, bool]]]:
        """What leads to each instruction that has more, or other, than the one before it.

        The flag says that the way there leaves before the instruction takes effect: a throw.
        """
        joins: dict[int, list[tuple[int, bool]]] = {}
        for index, targets in self._branches.items():
            for target in targets:
                joins.setdefault(target, []).append((index, False))
        left = MAX_EDGES
        for first, end, handlers in self.handlers:
            low, high = bisect_left(self.starts, first), bisect_left(self.starts, end)
            left -= (high - low) * len(handlers)
            if left < 0:
                raise OverLimit(f"a method with more than {MAX_EDGES} ways to its handlers")
            for _, unit in handlers:
                entry = joins.setdefault(self._at(unit), [])
                entry.extend((index, True) for index in range(low, high))
        for index, before in joins.items():
            if index and self.opcode(index - 1) not in op.ENDS:
                before.append((index - 1, False))
        return joins

    def before(self, index: int) -> list[tuple[int, bool]]:
        """The instructions that lead to this one."""
        joins = self.joins.get(index)
        if joins is not None:
            return joins
        if not index or self.opcode(index - 1) in op.ENDS:
            return []
        return [(index - 1, False)]

    def definitions(self, index: int, register: int) -> tuple[int, ...]:
        """The instructions whose value a register may hold before one; ENTRY for a parameter."""
        key = (index, register)
        if key not in self._defined:
            self._defined[key] = self._find_definitions(index, register)
        return self._defined[key]

    def _find_definitions(self, index: int, register: int) -> tuple[int, ...]:
        found: set[int] = set()
        seen: set[int] = set()
        joins, writes = self.joins, self._writes
        work = [index]
        while work:
            at = work.pop()
            while at not in seen:
                seen.add(at)
                if at == 0:
                    found.add(ENTRY)
                before = joins.get(at)
                if before is not None:
                    for each, thrown in before:
                        if thrown or not writes(each, register):
                            work.append(each)
                        else:
                            found.add(each)
                    break
                at -= 1
                if at < 0 or self.opcode(at) in op.ENDS:
                    break
                if writes(at, register):
                    found.add(at)
                    break
        return tuple(sorted(found))

    def _writes(self, index: int, register: int) -> bool:
        at = self.starts[index]
        unit = self.units[at]
        code = unit & 0xFF
        kind = op.WRITES[code]
        if kind == op.NONE:
            return False
        if kind == op.NIBBLE:
            written = unit >> 8 & 15
        else:
            written = unit >> 8 if kind == op.BYTE else self.units[at + 1]
        return written == register or (op.WIDE[code] and written + 1 == register)

    def each(self, *codes: int) -> Iterator[int]:
        """The instructions with one of these opcodes."""
        units, wanted = self.units, frozenset(codes)
        return (i for i, at in enumerate(self.starts) if units[at] & 0xFF in wanted)
