"""What a register may hold at an instruction: backwards and on demand, within one function.

Every write that reaches the place is followed, so that both ways of a branch count. What is not
known is `OPEN` with a reason, never left out. A value here is a pair: its kind and its content.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gate.arm64.body import ENTRY, FRAME, LOST, Body
from gate.arm64.decode import SP, VECTOR, Instruction, Op

NUMBER, REAL, ADDRESS, SELECTOR, STACK = "number", "real", "address", "selector", "stack"
IMPORT, RESULT, PARAMETER, REAL_PARAMETER = "import", "result", "parameter", "real parameter"
CONTENT, OPEN = "content", "open"
LOOP: Final = ("loop", "")  # what is asked for itself, round a loop: nothing new unless changed

Held = tuple[str, int | str | float]
Holds = frozenset[Held]

MAX_VALUES: Final = 16
MAX_STEPS: Final = 20_000  # writes looked at for one question
MAX_DEPTH: Final = 40
_ALL: Final = 0xFFFFFFFFFFFFFFFF
# What gives back its first argument: objc4's NSObject.mm and Swift's runtime.
PASSES: Final = frozenset(
    [
        "objc_retain",
        "objc_autorelease",
        "objc_retainAutorelease",
        "objc_retainAutoreleasedReturnValue",
        "objc_unsafeClaimAutoreleasedReturnValue",
        "objc_claimAutoreleasedReturnValue",
        "objc_retainBlock",
        "objc_autoreleaseReturnValue",
        "objc_retainAutoreleaseReturnValue",
        "objc_opt_self",
        "swift_retain",
        "objc_loadWeakRetained",
        "objc_bridgeObjectRetain",
        "swift_bridgeObjectRetain",
        "swift_unknownObjectRetain",
        "_Block_copy",
        "CFRetain",
        "CFAutorelease",
        "swift_dynamicCastObjCClassUnconditional",
    ]
)
STORES_STRONG: Final = ("objc_storeStrong", "objc_initWeak", "objc_storeWeak")


def open_end(why: str) -> Holds:
    """No value, and why."""
    return frozenset(((OPEN, why),))


class Memory(Protocol):
    """What the values of a function rest on outside of it."""

    def load(self, place: int, size: int) -> Holds:
        """What lies at a place of the image."""

    def callee(self, body: Body, index: int) -> str:
        """The import that a call names, '' for another."""


class Values:
    """Answers for one function. `memory` is its image's."""

    def __init__(self, body: Body, memory: Memory) -> None:
        self.body = body
        self._memory = memory
        self._known: dict[tuple[int, int], Holds] = {}
        self._asked: set[tuple[int, int]] = set()
        self._steps = 0
        self._loops = False

    def at(self, register: int, index: int) -> Holds:
        """Every value that a register may hold before the instruction at an index."""
        self._steps = 0
        return self._before(register, index) - {LOOP}

    def on_stack(self, place: int, index: int) -> Holds:
        """Every value that a stack place may hold before the instruction at an index."""
        self._steps = 0
        return self._stacked(place, index) - {LOOP}

    def _before(self, register: int, index: int) -> Holds:
        return self._union(self.body.reaching(register, index), lambda at: self._made(register, at))

    def _union(self, indexes: Iterable[int], of: Callable[[int], Holds]) -> Holds:
        found: set[Held] = set()
        for index in indexes:
            found |= of(index)
            if len(found) > MAX_VALUES:
                return open_end("it has too many values")
        return frozenset(found)

    def _made(self, register: int, index: int) -> Holds:
        """What the write at an index leaves in a register."""
        if index == ENTRY:
            return _on_entry(register)
        if index == LOST:
            return open_end("the code around it is entered where the analysis does not see")
        key = (register, index)
        if key in self._known:
            return self._known[key]
        if key in self._asked:
            self._loops = True
            return frozenset((LOOP,))
        self._steps += 1
        if self._steps > MAX_STEPS or len(self._asked) > MAX_DEPTH:
            return open_end("it is made in too many steps")
        self._asked.add(key)
        found = self._computed(register, index, self.body.code[index])
        self._asked.discard(key)
        if not self._asked or not self._loops:
            self._known[key] = found
        if not self._asked:
            self._loops = False
        return found

    def _computed(self, register: int, index: int, each: Instruction) -> Holds:
        match each.op:
            case Op.MOVE_WIDE:
                return frozenset(((NUMBER, each.constant or 0),))
            case Op.REAL:
                return frozenset(((REAL, float(each.how)),))
            case Op.MOVE | Op.MOVE_VECTOR:
                return self._moved(each, index)
            case Op.PAGE:
                return self._page(each, index)
            case Op.ADD | Op.LOGIC | Op.MOVE_KEEP:
                return self._with_constant(each, index)
            case Op.ADD_REGISTER:
                return self._added(each, index)
            case Op.SELECT:
                return self._selected(each, index)
            case Op.LOAD:
                return self._loaded(register, each, index)
            case Op.CALL | Op.CALL_REGISTER:
                return self._returned(register, index)
        return open_end("it is computed in a way that is not followed")

    def _moved(self, each: Instruction, index: int) -> Holds:
        held = self._read(each.first, index)
        return held if each.wide else frozenset(_narrow(one) for one in held)

    def _read(self, register: int, index: int) -> Holds:
        """A source register, 31 being zero."""
        return frozenset(((NUMBER, 0),)) if register == 31 else self._before(register, index)

    def _page(self, each: Instruction, index: int) -> Holds:
        here = self.body.begin + 4 * index
        here = here & ~0xFFF if each.how == "adrp" else here
        return frozenset(((ADDRESS, here + (each.constant or 0)),))

    def _with_constant(self, each: Instruction, index: int) -> Holds:
        constant = each.constant or 0
        if each.op is Op.ADD and each.first in (SP, FRAME):
            place = self.body.place(each.first, constant, index)
            return (
                open_end("it lies on a stack of changing size")
                if place is None
                else frozenset(((STACK, place),))
            )
        held = (
            self._read(each.first, index)
            if each.op is Op.LOGIC
            else self._before(each.first, index)
        )
        return frozenset(_applied(each, one, constant) for one in held)

    def _added(self, each: Instruction, index: int) -> Holds:
        if each.size:
            return open_end("it is computed from what a register holds")
        one, two = self._read(each.first, index), self._read(each.second, index)
        if len(one) == len(two) == 1:
            return frozenset((_sum(next(iter(one)), next(iter(two)), each.wide),))
        return open_end("it is computed from what a register holds")

    def _selected(self, each: Instruction, index: int) -> Holds:
        other = self._read(each.second, index)
        if each.how != "csel":
            other = frozenset(_turned(each, one) for one in other)
        return self._read(each.first, index) | other

    def _returned(self, register: int, index: int) -> Holds:
        if self._memory.callee(self.body, index) in PASSES and register == 0:
            return self._before(0, index)
        if register in (0, VECTOR):
            return frozenset(((RESULT, index),))
        return open_end("a call before it may have changed it")

    def _loaded(self, register: int, each: Instruction, index: int) -> Holds:
        if register == each.first and register not in (each.to, each.second):
            return open_end("it moves along with what it reads")
        part = each.size if each.second == register and each.constant is not None else 0
        if each.how == "literal":
            here = self.body.begin + 4 * index + (each.constant or 0)
            return self._numbers(self._memory.load(here, each.size), each, register)
        if each.constant is None:
            return open_end("it is read by an index")
        offset = (0 if each.late else each.constant) + part
        if each.first in (SP, FRAME):
            place = self.body.place(each.first, offset, index)
            if place is None:
                return open_end("it lies on a stack of changing size")
            return self._numbers(self._stacked(place, index, each.size), each, register)
        found = self._union_of(self._before(each.first, index), offset, each.size, index)
        return self._numbers(found, each, register)

    def _union_of(self, bases: Holds, offset: int, size: int, index: int) -> Holds:
        found: set[Held] = set()
        for kind, content in bases:
            if kind == ADDRESS:
                found |= self._memory.load(int(content) + offset, size)
            elif kind == IMPORT and not offset:
                found.add((IMPORT, content))
            elif kind == STACK:
                found |= self._stacked(int(content) + offset, index, size)
            elif kind in (OPEN, CONTENT):
                found.add((kind, content) if kind == OPEN else (OPEN, "a variable points to it"))
            else:
                found.add((OPEN, "it is read from an object"))
        return frozenset(found)

    @staticmethod
    def _numbers(held: Holds, each: Instruction, register: int) -> Holds:
        """As the load leaves them: numbers with their sign, or as floating point."""
        if register >= VECTOR and each.size in (4, 8):
            return frozenset(_as_real(one, each.size) for one in held)
        if each.how == "signed":
            return frozenset(_extended(one, each.size) for one in held)
        return held

    def _stacked(self, place: int, index: int, size: int = 8) -> Holds:
        """What the stores and the calls that may have written a stack place leave there."""
        body = self.body
        stores = body.stores.get(place, [])
        calls = body.calls if place in body.taken else []
        writers = sorted({*stores, *calls})
        found: set[Held] = set()
        seen: set[int] = set()
        waiting = body.last_of(writers, index)
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            if at == ENTRY:
                found |= _pushed(place)
            elif at == LOST:
                found.add((OPEN, "the code around it is entered where the analysis does not see"))
            elif body.code[at].op is Op.STORE:
                found |= self._stored(place, at, size)
            elif (written := self._written_by_call(place, at)) is None:
                waiting.extend(body.last_of(writers, at))
            else:
                found |= written
            if len(found) > MAX_VALUES or len(seen) > MAX_STEPS:
                return open_end("it has too many values")
        return frozenset(found)

    def _stored(self, place: int, index: int, size: int) -> Holds:
        each = self.body.code[index]
        if each.size != size and each.size not in (4, 8, 16):
            return open_end("it is stored in another size than it is read")
        begin = self.body.covered(index)[0]
        second = each.second >= 0 and place >= begin + each.size
        held = self._read(each.second if second else each.to, index)
        if each.size != 16 or size != 8:
            return held
        return frozenset(_half(one, (place - begin) % 16) for one in held)

    def _written_by_call(self, place: int, index: int) -> Holds | None:
        """What a call that gets the address of a stack place leaves in it; None if it gets none."""
        name = self._memory.callee(self.body, index)
        for register in range(8):
            reaching = self.body.reaching(register, index)
            makers = [self.body.code[at].op for at in reaching if at >= 0]
            if not {Op.ADD, Op.MOVE} & set(makers):
                continue
            if (STACK, place) in self._before(register, index):
                if name in STORES_STRONG and register == 0:
                    return self._before(1, index)
                return open_end(f"{name or 'a call'} writes it")
        return None


