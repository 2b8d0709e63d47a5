"""Where a value goes in the whole program: forward from a source, through calls and fields.

Facts spread inside a method; a call leads to the callee's own node, which is worked out once for
all callers; what comes back continues in each of them. What a method changes in its parameters is
told to its callers, and where the system calls it the fields are followed to all their readers.
First-party code is followed to its end, code of others a few calls deep.

Not followed: which branch was taken because of the value, and other apps.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from gate.app.code import Value
from gate.dalvik import opcodes as op
from gate.dalvik.answers import Answers
from gate.dalvik.callbacks import Callbacks
from gate.dalvik.course import Course
from gate.dalvik.dispatch import MAX_FOREIGN, Dispatch
from gate.dalvik.facts import (
    MAX_PATH,
    Entry,
    Fact,
    Field,
    From,
    Inside,
    Into,
    Kept,
    Node,
    Path,
    Reach,
    State,
    Stored,
    is_field,
    method_of,
)
from gate.dalvik.intents import Intents
from gate.dalvik.program import Method, Place
from gate.dalvik.spread import Spread
from gate.dalvik.values import Evaluator, single
from gate.formats.errors import Malformed
from gate.frozen import dataclass

BUDGET = 20_000  # facts and other units of work, for the whole program
FOREIGN_BUDGET = 8_000
MAX_NODE_FACTS = 4_000
MAX_WAY = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What flows need to know of the app: whose code a method is, and which actions it takes.

    `takers` gives the components whose intent filters let an action in. Without `derived` only the
    object itself is followed, in collections too, and not what else a library makes of it.
    """

    is_own: Callable[[Method], bool] = lambda method: True
    takers: Callable[[str], tuple[str, ...]] = lambda action: ()
    derived: bool = True


