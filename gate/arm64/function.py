"""One function of an image, and the calls in it, as checks ask about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from typing import Final

from gate.app.code import FIRST_PARTY, ClassName
from gate.app.location import Location
from gate.app.machine import CONSTANT, Mentions, Selector, Symbol, Text, Value, Values
from gate.arm64 import listing
from gate.arm64.body import FRAME, Body
from gate.arm64.decode import SP, VECTOR, Op
from gate.arm64.objc import Method
from gate.arm64.program import Program
from gate.arm64.swift import readable
from gate.arm64.values import ADDRESS, IMPORT, PASSES, SELECTOR, STACK, Holds, open_end
from gate.arm64.values import Values as Evaluation
from gate.arm64.words import INVOKE, address_word, imported_word, invoked, values_of

SENDS: Final = ("objc_msgSend", "objc_msgSendSuper2", "objc_msgSendSuper")
_SUPER: Final = SENDS[1:]
_REGISTERS: Final = 8
_REFERENCES: Final = ("__objc_selrefs", "__objc_classrefs", "__objc_superrefs", "__got")
_STORES: Final = 1000  # of a function that are asked what they write


class Function:
    """Implements `MachineFunction`; `find` gives the function that begins at a place."""

    def __init__(self, program: Program, begin: int, find: Callable[[int], Function]) -> None:
        self.program_ = program
        self.address = begin
        self._find = find

    @cached_property
    def method(self) -> Method | None:
        """The method that it is, if it is one."""
        return self.program_.objc.method_at(self.address)

    @cached_property
    def name(self) -> str:
        """As `MachineFunction` says."""
        return self.program_.name_of(self.address)

    @property
    def program(self) -> str:
        """As `MachineFunction` says."""
        return self.program_.owner.path

    @property
    def architecture(self) -> str:
        """As `MachineFunction` says."""
        return self.program_.owner.architecture

    @property
    def owner(self) -> str:
        """As `MachineFunction` says."""
        return readable(self.method.owner) if self.method else ""

    @property
    def selector(self) -> str:
        """As `MachineFunction` says."""
        return self.method.selector if self.method else ""

    @property
    def origin(self) -> str:
        """As `MachineFunction` says."""
        return self.program_.owner.origin

    @property
    def is_first_party(self) -> bool:
        """As `MachineFunction` says."""
        return self.origin in (FIRST_PARTY, "")

    @property
    def at(self) -> Location:
        """As `MachineFunction` says."""
        return self.location(0)

    @property
    def body(self) -> Body:
        """Its instructions."""
        return self.program_.body(self.address)[0]

    @property
    def values(self) -> Evaluation:
        """What its registers hold."""
        return self.program_.body(self.address)[1]

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """As `MachineFunction` says."""
        return tuple(Call(self, index) for index in self.body.calls)

    def call_at(self, place: int) -> Call:
        """The call at a place of the image."""
        return Call(self, (place - self.address) // 4)

    @cached_property
    def mentions(self) -> Mentions:
        """As `MachineFunction` says."""
        found: dict[type, set[str]] = {
            Symbol: set(),
            Selector: set(),
            ClassName: set(),
            Text: set(),
        }
        for word in self._words():
            match word:
                case Text(text):
                    found[Text].add(text)
                case Symbol(name) | Selector(name) | ClassName(name):
                    found[type(word)].add(name)
        for index in self.body.calls:
            target = self.body.target(index)
            if name := self.program_.callee(self.body, index):
                found[Symbol].add(name)
            elif self.body.code[index].op in (Op.CALL, Op.JUMP):
                found[Selector] |= {self.program_.selector_stubs.get(target, "")} - {""}
        return Mentions(*(frozenset(each) for each in found.values()))

    def _words(self) -> Iterator[object]:
        """What is at the addresses that the code forms, or behind them where it loads."""
        for use, target in self.program_.formed_in(self.address):
            each = self.body.code[(use - self.address) // 4]
            section = self.program_.image.section_at(target)
            # Old compilers form the address of a reference and load from it later.
            referred = section is not None and section.name in _REFERENCES
            if each.op is not Op.LOAD and not referred:
                yield address_word(self.program_, target)
                continue
            for kind, content in self.program_.load(target, 8 if referred else each.size):
                if kind == ADDRESS:
                    yield address_word(self.program_, int(content))
                elif kind == SELECTOR:
                    yield Selector(str(content))
                elif kind == IMPORT:
                    yield imported_word(str(content))

    @cached_property
    def blocks(self) -> tuple[Function, ...]:
        """As `MachineFunction` says."""
        formed = self.program_.formed_in(self.address)
        begins = (invoked(self.program_, target) for _, target in formed)
        return tuple(self._find(begin) for begin in dict.fromkeys(begins) if begin is not None)

    @cached_property
    def written(self) -> Values:
        """As `MachineFunction` says, of the first `_STORES` writes."""
        outside = (
            (index, each)
            for index, each in enumerate(self.body.code)
            if each.op is Op.STORE and each.first not in (SP, FRAME)
        )
        found: set[Value] = set()
        for index, each in islice(outside, _STORES):
            for register in (each.to, *((each.second,) if each.second >= 0 else ())):
                held = self.values.at(register, index)
                found |= set(values_of(self, held, index).values)
        constants = [value for value in found if isinstance(value, CONSTANT)]
        return Values(tuple(sorted(constants, key=repr)))

    @cached_property
    def returned(self) -> Values:
        """As `MachineFunction` says: by its returns, and by the jumps that end it."""
        held: set[object] = set()
        for index in self.body.returns:
            held |= set(values_of(self, self.values.at(0, index), index).values)
        for index in self.body.calls:
            if self.body.code[index].op in (Op.JUMP, Op.JUMP_REGISTER):
                # Code under ARC ends with a jump to a function that gives back what it gets.
                passes = self.program_.callee(self.body, index) in PASSES
                given = self.values.at(0, index) if passes else frozenset((("result", index),))
                held |= set(values_of(self, given, index).values)
        return Values(tuple(sorted(held, key=repr)))  # type: ignore[arg-type]

    def callers(self) -> Iterator[Call]:
        """As `MachineFunction` says."""
        for caller, index in self.caller_sites():
            yield Call(caller, index)

    def caller_sites(self) -> list[tuple[Function, int]]:
        """The functions that branch to it, with the index of the branch."""
        return self._sites

    @cached_property
    def _sites(self) -> list[tuple[Function, int]]:
        found = []
        for place in self.program_.callers_of(self.address):
            begin = self.program_.begin_of(place)
            if begin is not None and begin != self.address:
                found.append((self._find(begin), (place - begin) // 4))
        return found

    @cached_property
    def entered_otherwise(self) -> bool:
        """Whether it may be called other than by the branches to it: as method, or by address."""
        rows = self.program_.addresses.of(self.address, self.address + 1)
        library = self.program_.image.file_type != 2  # what MH_EXECUTE exports nobody calls
        exported = library and bool(self.program_.symbols.at(self.address))
        return self.method is not None or rows.stop > rows.start or exported

    def called(self, index: int) -> tuple[str, str, Holds]:
        """Of a call the import, or of a message its selector and its receiver."""
        name = self.program_.callee(self.body, index) or self._held(index)
        selector = self.program_.selector_stubs.get(self.body.target(index), "")
        if name in SENDS:
            held = self.values.at(1, index)
            known = [str(content) for kind, content in held if kind == SELECTOR]
            selector = known[0] if len(held) == len(known) == 1 else "?"
        if not selector:
            return name, "", frozenset()
        return name, selector, self.values.at(0, index)

    def _held(self, index: int) -> str:
        """The import whose address the register holds that a call goes by, '' for another."""
        each = self.body.code[index]
        if each.op not in (Op.CALL_REGISTER, Op.JUMP_REGISTER):
            return ""
        held = self.values.at(each.first, index)
        names = [str(content) for kind, content in held if kind == IMPORT]
        return names[0] if len(held) == len(names) == 1 else ""

    def target_name(self, index: int) -> str:
        """The function of the program that a call names, '' where a register says it."""
        if self.body.code[index].op not in (Op.CALL, Op.JUMP):
            return ""
        return self.program_.name_of(self.body.target(index))

    def find(self, begin: int) -> Function:
        """The function of the same program that begins at a place."""
        return self._find(begin)

    def location(self, index: int) -> Location:
        """The place of an instruction, with the ones before it."""
        place = self.address + 4 * index
        image = self.program_.image
        return Location(
            path=self.program,
            element=self.name,
            offset=image.at + (image.offset(place) or 0),
            snippet=listing.around(self.body, index, self._label),
        )

    def _label(self, place: int) -> str:
        program = self.program_
        if name := program.stubs.get(place):
            return name
        if selector := program.selector_stubs.get(place):
            return f"objc_msgSend${selector}"
        return program.name_of(place) if program.section_of(place) else ""


class Call:
    """Implements `MachineCall`."""

    def __init__(self, function: Function, index: int) -> None:
        self.function = function
        self.index = index

    @cached_property
    def _named(self) -> tuple[str, str]:
        name, selector, _ = self.function.called(self.index)
        return name, selector

    @property
    def name(self) -> str:
        """As `MachineCall` says."""
        name, selector = self._named
        if selector:
            return "" if selector == "?" else selector
        return name or self.function.target_name(self.index)

    @property
    def is_message(self) -> bool:
        """As `MachineCall` says."""
        return bool(self._named[1])

    @cached_property
    def is_block(self) -> bool:
        """As `MachineCall` says: a jump to what a pointer in the first argument points to."""
        body, values = self.function.body, self.function.values
        each = body.code[self.index]
        if each.op not in (Op.CALL_REGISTER, Op.JUMP_REGISTER) or self._named != ("", ""):
            return False
        made = body.reaching(each.first, self.index)
        load = body.code[made[0]]
        if len(made) > 1 or made[0] < 0 or load.op is not Op.LOAD or load.constant != INVOKE:
            return False
        if load.first in (SP, FRAME) or load.second >= 0:
            return False
        return values.at(load.first, made[0]) == values.at(0, self.index)

    @property
    def is_super(self) -> bool:
        """As `MachineCall` says."""
        return self._named[0] in _SUPER

    @cached_property
    def selectors(self) -> frozenset[str]:
        """Every selector that the message may have, '?' among them where one is not known."""
        if self._named[0] not in SENDS:
            return frozenset((self._named[1],))
        held = self.function.values.at(1, self.index)
        return frozenset(str(content) if kind == SELECTOR else "?" for kind, content in held)

    @property
    def at(self) -> Location:
        """As `MachineCall` says."""
        return self.function.location(self.index)

    @property
    def receiver(self) -> Values:
        """As `MachineCall` says; super's receiver lies in the structure that x0 points to."""
        held = self.function.values.at(0, self.index)
        if self.is_super:
            places = [int(content) for kind, content in held if kind == "stack"]
            held = frozenset().union(
                *(self.function.values.on_stack(place, self.index) for place in places)
            )
        return values_of(self.function, held or open_end("it is not known"), self.index)

    def argument(self, index: int) -> Values:
        """As `MachineCall` says."""
        number = index + (2 if self.is_message else 1 if self.is_block else 0)
        if number < _REGISTERS:
            return self._register(number)
        return self._pushed(number - _REGISTERS)

    def real(self, index: int) -> Values:
        """As `MachineCall` says."""
        return self._register(VECTOR + index)

    def extra(self, index: int) -> Values:
        """As `MachineCall` says."""
        return self._pushed(index)

    def pointed(self, index: int, offset: int = 0) -> Values:
        """As `MachineCall` says."""
        number = index + (2 if self.is_message else 1 if self.is_block else 0)
        values = self.function.values
        held: Holds = values.at(number, self.index) if number < _REGISTERS else frozenset()
        places = [int(content) + offset for kind, content in held if kind == STACK]
        found = (values.on_stack(place, self.index) for place in places)
        return values_of(self.function, frozenset().union(*found), self.index)

    def _pushed(self, index: int) -> Values:
        body = self.function.body
        place = body.place(SP, 8 * index, self.index)
        if place is None:
            return values_of(self.function, open_end("the stack's size is not known"), self.index)
        return values_of(
            self.function, self.function.values.on_stack(place, self.index), self.index
        )

    def _register(self, number: int) -> Values:
        return values_of(self.function, self.function.values.at(number, self.index), self.index)

    def targets(self) -> tuple[Function, ...]:
        """As `MachineCall` says."""
        body, program = self.function.body, self.function.program_
        if self.is_message:
            classes = self._receiving()
            found = [m for each in sorted(self.selectors) for m in program.objc.implementing(each)]
            return tuple(
                self.function.find(method.place)
                for method in found
                if not classes or method.owner in classes
            )
        if body.code[self.index].op in (Op.CALL, Op.JUMP):
            target = body.target(self.index)
            if program.section_of(target) is not None and program.begin_of(target) == target:
                return (self.function.find(target),)
        return ()

    def _receiving(self) -> frozenset[str]:
        """The classes of the receiver and those above them, none where that is not known."""
        receiver = self.receiver
        if not receiver.classes or not receiver.complete or self.is_super:
            return frozenset()
        parents = self.function.program_.objc.parents
        found: set[str] = set()
        for name in receiver.classes:
            while name and name not in found:
                found.add(name)
                name = parents.get(name, "")
        below = {name for name in parents if _is_below(name, receiver.classes, parents)}
        return frozenset(found | below)


def _is_below(name: str, classes: tuple[str, ...], parents: dict[str, str]) -> bool:
    seen: set[str] = set()
    while name and name not in seen:
        if name in classes:
            return True
        seen.add(name)
        name = parents.get(name, "")
    return False
