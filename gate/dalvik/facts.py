"""The words of value flows: where a value is inside an object, and where it is in the program.

A fact says that, before an instruction, a cell holds the value, or holds an object with the value
inside; the path is the way inside, of at most three fields, elements or keys. A cell is a
register; a parameter or an instruction's object, whatever becomes of its register; or a static
field.
"""

from dataclasses import field
from typing import TypeGuard

from gate.dalvik.program import Method, Place
from gate.frozen import dataclass

Field = tuple[bytes, bytes, bytes]  # owner, name, type
Element = tuple[str, int | str | None]  # ("[]", index) or ("key", name); None is any
Step = Field | Element
Path = tuple[Step, ...]
Object = tuple[str, int]  # ("parameter", slot) or ("made", instruction)
Cell = int | Object | Field
Fact = tuple[int, Cell, Path]

MAX_PATH = 3
ANY: Element = ("[]", None)


def is_field(step: Step | Object) -> TypeGuard[Field]:
    """Whether a step leads into a field, not into an element or under a key."""
    return len(step) == 3


def is_content(path: Path) -> bool:
    """Whether whoever takes the whole object takes the value with it: a list, a map, an intent."""
    return not any(map(is_field, path))


def matches(step: Step, asked: Step) -> bool:
    """Whether the value is where somebody looks for it, as far as indices and keys are known."""
    if step == asked:
        return True
    return step[0] == asked[0] and len(step) == len(asked) == 2 and None in (step[1], asked[1])


@dataclass(frozen=True, slots=True)
class Reach:
    """A call that the value gets to: `slot` counts registers, the receiver's is 0."""

    place: Place
    slot: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A node: a value comes into a method, in a slot of its parameters."""

    method: Method
    slot: int
    path: Path


@dataclass(frozen=True, slots=True)
class From:
    """A node: a value is in a register after an instruction."""

    place: Place
    register: int
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Into:
    """A node: a call puts a value into what it is given in a register."""

    place: Place
    register: int
    path: Path


@dataclass(frozen=True, slots=True)
class Thrown:
    """A node: a call throws the value."""

    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Stored:
    """A node: a value is in a field, with a way inside it."""

    field: Field
    path: Path


@dataclass(frozen=True, slots=True)
class Kept:
    """A node: a value lies with the platform under a name: a preference, a view's text."""

    kind: str
    name: str


Node = Entry | From | Into | Thrown | Stored | Kept
Inside = Entry | From | Into | Thrown  # nodes with a method


def method_of(node: Inside) -> Method:
    """The method that a node's facts are in."""
    return node.method if isinstance(node, Entry) else node.place.method


@dataclass(slots=True)
class State:
    """What is known of a node so far.

    `waiting` are the nodes that passed the value on to this one, with the registers of the call:
    what comes back goes there. `foreign` counts the calls since the app's own code.
    """

    foreign: int = 0
    facts: set[Fact] = field(default_factory=set)
    work: list[Fact] = field(default_factory=list)
    reached: dict[Reach, None] = field(default_factory=dict)
    next: dict[Node, Place] = field(default_factory=dict)
    returns: set[Path] = field(default_factory=set)
    thrown: set[Path] = field(default_factory=set)
    changes: set[tuple[int, Path]] = field(default_factory=set)
    waiting: dict[tuple[Inside, Place], tuple[int, ...]] = field(default_factory=dict)
