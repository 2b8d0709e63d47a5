"""The arm64 code of an iOS app as checks ask about it: calls, messages, the values they are given.

Functions, classes and selectors are named as C and Objective-C write them: ``CCCrypt``,
``setAllowsArbitraryLoads:``, ``-[Login send:]``. Swift's names are as the linker has them
(``$s6Wallet5LoginC4sendyyF``), those of the app's own functions readable (``Wallet.Login.send``).
The engine answers; nothing here reads a byte.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from gate.app.code import FIRST_PARTY, ClassName, Instance, Number, Parameter, Returned, Text
from gate.app.code import Unknown as Unknown
from gate.app.location import Location
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Import:
    """Functions of the system or of another library, written at a module's top level.

    Names are C's, without the underscore that the linker puts before them: ``CCCrypt``.
    """

    names: tuple[str, ...]


def imported(names: str) -> Import:
    """An `Import` of names that are written with blanks between them."""
    return Import(tuple(names.split()))


@dataclass(frozen=True, slots=True)
class Message:
    """Messages of these selectors that a check asks about, written at a module's top level.

    `owner` is the class they are sent to, or an object of it; a message whose receiver is known to
    be of another class that is not below it is left out, one whose receiver is not known is not.
    Of the system's classes the engine knows no superclasses: name each, or none.
    """

    selectors: tuple[str, ...]
    owner: str = ""


def message(selectors: str, owner: str = "") -> Message:
    """A `Message` of selectors that are written with blanks between them."""
    return Message(tuple(selectors.split()), owner)


@dataclass(frozen=True, slots=True)
class Real:
    """A floating-point number."""

    number: float


@dataclass(frozen=True, slots=True)
class Selector:
    """An Objective-C selector."""

    name: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable or function of the system or another library, or what the variable holds.

    The constants of the frameworks are such variables: ``kSecAttrAccessibleAlways``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Global:
    """A variable of the program, or what it holds where that can change; `name` may be sub_<n>."""

    name: str


@dataclass(frozen=True, slots=True)
class Data:
    """The address of a variable that the file has bytes for, no text; `begin` are its first 64."""

    name: str
    begin: bytes


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function of the program, or a block that runs it."""

    name: str


@dataclass(frozen=True, slots=True)
class StackPlace:
    """The address of a variable of the function, by its distance from the frame's end in bytes."""

    offset: int


Value = (
    Number
    | Real
    | Text
    | Selector
    | ClassName
    | Symbol
    | Instance
    | Global
    | Data
    | FunctionName
    | StackPlace
    | Returned
    | Parameter
    | Unknown
)
CONSTANT = (Number, Real, Text, Selector, ClassName, Symbol, Instance, FunctionName)


@dataclass(frozen=True, slots=True)
class Values:
    """Every value that one argument may have, sorted.

    A `Number` is what the register holds, unsigned: -1 is 0xFFFFFFFF as an int and 2**64 - 1 as a
    long; nil, NO and NULL are 0. A `Text` is a C string or an NSString.
    """

    values: tuple[Value, ...]

    @property
    def complete(self) -> bool:
        """Whether every value is a constant, or an object that the app's code creates."""
        return bool(self.values) and all(isinstance(each, CONSTANT) for each in self.values)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The integers among the values."""
        return tuple(each.number for each in self.values if isinstance(each, Number))

    @property
    def texts(self) -> tuple[str, ...]:
        """The strings among the values."""
        return tuple(each.text for each in self.values if isinstance(each, Text))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the system's variables and functions among the values."""
        return tuple(each.name for each in self.values if isinstance(each, Symbol))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes among the values, and those of the objects among them."""
        named = [each.name for each in self.values if isinstance(each, ClassName)]
        return (*named, *(each.type for each in self.values if isinstance(each, Instance)))

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors among the values."""
        return tuple(each.name for each in self.values if isinstance(each, Selector))

    @property
    def why(self) -> str:
        """Why it is not complete; '' where it is."""
        open_ends = (each for each in self.values if not isinstance(each, CONSTANT))
        return next((_said(each) for each in open_ends), "" if self.values else "no value is known")


def _said(value: Value) -> str:
    match value:
        case Unknown(why):
            return why
        case Parameter(method, index):
            return f"it is parameter {index} of {method}"
        case Returned(owner, name):
            return f"it is what {f'{owner} ' if owner else ''}{name} returns"
        case Global(name) | Data(name):
            return f"it is what the variable {name} holds"
        case _:
            return "it lies in a variable of the function"


@dataclass(frozen=True, slots=True)
class Mentions:
    """What the code of a function names, each sorted."""

    imports: frozenset[str]
    selectors: frozenset[str]
    classes: frozenset[str]
    texts: frozenset[str]

    def __or__(self, other: "Mentions") -> "Mentions":
        return Mentions(
            self.imports | other.imports,
            self.selectors | other.selectors,
            self.classes | other.classes,
            self.texts | other.texts,
        )