class Flows:
    """Answers where values go; everything worked out is kept for later questions."""

    def __init__(self, values: Evaluator, known: Known) -> None:
        self.values, self.program, self.known = values, values.program, known
        self.intents = Intents(values, known.takers, self.course)
        self.dispatch = Dispatch(values, self.course, known.is_own)
        self.callbacks, self.answers = Callbacks(self), Answers(self)
        self._lacking = False
        self._states: dict[Node, State] = {}
        self._queue: deque[Inside] = deque()
        self._courses: dict[Method, Course] = {}
        self._fits: dict[tuple[bytes, bytes], bool] = {}
        self._spent, self._limit = 0, BUDGET

    @property
    def exhausted(self) -> bool:
        """Whether the work allowed was not enough for what was asked so far."""
        return self._lacking or self.dispatch.lacking

    def reached(self, start: Node) -> Iterator[tuple[Reach, tuple[Place, ...]]]:
        """Every call that the value gets to, with the places it comes through.

        Of all work, `FOREIGN_BUDGET` at most is done for values that come from code of others;
        what is lacking then is no gap.
        """
        own = not isinstance(start, Inside) or self.known.is_own(method_of(start))
        self._limit = BUDGET if own else FOREIGN_BUDGET
        self._node(start, 0 if own else 1)
        ways = self._follow(start)
        while (pending := self._pending(ways)) and self._spent <= self._limit:
            self._queue.extend(pending)
            ways = self._follow(start)
        self._lacking |= own and bool(pending)
        told: set[Reach] = set()
        for node, way in ways.items():
            for reach in self._states[node].reached:
                if reach not in told:
                    told.add(reach)
                    yield reach, way

    def _follow(self, start: Node) -> dict[Node, tuple[Place, ...]]:
        """The nodes that the value comes to, with the places on the way."""
        self._settle()
        ways: dict[Node, tuple[Place, ...]] = {start: ()}
        work = deque([start])
        while work:
            node = work.popleft()
            for following, place in self._states[node].next.items():
                if following not in ways:
                    ways[following] = (*ways[node], place)[-MAX_WAY:]
                    work.append(following)
        self._spent += len(ways) // 32
        return ways

    def _pending(self, ways: Iterable[Node]) -> list[Inside]:
        """The nodes whose facts were not all spread, as the allowance was spent."""
        found = (node for node in ways if isinstance(node, Inside))
        return [node for node in found if self._states[node].work]

    def from_result(self, place: Place, path: Path = ()) -> From | None:
        """The node of what a call returns; None where the code does not take it."""
        body = self.program.body(place.method)
        following = place.index + 1
        if following >= len(body.starts):
            return None
        if not op.MOVE_RESULT <= body.opcode(following) <= op.MOVE_RESULT_OBJECT:
            return None
        return From(Place(place.method, following), body.written(following) or 0, path)

    def course(self, method: Method) -> Course:
        """The code of a method, prepared."""
        if method not in self._courses:
            self._courses[method] = Course(self.program.body(method))
            self.spend(self._courses[method])
        return self._courses[method]

    def spend(self, course: Course) -> None:
        """Charge what a course has cost since it was asked last."""
        self._spent += course.cost
        course.cost = 0

    # Nodes

    def _node(self, node: Node, foreign: int) -> State:
        state = self._states.get(node)
        if state is None:
            self._spent += 1
            state = self._states[node] = State(foreign)
            try:
                self._begin(node, state)
            except Malformed:
                self._lacking = True
        return state

    def _begin(self, node: Node, state: State) -> None:
        if isinstance(node, Stored):
            self._lead(state, self._readers(node))
            return
        if isinstance(node, Kept):
            self._lead(state, self.callbacks.readers(node))
            return
        spread = self._spread(node, state)
        body = spread.body
        if isinstance(node, Entry):
            register = body.registers - body.ins + node.slot
            spread.enter(register, node.path)
        elif isinstance(node, From):
            spread.go(node.place.index, node.register, node.path)
        elif isinstance(node, Into):
            spread.put(node.place.index, node.register, node.path)
        else:
            for each in spread.course.catchers.get(node.place.index, ()):
                spread.caught(each, node.path)
        self._queue.append(node)

    def _lead(self, state: State, nodes: "list[tuple[Place, Node]]") -> None:
        for place, each in nodes:
            self.lead(state, place, each)

    def _readers(self, node: Stored) -> "list[tuple[Place, Node]]":
        reads = self.dispatch.own_first(self.program.reads(*node.field))
        found: list[tuple[Place, Node]] = []
        for place in reads:
            body = self.program.body(place.method)
            found.append((place, From(place, body.written(place.index) or 0, node.path)))
        return found

    def _spread(self, node: Inside, state: State) -> Spread:
        method = method_of(node)
        return Spread(self, node, state, method, self.course(method))

    def fits(self, path: Path) -> bool:
        """Whether there can be such a way inside an object, by the types of its fields."""
        for outer, inner in pairwise(path):
            if is_field(outer) and is_field(inner):
                pair = outer[2], inner[0]
                if pair not in self._fits:
                    both = (pair, pair[::-1])
                    self._fits[pair] = any(self.program.is_subtype(*each) for each in both)
                if not self._fits[pair]:
                    return False
        return True

    def add(self, state: State, fact: Fact) -> None:
        """Note a fact of a node, to be spread."""
        if fact not in state.facts:
            if len(state.facts) >= MAX_NODE_FACTS:
                self._lacking = True
                return
            state.facts.add(fact)
            state.work.append(fact)

    def _settle(self) -> None:
        """Work until nothing changes, or the allowance is spent."""
        while self._queue:
            node = self._queue.popleft()
            state = self._states[node]
            if not state.work:
                continue
            try:
                spread = self._spread(node, state)
                while state.work:
                    self._spent += 1
                    if self._spent > self._limit:
                        self._queue.clear()
                        return
                    spread.step(*state.work.pop())
                self.spend(spread.course)
            except Malformed:
                state.work.clear()
                self._lacking = True

    # Calls

    def spread(self, node: Inside) -> Spread:
        """What spreads facts of a node that something comes back to; it is worked on again."""
        self._queue.append(node)
        return self._spread(node, self._states[node])

    def enter(self, node: Inside, place: Place, target: Entry) -> State:
        """A node passes the value on to a method."""
        before = self._states[node]
        before.next.setdefault(target, place)
        return self._node(target, self._distance(target.method, before))

    def _distance(self, method: Method, before: State) -> int:
        return 0 if self.known.is_own(method) else before.foreign + 1

    def value(self, place: Place, register: int) -> Value:
        """What a register certainly holds; the work for it is charged."""
        found = single(self.values.register(place, register))
        self._spent += self.values.spent // 8
        return found

    # Fields and what the platform does

    def lead(self, state: State, place: Place, node: Node) -> None:
        """The value goes on at another node, from which nothing comes back."""
        foreign = state.foreign
        if isinstance(node, Inside):
            foreign = self._distance(method_of(node), state)
            if foreign > MAX_FOREIGN:
                return
        state.next.setdefault(node, place)
        self._node(node, foreign)

    def store(self, state: State, place: Place, into: Field, path: Path) -> None:
        """The value is put into a field that other methods may read."""
        home = self.program.field_home(*into)
        self.lead(state, place, Stored((home, into[1], into[2]), path[: MAX_PATH - 1]))

    def keep(self, state: State, place: Place, kept: Kept) -> None:
        """The value is kept by the platform under a name."""
        self.lead(state, place, kept)

    def known_above(self, owner: bytes) -> bytes:
        """The library's class that a call on an object of the app's class may mean."""
        if self.program.definition(owner) is None:
            return owner
        above = (k for k in self.program.ancestors(owner) if self.program.definition(k) is None)
        return next(above, owner)

    def is_own_class(self, kind: bytes) -> bool:
        """Whether a class is the app's own, judged by its first method with code."""
        return any(self.known.is_own(each) for each in self.program.declared(kind)[:1])
