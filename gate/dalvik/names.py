"""Under which names the code knows a value: the fields, getters, keys and views it is read from.

Names are hints that a developer left, and an obfuscator takes most of them away: they make a value
suspect, their absence says nothing.
"""

from collections.abc import Callable, Iterator

from gate.app.code import CONSTANT, Number, Text
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY
from gate.dalvik.course import INVOKES, Course
from gate.dalvik.dex import from_mutf8, parameters
from gate.dalvik.facts import Field, Stored
from gate.dalvik.program import STATIC, Method, Place
from gate.dalvik.values import Evaluator, single

MAX_STEPS = 40
MAX_WAYS = 3
_TEXT = (b"Ljava/lang/String;", b"Ljava/lang/CharSequence;", b"[C", b"[B")
_STATIC = (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE)
_ASKS = (b"get", b"opt", b"find", b"require", b"_$_find")
# Methods whose result is known by the names of what they are called on, or given.
_SAME = frozenset(
    (b"toString", b"getText", b"trim", b"valueOf", b"subSequence", b"substring", b"toCharArray",
     b"getBytes", b"append", b"getEditText", b"requireNonNull", b"checkNotNull", b"format",
     b"toLowerCase", b"toUpperCase", b"concat", b"getEditableText")
)  # fmt: skip


class Names:
    """Answers by which names values are known; `resource` gives a resource's name by its id."""

    def __init__(
        self,
        values: Evaluator,
        course: Callable[[Method], Course],
        resource: Callable[[int], str],
    ) -> None:
        self._values, self._program, self._course = values, values.program, course
        self._resource = resource

    def of(self, place: Place, register: int) -> tuple[str, ...]:
        """The names that a register's value is read under, sorted."""
        found: set[str] = set()
        seen = {(place, register)}
        work = [(place, register)]
        while work and len(seen) < MAX_STEPS:
            at, held = work.pop()
            for made, root in self._course(at.method).roots(at.index, held):
                more = self._read(Place(at.method, made), root, found)
                work.extend(each for each in more if each not in seen)
                seen.update(more)
        return tuple(sorted(found))

    def _read(self, here: Place, register: int, found: set[str]) -> list[tuple[Place, int]]:
        """Note the names in an instruction; what to look at next."""
        if here.index == ENTRY:
            return self._passed(here.method, register)
        body = self._program.body(here.method)
        code = body.opcode(here.index)
        if op.IGET <= code <= op.IGET_SHORT or op.SGET <= code <= op.SGET_SHORT:
            field = body.dex.field(body.operand(here.index))
            found.add(from_mutf8(field[1]))
            return self._written(field)
        if code == op.NEW_INSTANCE:
            made = here.index, body.written(here.index) or 0
            return [
                (Place(here.method, at), each)
                for at, held in self._course(here.method).uses(made)
                if body.opcode(at) in INVOKES and body.arguments(at)[0] == held
                for each in body.arguments(at)[1:2]
            ]
        called = here.index and body.opcode(here.index - 1) in INVOKES
        if code != op.MOVE_RESULT_OBJECT or not called:
            return []
        return self._called(Place(here.method, here.index - 1), found)

    def _called(self, call: Place, found: set[str]) -> list[tuple[Place, int]]:
        body = self._program.body(call.method)
        _, name, proto = body.dex.method(body.operand(call.index))
        registers = body.arguments(call.index)
        found.add(from_mutf8(name))
        if name in _SAME:
            return [(call, each) for each in registers]
        if name.startswith(_ASKS):
            found.update(self._asked(call, proto))
        fixed = name == b"findViewById" or body.opcode(call.index) in _STATIC
        return [] if fixed or not registers else [(call, registers[0])]

    def _passed(self, method: Method, register: int) -> list[tuple[Place, int]]:
        """What the few callers of a method pass."""
        body = self._program.body(method)
        slot = register - (body.registers - body.ins)
        callers = self._program.callers(method)
        own = slot <= 0 and not self._program.access(method) & STATIC
        if own or slot < 0 or len(callers) > MAX_WAYS:
            return []
        ways = []
        for call in callers:
            registers = self._program.body(call.method).arguments(call.index)
            ways += [(call, registers[slot])] if slot < len(registers) else []
        return ways

    def _written(self, field: Field) -> list[tuple[Place, int]]:
        """What the few writes of a field put into it."""
        writes = self._program.writes(*field)
        if len(writes) > MAX_WAYS:
            return []
        return [(place, self._stored(place)) for place in writes]

    def _stored(self, place: Place) -> int:
        """The register that an instruction writes to a field."""
        body = self._program.body(place.method)
        unit = body.units[body.starts[place.index]]
        return unit >> 8 if body.opcode(place.index) >= op.SPUT else unit >> 8 & 15

    def _asked(self, place: Place, proto: bytes) -> Iterator[str]:
        """The constant keys and resources that a call asks for."""
        for index, kind in enumerate(parameters(proto)[:2]):
            if kind not in (b"Ljava/lang/String;", b"Ljava/lang/Object;", b"I"):
                continue
            value = single(self._values.argument(place, index))
            if isinstance(value, Text):
                yield value.text[:200]
            elif isinstance(value, Number) and value.number >> 24:
                yield self._resource(value.number).rpartition("/")[2]

    def fields(
        self, wanted: Callable[[str], bool], is_own: Callable[[str], bool]
    ) -> Iterator[tuple[Field, Place, Stored]]:
        """The app's own text fields of a wanted name that hold more than constants.

        With each come the first place that writes it and the node of its value.
        """
        for field in sorted(set(self._named(wanted))):
            owner, name, kind = field
            if not is_own(owner[1:-1].replace(b"/", b".").decode("utf-8", "replace")):
                continue
            if self._program.declares_field(owner, name, kind) is None:
                continue
            writes = self._program.writes(*field)
            if writes and not all(self._is_constant(place) for place in writes):
                yield field, writes[0], Stored(field, ())

    def _named(self, wanted: Callable[[str], bool]) -> Iterator[Field]:
        for code in self._program.files:
            dex = code.dex
            names: dict[int, bool] = {}
            kinds = {k for each in _TEXT if (k := dex.find_type(each)) is not None}
            for index, (name, kind) in enumerate(
                zip(dex.fields["name"].tolist(), dex.fields["type"].tolist(), strict=True)
            ):
                if kind not in kinds:
                    continue
                if name not in names:
                    names[name] = wanted(from_mutf8(dex.text(name)))
                if names[name]:
                    yield self._home(dex.field(index))

    def _home(self, field: Field) -> Field:
        return (self._program.field_home(*field), field[1], field[2])

    def _is_constant(self, place: Place) -> bool:
        found = self._values.register(place, self._stored(place))
        return all(isinstance(value, CONSTANT) for value in found)
