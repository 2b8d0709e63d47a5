"""Spreads one value inside one method: what each instruction does with it."""

from typing import TYPE_CHECKING

from gate.app.code import Number
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY
from gate.dalvik.callbacks import sends
from gate.dalvik.course import INVOKES, Course, Root, Roots
from gate.dalvik.facts import (
    ANY,
    MAX_PATH,
    Cell,
    Element,
    Entry,
    Field,
    Inside,
    Path,
    Reach,
    State,
    Step,
    is_content,
    is_field,
    matches,
)
from gate.dalvik.library import wraps
from gate.dalvik.outside import Outside
from gate.dalvik.program import Method, Place
from gate.dalvik.trace import moved_from, read_registers

if TYPE_CHECKING:
    from gate.dalvik.flows import Flows

MAX_DEPTH = 4  # of an object in an object in ... that a value is put into
_RETURNS = (op.RETURN_VOID, op.RETURN, 0x10, op.RETURN_OBJECT)


class Spread:
    """Spreads the facts of one node."""

    def __init__(
        self, flows: "Flows", node: Inside, state: State, method: Method, course: Course
    ) -> None:
        self.flows, self.node, self.state, self.method = flows, node, state, method
        self.course, self.body = course, course.body
        self.outside = Outside(self)

    def step(self, index: int, cell: Cell, path: Path) -> None:
        """One fact: what the instruction does with the value, and where it lies afterwards."""
        code = self.body.opcode(index)
        if isinstance(cell, int):
            if cell in read_registers(self.body, index):
                self._use(index, cell, path, code)
        else:
            self._aside(index, cell, path, code)
        if self._survives(index, cell, path, code):
            self.go(index, cell, path)
        else:
            for after in self.course.catchers.get(index, ()):
                self._add(after, cell, path)

    def enter(self, register: int, path: Path) -> None:
        """The value comes in by a parameter."""
        self._add(0, register, path)

    def go(self, index: int, cell: Cell, path: Path) -> None:
        """The cell holds the value after an instruction, whichever follows."""
        for after in (*self.body.successors[index], *self.course.catchers.get(index, ())):
            self._add(after, cell, path)

    def _add(self, index: int, cell: Cell, path: Path) -> None:
        if len(path) > 1 and not self.flows.fits(path[:MAX_PATH]):
            return
        register = cell if isinstance(cell, int) else None
        stop = self.course.stop(index, register)
        if stop < len(self.body.starts):
            self.flows.add(self.state, (stop, cell, path[:MAX_PATH]))

    # What ends a fact

    def _survives(self, index: int, cell: Cell, path: Path, code: int) -> bool:
        if isinstance(cell, int):
            written = self.body.written(index)
            if written is not None and code != op.CHECK_CAST:
                wide = op.WIDE[code] and written + 1 == cell
                if written == cell or wide:
                    return False
        elif is_field(cell):
            stored = op.SPUT <= code <= op.SPUT_SHORT
            return not (stored and self._named(index) == cell)
        return not (path and self._replaces(index, cell, code, path[0]))

    def _replaces(self, index: int, cell: Cell, code: int, step: Step) -> bool:
        """Whether an instruction writes something else to the place inside where the value is."""
        if op.IPUT <= code <= op.IPUT_SHORT:
            register = self.body.units[self.body.starts[index]] >> 12
            return self._named(index) == step and self._is(index, register, cell)
        if op.APUT <= code <= op.APUT_SHORT and not is_field(step) and step[1] is not None:
            register = self.body.operand(index) & 0xFF
            return self._is(index, register, cell) and step == self._element(index)
        return False

    def _is(self, index: int, register: int, cell: Cell) -> bool:
        """Whether a register certainly holds the object of a cell."""
        if register == cell:
            return True
        roots = self.course.roots(index, register)
        return len(roots) == 1 and self._cell(next(iter(roots))) == cell

    def _cell(self, root: Root) -> Cell:
        """The cell of an object, whatever becomes of its register."""
        index, register = root
        if index == ENTRY:
            return "parameter", register - (self.body.registers - self.body.ins)
        return "made", index

    # What an instruction does

    def _aside(self, index: int, cell: Cell, path: Path, code: int) -> None:
        """A fact about an object or a static field meets an instruction."""
        ends = code in _RETURNS or (code == op.THROW and index not in self.course.catchers)
        if isinstance(cell, tuple) and is_field(cell):
            if op.SGET <= code <= op.SGET_SHORT and self._named(index) == cell:
                self.go(index, self.body.written(index) or 0, path)
            elif ends or (code in INVOKES and self._is_own(index)):
                self.flows.store(self.state, self.here(index), cell, path)
        elif ends and isinstance(cell, tuple):
            if cell[0] == "parameter" and isinstance(cell[1], int):
                self.flows.answers.changed(self.node, self.state, self.here(index), cell[1], path)
            elif path and is_field(path[0]):
                self.flows.store(self.state, self.here(index), path[0], path[1:])

    def _is_own(self, index: int) -> bool:
        owner = self.body.dex.method(self.body.operand(index))[0]
        return self.flows.program.definition(owner) is not None

    def _use(self, index: int, register: int, path: Path, code: int) -> None:
        body = self.body
        unit = body.units[body.starts[index]]
        if moved_from(body, index) is not None:
            self.go(index, body.written(index) or 0, path)
        elif op.RETURN <= code <= op.RETURN_OBJECT:
            self.flows.answers.returned(self.node, self.state, path)
        elif code in INVOKES:
            self._invoke(index, register, path)
        elif op.IPUT <= code <= op.IPUT_SHORT:
            if unit >> 8 & 15 == register:
                inside = self._inside(index, self._named(index), path)
                if inside is not None:
                    self.put(index, unit >> 12, inside)
        elif op.SPUT <= code <= op.SPUT_SHORT:
            self.go(index, self._named(index), path)
        elif op.APUT <= code <= op.APUT_SHORT:
            if unit >> 8 == register:
                self.put(index, body.operand(index) & 0xFF, (self._element(index), *path))
        elif op.IGET <= code <= op.IGET_SHORT:
            self._take(index, path, self._named(index))
        elif op.AGET <= code <= op.AGET_SHORT:
            if body.operand(index) & 0xFF == register:
                self._take(index, path, self._element(index))
        elif code in (op.FILLED_NEW_ARRAY, op.FILLED_NEW_ARRAY_RANGE):
            self.result(index, (("[]", body.arguments(index).index(register)), *path))
        elif code == op.THROW:
            self._throw(index, path)
        elif not path and 0x7B <= code <= 0xE2 and body.written(index) is not None:
            self.go(index, body.written(index) or 0, ())

    def here(self, index: int) -> Place:
        """The place of an instruction of this method."""
        return Place(self.method, index)

    def _named(self, index: int) -> Field:
        """The field that an instruction names, under the class that declares it."""
        named = self.body.dex.field(self.body.operand(index))
        return (self.flows.program.field_home(*named), named[1], named[2])

    def _element(self, index: int) -> Element:
        register = self.body.operand(index) >> 8
        if len(self.course.definitions(index, register)) != 1:
            return ANY
        where = self.flows.value(self.here(index), register)
        return ("[]", where.number if isinstance(where, Number) else None)

    def _take(self, index: int, path: Path, step: Step) -> None:
        """A field or element is read from what a register holds."""
        if not path or matches(path[0], step):
            self.go(index, self.body.written(index) or 0, path[1:])

    def _throw(self, index: int, path: Path) -> None:
        handlers = self.course.catchers.get(index, ())
        for each in handlers:
            self.caught(each, path)
        if not handlers:
            self.flows.answers.thrown(self.node, self.state, path)

    def caught(self, handler: int, path: Path) -> None:
        """The exception that a handler catches has the value."""
        if self.body.opcode(handler) == op.MOVE_EXCEPTION:
            self.go(handler, self.body.written(handler) or 0, path)

    # Objects that hold the value

    def put(self, index: int, register: int, path: Path) -> None:
        """The value now lies inside what a register holds, after an instruction."""
        self.go(index, register, path[:MAX_PATH])
        self._into(index, self.course.roots(index, register), path, 0)

    def _inside(self, index: int, field: Field, path: Path) -> Path | None:
        """The way through a field; None where it leads through one class twice.

        Objects that hold each other would give ways without end: there the field is followed to
        all its readers, whichever object they read.
        """
        for at, step in enumerate(path):
            if is_field(step) and step[0] == field[0]:
                self.flows.store(self.state, self.here(index), step, path[at + 1 :])
                return None
        return (field, *path)

    def _into(self, index: int, roots: Roots, path: Path, depth: int) -> None:
        for each in self.course.holders(index, roots):
            self.go(index, each, path[:MAX_PATH])
        for root in roots:
            self._owner(index, root, path, depth)

    def _owner(self, index: int, root: Root, path: Path, depth: int) -> None:
        """What else holds the value now: the object that the changed one was read from."""
        made = root[0]
        code = None if made == ENTRY else self.body.opcode(made)
        if code is None or code not in (op.NEW_INSTANCE, op.NEW_ARRAY):
            self.go(index, self._cell(root), path)
        if code is None or depth >= MAX_DEPTH:
            return
        unit = self.body.units[self.body.starts[made]]
        if op.IGET <= code <= op.IGET_SHORT:
            inside = self._inside(index, self._named(made), path)
            if inside is not None:
                self._into(index, self.course.roots(made, unit >> 12), inside, depth + 1)
        elif op.AGET <= code <= op.AGET_SHORT:
            inside = (self._element(made), *path)
            array = self.course.roots(made, self.body.operand(made) & 0xFF)
            self._into(index, array, inside, depth + 1)
        elif op.SGET <= code <= op.SGET_SHORT:
            self.go(index, self._named(made), path)
        elif code == op.NEW_INSTANCE:
            self._shared(index, root, path, depth)

    def _shared(self, index: int, root: Root, path: Path, depth: int) -> None:
        """An object that the method makes: others may have got it before it was changed."""
        wrapper = wraps(self.course.makes(root))
        for at, register in self.course.uses(root):
            code = self.body.opcode(at)
            if code in INVOKES:
                given = self.body.arguments(at)
                if given[0] == register and given.count(register) == 1:
                    named = self.body.dex.method(self.body.operand(at))
                    if wrapper and named[1] == b"<init>" and len(given) > 1 and not path:
                        self._into(index, self.course.roots(at, given[1]), (), depth + 1)
                elif at < index and path and is_field(path[0]):
                    self.go(index, ("made", root[0]), path)
            elif op.IPUT <= code <= op.IPUT_SHORT and at < index:
                base = self.body.units[self.body.starts[at]] >> 12
                inside = self._inside(index, self._named(at), path)
                if base != register and inside is not None:
                    self._into(index, self.course.roots(at, base), inside, depth + 1)
            elif op.SPUT <= code <= op.SPUT_SHORT and at < index:
                self.go(index, self._named(at), path)

    def result(self, index: int, path: Path) -> None:
        """The result of a call or a filled-new-array has the value, if the code takes it."""
        following = index + 1
        if following < len(self.body.starts) and (
            op.MOVE_RESULT <= self.body.opcode(following) <= op.MOVE_RESULT_OBJECT
        ):
            self.go(following, self.body.written(following) or 0, path)

    # Calls

    def _invoke(self, index: int, register: int, path: Path) -> None:
        body = self.body
        signature = body.dex.method(body.operand(index))
        registers = tuple(body.arguments(index))
        here = self.here(index)
        sent = sends(signature)
        targets = [] if sent else self.flows.dispatch.targets(self.state.foreign, here)
        for slot, each in enumerate(registers):
            if each != register:
                continue
            if is_content(path):
                self.state.reached[Reach(here, slot)] = None
            for target in targets:
                self.flows.answers.call(
                    self.node, here, Entry(target, slot, path[:MAX_PATH]), registers
                )
            if sent and slot:
                self.flows.callbacks.sent(self, here, signature[1], register, path)
            elif not targets:
                self.outside.take(index, slot, path, signature, registers)
