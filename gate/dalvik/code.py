"""The engine's answers to the questions of checks, in the words of `gate.app.code`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import numpy as np

from gate.app.code import (
    CONSTANT,
    FIRST_PARTY,
    Aim,
    Api,
    Array,
    Call,
    FieldRead,
    InputKind,
    Number,
    Parameter,
    Returned,
    Text,
    Unknown,
    Value,
)
from gate.app.location import Location
from gate.dalvik import encoded, paths
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY, Body
from gate.dalvik.dex import NO_INDEX, descriptor, from_mutf8, java_name, parameters
from gate.dalvik.facts import Entry, From, Node
from gate.dalvik.flows import Flows, Known
from gate.dalvik.inputs import AppInput, Inputs
from gate.dalvik.lines import line_of
from gate.dalvik.listing import listing
from gate.dalvik.names import Names
from gate.dalvik.objects import chained, maker
from gate.dalvik.origin import Origins
from gate.dalvik.program import ABSTRACT, STATIC, Method, Place, Program
from gate.dalvik.search import CALL
from gate.dalvik.texts import Stop, TextFlows
from gate.dalvik.trace import uses
from gate.dalvik.values import Alternatives, Evaluator, first_value, unknown
from gate.formats.errors import Malformed

INVOKES = paths.INVOKES


class AppCode:
    """Every DEX file that the runtime loads, as one program.

    `asked` are the APIs that will be asked about: they are looked up at once. `fault` is told of
    every method that cannot be decoded, with its file, its name and the reason; `followed` each
    time a value has been followed, and whether every one so far was followed to its end.
    """

    def __init__(
        self,
        program: Program,
        origins: Origins,
        resources: Callable[[int], tuple[str, ...]],
        asked: Iterable[Api],
        fault: Callable[[str, str, str], None],
        followed: Callable[[bool], None],
        resource_name: Callable[[int], str] = lambda resource: "",
    ) -> None:
        self.program, self.origins = program, origins
        self.values = Evaluator(program, resources, self._is_foreign)
        takers = origins.seeds.takers
        known = Known(self._is_own, lambda action: takers.get(action, ()))
        self._known = known
        self.flows = Flows(self.values, known)
        self._texts: dict[frozenset[Stop], TextFlows] = {}
        self.passes = Flows(self.values, replace(known, derived=False))
        self._fault, self._followed = fault, followed
        self.names = Names(self.values, self.flows.course, resource_name)
        self._inputs = Inputs(self)
        self._calls: dict[Api, list[Place]] = {}
        self._named: dict[Api, tuple[tuple[int, int], ...]] = {}
        self._libraries: dict[bytes, bool] = {}  # by package
        self._held: dict[Callable[[str], bool], tuple[AppHeld, ...]] = {}
        self._told = 0
        apis = tuple(asked)
        program.expect(
            {name.encode() for each in apis for name in each.names},
            {descriptor(each.owner) for each in apis},
        )

    def _is_own(self, method: Method) -> bool:
        """Whether a method is the app's own for certain."""
        return self.origins.of(java_name(self.program.signature(method)[0])) == FIRST_PARTY

    def _is_foreign(self, method: Method) -> bool:
        """Whether a method is a library's for certain."""
        return self._is_library(self.program.owner(method))

    def _is_library(self, kind: bytes) -> bool:
        package = kind.rpartition(b"/")[0]
        if package not in self._libraries:
            self._libraries[package] = self.origins.of(java_name(kind)) not in (FIRST_PARTY, "")
        return self._libraries[package]

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of the DEX files that were read, in the order in which they are searched."""
        return tuple(code.dex.path for code in self.program.files)

    def calls(self, *apis: Api) -> Iterator["AppCall"]:
        """The calls of methods, by place in the code; each call once."""
        places: set[Place] = set()
        for each in apis:
            places.update(self._places(each))
        for place in sorted(places):
            for method in self.program.twins(place.method):
                yield AppCall(self, Place(method, place.index))
        self._tell()

    def own_calls(self, *apis: Api) -> Iterator["AppCall"]:
        """The calls of methods in code that is the app's own, or may be, by place in the code."""
        places: set[Place] = set()
        for number, file in enumerate(self.program.files):
            ids = {index for api in apis for at, index in self._ids(api) if at == number}

            def wanted(row: int, file: int = number) -> bool:
                return not self._is_foreign(Method(file, row))

            for site in file.sites(CALL, ids, wanted):
                places.add(Place(Method(number, site.row), site.index))
        for place in sorted(places):
            for method in self.program.twins(place.method):
                if not self._is_foreign(method):
                    yield AppCall(self, Place(method, place.index))
        self._tell()

    def _ids(self, each: Api) -> tuple[tuple[int, int], ...]:
        if each not in self._named:
            self._named[each] = tuple(self._methods(each))
        return self._named[each]

    def _places(self, each: Api) -> list[Place]:
        if each not in self._calls:
            self._calls[each] = list(self.program.sites(CALL, self._ids(each)))
        return self._calls[each]

    def _methods(self, wanted: Api) -> Iterator[tuple[int, int]]:
        """File and id of every method that a call of the API may name."""
        owner = descriptor(wanted.owner)
        for name in map(str.encode, wanted.names):
            found = self.program.method_ids(owner, name)
            if name != b"<init>":
                found = self.inherited(owner, name)
            for number, index in found:
                dex = self.program.files[number].dex
                types = parameters(dex.proto(int(dex.methods["proto"][index])))
                if wanted.parameters in (None, tuple(map(java_name, types))):
                    yield number, index

    def inherited(self, owner: bytes, name: bytes) -> Iterator[tuple[int, int]]:
        """File and id of the methods of a name whose class is the owner or below it."""
        for number, found in self.program.named(name).items():
            dex = self.program.files[number].dex
            owners = dex.method_owners[found]
            for kind in np.unique(owners).tolist():
                if self.program.is_subtype(dex.type(kind), owner):
                    yield from ((number, each) for each in found[owners == kind].tolist())

    def subclasses(self, *types: str) -> Iterator["AppClass"]:
        """The app's classes below any of these classes or interfaces, sorted."""
        found = {kind for each in types for kind in self.program.subclasses(descriptor(each))}
        for kind in sorted(found):
            yield AppClass(self, kind)
        self._tell()

    def lambdas(self, *types: str) -> Iterator["AppMethod"]:
        """What lambdas of these interfaces run, where a file keeps them as invoke-custom."""
        wanted = tuple(map(descriptor, types))
        for number, file in enumerate(self.program.files):
            for kind, index in file.handles.lambdas():
                row = file.row(index)
                if row is not None and any(self.program.is_subtype(kind, each) for each in wanted):
                    yield AppMethod(self, Method(number, row))

    def find(self, name: str) -> "AppClass | None":
        """The class of a name, or None if the app does not define it."""
        kind = descriptor(name)
        return AppClass(self, kind) if self.program.definition(kind) else None

    def own_classes(self) -> Iterator["AppClass"]:
        """The classes that are the app's own, or may be, sorted."""
        for kind in self.program.classes():
            if not self._is_library(kind):
                yield AppClass(self, kind)
        self._tell()

    def packages(self) -> frozenset[str]:
        """Every package that the app's classes are in."""
        return self.origins.packages

    def field_reads(self, owner: str, name: str) -> Iterator[tuple["AppMethod", Location]]:
        """The places that read a field of the platform or a library."""
        yield from self._located(self._field_places(owner, name))

    def _field_places(self, owner: str, name: str) -> set[Place]:
        places: set[Place] = set()
        for code in self.program.files:
            kind, text = code.dex.find_type(descriptor(owner)), code.dex.find_text(name.encode())
            if kind is None or text is None:
                continue
            for index in code.dex.fields_of(kind):
                if int(code.dex.fields["name"][index]) == text:
                    places.update(self.program.reads(*code.dex.field(index)))
        return places

    def uses(self, type_name: str) -> Iterator[tuple["AppMethod", Location]]:
        """The places that create an object of a class or name it."""
        yield from self._located(set(self.program.type_uses(descriptor(type_name))))

    def text_uses(self, text: str) -> Iterator[tuple["AppMethod", Location]]:
        """The places that load a string constant."""
        yield from self._located(set(self.program.text_uses(text.encode())))

    def _located(self, places: set[Place]) -> Iterator[tuple["AppMethod", Location]]:
        for place in sorted(places):
            for method in self.program.twins(place.method):
                yield AppMethod(self, method), self.location(Place(method, place.index))
        self._tell()

    def field_flows(self, owner: str, name: str) -> Iterator["AppFlow"]:
        """Where the values go that are read from a field of the platform or a library."""
        for place in sorted(self._field_places(owner, name)):
            body = self.program.body(place.method)
            yield from self.flow(From(place, body.written(place.index) or 0))

    def flow(self, start: Node | None, *, derived: bool = True) -> Iterator["AppFlow"]:
        """Every library call that a value gets to, or an object without what is made of it."""
        yield from self._flow(start, self.flows if derived else self.passes)

    def text_flow(self, start: Node, stops: Iterable[Api]) -> Iterator["AppFlow"]:
        """Every library call that a text gets to, not past these calls."""
        wanted = frozenset(
            (descriptor(each.owner), name.encode()) for each in stops for name in each.names
        )
        if wanted not in self._texts:
            self._texts[wanted] = TextFlows(self.values, self._known, wanted)
        yield from self._flow(start, self._texts[wanted])

    def _flow(self, start: Node | None, flows: Flows) -> Iterator["AppFlow"]:
        if start is None:
            return
        found = list(flows.reached(start))
        self._followed(not flows.exhausted)
        for reach, way in found:
            body = self.program.body(reach.place.method)
            code = body.opcode(reach.place.index)
            static = code in (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE)
            argument = _argument_at(body, reach.place.index, reach.slot, static)
            yield AppFlow(self, AppCall(self, reach.place), argument, way)

    def named_fields(self, wanted: Callable[[str], bool]) -> Iterator["AppHeld"]:
        """The app's own text fields whose name is wanted and that hold more than constants."""
        if wanted not in self._held:
            held = self.names.fields(wanted, self._is_first_party)
            self._held[wanted] = tuple(AppHeld(self, *each) for each in held)
        yield from self._held[wanted]
        self._tell()

    def _is_first_party(self, name: str) -> bool:
        return self.origins.of(name) == FIRST_PARTY

    def inputs(self, *kinds: InputKind) -> Iterator[AppInput]:
        """The places where data of these kinds comes in, sorted."""
        yield from self._inputs.of(kinds)
        self._tell()

    @property
    def flows_complete(self) -> bool:
        """Whether every flow asked about so far was followed to its end."""
        return not any(each.exhausted for each in (self.flows, *self._texts.values()))

    def location(self, place: Place) -> Location:
        """Where an instruction lies, with the instructions around it."""
        body = self.program.body(place.method)
        owner, name, _ = self.program.signature(place.method)
        return Location(
            path=self.program.files[place.method.file].dex.path,
            element=f"{java_name(owner)}.{from_mutf8(name)}",
            line=line_of(body, place.index),
            offset=2 * (body.begin + body.starts[place.index]),
            snippet=listing(body, place.index),
            source=self.source(owner),
        )

    def slot(self, method: Method, index: int) -> int:
        """The place of a parameter among those of a method, where pairs take two."""
        kinds = parameters(self.program.signature(method)[2])[:index]
        wide = sum(kind in (b"J", b"D") for kind in kinds)
        return index + wide + int(not self.program.access(method) & STATIC)

    def parameter_register(self, method: Method, index: int) -> int:
        """The register that a parameter comes in."""
        body = self.program.body(method)
        first: int = body.registers - body.ins
        return first + self.slot(method, index)

    def source(self, owner: bytes) -> str:
        """The source file that a class names, '' where it names none."""
        found = self.program.definition(owner)
        if found is None:
            return ""
        dex = self.program.files[found[0]].dex
        text = int(dex.classes["source"][found[1]])
        return "" if text == NO_INDEX or text >= len(dex.string_at) else from_mutf8(dex.text(text))

    def _tell(self) -> None:
        faults = self.program.faults
        for dex, method, malformed in faults[self._told :]:
            owner, name, _ = self.program.signature(method)
            self._fault(dex.path, f"{java_name(owner)}.{from_mutf8(name)}", str(malformed))
        self._told = len(faults)


