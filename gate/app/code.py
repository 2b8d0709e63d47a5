"""The code of an Android app as checks ask about it: calls, the values they are given, classes.

Names are as Java writes them: ``javax.crypto.Cipher``, ``com.example.Login.send``. The bytecode
engine answers; nothing here reads a byte.
"""

from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from gate.app.location import Location
from gate.frozen import dataclass

FIRST_PARTY = "first-party"


@dataclass(frozen=True, slots=True)
class Api:
    """Methods of one class or interface that a check asks about, written at a module's top level.

    `names` are method names, ``<init>`` for constructors. Calls through subclasses count, those of
    the app among them. `parameters` chooses an overload by its parameter types in Java's spelling
    (``("java.lang.String", "int")``); without it every overload counts.
    """

    owner: str
    names: tuple[str, ...]
    parameters: tuple[str, ...] | None = None


def api(owner: str, names: str, parameters: str | None = None) -> Api:
    """An `Api` of names and parameter types that are written with blanks between them."""
    chosen = None if parameters is None else tuple(parameters.split())
    return Api(owner, tuple(names.split()), chosen)


@dataclass(frozen=True, slots=True)
class Number:
    """An integer: int, long, char or boolean. Null is the number 0."""

    number: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True, slots=True)
class Bytes:
    """A byte or char array whose content is known, from a literal or a text."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """A string of several parts, of which at least one is not known."""

    parts: tuple["Value", ...]

    @property
    def begin(self) -> str:
        """The known text it begins with."""
        return self.parts[0].text if isinstance(self.parts[0], Text) else ""


@dataclass(frozen=True, slots=True)
class ClassName:
    """A class literal."""

    name: str


@dataclass(frozen=True, slots=True)
class Instance:
    """An object that the app's code creates: its class, and where (class.method and number)."""

    type: str
    made_in: str = ""


@dataclass(frozen=True, slots=True)
class Array:
    """An array that the app's code creates.

    `items` are the values put into it, None where that cannot be told; `size` None likewise.
    `given_to` are the methods that got it and may have filled it, as ``class.method``.
    """

    type: str
    items: tuple["Value", ...] | None
    size: int | None = None
    given_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldRead:
    """What a field holds, where the field is not the app's or its content cannot be told."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a method that is not the app's returns."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a method is called with from outside of the app's code; `index` counts from 0."""

    method: str
    index: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the analysis cannot tell, and why."""

    why: str


Value = (
    Number
    | Text
    | Bytes
    | Joined
    | ClassName
    | Instance
    | Array
    | FieldRead
    | Returned
    | Parameter
    | Unknown
)
CONSTANT = (Number, Text, Bytes, ClassName, Instance)


class Argument(Protocol):
    """Every value that one argument may have."""

    @property
    def values(self) -> tuple[Value, ...]:
        """The values, sorted."""

    @property
    def complete(self) -> bool:
        """Whether every value is a constant or an object that the app's code creates."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The integers among the values."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The strings among the values that are wholly known."""

    @property
    def why(self) -> str:
        """Why it is not complete; '' where it is."""

    def steps(self, value: Value) -> tuple[Location, ...]:
        """The places a value came through on its way here, the first one first."""

    def rests_on(self, value: Value, *owners_and_names: tuple[str, str]) -> bool:
        """Whether a value comes from one of these fields or calls, or was chosen by one.

        ``BuildConfig.DEBUG ? 1 : 0`` rests on that field; owners as in `Call.guarded_by`.
        """

    def made_by(self, value: Value) -> "Call | None":
        """The call that returned a `Returned`, or the constructor call of an `Instance`.

        Of several calls of one method that the value may come from it is one; None where it cannot
        be told.
        """


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom an intent is for: the classes, actions and packages it names, "" where not constant.

    `known` says that every intent which may come to the place was followed to where it is made,
    `explicit` that each of them names a class or a package.
    """

    classes: frozenset[str]
    actions: frozenset[str]
    packages: frozenset[str]
    known: bool
    explicit: bool


class Flow(Protocol):
    """A value that gets to a call of the platform or a library."""

    @property
    def call(self) -> "Call":
        """The call it gets to."""

    @property
    def argument(self) -> int:
        """The parameter it comes in by, counted from 0; -1 for the receiver."""

    @property
    def steps(self) -> tuple[Location, ...]:
        """The places that it came through, between its source and the call."""


class Call(Protocol):
    """One call that the app's code makes, named as the code names it; equal to itself only."""

    @property
    def owner(self) -> str:
        """The class that the call names: the API's own, or one below it."""

    @property
    def name(self) -> str:
        """The method's name."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The types of the method's parameters."""

    @property
    def method(self) -> "MethodCode":
        """The method that the call stands in."""

    @property
    def at(self) -> Location:
        """Where it is, with the instructions around it."""

    def argument(self, index: int) -> Argument:
        """What the parameter of an index, counted from 0 without the receiver, may be."""

    def literals(self, index: int) -> tuple[str, ...]:
        """The texts that the method or its direct callers write into an argument, sorted.

        Far cheaper than `argument`, for questions about what calls so general as `Map.put` name.
        """

    def names(self, index: int) -> tuple[str, ...]:
        """The names under which the method knows an argument, -1 for the receiver, sorted.

        Those of the fields, getters, keys, views and resources that the value is read from.
        """

    def aim(self, index: int) -> Aim:
        """Whom the intent that the call is given in a parameter is for."""

    @property
    def receiver(self) -> Argument:
        """The object the method is called on."""

    @property
    def result_used(self) -> bool:
        """Whether the code takes what the call returns."""

    def on_receiver(self) -> "Iterator[Call]":
        """The other calls, in the same method, on the object that this one is made on."""

    def on_result(self) -> "Iterator[Call]":
        """The calls, in the same method, on the object that this one returns."""

    def on_built(self) -> "Iterator[Call]":
        """The calls, in the same method, on the object that this one returns or constructs.

        What a method of the object's own class returns is taken for the object, so that a
        builder's whole chain comes out.
        """

    def flows(self) -> Iterator[Flow]:
        """Where the value goes that the call returns, or the object that a constructor makes."""

    def passes(self) -> Iterator[Flow]:
        """Where that object itself goes, without what libraries read from it or make of it.

        Far cheaper than `flows`, for questions about the calls that an object gets.
        """

    def guarded_by(self, *owners_and_names: tuple[str, str]) -> bool:
        """Whether a branch that decides about the call depends on one of these fields or calls.

        An owner may be the end of a class name: ``BuildConfig`` is that of any package. What the
        app's own methods return and fields hold is followed.
        """

    def decides(self, other: "Call") -> bool:
        """Whether a branch on what this call returns decides about another of its method."""

    def decided_by(self, parameter: int) -> bool:
        """Whether a branch that decides about the call depends on a parameter of its method."""

    def targets(self) -> "Iterator[MethodCode]":
        """The methods of the app that it may run."""

    def lets_out(self, exception: str) -> bool:
        """Whether an exception of this class that it throws may leave its method."""

    def forgiven(self, exception: str, *others: "Call") -> bool:
        """Whether the method can still end normally after it has thrown such an exception.

        Not where one of the `others` has to return first.
        """


