"""Which methods a call runs, and which calls run a method, as value flows ask."""

from collections.abc import Callable

from gate.dalvik import opcodes as op
from gate.dalvik.course import Course
from gate.dalvik.dex import Dex
from gate.dalvik.facts import Field
from gate.dalvik.program import Method, Place
from gate.dalvik.receivers import Receivers
from gate.dalvik.values import Evaluator

MAX_TARGETS = 12
MAX_SITES = 120
MAX_IMPLEMENTERS = 4  # of a library's interface whose objects are not known where it is called
MAX_FOREIGN = 2  # calls into code that is not the app's own
_EVERYTHING = (b"Ljava/lang/Object;", b"Ljava/lang/CharSequence;", b"Ljava/lang/Comparable;")


class Dispatch:
    """Answers who calls whom; `lacking` says that an answer of the app's own code was cut short."""

    def __init__(
        self,
        values: Evaluator,
        course: Callable[[Method], Course],
        is_own: Callable[[Method], bool],
    ) -> None:
        self._program, self._values, self.is_own = values.program, values, is_own
        self._receivers = Receivers(values.program, course)
        self.lacking = False
        self._targets: dict[Place, list[Method]] = {}
        self._system: dict[Method, bool] = {}

    def targets(self, foreign: int, place: Place) -> list[Method]:
        """The methods that a call may run and that are followed, so many calls from own code."""
        if place not in self._targets:
            self._targets[place] = self._resolve(place)
        found = self._targets[place]
        return found if foreign < MAX_FOREIGN else [each for each in found if self.is_own(each)]

    def _resolve(self, place: Place) -> list[Method]:
        body = self._program.body(place.method)
        signature = body.dex.method(body.operand(place.index))
        if self._program.definition(signature[0]) is None:
            return self._implemented(place, signature)
        found = self._program.targets(*signature, body.opcode(place.index))
        if len(found) > 1:
            found = self._by_receiver(place, signature) or found
        self.lacking |= len(found) > MAX_TARGETS and self.is_own(place.method)
        return found[:MAX_TARGETS]

    def _implemented(self, place: Place, signature: Field) -> list[Method]:
        """The app's methods that a call through a library's class or interface certainly runs."""
        owner, name, _ = signature
        if name == b"<init>" or owner.startswith((b"Ljava/lang/String", b"[")):
            return []
        return self._by_receiver(place, signature)[:MAX_TARGETS]

    def _by_receiver(self, place: Place, signature: Field) -> list[Method]:
        """The methods that a call runs on objects of known classes; [] where they are not."""
        registers = self._program.body(place.method).arguments(place.index)
        types = self._receivers.types(place, registers[0]) if registers else None
        found = {self._program.resolve(kind, *signature[1:]) for kind in types or ()}
        return sorted(each for each in found if each is not None)

    def callers(self, method: Method, foreign: int) -> list[Place]:
        """The calls that certainly or probably run a method, the app's own code first."""
        found = self.own_first(self._program.callers(method))
        if foreign >= MAX_FOREIGN:
            found = [place for place in found if self.is_own(place.method)]
        return [place for place in found if self._runs(place, method)]

    def own_first(self, places: list[Place]) -> list[Place]:
        """Places in the app's own code, then others; beyond the allowance there are none."""
        own = [place for place in places if self.is_own(place.method)]
        self.lacking |= len(own) > MAX_SITES
        others = (place for place in places if not self.is_own(place.method))
        return [*own, *others][:MAX_SITES]

    def _runs(self, place: Place, method: Method) -> bool:
        body = self._program.body(place.method)
        if body.opcode(place.index) >= op.INVOKE_POLYMORPHIC:
            return False
        known = self.targets(0, place)
        owner = _owner(body.dex, body.operand(place.index))
        if known or self._program.definition(owner) is not None:
            return method in known
        if owner in _EVERYTHING:
            return False
        return len(self._program.subclasses(owner)) <= MAX_IMPLEMENTERS

    def is_called_by_system(self, method: Method) -> bool:
        """Whether the method overrides one of the framework's."""
        if method not in self._system:
            self._system[method] = self._values.called_by_system(method)
        return self._system[method]


def _owner(dex: Dex, method: int) -> bytes:
    return dex.method(method)[0]