def _argument_at(body: Body, index: int, slot: int, static: bool) -> int:
    """The parameter that a register slot of a call is; -1 for the receiver."""
    if not static and slot == 0:
        return -1
    at = 0
    kinds = parameters(body.dex.method(body.operand(index))[2])
    for number, kind in enumerate(kinds):
        if at >= slot - (not static):
            return number
        at += 2 if kind in (b"J", b"D") else 1
    return len(kinds)


class AppFlow:
    """A value that gets to a call of the platform or a library.

    `argument` is the parameter it comes in by, counted from 0, -1 for the receiver.
    """

    def __init__(
        self, code: AppCode, call: "AppCall", argument: int, way: tuple[Place, ...]
    ) -> None:
        self._code, self.call, self.argument, self._way = code, call, argument, way

    @property
    def steps(self) -> tuple[Location, ...]:
        """The places that the value came through, between its source and the call."""
        return tuple(self._code.location(place) for place in self._way)


class AppHeld:
    """A text field of the app's own code: what it holds."""

    def __init__(
        self, code: AppCode, field: tuple[bytes, bytes, bytes], place: Place, node: Node
    ) -> None:
        self._code, self._place, self._node = code, place, node
        self.owner, self.name = java_name(field[0]), from_mutf8(field[1])

    @property
    def at(self) -> Location:
        """The first place that writes it."""
        return self._code.location(self._place)

    def flows(self) -> Iterator[AppFlow]:
        """Where what it holds goes, through the whole program."""
        yield from self._code.flow(self._node)


