"""What a register may hold: every value, computed backwards from where somebody asks.

Definitions are looked for in the method, then in its callers (parameters), in what it calls
(returned values) and in every write of a field, in all files. What cannot be told is `Unknown`, and
never left out: a value is known only if all its alternatives are.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from gate.app.code import (
    Array,
    Bytes,
    ClassName,
    FieldRead,
    Instance,
    Number,
    Parameter,
    Returned,
    Text,
    Unknown,
    Value,
)
from gate.dalvik import encoded, models
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY, Body, signed
from gate.dalvik.dex import Dex, from_mutf8, java_name, parameters
from gate.dalvik.plain import compute
from gate.dalvik.program import ENUM, STATIC, Method, Place, Program
from gate.dalvik.trace import moved_from, uses

Alternatives = dict[Value, tuple[Place, ...]]  # each value with the places it came through
Context = tuple[Place, ...]  # the calls that led into a method, the innermost last
Question = tuple[Method, int, int, Context]  # an instruction, and the register that it defines

MAX_ALTERNATIVES = 16
MAX_CALLERS = 48
MAX_WRITES = 48
MAX_DEPTH = 64
MAX_STEPS = 12


class Limits(NamedTuple):
    """How far one question is followed: into callees, overriders, writes, over definitions."""

    definitions: int
    calls: int
    targets: int
    writes: int


OWN = Limits(definitions=300, calls=6, targets=12, writes=48)
# A library's code, of which large apps hold thousands of places: the method itself, what its own
# fields begin with, and what the app's own code passes in.
FOREIGN = Limits(definitions=24, calls=1, targets=1, writes=4)


class Evaluator:
    """Answers what registers hold.

    `resources` gives the texts of a resource id, `is_foreign` says whose code a method is.
    """

    def __init__(
        self,
        program: Program,
        resources: Callable[[int], tuple[str, ...]],
        is_foreign: Callable[[Method], bool] = lambda method: False,
    ) -> None:
        self.program, self.resources, self.is_foreign = program, resources, is_foreign
        self._memo: dict[Question, Alternatives] = {}
        self._fields: dict[tuple[bytes, bytes, bytes], Alternatives] = {}
        self._given: dict[tuple[bytes, bytes, bytes], frozenset[str]] = {}
        self._running: set[Question] = set()
        self._open_fields: set[tuple[bytes, bytes, bytes]] = set()
        self._depth = self._spent = self._cuts = 0
        self._limits = OWN

    # Questions

    @property
    def spent(self) -> int:
        """How many definitions the last question took."""
        return self._spent

    def argument(self, place: Place, index: int) -> Alternatives:
        """What the parameter of an index (without the receiver) of a call may be."""
        body = self.program.body(place.method)
        slot = self._slot(body, place.index, index)
        registers = body.arguments(place.index)
        if slot is None or slot >= len(registers):
            return unknown("the call has no such argument")
        own = models.called(body, place.index)
        found = self.register(place, registers[slot])
        return {_without(value, own): steps for value, steps in found.items()}

    def receiver(self, place: Place) -> Alternatives:
        """What a call is made on."""
        registers = self.program.body(place.method).arguments(place.index)
        return self.register(place, registers[0]) if registers else unknown("no receiver")

    def register(self, place: Place, register: int) -> Alternatives:
        """What a register may hold before an instruction: a question of its own budget."""
        if self._depth == 0:
            self._spent = 0
        return self.value(place, register, ())

    def literals(self, place: Place, register: int) -> Iterator[str]:
        """The texts that a method or its direct callers write into a register for a call."""
        yield from self._literals(place, register)
        body = self.program.body(place.method)
        slot = register - (body.registers - body.ins)
        if slot >= 0 and ENTRY in body.definitions(place.index, register):
            for call in self.program.callers(place.method)[:MAX_CALLERS]:
                caller = self.program.body(call.method)
                registers = caller.arguments(call.index)
                if caller.opcode(call.index) < 0xFA and slot < len(registers):
                    yield from self._literals(call, registers[slot])

    def _literals(self, place: Place, register: int) -> Iterator[str]:
        body = self.program.body(place.method)
        work, seen = [(place.index, register)], set[tuple[int, int]]()
        while work:
            for index in body.definitions(*work.pop()):
                copied = moved_from(body, index) if index != ENTRY else None
                if copied is not None and (index, copied) not in seen:
                    seen.add((index, copied))
                    work.append((index, copied))
                elif index != ENTRY:
                    value = self._constant(body, index, body.opcode(index))
                    if isinstance(value, Text):
                        yield value.text

    def returned(self, method: Method) -> Alternatives:
        """Everything that a method may return."""
        if self._depth == 0:
            self._spent = 0
        return self._returns(method, ())

    # Inside one method

    def value(self, place: Place, register: int, context: Context) -> Alternatives:
        """What a register may hold before an instruction, in a method entered by these calls."""
        body = self.program.body(place.method)
        defined = body.definitions(place.index, register)
        if len(defined) == 1:
            return self._definition(place.method, body, defined[0], register, context)
        found: Alternatives = {}
        for index in defined:
            self._join(found, self._definition(place.method, body, index, register, context))
        return found

    def _definition(
        self, method: Method, body: Body, index: int, register: int, context: Context
    ) -> Alternatives:
        """What one instruction gives a register; each is computed once, unless it was cut short.

        One that nobody else waits for is a question of its own, with the whole budget, so that its
        answer does not hang on what was asked before.
        """
        key = (method, index, register, context)
        known = self._memo.get(key)
        if known is not None:
            return known
        if not self._running:
            self._spent = 0
            self._limits = FOREIGN if self.is_foreign(method) else OWN
        elif (
            key in self._running
            or self._depth >= MAX_DEPTH
            or self._spent >= self._limits.definitions
        ):
            self._cuts += 1
            return unknown("a loop" if key in self._running else "too much work")
        cuts = self._cuts
        self._running.add(key)
        self._depth += 1
        self._spent += 1
        try:
            found = self._defined(method, body, index, register, context)
        finally:
            self._depth -= 1
            self._running.discard(key)
        if self._cuts == cuts or not self._running:
            self._memo[key] = found
        return found

    @staticmethod
    def _join(into: Alternatives, more: Alternatives) -> None:
        for value, steps in more.items():
            if value in into:
                continue
            if len(into) >= MAX_ALTERNATIVES:
                into[Unknown("too many values")] = ()
                return
            into[value] = steps

    def _defined(
        self, method: Method, body: Body, index: int, register: int, context: Context
    ) -> Alternatives:
        if index == ENTRY:
            return self._parameter(method, body, register, context)
        here = Place(method, index)
        unit = body.units[body.starts[index]]
        code = unit & 0xFF
        constant = self._constant(body, index, code)
        if constant is not None:
            return {constant: (here,)}
        copied = moved_from(body, index)
        if copied is not None:
            return self.value(here, copied, context)
        if code == op.CHECK_CAST:
            return self.value(here, unit >> 8, context)
        if op.SGET <= code <= op.SGET_SHORT or op.IGET <= code <= op.IGET_SHORT:
            field = body.dex.field(body.operand(index))
            return self.field(field, code >= op.SGET, here)
        if op.MOVE_RESULT <= code <= op.MOVE_RESULT_OBJECT:
            return self._result(method, body, index - 1, context)
        if code == op.NEW_INSTANCE:
            return models.created(self, here, context)
        if code == op.NEW_ARRAY:
            return self._array(here, context)
        if op.AGET <= code <= op.AGET_SHORT:
            return self._element(here, body, context)
        if code == 0x21:
            return self._length(here, unit >> 12, context)
        return self._computed(here, body, code, context)

    def _constant(self, body: Body, index: int, code: int) -> Value | None:
        units, at = body.units, body.starts[index]
        if code == 0x12:
            return Number(signed(units[at] >> 12, 4))
        if code in (0x13, 0x16):
            return Number(signed(units[at + 1], 16))
        if code in (0x14, 0x17):
            return Number(signed(body.long_operand(index), 32))
        if code == 0x15:
            return Number(signed(units[at + 1] << 16, 32))
        if code == 0x18:
            pieces = (units[at + 1 + part] << 16 * part for part in range(4))
            return Number(signed(sum(pieces), 64))
        if code == 0x19:
            return Number(signed(units[at + 1] << 48, 64))
        if code == op.CONST_STRING:
            return Text(from_mutf8(body.dex.text(units[at + 1])))
        if code == op.CONST_STRING_JUMBO:
            return Text(from_mutf8(body.dex.text(body.long_operand(index))))
        if code == op.CONST_CLASS:
            return ClassName(java_name(body.dex.type(units[at + 1])))
        return None

    def _computed(self, here: Place, body: Body, code: int, context: Context) -> Alternatives:
        """Arithmetic; what is neither that nor a known instruction is unknown."""
        at = body.starts[here.index]
        unit, name = body.units[at], op.NAMES[code]
        kind = name.split("/")[0]
        if code >= 0xD0 and code <= 0xE2:
            lit8 = op.FORMATS[code] == "22b"
            register = body.units[at + 1] & 0xFF if lit8 else unit >> 12
            literal = signed(body.units[at + 1] >> 8, 8) if lit8 else signed(body.units[at + 1], 16)
            right: Alternatives = {Number(literal): ()}
        elif 0x90 <= code <= 0xA5:
            register = body.units[at + 1] & 0xFF
            right = self.value(here, body.units[at + 1] >> 8, context)
        elif 0xB0 <= code <= 0xC5:
            register, right = unit >> 8 & 15, self.value(here, unit >> 12, context)
        elif 0x7B <= code <= 0x8F and code not in (0x7F, 0x80):
            register, right = unit >> 12, {Number(0): ()}
        else:
            return unknown(f"the result of {name}")
        found: Alternatives = {}
        left = self.value(here, register, context)
        for (first, steps), second in product(left.items(), right):
            number: int | None = None
            if isinstance(first, Number) and isinstance(second, Number):
                number = compute(kind, first.number, second.number)
            value = Unknown(f"the result of {name}") if number is None else Number(number)
            self._join(found, {value: (*steps, here)[-MAX_STEPS:]})
        return found

    # Parameters, returned values, fields

    def _parameter(
        self, method: Method, body: Body, register: int, context: Context
    ) -> Alternatives:
        slot = register - (body.registers - body.ins)
        if slot < 0:
            return unknown("a register that is never written")
        owner, name, proto = self.program.signature(method)
        static = bool(self.program.access(method) & STATIC)
        if slot == 0 and not static:
            return {Instance(java_name(owner), "this"): ()}
        index = parameter_at(proto, slot - (not static))
        if index is None:
            return unknown("the upper half of a pair")
        if context:
            call = context[-1]
            return self._passed(call, slot, context[:-1], static)
        own = Parameter(f"{java_name(owner)}.{from_mutf8(name)}", index)
        if len(self.program.twins(method)) > 1:
            return {own: ()}
        return self._from_callers(method, slot, own)

    def _from_callers(self, method: Method, slot: int, own: Parameter) -> Alternatives:
        callers = self.program.callers(method)
        found: Alternatives = {}
        if self._limits is FOREIGN:
            ours = [call for call in callers if not self.is_foreign(call.method)]
            if len(ours) < len(callers):
                found[own] = ()
            callers = ours
        if not callers or self.called_by_system(method):
            found[own] = ()
        if len(callers) > MAX_CALLERS:
            return {own: (), Unknown(f"called from more than {MAX_CALLERS} places"): ()}
        static = bool(self.program.access(method) & STATIC)
        for call in callers:
            if len(found) >= MAX_ALTERNATIVES:
                break
            self._join(found, self._passed(call, slot, (), static))
        return found

    def _passed(self, call: Place, slot: int, context: Context, static: bool) -> Alternatives:
        """What a call passes in one slot; a custom or polymorphic call has slots of its own."""
        body = self.program.body(call.method)
        registers = body.arguments(call.index)
        if body.opcode(call.index) >= 0xFA or slot >= len(registers):
            return unknown("called through a method handle")
        passed = self.value(call, registers[slot], context)
        return {value: (*steps, call)[-MAX_STEPS:] for value, steps in passed.items()}

    def called_by_system(self, method: Method) -> bool:
        """Whether the method overrides one of the framework's, which then may call it."""
        owner, name, _ = self.program.signature(method)
        framework = self.program.framework
        return any(
            name in framework.methods(kind)
            for kind in self.program.supertypes(owner)
            if kind != owner and not self.program.definition(kind)
        )

    def _result(self, method: Method, body: Body, index: int, context: Context) -> Alternatives:
        here = Place(method, index)
        code = body.opcode(index)
        if code in (op.FILLED_NEW_ARRAY, op.FILLED_NEW_ARRAY_RANGE):
            kind = body.dex.type(body.operand(index))
            items = [self.value(here, each, context) for each in body.arguments(index)]
            return {models.array_of(kind, [single(each) for each in items]): (here,)}
        if not op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE:
            return unknown("the result of a call through a method handle")
        owner, name, proto = body.dex.method(body.operand(index))
        modelled = models.result(self, here, (owner, name, proto), context)
        if modelled is not None:
            return modelled
        foreign: Alternatives = {Returned(java_name(owner), from_mutf8(name)): (here,)}
        if self.program.definition(owner) is None:
            return foreign
        targets = self.program.targets(owner, name, proto, code)
        if not targets:
            return foreign
        if len(targets) > self._limits.targets:
            return unknown(f"a call that may run more than {self._limits.targets} methods")
        if len(context) >= self._limits.calls or any(call == here for call in context):
            self._cuts += 1
            return unknown("a chain of calls that is too long")
        found: Alternatives = {}
        for target in targets:
            self._join(found, self._returns(target, (*context, here)))
        return found

    def _returns(self, method: Method, context: Context) -> Alternatives:
        found: Alternatives = {}
        body = self.program.body(method)
        for index in body.each(op.RETURN, 0x10, op.RETURN_OBJECT):
            register = body.units[body.starts[index]] >> 8
            self._join(found, self.value(Place(method, index), register, context))
        return found

    def field(
        self, field: tuple[bytes, bytes, bytes], static: bool, here: Place | None = None
    ) -> Alternatives:
        """What a field may hold: what it begins with, and every write in any file."""
        owner, name, kind = field
        home = self.program.field_home(owner, name, kind)
        own = FieldRead(java_name(home), from_mutf8(name))
        flags = self.program.declares_field(home, name, kind)
        if flags is None or flags & ENUM:
            return {own: () if here is None else (here,)}
        key = (home, name, kind)
        if key in self._open_fields:
            self._cuts += 1
            return unknown("a field that is written from itself")
        if key not in self._fields:
            cuts = self._cuts
            self._open_fields.add(key)
            try:
                found = self._written(key, static, own)
            finally:
                self._open_fields.discard(key)
            if self._cuts != cuts and self._running:
                return found
            self._fields[key] = found
        return self._fields[key]

    def _written(
        self, field: tuple[bytes, bytes, bytes], static: bool, own: FieldRead
    ) -> Alternatives:
        writes = self.program.writes(*field)
        if len(writes) > self._limits.writes:
            why = f"a field with more than {self._limits.writes} writes"
            return {own: (), Unknown(why): ()}
        found: Alternatives = {}
        if static:
            first = self._first_value(field)
            if first is not None or not any(self._sets_up(field[0], each) for each in writes):
                found[first or Number(0)] = ()
        elif not writes:
            found[own] = ()
        for place in writes:
            body = self.program.body(place.method)
            unit = body.units[body.starts[place.index]]
            register = unit >> 8 if static else unit >> 8 & 15
            for value, steps in self.value(place, register, ()).items():
                self._join(found, {self._shared(value, field): (*steps, place)[-MAX_STEPS:]})
        return found

    def _sets_up(self, owner: bytes, place: Place) -> bool:
        signature = self.program.signature(place.method)
        return signature[0] == owner and signature[1] == b"<clinit>"

    def _shared(self, value: Value, field: tuple[bytes, bytes, bytes]) -> Value:
        """An array in a field may be filled wherever the field is read."""
        if not isinstance(value, Array):
            return value
        if field not in self._given:
            self._given[field] = frozenset(self._given_to(field))
        given = self._given[field] | set(value.given_to)
        return Array(value.type, value.items, value.size, tuple(sorted(given)))

    def _given_to(self, field: tuple[bytes, bytes, bytes]) -> Iterator[str]:
        reads = self.program.reads(*field)
        if len(reads) > MAX_WRITES:
            yield f"code in more than {MAX_WRITES} places"
        for place in reads[:MAX_WRITES]:
            body = self.program.body(place.method)
            for index, register in uses(body, place.index, body.written(place.index) or 0):
                name = models.fills(body, index, register)
                if name:
                    yield name

    def _first_value(self, field: tuple[bytes, bytes, bytes]) -> Value | None:
        """The static value that the class begins with, where the file states one."""
        found = self.program.definition(field[0])
        if found is None:
            return None
        dex = self.program.files[found[0]].dex
        for index, value in encoded.static_values(dex, found[1]).items():
            if dex.field(index)[1:] == field[1:]:
                return first_value(dex, value)
        return None

    # Arrays

    def _array(self, here: Place, context: Context) -> Alternatives:
        body = self.program.body(here.method)
        unit = body.units[body.starts[here.index]]
        size = single(self.value(here, unit >> 12, context))
        kind = body.dex.type(body.operand(here.index))
        count = size.number if isinstance(size, Number) else None
        return {models.filled(self, here, kind, count, context): (here,)}

    def _element(self, here: Place, body: Body, context: Context) -> Alternatives:
        pair = body.units[body.starts[here.index] + 1]
        place = single(self.value(here, pair >> 8, context))
        found: Alternatives = {}
        for array, steps in self.value(here, pair & 0xFF, context).items():
            for value in models.elements(array, place):
                self._join(found, {value: (*steps, here)[-MAX_STEPS:]})
        return found

    def _length(self, here: Place, register: int, context: Context) -> Alternatives:
        found: Alternatives = {}
        for array, steps in self.value(here, register, context).items():
            size = len(array.data) if isinstance(array, Bytes) else getattr(array, "size", None)
            value = Unknown("the length of an array") if size is None else Number(size)
            self._join(found, {value: (*steps, here)[-MAX_STEPS:]})
        return found

    @staticmethod
    def slots(proto: bytes, static: bool) -> list[int]:
        """The slot of each parameter among a method's parameter registers; pairs take two."""
        found, at = [], 0 if static else 1
        for kind in parameters(proto):
            found.append(at)
            at += 2 if kind in (b"J", b"D") else 1
        return found

    def _slot(self, body: Body, index: int, parameter: int) -> int | None:
        """The place of a parameter among a call's registers: pairs take two."""
        code = body.opcode(index)
        if not op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE:
            return None
        kinds = parameters(body.dex.method(body.operand(index))[2])
        if not 0 <= parameter < len(kinds):
            return None
        wide = sum(kind in (b"J", b"D") for kind in kinds[:parameter])
        return parameter + wide + (code not in (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE))


