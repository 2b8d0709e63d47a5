"""Where an intent goes: the components that a call starts or tells, and where they read it.

An intent is followed to a component whose class is literal, or whose intent filter in the app's
own manifest, or in a receiver that the app registers, lets its action in.
"""

from collections.abc import Callable, Iterator

from gate.app.code import Aim, ClassName, Instance, Text
from gate.dalvik.course import INVOKES, Course
from gate.dalvik.dex import descriptor, parameters
from gate.dalvik.facts import Entry, From, Node, Path
from gate.dalvik.program import Method, Place
from gate.dalvik.search import CALL
from gate.dalvik.values import Alternatives, Evaluator

INTENT = b"Landroid/content/Intent;"
ACTIVITIES = frozenset((b"startActivity", b"startActivityForResult", b"startActivityIfNeeded",
                        b"startActivityFromFragment", b"startActivityFromChild"))  # fmt: skip
SERVICES = frozenset((b"startService", b"startForegroundService", b"bindService"))
BROADCASTS = frozenset(
    (b"sendBroadcast", b"sendOrderedBroadcast", b"sendStickyBroadcast", b"sendBroadcastAsUser",
     b"sendStickyOrderedBroadcast", b"sendBroadcastSync")
)  # fmt: skip
RESULT = b"setResult"
SENDS = ACTIVITIES | SERVICES | BROADCASTS | {RESULT}
MAX_SITES = 60
_READERS = {
    b"onNewIntent": 1, b"onStartCommand": 1, b"onStart": 1, b"onHandleIntent": 1, b"onBind": 1,
    b"onHandleWork": 1, b"onReceive": 2,
}  # fmt: skip


