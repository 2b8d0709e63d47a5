"""Whose code a class is: the app's own, or which third-party component's; and who leads to it.

Decided from what the build says of itself: the application id, the package of the manifest and of
its launcher and application classes, and the marks that libraries leave (META-INF). No list of
well-known prefixes decides: an app whose id is com.android.x is first-party there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate.app.code import FIRST_PARTY
from gate.dalvik.dex import java_name
from gate.dalvik.opcodes import INVOKE_SUPER, NEW_INSTANCE
from gate.dalvik.program import Method, Place, Program

if TYPE_CHECKING:
    from gate.dalvik.values import Evaluator

MAX_REACHED = 400
INVOKE_SUPER_RANGE = 0x75


@dataclass(frozen=True)
class Seeds:
    """What the manifest and the files say: names as Java writes them.

    `own` are packages that are the app's own for certain, `components` the classes that the
    manifest declares, `exposed` those that any app reaches without a permission, `libraries`
    package roots of third-party components with their names, `takers` the components that an
    intent filter's action leads to.
    """

    own: tuple[str, ...]
    components: frozenset[str]
    libraries: tuple[tuple[str, str], ...] = ()
    exposed: frozenset[str] = frozenset()
    takers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Origins:
    """Answers whose a class is."""

    program: Program
    seeds: Seeds
    _known: dict[str, str] = field(default_factory=dict)
    _reached: dict[Method, bool] = field(default_factory=dict)

    @property
    def packages(self) -> frozenset[str]:
        """Every package that the app's classes are in."""
        found = set()
        for code in self.program.files:
            for kind in code.dex.classes["type"].tolist():
                found.add(java_name(code.dex.type(kind)).rpartition(".")[0])
        return frozenset(found)

    def of(self, name: str) -> str:
        """First-party, the third-party component's name, or '' where that cannot be told."""
        package = name.rpartition(".")[0]
        if package not in self._known:
            self._known[package] = self._decide(package)
        return self._known[package]

    def _decide(self, package: str) -> str:
        if any(_inside(package, own) for own in self.seeds.own):
            return FIRST_PARTY
        libraries = [each for each in self.seeds.libraries if _inside(package, each[0])]
        if libraries:
            return max(libraries, key=lambda each: len(each[0]))[1]
        labels = package.split(".")
        if max(map(len, labels[:2])) <= 2:
            return ""  # what an obfuscator leaves: a, a.b
        own = {".".join(each.split(".")[:2]) for each in self.seeds.own}
        if ".".join(labels[:2]) in own and not self._is_shared(labels[:2]):
            return FIRST_PARTY
        return ".".join(labels[: 3 if len(labels[0]) <= 3 else 2])

    def _is_shared(self, root: list[str]) -> bool:
        """Whether libraries of others live below a root, by their own marks."""
        prefix = ".".join(root)
        return any(_inside(each, prefix) for each, _ in self.seeds.libraries)

    def reachable(self, values: "Evaluator", method: Method) -> bool:
        """Whether a declared component, or a method that the system calls, leads to a method."""
        if method not in self._reached:
            self._reached[method] = self._reach(values, method)
        return self._reached[method]

    def _reach(self, values: "Evaluator", method: Method) -> bool:
        seen, work = {method}, [method]
        while work:
            each = work.pop()
            if self._is_entry(values, each):
                return True
            if len(seen) > MAX_REACHED:
                return True  # that many ways in: taken as reached
            for call in self.program.callers(each):
                if call.method not in seen and self._may_run(call, each):
                    seen.add(call.method)
                    work.append(call.method)
        return False

    def _may_run(self, call: Place, method: Method) -> bool:
        """Whether a call may run a method: a call of super never runs one of a class below."""
        body = self.program.body(call.method)
        if body.opcode(call.index) not in (INVOKE_SUPER, INVOKE_SUPER_RANGE):
            return True
        named = body.dex.method(body.operand(call.index))[0]
        return self.program.is_subtype(named, self.program.signature(method)[0])

    def _is_entry(self, values: "Evaluator", method: Method) -> bool:
        owner, name, proto = self.program.signature(method)
        if name == b"<clinit>":
            return True
        called = values.called_by_system(method)
        # A layout's android:onClick may name a method; the system makes components.
        if not (called or proto == _ON_CLICK or name == b"<init>"):
            return False
        if java_name(owner) in self.seeds.components:
            return True
        is_component = any(self.program.is_subtype(owner, each) for each in _COMPONENTS)
        if not is_component:
            return called and name != b"<init>"
        kinds = (owner, *self.program.subclasses(owner))
        if any(java_name(each) in self.seeds.components for each in kinds):
            return True
        receives = called and self.program.is_subtype(owner, _RECEIVER)
        return receives and any(map(self._is_made, kinds))

    def _is_made(self, kind: bytes) -> bool:
        """Whether the app's code makes objects of a class itself, as to register a receiver."""
        return any(
            self.program.body(place.method).opcode(place.index) == NEW_INSTANCE
            for place in self.program.type_uses(kind)
        )


_ON_CLICK = b"(Landroid/view/View;)V"
_RECEIVER = b"Landroid/content/BroadcastReceiver;"
_COMPONENTS = (
    b"Landroid/app/Activity;",
    b"Landroid/app/Service;",
    _RECEIVER,
    b"Landroid/content/ContentProvider;",
)


def _inside(package: str, root: str) -> bool:
    return package == root or package.startswith(f"{root}.")


def own_packages(application_id: str, package: str, classes: Iterable[str]) -> tuple[str, ...]:
    """The app's own packages, from its id, its manifest's package and its main classes."""
    names = {application_id, package, *(each.rpartition(".")[0] for each in classes)}
    return tuple(sorted(each for each in names if "." in each))
