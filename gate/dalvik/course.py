"""One method's code prepared for facts that run through it: where each has to stop, and aliases."""

from bisect import bisect_left
from functools import cached_property

from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY, Body
from gate.dalvik.trace import moved_from, read_registers, uses

Root = tuple[int, int]  # the instruction that made an object (ENTRY: a parameter), its register
Roots = frozenset[Root]

MAX_ROOTS = 24
MAX_COPIES = 200
INVOKES = range(op.INVOKE_VIRTUAL, op.INVOKE_INTERFACE_RANGE + 1)
_STATIC = (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE)
_THROWING = frozenset(
    (*INVOKES, 0x1D, 0x1E, op.CHECK_CAST, 0x21, op.NEW_ARRAY, op.FILL_ARRAY_DATA, op.THROW,
     *range(op.AGET, op.IPUT_SHORT + 1), 0x93, 0x94, 0x9E, 0x9F, 0xB3, 0xB4, 0xBE, 0xBF, 0xD3, 0xD4,
     0xDB, 0xDC, op.INVOKE_POLYMORPHIC, op.INVOKE_POLYMORPHIC_RANGE, op.INVOKE_CUSTOM,
     op.INVOKE_CUSTOM_RANGE)
)  # fmt: skip
# Methods that return the object they are called on.
_FLUENT = (b"append", b"insert", b"put", b"set", b"add", b"write", b"format", b"reverse", b"with",
           b"replace", b"delete", b"flags", b"apply", b"remove")  # fmt: skip


