"""Where the platform hands a value on: tasks, messages, reflection, preferences, views, intents."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gate.app.code import Array, ClassName, Instance, Text
from gate.dalvik import opcodes as op
from gate.dalvik.dex import descriptor, parameters
from gate.dalvik.facts import Entry, From, Kept, Node, Path, is_field
from gate.dalvik.intents import SENDS
from gate.dalvik.library import Passed, reads_text
from gate.dalvik.program import STATIC, Method, Place
from gate.dalvik.values import single

if TYPE_CHECKING:
    from gate.dalvik.flows import Flows
    from gate.dalvik.spread import Spread

MESSAGE_OBJECT = b"Landroid/os/Message;", b"obj", b"Ljava/lang/Object;"
EDITOR = b"Landroid/content/SharedPreferences$Editor;"
PREFERENCES = b"Landroid/content/SharedPreferences;"
MAX_RECEIVERS = 12
_TASK = b"Landroid/os/AsyncTask;"
# What a task's or handler's call leads to: name, slot of the value -> method, its slot.
_TASKS = {
    (b"execute", 1): ((b"doInBackground", 1),),
    (b"executeOnExecutor", 2): ((b"doInBackground", 1),),
    (b"publishProgress", 1): ((b"onProgressUpdate", 1),),
}
_AFTER = {b"doInBackground": (b"onPostExecute", b"onCancelled")}
_MESSAGES = (b"sendMessage", b"sendMessageDelayed", b"sendMessageAtTime", b"dispatchMessage",
             b"sendMessageAtFrontOfQueue", b"sendToTarget", b"send")  # fmt: skip
_STARTS = frozenset((b"start", b"execute", b"executeOnExecutor", b"fork", b"invoke", b"enqueue"))
_VIEW = frozenset((b"Text", b"Hint", b"Tag", b"Title", b"ContentDescription", b"Subtitle"))
_VIEWS = (b"Landroid/view/", b"Landroid/widget/", b"Landroidx/appcompat/widget/")


class Callbacks:
    """Answers where values go that the app hands to the platform."""

    def __init__(self, flows: "Flows") -> None:
        self._flows, self._program, self._values = flows, flows.program, flows.values

    def hand_over(
        self, spread: "Spread", index: int, call: Passed, path: Path, registers: tuple[int, ...]
    ) -> bool:
        """Hand a value on that comes to a call; whether nothing else becomes of it there."""
        here = spread.here(index)
        if call.owner == _TASK and (call.name, call.slot) in _TASKS:
            for name, slot in _TASKS[call.name, call.slot]:
                self._enter(spread, here, self._classes(here, registers[0]), name, slot, path)
            return True
        if call.is_receiver and path and is_field(path[0]) and call.name in _STARTS:
            self._flows.store(spread.state, here, path[0], path[1:])
            return False
        if call.name in _MESSAGES and b"android/os/" in call.owner:
            return self._message(spread, here, call, path, registers)
        if call.name in (b"obtainMessage", b"obtain") and call.type == b"Ljava/lang/Object;":
            spread.result(index, (MESSAGE_OBJECT, *path))
            return True
        if call.owner == b"Ljava/lang/reflect/Method;" and call.name == b"invoke":
            return self._invoked(spread, here, call, path, registers)
        if path and is_field(path[0]) and reads_text(call) and self._shows(path):
            spread.outside.shown(index, call.slot, registers)
            return True
        return self._keep(spread, here, call, path) or self._arguments(spread, here, call, path)

    # Tasks and messages

    def _classes(self, place: Place, register: int) -> list[bytes]:
        """The app's classes that the object in a register may be of."""
        found = {
            descriptor(value.type)
            for value in self._values.register(place, register)
            if isinstance(value, Instance)
        }
        body = self._program.body(place.method)
        found.add(body.dex.method(body.operand(place.index))[0])
        return sorted(kind for kind in found if self._program.definition(kind))

    def _enter(
        self, spread: "Spread", here: Place, kinds: list[bytes], name: bytes, slot: int, path: Path
    ) -> None:
        for kind in kinds[:MAX_RECEIVERS]:
            for method in self._program.declared(kind, name):
                self._flows.answers.call(spread.node, here, Entry(method, slot, path), ())

    def _message(
        self, spread: "Spread", here: Place, call: Passed, path: Path, registers: tuple[int, ...]
    ) -> bool:
        if call.slot != (0 if call.name == b"sendToTarget" else 1):
            return False
        kinds = self._classes(here, registers[0])
        if not kinds:
            for above in (b"Landroid/os/Handler;", b"Landroid/os/Handler$Callback;"):
                kinds += self._program.subclasses(above)
        own = [kind for kind in kinds if self._flows.is_own_class(kind)]
        self._enter(spread, here, own or kinds, b"handleMessage", 1, path)
        return True

    def after(self, method: Method, path: Path) -> Iterator[Entry]:
        """Where the platform takes what a method returns."""
        owner, name, _ = self._program.signature(method)
        if name in _AFTER and self._program.is_subtype(owner, _TASK):
            for following in _AFTER[name]:
                for each in self._program.declared(owner, following):
                    yield Entry(each, 1, path)

    def saved(self, method: Method, slot: int, path: Path) -> Iterator[Entry]:
        """Where the platform gives back what a component saves in its state."""
        owner, name, _ = self._program.signature(method)
        if name == b"onSaveInstanceState" and slot == 1:
            for following in (b"onCreate", b"onRestoreInstanceState", b"onActivityCreated"):
                for each in self._program.declared(owner, following):
                    yield Entry(each, 1, path)

    # Reflection

    def _invoked(
        self, spread: "Spread", here: Place, call: Passed, path: Path, registers: tuple[int, ...]
    ) -> bool:
        """Method.invoke, where class and name are constants."""
        target = self._reflected(spread, here, registers[0])
        if target is None:
            return False
        static = bool(self._program.access(target) & STATIC)
        if call.slot == 1:
            entry, inside = 0, path
        elif call.slot == 2 and path and path[0][0] == "[]" and isinstance(path[0][1], int):
            entry, inside = path[0][1] + (not static), path[1:]
        else:
            return False
        given = () if static else (registers[1],)
        self._flows.answers.call(spread.node, here, Entry(target, entry, inside), given)
        return True

    def _reflected(self, spread: "Spread", here: Place, register: int) -> Method | None:
        """The app's method that a reflected one certainly is."""
        roots = spread.course.roots(here.index, register)
        made = next(iter(roots))[0] if len(roots) == 1 else 0
        body = spread.body
        if made < 1 or body.opcode(made) != op.MOVE_RESULT_OBJECT:
            return None
        if body.opcode(made - 1) not in range(op.INVOKE_VIRTUAL, op.INVOKE_INTERFACE_RANGE + 1):
            return None
        owner, name, _ = body.dex.method(body.operand(made - 1))
        if owner != b"Ljava/lang/Class;" or name not in (b"getMethod", b"getDeclaredMethod"):
            return None
        asked = Place(here.method, made - 1)
        kind, text = single(self._values.receiver(asked)), single(self._values.argument(asked, 0))
        if not isinstance(kind, ClassName) or not isinstance(text, Text):
            return None
        found = self._named(descriptor(kind.name), text.text.encode("utf-8", "replace"))
        types = single(self._values.argument(asked, 1))
        count = types.size if isinstance(types, Array) else None
        fitting = [
            each
            for each in found
            if count is None or len(parameters(self._program.signature(each)[2])) == count
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _named(self, kind: bytes, name: bytes) -> list[Method]:
        for each in self._program.ancestors(kind):
            if found := self._program.declared(each, name):
                return found
        return []

    # Objects as text

    def _shows(self, path: Path) -> bool:
        """Whether the toString of a class reads the field that holds the value."""
        field = path[0]
        kind = field[0]
        if not isinstance(kind, bytes):
            return False
        method = self._program.resolve(kind, b"toString", b"()Ljava/lang/String;")
        if method is None:
            return False
        body = self._program.body(method)
        return any(
            body.dex.field(body.operand(index)) == field
            for index in body.each(*range(op.IGET, op.IPUT))
        )

    # What the platform keeps under a name

    def _keep(self, spread: "Spread", here: Place, call: Passed, path: Path) -> bool:
        if call.owner == EDITOR and call.slot == 2 and call.name.startswith(b"put"):
            key = single(self._values.argument(here, 0))
            if isinstance(key, Text):
                self._flows.keep(spread.state, here, Kept("preference", key.text))
            return False
        shown = call.name.startswith(b"set") and call.name[3:] in _VIEW and call.slot == 1
        if shown and call.owner.startswith(_VIEWS) and not path:
            outer = self._program.signature(here.method)[0].split(b"$")[0].rstrip(b";")
            name = b"get" + call.name[3:] + b" " + outer
            self._flows.keep(spread.state, here, Kept("view", name.decode("utf-8", "replace")))
            return True
        return False

    def readers(self, node: Kept) -> list[tuple[Place, Node]]:
        """Where the app reads what is kept."""
        if node.kind == "preference":
            return self._read(b"getString", PREFERENCES, node.name)
        name, _, outer = node.name.partition(" ")
        found = self._read(name.encode(), b"Landroid/view/View;", None)
        own = outer.encode("utf-8", "replace")
        return [
            each
            for each in found
            if self._program.signature(each[0].method)[0].split(b"$")[0].rstrip(b";") == own
        ]

    def _read(self, name: bytes, owner: bytes, key: str | None) -> list[tuple[Place, Node]]:
        found: list[tuple[Place, Node]] = []
        for place in self._flows.intents.sites(name):
            body = self._program.body(place.method)
            named = body.dex.method(body.operand(place.index))[0]
            if not self._program.is_subtype(named, owner):
                continue
            if key is not None and single(self._values.argument(place, 0)) != Text(key):
                continue
            node = self._flows.from_result(place)
            if isinstance(node, From):
                found.append((place, node))
        return found

    def _arguments(self, spread: "Spread", here: Place, call: Passed, path: Path) -> bool:
        """Fragment.setArguments: the fragment's own code asks for them."""
        if call.name != b"setArguments" or call.slot != 1:
            return False
        body = spread.body
        for kind in self._classes(here, body.arguments(here.index)[0]):
            for node in self._flows.intents.results_in(b"getArguments", kind, path):
                self._flows.lead(spread.state, here, node)
        return True

    def sent(self, spread: "Spread", here: Place, name: bytes, register: int, path: Path) -> None:
        """An intent with the value is sent: the app's components that get it."""
        for node in self._flows.intents.readers(here, name, register, path):
            self._flows.lead(spread.state, here, node)


def sends(signature: tuple[bytes, bytes, bytes]) -> bool:
    """Whether a call sends an intent."""
    return signature[1] in SENDS and b"Landroid/content/Intent;" in signature[2]
