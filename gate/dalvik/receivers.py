"""Which classes an object may be of, told quickly: from where it is made, through fields and calls.

For virtual calls with several targets. `gate.dalvik.values` would tell it too, with every value on
the way; here a few steps have to do, and where they do not the answer is that nothing is known.
"""

from collections.abc import Callable

from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY
from gate.dalvik.course import INVOKES, Course
from gate.dalvik.program import FINAL, STATIC, Method, Place, Program

MAX_STEPS = 40
MAX_WAYS = 12

Types = frozenset[bytes] | None  # None: nothing is known


class Receivers:
    """Answers which classes the objects in registers may be of."""

    def __init__(self, program: Program, course: Callable[[Method], Course]) -> None:
        self._program, self._course = program, course
        self._known: dict[tuple[Place, int], Types] = {}

    def types(self, place: Place, register: int) -> Types:
        """Every class that the object in a register may be of; None where that is not known."""
        key = place, register
        if key not in self._known:
            self._known[key] = self._find(place, register)
        return self._known[key]

    def _find(self, place: Place, register: int) -> Types:
        found: set[bytes] = set()
        seen = {(place, register)}
        work = [(place, register)]
        while work:
            at, held = work.pop()
            for index, root in self._course(at.method).roots(at.index, held):
                more = self._origin(at.method, index, root, found)
                if more is None or len(seen) > MAX_STEPS:
                    return None
                work.extend(each for each in more if each not in seen)
                seen.update(more)
        return frozenset(found)

    def _origin(
        self, method: Method, index: int, register: int, found: set[bytes]
    ) -> list[tuple[Place, int]] | None:
        """Where else to look for what an instruction gives; None where that is not known."""
        program = self._program
        body = program.body(method)
        if index == ENTRY:
            return self._passed(method, register - (body.registers - body.ins), found)
        code = body.opcode(index)
        if code == op.NEW_INSTANCE:
            found.add(body.dex.type(body.operand(index)))
            return []
        if op.IGET <= code <= op.IGET_SHORT or op.SGET <= code <= op.SGET_SHORT:
            return self._written(body.dex.field(body.operand(index)))
        if code == op.MOVE_RESULT_OBJECT and index and body.opcode(index - 1) in INVOKES:
            return self._returned(Place(method, index - 1))
        constant = code in (0x12, 0x13)
        return [] if constant else None

    def _passed(
        self, method: Method, slot: int, found: set[bytes]
    ) -> list[tuple[Place, int]] | None:
        owner = self._program.signature(method)[0]
        if slot == 0 and not self._program.access(method) & STATIC:
            below = self._program.subclasses(owner) if not self._is_final(owner) else ()
            if len(below) > MAX_WAYS:
                return None
            found.update((owner, *below))
            return []
        callers = self._program.callers(method) if slot >= 0 else []
        if not callers or len(callers) > MAX_WAYS:
            return None
        ways: list[tuple[Place, int]] = []
        for call in callers:
            registers = self._program.body(call.method).arguments(call.index)
            if slot >= len(registers):
                return None
            ways.append((call, registers[slot]))
        return ways

    def _is_final(self, kind: bytes) -> bool:
        return bool(self._program.flags(kind) & FINAL)

    def _written(self, field: tuple[bytes, bytes, bytes]) -> list[tuple[Place, int]] | None:
        if self._program.declares_field(self._program.field_home(*field), *field[1:]) is None:
            return None
        writes = self._program.writes(*field)
        if not writes or len(writes) > MAX_WAYS:
            return None
        ways = []
        for place in writes:
            body = self._program.body(place.method)
            unit = body.units[body.starts[place.index]]
            static = body.opcode(place.index) >= op.SPUT
            ways.append((place, unit >> 8 if static else unit >> 8 & 15))
        return ways

    def _returned(self, place: Place) -> list[tuple[Place, int]] | None:
        body = self._program.body(place.method)
        signature = body.dex.method(body.operand(place.index))
        if self._program.definition(signature[0]) is None:
            return None
        targets = self._program.targets(*signature, body.opcode(place.index))
        if len(targets) != 1:
            return None
        called = self._program.body(targets[0])
        ways = [
            (Place(targets[0], index), called.units[called.starts[index]] >> 8)
            for index in called.each(op.RETURN_OBJECT)
        ]
        return ways if 0 < len(ways) <= MAX_WAYS else None