class Course:
    """A body, with the answers that facts need; `cost` is what they have cost so far."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.cost = len(body.starts) // 8 + 1
        self._defined: dict[tuple[int, int], tuple[int, ...]] = {}
        self._roots: dict[tuple[int, int], Roots] = {}
        self._uses: dict[Root, list[tuple[int, int]]] = {}

    @cached_property
    def _touches(self) -> dict[int, list[int]]:
        """The instructions that read or write each register."""
        found: dict[int, list[int]] = {}
        body = self.body
        for index in range(len(body.starts)):
            touched = set(read_registers(body, index))
            written = body.written(index)
            if written is not None:
                touched.add(written)
                if op.WIDE[body.opcode(index)]:
                    touched.add(written + 1)
            for register in touched:
                found.setdefault(register, []).append(index)
        return found

    @cached_property
    def _stops(self) -> list[int]:
        """The instructions that every fact stops at: branches, what may be caught, and ends."""
        body = self.body
        return [
            index
            for index in range(len(body.starts))
            if body.successors[index] != (index + 1,) or index in self.catchers
        ]

    @cached_property
    def _calls(self) -> list[int]:
        stores = (*range(op.APUT, op.APUT_SHORT + 1), *range(op.IPUT, op.SPUT_SHORT + 1))
        return list(self.body.each(*INVOKES, *stores))

    @cached_property
    def catchers(self) -> dict[int, tuple[int, ...]]:
        """The handlers of each instruction that may throw."""
        body = self.body
        return {
            index: found
            for index, found in body.catchers.items()
            if body.opcode(index) in _THROWING and not self._is_inside(index)
        }

    def _is_inside(self, index: int) -> bool:
        """Whether a read of an array is at a constant index that the array certainly has."""
        body, code = self.body, self.body.opcode(index)
        if code == op.NEW_ARRAY:
            return (self._number(index, body.units[body.starts[index]] >> 12) or 0) > 0
        if not op.AGET <= code <= op.AGET_SHORT:
            return False
        pair = body.operand(index)
        at = self._number(index, pair >> 8)
        made = self.definitions(index, pair & 0xFF)
        if at is None or len(made) != 1 or made[0] == ENTRY:
            return False
        if body.opcode(made[0]) != op.NEW_ARRAY:
            return False
        size = self._number(made[0], body.units[body.starts[made[0]]] >> 12)
        return size is not None and at < size

    def _number(self, index: int, register: int) -> int | None:
        """A small constant, not negative, that a register holds for certain."""
        found = self.definitions(index, register)
        if len(found) != 1 or found[0] == ENTRY:
            return None
        unit = self.body.units[self.body.starts[found[0]]]
        if unit & 0xFF == 0x12 and unit >> 12 < 8:
            return unit >> 12
        if unit & 0xFF == 0x13 and self.body.operand(found[0]) < 0x8000:
            return self.body.operand(found[0])
        return None

    def stop(self, index: int, register: int | None) -> int:
        """The next instruction, from one on, that may matter to a fact about a register.

        A fact about anything but a register (None) stops at calls, stores and static fields too.
        """
        touched = self._calls if register is None else self._touches.get(register, [])
        at, other = bisect_left(touched, index), bisect_left(self._stops, index)
        end = len(self.body.starts)
        return min(
            touched[at] if at < len(touched) else end,
            self._stops[other] if other < len(self._stops) else end,
        )

    def definitions(self, index: int, register: int) -> tuple[int, ...]:
        """What defines a register before an instruction."""
        key = index, register
        if key not in self._defined:
            self.cost += len(self.body.starts) // 64 + 1
            self._defined[key] = self.body.definitions(index, register)
        return self._defined[key]

    def roots(self, index: int, register: int) -> Roots:
        """Where the object in a register was made or came in: copies are looked through."""
        key = index, register
        if key not in self._roots:
            self._roots[key] = frozenset(self._trace(index, register))
        return self._roots[key]

    def _trace(self, index: int, register: int) -> set[Root]:
        found: set[Root] = set()
        seen: set[Root] = set()
        work = [(index, register)]
        while work and len(seen) < MAX_ROOTS:
            at, held = work.pop()
            for each in self.definitions(at, held):
                if (each, held) in seen:
                    continue
                seen.add((each, held))
                copied = None if each == ENTRY else self.copied(each)
                if copied is None:
                    found.add((each, held))
                else:
                    work.append(copied)
        return found

    def copied(self, index: int) -> tuple[int, int] | None:
        """Instruction and register that an instruction copies its result from, or None."""
        body, code = self.body, self.body.opcode(index)
        moved = moved_from(body, index)
        if moved is not None:
            return index, moved
        if code == op.CHECK_CAST:
            return index, body.units[body.starts[index]] >> 8
        if code == op.MOVE_RESULT_OBJECT and index and body.opcode(index - 1) in INVOKES:
            owner, name, proto = body.dex.method(body.operand(index - 1))
            same = proto.endswith(b")" + owner) and name.startswith(_FLUENT)
            if same and body.opcode(index - 1) not in _STATIC:
                return index - 1, body.arguments(index - 1)[0]
        return None

    @cached_property
    def _copies(self) -> list[int]:
        """The registers that copies are written to."""
        codes = (*range(0x07, 0x0A), op.MOVE_RESULT_OBJECT, op.CHECK_CAST)
        found = {
            self.body.written(index) or 0
            for index in self.body.each(*codes)
            if self.copied(index) is not None
        }
        return sorted(found)[:MAX_COPIES]

    def holders(self, index: int, roots: Roots) -> list[int]:
        """The registers that hold the object of these roots before an instruction."""
        registers = {register for _, register in roots} | set(self._copies)
        return [each for each in sorted(registers) if roots == self.roots(index, each)]

    def makes(self, root: Root) -> bytes:
        """The class of the object that a root makes by new-instance; b'' for any other root."""
        index = root[0]
        if index == ENTRY or self.body.opcode(index) != op.NEW_INSTANCE:
            return b""
        return self.body.dex.type(self.body.operand(index))

    def uses(self, root: Root) -> list[tuple[int, int]]:
        """Instruction and register of every use of the object of a root, sorted."""
        if root not in self._uses:
            found: set[tuple[int, int]] = set()
            work, seen = [root], {root}
            while work and len(seen) < MAX_ROOTS:
                index, register = work.pop()
                self.cost += len(self.body.starts) // 8 + 1
                for at, held in uses(self.body, index, register):
                    found.add((at, held))
                    after = at + 1
                    if after < len(self.body.starts) and self.copied(after) == (at, held):
                        again = after, self.body.written(after) or 0
                        if again not in seen:
                            seen.add(again)
                            work.append(again)
            self._uses[root] = sorted(found)
        return self._uses[root]