class MethodCode(Protocol):
    """A method of the app that has code."""

    @property
    def name(self) -> str:
        """Class and method: ``com.example.Login.send``."""

    @property
    def owner(self) -> str:
        """The class."""

    @property
    def short_name(self) -> str:
        """The method's own name."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The types of its parameters."""

    @property
    def origin(self) -> str:
        """First-party, the third-party component, or '' where that cannot be told."""

    @property
    def is_first_party(self) -> bool:
        """Whether it is the app's own code, or may be."""

    @property
    def at(self) -> Location:
        """Where it begins."""

    @property
    def reachable(self) -> bool:
        """Whether a component that the manifest declares leads to it."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call in it, in the order of the code."""

    @property
    def throws(self) -> bool:
        """Whether it throws an exception of its own that it does not catch itself."""

    @property
    def thrown(self) -> tuple[str, ...]:
        """The classes of exceptions that it throws itself and lets out, '' for one not known."""

    @property
    def returned(self) -> Argument:
        """Every value it may return."""

    @property
    def branches(self) -> int:
        """How many branches it has."""

    @property
    def returns(self) -> bool:
        """Whether it can end without an exception."""

    def returns_without(self, *calls: Call) -> bool:
        """Whether it can end without an exception although none of these calls returned."""

    def reads(self) -> tuple[tuple[str, str], ...]:
        """Owner and name of every field it reads."""

    def writes(self) -> "Iterator[tuple[str, str, Argument]]":
        """Owner and name of every field it writes, in the order of the code, and what it writes."""

    def flows(self, index: int) -> Iterator[Flow]:
        """Where the value of a parameter goes, counted from 0 without the receiver."""

    def callers(self) -> "Iterator[Call]":
        """The calls in the app's code that may run it."""


