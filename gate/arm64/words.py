"""What a value of the engine is called in the words of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.app.code import ClassName, Instance, Number, Parameter, Returned, Text, Unknown
from gate.app.machine import (
    Data,
    FunctionName,
    Global,
    Real,
    Selector,
    StackPlace,
    Symbol,
    Value,
    Values,
)
from gate.arm64.objc import CLASS
from gate.arm64.swift import readable
from gate.arm64.values import (
    ADDRESS,
    IMPORT,
    PARAMETER,
    Held,
    Holds,
)

if TYPE_CHECKING:
    from gate.arm64.function import Function
    from gate.arm64.program import Program

MAX_CALLERS: Final = (32, 8)  # that are asked what a parameter may be, and theirs
_MAX_CHAIN: Final = 8  # of messages to what a message returns
_BLOCKS: Final = ("_NSConcreteStackBlock", "_NSConcreteGlobalBlock", "_NSConcreteMallocBlock")
INVOKE: Final = 16  # clang's Block-ABI-Apple.rst: offset of the function's pointer
_CREATE: Final = ("objc_alloc", "objc_alloc_init", "objc_opt_new", "objc_allocWithZone")
_CREATING: Final = ("alloc", "new", "allocWithZone:")
_SAME: Final = ("self", "retain", "autorelease", "class")
_BOXED: Final = "__objc_intobj"


def values_of(function: Function, held: Holds, index: int, level: int = 0) -> Values:
    """The words for what is held at an index of a function, parameters by its callers."""
    found: set[Value] = set()
    for each in held:
        if each[0] == PARAMETER and (callers := _by_callers(function, each, level)) is not None:
            found |= callers
        else:
            found.add(word_of(function, each, index))
    return Values(tuple(sorted(found, key=repr)))


def _by_callers(function: Function, held: Held, level: int) -> set[Value] | None:
    """What the callers give for a parameter; None where nobody calls it directly."""
    number = int(held[1])
    sites = function.caller_sites() if number < 8 and level < len(MAX_CALLERS) else []
    if not sites or len(sites) > MAX_CALLERS[level]:
        return None
    found: set[Value] = set()
    if function.entered_otherwise:
        found.add(word_of(function, held, 0))
    for caller, index in sites:
        given = caller.values.at(number, index)
        found |= set(values_of(caller, given, index, level + 1).values)
    return found


def word_of(function: Function, held: Held, index: int, chain: int = 0) -> Value:
    """The word for one value; `chain` counts the messages that it came through."""
    kind, content = held
    match kind:
        case "number":
            return Number(int(content))
        case "real":
            return Real(float(content))
        case "selector":
            return Selector(str(content))
        case "import":
            return imported_word(str(content))
        case "address":
            return address_word(function.program_, int(content))
        case "content":
            return Global(function.program_.label(int(content)))
        case "stack":
            return _stack_word(function, int(content), index)
        case "parameter":
            return _parameter_word(function, int(content))
        case "real parameter":
            return Unknown(f"it is a floating-point parameter of {function.name}")
        case "result":
            return _result_word(function, int(content), chain)
    return Unknown(str(content))


def imported_word(name: str) -> Value:
    """A class of another library, or a variable or function."""
    return ClassName(name.removeprefix(CLASS)) if name.startswith(CLASS) else Symbol(name)


def address_word(program: Program, place: int) -> Value:
    """What lies at a place of the image."""
    text = program.texts.literal(place)
    text = program.texts.at(place) if text is None else text
    if text is not None:
        return Text(text)
    if place in program.objc.classes:
        return ClassName(readable(program.objc.class_name(place)))
    if program.section_of(place) is not None:
        return FunctionName(program.name_of(place))
    if program.pointers.at(place) in _BLOCKS:
        invoke = program.pointers.at(place + INVOKE)
        if isinstance(invoke, int):
            return FunctionName(program.name_of(invoke))
    section = program.image.section_at(place)
    if section is not None and section.name == _BOXED:
        return Number(program.image.number(place + 16, 8) or 0)
    if section is not None and section.name == "__objc_methname":
        return Selector(program.objc.text(place))
    stub = program.stubs.get(place)
    if stub:
        return Symbol(stub)
    name = program.label(place)
    return Global(name) if section is None else Data(name, program.image.begin(section, place))


def invoked(program: Program, place: int) -> int | None:
    """Where the function begins that an address is, or that a block at it runs."""
    if program.section_of(place) is not None:
        return place if program.begin_of(place) == place else None
    if program.pointers.at(place) in _BLOCKS:
        found = program.pointers.at(place + INVOKE)
        return found if isinstance(found, int) else None
    return None


def _stack_word(function: Function, place: int, index: int) -> Value:
    isa = function.values.on_stack(place, index)
    if any(kind == IMPORT and content in _BLOCKS for kind, content in isa):
        for kind, content in function.values.on_stack(place + INVOKE, index):
            if kind == ADDRESS:
                return FunctionName(function.program_.name_of(int(content)))
    return StackPlace(place)


def _parameter_word(function: Function, number: int) -> Value:
    method = function.method
    if method is None:
        return Parameter(function.name, number)
    if number == 0:
        owner = readable(method.owner)
        return ClassName(owner) if method.of_class else Instance(owner, "self")
    return Selector(method.selector) if number == 1 else Parameter(function.name, number - 2)


def _result_word(function: Function, index: int, chain: int) -> Value:
    if chain >= _MAX_CHAIN:
        return Unknown("it comes through too many messages")
    name, selector, receiver = function.called(index)
    if name in _CREATE or name == "objc_opt_class":
        made = {word_of(function, each, index, chain + 1) for each in function.values.at(0, index)}
        (first, *others) = made or {Unknown("")}
        if not others and isinstance(first, ClassName):
            return first if name == "objc_opt_class" else Instance(first.name, function.name)
    if not selector:
        return Returned("", name or function.target_name(index))
    words = {word_of(function, each, index, chain + 1) for each in receiver}
    first = next(iter(words)) if len(words) == 1 else Unknown("")
    if isinstance(first, ClassName) and (selector in _CREATING or selector.startswith("init")):
        return Instance(first.name, function.name)
    if isinstance(first, Instance) and (selector.startswith("init") or selector in _SAME):
        return first
    if isinstance(first, ClassName) and selector in _SAME:
        return first
    owner = first.name if isinstance(first, ClassName) else ""
    return Returned(owner or (first.type if isinstance(first, Instance) else ""), selector)