def parameter_at(proto: bytes, slot: int) -> int | None:
    """The parameter whose value lies in a slot of the parameter registers; pairs take two."""
    at = 0
    for index, kind in enumerate(parameters(proto)):
        if at == slot:
            return index
        at += 2 if kind in (b"J", b"D") else 1
    return None


def first_value(dex: Dex, value: encoded.Encoded) -> Value:
    """An encoded value of a file as a value."""
    if value.kind == encoded.STRING:
        return Text(from_mutf8(dex.text(value.number)))
    if value.kind == encoded.TYPE:
        return ClassName(java_name(dex.type(value.number)))
    if value.kind in (encoded.BYTE, encoded.SHORT, encoded.CHAR, encoded.INT, encoded.LONG):
        return Number(value.number)
    if value.kind in (encoded.BOOLEAN, encoded.NULL):
        return Number(value.number)
    return Unknown("a value that is no number, text or class")


def _without(value: Value, name: str) -> Value:
    """An array as it is before the call that somebody asks about."""
    if not isinstance(value, Array) or name not in value.given_to:
        return value
    return replace(value, given_to=tuple(each for each in value.given_to if each != name))


def single(found: Alternatives) -> Value:
    """The only alternative, or unknown."""
    return next(iter(found)) if len(found) == 1 else Unknown("one of several values")


def unknown(why: str) -> Alternatives:
    """The one alternative that nothing is known of."""
    return {Unknown(why): ()}
