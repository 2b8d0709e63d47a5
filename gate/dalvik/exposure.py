"""Which component data from other apps comes to, and whether any app reaches it.

Sources: developer.android.com, guide "Broadcasts overview" and the reference of Context and
Activity.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from gate.app.broadcasts import PROTECTED
from gate.app.code import FIRST_PARTY, Argument, Call, Instance, Number, api
from gate.dalvik.dex import descriptor, java_name
from gate.dalvik.program import Method, Place

if TYPE_CHECKING:
    from gate.dalvik.code import AppCode

ACTIVITY = b"Landroid/app/Activity;"
RECEIVER = "android.content.BroadcastReceiver"
FILTER = "android.content.IntentFilter"
REGISTER = (
    api("android.content.Context", "registerReceiver"),
    api("androidx.core.content.ContextCompat", "registerReceiver"),
    api("android.support.v4.content.ContextCompat", "registerReceiver"),
)
RECEIVER_NOT_EXPORTED = 4
NULL = Number(0)
MAX_USERS = 120  # classes looked at on the way from a helper to the components that use it
MAX_USES = 60


class Exposure:
    """Answers whose component a class is."""

    def __init__(self, code: "AppCode") -> None:
        self._code, self._program = code, code.program
        self._seeds = code.origins.seeds
        self._users: dict[bytes, str] = {}

    def of_component(self, kind: bytes) -> tuple[str, bool]:
        """The component that a class is, or is a superclass of; whether any app reaches it."""
        name = self._declared(kind)
        if name:
            return name, name in self._seeds.exposed
        registered = {each: self._open[each] for each in (kind, *self._below(kind))
                      if each in self._open}  # fmt: skip
        best = sorted(registered, key=lambda each: (not registered[each], each))
        return (java_name(best[0]), registered[best[0]]) if best else ("", False)

    def of_activity(self, named: bytes, method: Method) -> tuple[str, bool]:
        """The activity whose intent a method asks for, as an object of a named class.

        Where that class is the platform's or a library's, it is the activity that the method is
        written in, or one that leads to it; where none does, any of the app's own may be it.
        """
        kind = self._program.signature(method)[0]
        name = self._declared(named) if self._program.definition(named) else ""
        name = name or self._around(kind) or self._leading(kind, method)
        if name:
            return name, name in self._seeds.exposed
        if self._program.is_subtype(kind, ACTIVITY):
            return "", False  # an activity that is not declared
        return "", self._all_exposed

    @cached_property
    def _all_exposed(self) -> bool:
        """Whether every activity of the app's own that is declared is exposed."""
        kinds = {
            each
            for each in self._seeds.components
            if self._code.origins.of(each) == FIRST_PARTY
            and self._program.is_subtype(descriptor(each), ACTIVITY)
        }
        return bool(kinds) and kinds <= self._seeds.exposed

    def _below(self, kind: bytes) -> tuple[bytes, ...]:
        return self._program.subclasses(kind)

    def _declared(self, kind: bytes) -> str:
        """The declared component that a class is, or is a superclass of; '' for none."""
        names = [java_name(each) for each in (kind, *self._below(kind))]
        found = sorted(each for each in names if each in self._seeds.components)
        exposed = [each for each in found if each in self._seeds.exposed]
        return next(iter(exposed or found), "")

    def _around(self, kind: bytes) -> str:
        """The declared component that a class is or is written in; '' for none."""
        name = java_name(kind)
        while name:
            if found := self._declared(descriptor(name)):
                return found
            name = name.rpartition("$")[0]
        return ""

    def _leading(self, kind: bytes, method: Method) -> str:
        """A component that makes or calls a class, one that is exposed before others."""
        if kind not in self._users:
            found = sorted(set(self._search(kind, method)))
            exposed = [each for each in found if each in self._seeds.exposed]
            self._users[kind] = next(iter(exposed or found), "")
        return self._users[kind]

    def _search(self, kind: bytes, method: Method) -> Iterator[str]:
        seen = {kind}
        calls = [self._owner(place) for place in self._program.callers(method)[:MAX_USES]]
        work = [*calls, *self._made_in(kind)]
        while work and len(seen) < MAX_USERS:
            each = work.pop(0)
            if each in seen:
                continue
            seen.add(each)
            name = self._around(each)
            if name:
                yield name
            else:
                work += self._made_in(each)

    def _made_in(self, kind: bytes) -> list[bytes]:
        places = self._program.type_uses(kind)[:MAX_USES]
        return [self._owner(place) for place in places]

    def _owner(self, place: Place) -> bytes:
        return self._program.signature(place.method)[0]

    @cached_property
    def _open(self) -> dict[bytes, bool]:
        """The receivers that code registers, and whether one of them takes what any app sends."""
        found: dict[bytes, bool] = {}
        closed: set[tuple[str, bytes]] = set()  # another call does it on other versions of Android
        opened: set[tuple[str, bytes]] = set()
        for call in self._code.calls(*REGISTER):
            receiver = _argument(call, RECEIVER)
            for value in receiver.values if receiver else ():
                if isinstance(value, Instance):
                    key = call.method.name, descriptor(value.type)
                    found.setdefault(key[1], False)
                    (opened if _is_open(call) else closed).add(key)
        return found | {kind: True for _, kind in opened - closed}


def _argument(call: Call, kind: str) -> Argument | None:
    """The last argument of a type."""
    places = [index for index, each in enumerate(call.parameters) if each == kind]
    return call.argument(places[-1]) if places else None


def _is_open(call: Call) -> bool:
    """Whether any app may send to the receiver that a call registers."""
    permission, flags = _argument(call, "java.lang.String"), _argument(call, "int")
    if permission is not None and NULL not in permission.values:
        return False
    if flags is not None and all(n & RECEIVER_NOT_EXPORTED for n in flags.numbers or (0,)):
        return False
    actions = _actions(_argument(call, FILTER))
    return not actions or not actions <= PROTECTED


def _actions(filters: Argument | None) -> set[str]:
    """The known actions of a filter that code makes."""
    found: set[str] = set()
    for value in filters.values if filters else ():
        made = filters.made_by(value) if filters else None
        for each in (made, *made.on_built()) if made else ():
            if each.name in ("<init>", "addAction") and each.parameters:
                found.update(each.argument(0).texts)
    return found