class MachineCall(Protocol):
    """A call of a function, or a message, in the code."""

    @property
    def name(self) -> str:
        """The function's name, or the selector of a message; '' for one that is not known."""

    @property
    def is_message(self) -> bool:
        """Whether it is a message to an object or a class."""

    @property
    def is_super(self) -> bool:
        """Whether it is a message to super."""

    @property
    def is_block(self) -> bool:
        """Whether it runs a block that the function holds, as a completion handler is run."""

    @property
    def function(self) -> "MachineFunction":
        """The function that it stands in."""

    @property
    def at(self) -> Location:
        """Where it is, with the instructions before it."""

    @property
    def receiver(self) -> Values:
        """The object or class that a message is sent to, for super self; the block that is run."""

    def argument(self, index: int) -> Values:
        """What an argument may be: integers, pointers and objects, counted from 0 among those.

        Those of a message are counted without receiver and selector, as the colons of the selector
        are, those of a block without the block. Of a call with ``...`` the ones behind the named
        ones are `extra`. How many there are nobody knows: a register that the call does not take
        has values too.
        """

    def real(self, index: int) -> Values:
        """What a floating-point argument may be, counted from 0 among those."""

    def pointed(self, index: int, offset: int = 0) -> Values:
        """What lies `offset` bytes behind where an argument points to, in the function's frame.

        None where the argument points elsewhere.
        """

    def extra(self, index: int) -> Values:
        """What an argument in the place of ``...`` may be, counted from 0 (arm64: on the stack)."""

    def targets(self) -> "tuple[MachineFunction, ...]":
        """The functions of the same program that it may run; methods of the selector for a message.

        A message whose receiver's class is not known may run every method of that selector.
        """


class MachineFunction(Protocol):
    """A function, method or block of the app."""

    @property
    def name(self) -> str:
        """``-[Login send:]``, ``+[Login shared]``, a symbol's name, else ``sub_<address>``."""

    @property
    def address(self) -> int:
        """Where it begins, from the image's base, in bytes."""

    @property
    def program(self) -> str:
        """The path of its Mach-O file in the build."""

    @property
    def architecture(self) -> str:
        """``arm64`` or ``arm64e``."""

    @property
    def owner(self) -> str:
        """The class of a method, '' for any other."""

    @property
    def selector(self) -> str:
        """The selector of a method, '' for any other."""

    @property
    def origin(self) -> str:
        """First-party, or the framework that it lies in."""

    @property
    def is_first_party(self) -> bool:
        """Whether it is the app's own program's, or an extension's."""

    @property
    def at(self) -> Location:
        """Where it begins."""

    @property
    def calls(self) -> tuple[MachineCall, ...]:
        """Every call and message in it, in the order of the code."""

    @property
    def mentions(self) -> Mentions:
        """What its code names, without the blocks in it."""

    @property
    def blocks(self) -> "tuple[MachineFunction, ...]":
        """The functions whose address it takes: the blocks it makes and the functions it passes."""

    @property
    def written(self) -> Values:
        """What it writes to memory that is not its own frame, constants only."""

    @property
    def returned(self) -> Values:
        """Every value that it may return."""

    def callers(self) -> Iterator[MachineCall]:
        """The calls in the same program that name it; a message to its selector is none."""


class ObjcClass(Protocol):
    """An Objective-C class of the app, or a category of any class."""

    @property
    def name(self) -> str:
        """Its name; a Swift class's is mangled."""

    @property
    def parent(self) -> str:
        """Its superclass, '' where that is not known."""

    @property
    def program(self) -> str:
        """The path of its Mach-O file in the build."""

    @property
    def methods(self) -> tuple[MachineFunction, ...]:
        """Its methods with code, those of the class itself among them."""


class MachineCode(Protocol):
    """The arm64 code of every Mach-O file of the app that a device loads."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The paths of the files whose code was read, sorted."""

    @property
    def imports(self) -> frozenset[str]:
        """The names of every function and variable that some program takes from elsewhere."""

    def calls(self, *wanted: Import) -> Iterator[MachineCall]:
        """The calls of imported functions, by place; each once."""

    def sends(self, *wanted: Message) -> Iterator[MachineCall]:
        """The messages of these selectors, by place; each once."""

    def symbol_uses(self, *names: str) -> Iterator[tuple[MachineFunction, Location]]:
        """The places in the code that name an imported variable or function, without its calls."""

    def class_uses(self, *names: str) -> Iterator[tuple[MachineFunction, Location]]:
        """The places in the code that name a class."""

    def texts(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        """The C strings and NSStrings of the programs that are wanted, sorted, each once."""

    def text_uses(self, *texts: str) -> Iterator[tuple[MachineFunction, Location]]:
        """The places in the code that name one of these strings."""

    def implementations(self, *selectors: str) -> Iterator[MachineFunction]:
        """The methods of these selectors that the app's classes and categories have."""

    def classes(self) -> Iterator[ObjcClass]:
        """Every class with its methods, categories under the class's name, by program."""


def stable_name(function: MachineFunction) -> str:
    """How a finding's subject names a function: its program's path where it has no name."""
    return function.program if function.name.startswith("sub_") else function.name


__all__ = [
    "CONSTANT",
    "FIRST_PARTY",
    "ClassName",
    "Data",
    "FunctionName",
    "Global",
    "Import",
    "Instance",
    "MachineCall",
    "MachineCode",
    "MachineFunction",
    "Mentions",
    "Message",
    "Number",
    "ObjcClass",
    "Parameter",
    "Real",
    "Returned",
    "Selector",
    "StackPlace",
    "Symbol",
    "Text",
    "Unknown",
    "Value",
    "Values",
    "imported",
    "message",
    "stable_name",
]