class Intents:
    """Answers where intents go; `takers` are the components that let an action in."""

    def __init__(
        self,
        values: Evaluator,
        takers: Callable[[str], tuple[str, ...]],
        course: Callable[[Method], Course],
    ) -> None:
        self.values, self.program, self._takers = values, values.program, takers
        self._course = course
        self._aims: dict[tuple[Place, int], Aim] = {}
        self._sites: dict[bytes, list[Place]] = {}
        self._registered: list[tuple[bytes, frozenset[str]]] | None = None

    def aim(self, place: Place, register: int) -> Aim:
        """Whom the intent in a register is for."""
        key = place, register
        if key not in self._aims:
            self._aims[key] = self._find_aim(self.values.register(place, register))
        return self._aims[key]

    def _find_aim(self, found: Alternatives) -> Aim:
        classes: set[str] = set()
        actions: set[str] = set()
        packages: set[str] = set()
        known, explicit = bool(found), bool(found)
        for value, steps in found.items():
            if not isinstance(value, Instance) or value.made_in in ("", "this") or not steps:
                known = explicit = False
                continue
            made = self._set(steps[0])
            classes |= made["class"]
            actions |= made["action"]
            packages |= made["package"]
            explicit &= bool(made["class"] or made["package"])
        return Aim(frozenset(classes), frozenset(actions), frozenset(packages), known, explicit)

    def _set(self, made: Place) -> dict[str, set[str]]:
        """What calls on a new intent set, in the method that makes it."""
        body = self.program.body(made.method)
        found: dict[str, set[str]] = {"class": set(), "action": set(), "package": set()}
        root = made.index, body.written(made.index) or 0
        for index, register in self._course(made.method).uses(root):
            if body.opcode(index) not in INVOKES or body.arguments(index)[0] != register:
                continue
            _, name, proto = body.dex.method(body.operand(index))
            self._note(Place(made.method, index), name, parameters(proto), found)
        return found

    def _note(
        self, place: Place, name: bytes, kinds: tuple[bytes, ...], found: dict[str, set[str]]
    ) -> None:
        if name == b"<init>" and kinds == (INTENT,):
            copied = self._find_aim(self.values.argument(place, 0))
            found["class"] |= copied.classes
            found["action"] |= copied.actions
        for index, kind in enumerate(kinds):
            named = name in (b"<init>", b"setClass", b"setComponent", b"setClassName")
            if kind == b"Ljava/lang/Class;" or (named and kind.endswith(b"/ComponentName;")):
                found["class"] |= self._classes(self.values.argument(place, index))
            elif kind == b"Ljava/lang/String;":
                texts = set(_texts(self.values.argument(place, index)))
                if name == b"setClassName":
                    found["class" if index else "package"] |= texts or {""} if index else texts
                elif name in (b"<init>", b"setAction") and index == 0:
                    found["action"] |= texts
                elif name == b"setPackage":
                    found["package"] |= texts or {""}

    def _classes(self, found: Alternatives) -> set[str]:
        """The classes that class literals and new ComponentNames among the values name."""
        named: set[str] = set()
        for value, steps in found.items():
            if isinstance(value, ClassName):
                named.add(value.name)
            elif isinstance(value, Instance) and value.type.endswith(".ComponentName") and steps:
                named |= self._component(steps[0])
            else:
                named.add("")  # some class
        return named

    def _component(self, made: Place) -> set[str]:
        body = self.program.body(made.method)
        named: set[str] = set()
        for index, _ in self._course(made.method).uses((made.index, body.written(made.index) or 0)):
            if body.opcode(index) in INVOKES:
                kinds = parameters(body.dex.method(body.operand(index))[2])
                if len(kinds) == 2:
                    given = self.values.argument(Place(made.method, index), 1)
                    named.update(_texts(given))
                    named.update(each.name for each in given if isinstance(each, ClassName))
        return named

    # Where components read

    def readers(self, place: Place, name: bytes, register: int, path: Path) -> Iterator[Node]:
        """Where the components that a call sends an intent to read it."""
        if name == RESULT:
            yield from self._results(place, path)
            return
        aim = self.aim(place, register)
        for kind in sorted(self._targets(aim, name)):
            yield from self._read_in(kind, path)

    def _targets(self, aim: Aim, name: bytes) -> set[bytes]:
        kinds = {descriptor(each) for each in aim.classes}
        for action in aim.actions if not aim.classes else ():
            kinds.update(descriptor(each) for each in self._takers(action))
            if name in BROADCASTS:
                kinds.update(kind for kind, actions in self.registered if action in actions)
        return {kind for kind in kinds if self.program.definition(kind)}

    def _read_in(self, kind: bytes, path: Path) -> Iterator[Node]:
        for above in self.program.ancestors(kind):
            if self.program.definition(above) is None:
                break
            for method in self.program.declared(above):
                slot = _READERS.get(self.program.signature(method)[1])
                if slot is not None:
                    yield Entry(method, slot, path)
        yield from self.results_in(b"getIntent", kind, path)

    def results_in(self, name: bytes, kind: bytes, path: Path) -> Iterator[Node]:
        """The results of calls of a name in a class, its superclasses and its inner classes."""
        above = {each for each in self.program.ancestors(kind) if self.program.definition(each)}
        for place in self.sites(name):
            owner = self.program.signature(place.method)[0]
            if owner in above or owner.startswith(kind[:-1] + b"$"):
                body = self.program.body(place.method)
                after = place.index + 1
                if after < len(body.starts) and body.opcode(after) in (0x0A, 0x0B, 0x0C):
                    yield From(Place(place.method, after), body.written(after) or 0, path)

    def sites(self, name: bytes) -> list[Place]:
        """The calls of every method of a name."""
        if name not in self._sites:
            named = self.program.named(name)
            ids = [(number, each) for number, found in named.items() for each in found.tolist()]
            self._sites[name] = list(self.program.sites(CALL, ids))
        return self._sites[name]

    def _results(self, place: Place, path: Path) -> Iterator[Node]:
        """Where those who started an activity for its result get it."""
        owner = self.program.signature(place.method)[0]
        for start in self.sites(b"startActivityForResult")[:MAX_SITES]:
            registers = self.program.body(start.method).arguments(start.index)
            if len(registers) < 2:
                continue
            aim = self.aim(start, registers[1])
            wanted = self._targets(aim, b"startActivityForResult")
            if owner not in wanted and not any(self.program.is_subtype(k, owner) for k in wanted):
                continue
            starter = _outermost(self.program.signature(start.method)[0])
            for method in self.program.declared(starter, b"onActivityResult"):
                yield Entry(method, 3, path)

    @property
    def registered(self) -> list[tuple[bytes, frozenset[str]]]:
        """The receivers that the app registers itself, with the actions of their filters."""
        if self._registered is None:
            self._registered = list(self._find_registered())
        return self._registered

    def _find_registered(self) -> Iterator[tuple[bytes, frozenset[str]]]:
        for place in self.sites(b"registerReceiver")[:MAX_SITES]:
            kinds = [
                descriptor(value.type)
                for value in self.values.argument(place, 0)
                if isinstance(value, Instance)
            ]
            actions: set[str] = set()
            for value, steps in self.values.argument(place, 1).items() if kinds else ():
                if isinstance(value, Instance) and steps:
                    actions |= self._filtered(steps[0])
            yield from ((kind, frozenset(actions)) for kind in kinds)

    def _filtered(self, made: Place) -> set[str]:
        """The actions of a new IntentFilter."""
        body = self.program.body(made.method)
        found: set[str] = set()
        for index, _ in self._course(made.method).uses((made.index, body.written(made.index) or 0)):
            if body.opcode(index) in INVOKES:
                name = body.dex.method(body.operand(index))[1]
                if name in (b"<init>", b"addAction"):
                    found.update(_texts(self.values.argument(Place(made.method, index), 0)))
        return found


def _texts(found: Alternatives) -> Iterator[str]:
    return (value.text for value in found if isinstance(value, Text))


def _outermost(kind: bytes) -> bytes:
    """The class that an inner class is written in, at the top of its file."""
    return kind.split(b"$")[0].rstrip(b";") + b";"