class AppArgument:
    """Every value that one argument may have, sorted."""

    def __init__(self, code: AppCode, found: Alternatives) -> None:
        self._code, self._found = code, found
        self.values: tuple[Value, ...] = tuple(sorted(found, key=repr))

    @property
    def complete(self) -> bool:
        """Whether every value is a constant or an object that the app's code creates."""
        return not self.why

    @property
    def numbers(self) -> tuple[int, ...]:
        """The integers among the values."""
        return tuple(each.number for each in self.values if isinstance(each, Number))

    @property
    def texts(self) -> tuple[str, ...]:
        """The strings among the values that are wholly known."""
        return tuple(each.text for each in self.values if isinstance(each, Text))

    @property
    def why(self) -> str:
        """Why it is not complete; '' where it is."""
        for each in self.values:
            if not isinstance(each, CONSTANT) and not isinstance(each, Array):
                return _why(each)
        return "" if self.values else "no value reaches it"

    def steps(self, value: Value) -> tuple[Location, ...]:
        """The places a value came through on its way here, the first one first."""
        return tuple(map(self._code.location, dict.fromkeys(self._found.get(value, ()))))

    def rests_on(self, value: Value, *owners_and_names: tuple[str, str]) -> bool:
        """Whether a value comes from one of these fields or calls, or was chosen by one."""
        depends = paths.Dependence(self._code.program, owners_and_names)
        places = self._found.get(value, ())
        return any(depends.of(each) or depends.decides(each) for each in places)

    def made_by(self, value: Value) -> "AppCall | None":
        """The call that returned a `Returned`, or the constructor call of an `Instance`."""
        place = maker(self._code.program, value, self._found.get(value, ()))
        return None if place is None else AppCall(self._code, place)