class Class(Protocol):
    """A class of the app."""

    @property
    def name(self) -> str:
        """Its name with its package."""

    @property
    def parent(self) -> str:
        """Its superclass, '' where it names none."""

    @property
    def supertypes(self) -> frozenset[str]:
        """Itself, its superclasses and every interface of any of them."""

    @property
    def abstract(self) -> bool:
        """Whether it is abstract or an interface."""

    @property
    def origin(self) -> str:
        """First-party, the third-party component, or '' where that cannot be told."""

    @property
    def is_first_party(self) -> bool:
        """Whether it is the app's own code, or may be."""

    @property
    def at(self) -> Location:
        """The file it is defined in."""

    def methods(self, name: str = "") -> tuple[MethodCode, ...]:
        """The methods with code that it declares, of a name where one is given."""

    def constant(self, field: str) -> Value | None:
        """What a static field begins with; None where the class states no such value."""

    @property
    def constants(self) -> tuple[tuple[str, Value], ...]:
        """The static fields for which the class states what they begin with, and that."""

    def held(self, field: str) -> Argument | None:
        """Every value that a static field may hold; None where the class has no such field."""


InputKind = Literal[
    "intent", "result", "provider", "user", "web", "network", "archive", "clipboard"
]
_IN_WORDS = {
    "intent": "What comes with an intent",
    "result": "The result of an activity",
    "provider": "What the caller of a provider passes",
    "user": "Text that the user types",
    "web": "What a web page passes",
    "network": "What comes over the network",
    "archive": "The name of an archive's entry",
    "clipboard": "What lies in the clipboard",
}


@dataclass(frozen=True, slots=True)
class Input:
    """A place where data comes into the app from outside.

    `kind`: an `intent` that starts a component, the `result` of an activity, a call of a
    `provider`, text that the `user` types, a `web` page, the `network`, the names in an `archive`,
    the `clipboard`. `component` is the component that an intent, result or call comes to, '' where
    that is not known. `exposed` says that others choose the data: that any app reaches the
    component without a permission, that the activity asked for a result may be any app's, or that
    no component stands before the place.
    """

    kind: InputKind
    component: str
    exposed: bool
    method: str
    origin: str
    at: Location

    @property
    def is_first_party(self) -> bool:
        """Whether it comes into the app's own code, or may."""
        return self.origin in (FIRST_PARTY, "")

    @property
    def said(self) -> str:
        """What comes in, and in which method: words that begin a sentence."""
        return f"{_IN_WORDS[self.kind]} in {self.method}"

    def flows(self, *stops: Api) -> Iterator[Flow]:
        """Where the data goes, through the whole program, as far as it may still be that text.

        Numbers read from it are not followed, and neither is what one of the `stops` returns.
        """
        raise NotImplementedError


class Held(Protocol):
    """A text field of the app's own code, by what it holds."""

    @property
    def owner(self) -> str:
        """The class that declares it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def at(self) -> Location:
        """The first place that writes it."""

    def flows(self) -> Iterator[Flow]:
        """Where what it holds goes, through the whole program."""


class Code(Protocol):
    """Every DEX file that the runtime loads, as one program."""

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of the DEX files that were read, in the order in which they are searched."""

    def calls(self, *apis: Api) -> Iterator[Call]:
        """The calls of methods, by place in the code; each call once."""

    def own_calls(self, *apis: Api) -> Iterator[Call]:
        """Those in code that is the app's own, or may be: cheap also of what all code calls."""

    def subclasses(self, *types: str) -> Iterator[Class]:
        """The app's classes below any of these classes or interfaces, sorted."""

    def lambdas(self, *types: str) -> Iterator[MethodCode]:
        """What lambdas of these interfaces run, where a file keeps them as invoke-custom.

        The values that a lambda holds come before its parameters. D8 makes a class of each.
        """

    def find(self, name: str) -> Class | None:
        """The class of a name, or None if the app does not define it."""

    def own_classes(self) -> Iterator[Class]:
        """The classes that are the app's own, or may be, sorted."""

    def packages(self) -> frozenset[str]:
        """Every package that the app's classes are in."""

    def field_reads(self, owner: str, name: str) -> Iterator[tuple[MethodCode, Location]]:
        """The places that read a field of the platform or a library."""

    def field_flows(self, owner: str, name: str) -> Iterator[Flow]:
        """Where the values go that are read from a field of the platform or a library."""

    def named_fields(self, wanted: Callable[[str], bool]) -> Iterator[Held]:
        """The app's own text fields whose name is wanted and that hold more than constants."""

    def uses(self, type_name: str) -> Iterator[tuple[MethodCode, Location]]:
        """The places that create an object of a class or name it."""

    def text_uses(self, text: str) -> Iterator[tuple[MethodCode, Location]]:
        """The places that load a string constant."""

    def inputs(self, *kinds: InputKind) -> Iterator[Input]:
        """The places where data of these kinds comes in, sorted."""

    @property
    def flows_complete(self) -> bool:
        """Whether every flow asked about so far was followed to its end."""