def _on_entry(register: int) -> Holds:
    if register < 8:
        return frozenset(((PARAMETER, register),))
    if VECTOR <= register < VECTOR + 8:
        return frozenset(((REAL_PARAMETER, register - VECTOR),))
    return open_end("it is what the caller left in a register")


def _pushed(place: int) -> Holds:
    if place >= 0:
        return frozenset(((PARAMETER, 8 + place // 8),))
    return open_end("nothing that the analysis sees writes it")


def _narrow(held: Held) -> Held:
    return (NUMBER, int(held[1]) & 0xFFFFFFFF) if held[0] == NUMBER else held


def _half(held: Held, byte: int) -> Held:
    """Eight of the sixteen bytes of a vector register, from its byte 0 or 8 on."""
    if held == (REAL, 0.0):
        return (NUMBER, 0)
    if held[0] == NUMBER:
        return (NUMBER, int(held[1]) >> 8 * byte & _ALL)
    return held if held[0] == OPEN else (OPEN, "it is a part of what a register holds")


def _applied(each: Instruction, held: Held, constant: int) -> Held:
    kind, content = held
    mask = _ALL if each.wide else 0xFFFFFFFF
    if each.op is Op.ADD:
        if kind == NUMBER:
            return (NUMBER, int(content) + constant & mask)
        if kind in (ADDRESS, STACK):
            return (kind, int(content) + constant)
        if held == LOOP and constant:
            return (OPEN, "it changes in a loop")
        return held if not constant or kind == OPEN else (OPEN, "it lies inside of an object")
    if kind == NUMBER:
        number = int(content)
        if each.op is Op.MOVE_KEEP:
            return (NUMBER, (number & ~each.size | constant) & mask)
        if each.how == "and":
            return (NUMBER, number & constant)
        return (NUMBER, (number | constant if each.how == "orr" else number ^ constant) & mask)
    if kind == ADDRESS and each.how == "orr" and constant >> 60:
        return (ADDRESS, int(content) + 32)  # Swift: where a string's bytes are, less 32, marked
    return (OPEN, "it is computed from what is not a constant")


def _sum(one: Held, two: Held, wide: bool) -> Held:
    kinds = {one[0], two[0]}
    total = int(one[1]) + int(two[1]) if kinds <= {NUMBER, ADDRESS} else 0
    if kinds == {NUMBER}:
        return (NUMBER, total & (_ALL if wide else 0xFFFFFFFF))
    if kinds == {NUMBER, ADDRESS}:
        return (ADDRESS, total & _ALL)
    return (OPEN, "it is computed from what a register holds")


def _turned(each: Instruction, held: Held) -> Held:
    """The second choice of CSINC, CSINV and CSNEG."""
    if held[0] != NUMBER:
        return (OPEN, "it is computed from what is not a constant")
    number, mask = int(held[1]), _ALL if each.wide else 0xFFFFFFFF
    turned = {"csinc": number + 1, "csinv": ~number, "csneg": -number}[each.how]
    return (NUMBER, turned & mask)


def _extended(held: Held, size: int) -> Held:
    if held[0] != NUMBER:
        return held
    number, bits = int(held[1]), 8 * size
    number &= (1 << bits) - 1
    return (NUMBER, number | _ALL >> bits << bits if number >> bits - 1 else number)


def _as_real(held: Held, size: int) -> Held:
    if held[0] != NUMBER:
        return held
    form, raw = ("<f", "<I") if size == 4 else ("<d", "<Q")
    packed = struct.pack(raw, int(held[1]) & (1 << 8 * size) - 1)
    return (REAL, float(struct.unpack(form, packed)[0]))
