"""The arm64 code of a whole app: implements `MachineCode` over the programs of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from gate.app.location import Location
from gate.app.machine import Import, Message
from gate.arm64.function import Call, Function
from gate.arm64.program import Program
from gate.arm64.swift import readable
from gate.formats.errors import Malformed

Fault = Callable[[str, str], None]


class ProgramCode:
    """One program's answers; `fault` is told what could not be examined."""

    def __init__(self, program: Program, fault: Fault) -> None:
        self.program = program
        self._fault = fault
        self._functions: dict[int, Function] = {}

    def function(self, begin: int) -> Function:
        """The function that begins at a place."""
        if begin not in self._functions:
            self._functions[begin] = Function(self.program, begin, self.function)
        return self._functions[begin]

    def holding(self, places: Iterable[int]) -> Iterator[tuple[Function, int]]:
        """Each place with the function that it lies in; one that cannot be read is a fault."""
        for place in places:
            begin = self.program.begin_of(place)
            if begin is None:
                continue
            function = self.function(begin)
            try:
                _ = function.body
            except Malformed as reason:
                self._fault(self.program.owner.path, f"{function.name}: {reason}")
                continue
            yield function, place

    def calls(self, names: Sequence[str]) -> Iterator[Call]:
        """The calls of imports: by their stubs, and by a register that holds their address."""
        program = self.program
        direct = program.branches_to(program.stubs_of(names))
        found = {place: function.call_at(place) for function, place in self.holding(direct)}
        slots = [slot for name in names for slot in program.slots.get(name, ())]
        for function in {f.address: f for f, _ in self.holding(program.uses_of(slots))}.values():
            for call in function.calls:
                place = function.address + 4 * call.index
                if place not in found and call.name in names and not call.is_message:
                    found[place] = call
        for place in sorted(found):
            yield found[place]

    def sends(self, message: Message) -> Iterator[Call]:
        """The messages of a `Message`."""
        program, wanted = self.program, frozenset(message.selectors)
        stubs = [stub for stub, name in program.selector_stubs.items() if name in wanted]
        slots = [slot for slot, name in program.selectors.items() if name in wanted]
        found = {
            place: function.call_at(place)
            for function, place in self.holding(program.branches_to(stubs))
        }
        for function in {f.address: f for f, _ in self.holding(program.uses_of(slots))}.values():
            for call in function.calls:
                place = function.address + 4 * call.index
                if place not in found and call.is_message and call.selectors & wanted:
                    found[place] = call
        for place in sorted(found):
            if not message.owner or self._may_receive(found[place], message.owner):
                yield found[place]

    def _may_receive(self, call: Call, owner: str) -> bool:
        """Whether an object of a class, or the class, may be what a message is sent to."""
        receiver = call.receiver
        if not receiver.values or len(receiver.classes) < len(receiver.values):
            return True
        parents = self.program.objc.parents
        for name in receiver.classes:
            seen: set[str] = set()
            while name and name not in seen:
                if name == owner:
                    return True
                seen.add(name)
                name = parents.get(name, "")
        return False

    def places_of(self, slots: Iterable[int]) -> Iterator[tuple[Function, Location]]:
        """The instructions that form one of these addresses."""
        for function, place in self.holding(self.program.uses_of(slots)):
            yield function, function.location((place - function.address) // 4)


class Class:
    """Implements `ObjcClass`."""

    def __init__(self, code: ProgramCode, number: int) -> None:
        self._code = code
        self._number = number

    @cached_property
    def name(self) -> str:
        """As `ObjcClass` says."""
        return readable(self._code.program.objc.owner_name(self._number))

    @property
    def parent(self) -> str:
        """As `ObjcClass` says."""
        objc = self._code.program.objc
        if self._number >= len(objc.class_places):
            return objc.parents.get(objc.owner_name(self._number), "")
        return readable(objc.parent_name(int(objc.class_places[self._number])))

    @property
    def program(self) -> str:
        """As `ObjcClass` says."""
        return self._code.program.owner.path

    @cached_property
    def methods(self) -> tuple[Function, ...]:
        """As `ObjcClass` says."""
        methods = self._code.program.objc.methods_of(self._number)
        return tuple(function for function, _ in self._code.holding(m.place for m in methods))


class AppMachineCode:
    """Implements `MachineCode`."""

    def __init__(self, programs: Sequence[Program], fault: Fault) -> None:
        self._programs = tuple(ProgramCode(each, fault) for each in programs)

    @property
    def programs(self) -> tuple[str, ...]:
        """As `MachineCode` says."""
        return tuple(sorted({each.program.owner.path for each in self._programs}))

    @cached_property
    def imports(self) -> frozenset[str]:
        """As `MachineCode` says."""
        found: set[str] = set()
        for each in self._programs:
            found.update(each.program.pointers.numbers, each.program.stubs.values())
        return frozenset(found)

    def calls(self, *wanted: Import) -> Iterator[Call]:
        """As `MachineCode` says."""
        names = tuple(dict.fromkeys(name for each in wanted for name in each.names))
        for program in self._programs:
            yield from program.calls(names)

    def sends(self, *wanted: Message) -> Iterator[Call]:
        """As `MachineCode` says."""
        for program in self._programs:
            found = {
                (call.function.address, call.index): call
                for each in wanted
                for call in program.sends(each)
            }
            for key in sorted(found):
                yield found[key]

    def symbol_uses(self, *names: str) -> Iterator[tuple[Function, Location]]:
        """As `MachineCode` says."""
        for each in self._programs:
            slots = [slot for name in names for slot in each.program.slots.get(name, ())]
            yield from each.places_of(slots)

    def class_uses(self, *names: str) -> Iterator[tuple[Function, Location]]:
        """As `MachineCode` says."""
        for each in self._programs:
            yield from each.places_of(p for name in names for p in each.program.class_places(name))

    def texts(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        """As `MachineCode` says."""
        found = {text for each in self._programs for text in each.program.texts.wanted(wanted)}
        yield from sorted(found)

    def text_uses(self, *texts: str) -> Iterator[tuple[Function, Location]]:
        """As `MachineCode` says."""
        for each in self._programs:
            places = [place for text in texts for place in each.program.texts.places(text)]
            yield from each.places_of(places)

    def implementations(self, *selectors: str) -> Iterator[Function]:
        """As `MachineCode` says."""
        for each in self._programs:
            methods = [m for name in selectors for m in each.program.objc.implementing(name)]
            for function, _ in each.holding(sorted({method.place for method in methods})):
                yield function

    def classes(self) -> Iterator[Class]:
        """As `MachineCode` says."""
        for each in self._programs:
            for number in each.program.objc.owners:
                yield Class(each, number)