def _why(value: Value) -> str:
    if isinstance(value, Unknown):
        return value.why
    if isinstance(value, Parameter):
        return f"a parameter of {value.method}"
    if isinstance(value, Returned):
        return f"the result of {value.owner}.{value.name}"
    if isinstance(value, FieldRead):
        return f"the field {value.owner}.{value.name}"
    return "a text with unknown parts"


class AppCall:
    """One call that the app's code makes."""

    def __init__(self, code: AppCode, place: Place) -> None:
        self._code, self.place = code, place
        self._body = code.program.body(place.method)
        owner, name, proto = self._body.dex.method(self._body.operand(place.index))
        self.owner, self.name = java_name(owner), from_mutf8(name)
        self.parameters = tuple(map(java_name, parameters(proto)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppCall) and self.place == other.place

    def __hash__(self) -> int:
        return hash(self.place)

    @cached_property
    def method(self) -> "AppMethod":
        """The method it stands in."""
        return AppMethod(self._code, self.place.method)

    @cached_property
    def at(self) -> Location:
        """Where it is."""
        return self._code.location(self.place)

    def names(self, index: int) -> tuple[str, ...]:
        """The names under which the method knows an argument, -1 for the receiver."""
        register = self._register(index)
        try:
            return () if register is None else self._code.names.of(self.place, register)
        except Malformed:
            return ()

    def literals(self, index: int) -> tuple[str, ...]:
        """The texts that the method or its direct callers write into an argument, sorted."""
        register = self._register(index)
        if register is None:
            return ()
        try:
            return tuple(sorted(set(self._code.values.literals(self.place, register))))
        except Malformed:
            return ()

    def aim(self, index: int) -> Aim:
        """Whom the intent that the call is given in a parameter is for."""
        register = self._register(index)
        if register is not None:
            with suppress(Malformed):
                return self._code.flows.intents.aim(self.place, register)
        return Aim(frozenset(), frozenset(), frozenset(), known=False, explicit=False)

    def _register(self, index: int) -> int | None:
        registers = self._body.arguments(self.place.index)
        static = self._body.opcode(self.place.index) in (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE)
        wide = sum(each in ("long", "double") for each in self.parameters[: max(index, 0)])
        slot = 0 if index < 0 else index + wide + (not static)
        return registers[slot] if slot < len(registers) and not (static and index < 0) else None

    def argument(self, index: int) -> AppArgument:
        """What the parameter of an index, counted from 0 without the receiver, may be."""
        try:
            return AppArgument(self._code, self._code.values.argument(self.place, index))
        except Malformed as malformed:
            return AppArgument(self._code, unknown(f"code that cannot be decoded: {malformed}"))

    @property
    def receiver(self) -> AppArgument:
        """The object the method is called on."""
        try:
            return AppArgument(self._code, self._code.values.receiver(self.place))
        except Malformed as malformed:
            return AppArgument(self._code, unknown(f"code that cannot be decoded: {malformed}"))

    @property
    def result_used(self) -> bool:
        """Whether the code takes what the call returns."""
        following = self.place.index + 1
        if following >= len(self._body.starts):
            return False
        return op.MOVE_RESULT <= self._body.opcode(following) <= op.MOVE_RESULT_OBJECT

    def on_receiver(self) -> Iterator["AppCall"]:
        """The other calls, in the same method, on the object that this one is made on."""
        registers = self._body.arguments(self.place.index)
        if registers:
            found: set[int] = set()
            for each in self._body.definitions(self.place.index, registers[0]):
                register = registers[0] if each == ENTRY else self._body.written(each)
                found.update(self._called_on(each, registers[0] if register is None else register))
            yield from self._at(found - {self.place.index})

    def on_result(self) -> Iterator["AppCall"]:
        """The calls, in the same method, on the object that this one returns."""
        if self.result_used:
            following = self.place.index + 1
            yield from self._at(self._called_on(following, self._body.written(following) or 0))

    def on_built(self) -> Iterator["AppCall"]:
        """The calls on the object that this one returns or constructs, a builder's chain too."""
        yield from self._at(set(chained(self._body, self.place.index)))

    def _called_on(self, index: int, register: int) -> set[int]:
        """The calls on what a register holds after an instruction."""
        return {
            at
            for at, held in uses(self._body, index, register)
            if self._body.opcode(at) in INVOKES and self._body.arguments(at)[:1] == [held]
        }

    def _at(self, indices: set[int]) -> Iterator["AppCall"]:
        for index in sorted(indices):
            yield AppCall(self._code, Place(self.place.method, index))

    def flows(self) -> Iterator["AppFlow"]:
        """Where the value goes that the call returns, or the object that a constructor makes."""
        yield from self._code.flow(self._given())

    def passes(self) -> Iterator["AppFlow"]:
        """Where that object itself goes, without what libraries read from it or make of it."""
        yield from self._code.flow(self._given(), derived=False)

    def _given(self) -> Node | None:
        """What the call returns, or the object that a constructor makes."""
        if self.name != "<init>":
            return self._code.flows.from_result(self.place)
        registers = self._body.arguments(self.place.index)
        return From(self.place, registers[0]) if registers else None

    def guarded_by(self, *owners_and_names: tuple[str, str]) -> bool:
        """Whether a branch that decides about the call depends on one of these fields or calls.

        An owner may be the end of a class name: ``BuildConfig`` is that of any package.
        """
        return paths.Dependence(self._code.program, owners_and_names).decides(self.place)

    def decides(self, other: Call) -> bool:
        """Whether a branch on what this call returns decides about another of its method."""
        if not isinstance(other, AppCall) or other.place.method != self.place.method:
            return False
        return any(
            source[0] == self.place.index
            for branch in paths.deciding(self._body, other.place.index)
            for source in paths.sources(self._body, branch)
        )

    def decided_by(self, parameter: int) -> bool:
        """Whether a branch that decides about the call depends on a parameter of its method."""
        register = self._code.parameter_register(self.place.method, parameter)
        return any(
            (ENTRY, register) == source
            for branch in paths.deciding(self._body, self.place.index)
            for source in paths.sources(self._body, branch)
        )

    def targets(self) -> Iterator["AppMethod"]:
        """The methods of the app that it may run."""
        code = self._body.opcode(self.place.index)
        named = self._body.dex.method(self._body.operand(self.place.index))
        for method in self._code.program.targets(*named, code):
            yield AppMethod(self._code, method)

    def lets_out(self, exception: str) -> bool:
        """Whether an exception of this class that it throws may leave its method."""
        return paths.lets_out(
            self._code.program, self._body, self.place.index, descriptor(exception)
        )

    def forgiven(self, exception: str, *others: Call) -> bool:
        """Whether the method can still end normally after it has thrown such an exception.

        Not where one of the `others` has to return first.
        """
        body = self._body
        entries, _ = paths.handlers(
            self._code.program, body, self.place.index, descriptor(exception)
        )
        stop = (self.place.index, *_indices(others))
        return paths.returns(body, paths.after(body, entries, stop))


def _indices(calls: Iterable[Call]) -> list[int]:
    return [each.place.index for each in calls if isinstance(each, AppCall)]


class AppMethod:
    """A method of the app that has code."""

    def __init__(self, code: AppCode, method: Method) -> None:
        self._code, self.row = code, method
        owner, name, proto = code.program.signature(method)
        self.owner, self.short_name = java_name(owner), from_mutf8(name)
        self.name = f"{self.owner}.{self.short_name}"
        self.parameters = tuple(map(java_name, parameters(proto)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppMethod) and self.row == other.row

    def __hash__(self) -> int:
        return hash(self.row)

    @property
    def origin(self) -> str:
        """First-party, the third-party component, or '' where that cannot be told."""
        return self._code.origins.of(self.owner)

    @property
    def is_first_party(self) -> bool:
        """Whether it is the app's own code, or may be."""
        return self.origin in (FIRST_PARTY, "")

    @cached_property
    def at(self) -> Location:
        """Where it begins."""
        return self._code.location(Place(self.row, 0))

    @property
    def _body(self) -> Body:
        return self._code.program.body(self.row)

    def callers(self) -> Iterator[AppCall]:
        """The calls in the app's code that may run it."""
        for place in self._code.program.callers(self.row):
            yield AppCall(self._code, place)

    @property
    def reachable(self) -> bool:
        """Whether a component that the manifest declares leads to it."""
        return self._code.origins.reachable(self._code.values, self.row)

    @cached_property
    def calls(self) -> tuple[AppCall, ...]:
        """Every call in it, in the order of the code."""
        return tuple(AppCall(self._code, Place(self.row, i)) for i in self._body.each(*INVOKES))

    @cached_property
    def thrown(self) -> tuple[str, ...]:
        """The classes of exceptions that it throws itself and lets out, '' for one not known."""
        found = set(paths.thrown(self._code.program, self._body))
        return tuple(sorted(java_name(each) for each in found))

    @property
    def throws(self) -> bool:
        """Whether it throws an exception of its own that it does not catch itself."""
        return bool(self.thrown)

    @cached_property
    def returned(self) -> AppArgument:
        """Every value it may return."""
        return AppArgument(self._code, self._code.values.returned(self.row))

    def flows(self, index: int) -> Iterator["AppFlow"]:
        """Where the value of a parameter goes, counted from 0 without the receiver."""
        yield from self._code.flow(Entry(self.row, self._code.slot(self.row, index), ()))

    @property
    def branches(self) -> int:
        """How many branches it has."""
        body = self._body
        return sum(1 for _ in body.each(*paths.BRANCHES))

    @property
    def returns(self) -> bool:
        """Whether it can end without an exception."""
        return self.returns_without()

    def returns_without(self, *calls: Call) -> bool:
        """Whether it can end without an exception although none of these calls returned."""
        stop = _indices(calls)
        return paths.returns(self._body, paths.from_begin(self._body, stop))

    def reads(self) -> tuple[tuple[str, str], ...]:
        """Owner and name of every field it reads."""
        body = self._body
        codes = (*range(op.IGET, op.IPUT), *range(op.SGET, op.SPUT))
        return tuple(paths.named(body, index) for index in body.each(*codes))

    def writes(self) -> Iterator[tuple[str, str, AppArgument]]:
        """Owner and name of every field it writes, and what it writes."""
        body = self._body
        instance = range(op.IPUT, op.IPUT_SHORT + 1)
        for index in body.each(*instance, *range(op.SPUT, op.SPUT_SHORT + 1)):
            unit = body.units[body.starts[index]]
            register = unit >> 8 & 15 if body.opcode(index) in instance else unit >> 8
            found = self._code.values.register(Place(self.row, index), register)
            owner, name, _ = body.dex.field(body.operand(index))
            yield java_name(owner), from_mutf8(name), AppArgument(self._code, found)


class AppClass:
    """A class of the app."""

    def __init__(self, code: AppCode, kind: bytes) -> None:
        self._code, self._kind = code, kind
        self.name = java_name(kind)

    @property
    def parent(self) -> str:
        """Its superclass, '' where it names none."""
        found = self._code.program.parent(self._kind)
        return java_name(found) if found else ""

    @property
    def supertypes(self) -> frozenset[str]:
        """Itself, its superclasses and every interface of any of them."""
        return frozenset(map(java_name, self._code.program.supertypes(self._kind)))

    @property
    def abstract(self) -> bool:
        """Whether it is abstract or an interface."""
        return bool(self._code.program.flags(self._kind) & ABSTRACT)

    @property
    def origin(self) -> str:
        """First-party, the third-party component, or '' where that cannot be told."""
        return self._code.origins.of(self.name)

    @property
    def is_first_party(self) -> bool:
        """Whether it is the app's own code, or may be."""
        return self.origin in (FIRST_PARTY, "")

    @cached_property
    def at(self) -> Location:
        """The file it is defined in."""
        found = self._code.program.definition(self._kind)
        path = self._code.program.files[found[0]].dex.path if found else ""
        return Location(path, element=self.name, source=self._code.source(self._kind))

    def methods(self, name: str = "") -> tuple[AppMethod, ...]:
        """The methods with code that it declares, of a name where one is given."""
        declared = self._code.program.declared(self._kind, name.encode())
        return tuple(AppMethod(self._code, each) for each in sorted(declared))

    def constant(self, field: str) -> Value | None:
        """What a static field begins with; None where the class states no such value."""
        found = self._code.program.definition(self._kind)
        if found is None:
            return None
        dex = self._code.program.files[found[0]].dex
        for index, value in encoded.static_values(dex, found[1]).items():
            if dex.field(index)[1] == field.encode():
                return first_value(dex, value)
        return None

    @property
    def constants(self) -> tuple[tuple[str, Value], ...]:
        """The static fields for which the class states what they begin with, and that."""
        found = self._code.program.definition(self._kind)
        if found is None:
            return ()
        dex = self._code.program.files[found[0]].dex
        stated = encoded.static_values(dex, found[1])
        return tuple(
            (from_mutf8(dex.field(index)[1]), first_value(dex, value))
            for index, value in sorted(stated.items())
        )

    def held(self, field: str) -> AppArgument | None:
        """Every value that a static field may hold; None where the class has no such field."""
        program = self._code.program
        for name, kind in program.static_fields(self._kind):
            if name == field.encode():
                found = self._code.values.field((self._kind, name, kind), static=True)
                return AppArgument(self._code, found)
        return None
