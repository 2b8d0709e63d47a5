"""What becomes of a value that comes to a call which is not followed into its code."""

from typing import TYPE_CHECKING

from gate.app.code import Number, Text
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY
from gate.dalvik.course import INVOKES
from gate.dalvik.facts import Element, Field, Path, Reach, is_field
from gate.dalvik.library import Passed, fills, given_back, is_indexed, kept, names_key

if TYPE_CHECKING:
    from gate.dalvik.spread import Spread

MAX_ROW = 400  # instructions between a new list and what is added to it
# Whose objects give back the very objects that they were given.
_HOLDERS = (b"Ljava/util/", b"Ljava/lang/ref/", b"Ljava/lang/ThreadLocal;", b"Lkotlin/")


class Outside:
    """Answers for the calls of one method what they give back, keep, and hand on."""

    def __init__(self, spread: "Spread") -> None:
        self._spread, self._flows = spread, spread.flows
        self._course, self._body = spread.course, spread.body

    def take(
        self, index: int, slot: int, path: Path, signature: Field, registers: tuple[int, ...]
    ) -> None:
        """A value comes to a call in a slot of its registers."""
        owner, name, proto = signature
        static = self._body.opcode(index) in (op.INVOKE_STATIC, op.INVOKE_STATIC_RANGE)
        known = self._flows.known_above(owner)
        if not self._flows.known.derived and not known.startswith(_HOLDERS):
            return
        key = self._key(index, known, name, registers)
        call = Passed(known, name, proto, static, slot, key)
        wide = path and call.type in (b"J", b"D")
        if wide or self._flows.callbacks.hand_over(self._spread, index, call, path, registers):
            return
        self._keep(index, call, path, registers)
        if name == b"arraycopy" and slot == 0:
            self._spread.put(index, registers[2], ())
        if fills(call):
            for each in registers[1:]:
                self._fill(index, each)

    def _keep(self, index: int, call: Passed, path: Path, registers: tuple[int, ...]) -> None:
        spread = self._spread
        following = index + 1
        same = following < len(self._body.starts) and self._course.copied(following) is not None
        back = path if same and call.is_receiver else given_back(call, path)
        if back is not None:
            spread.result(index, back)
        inside = kept(call, path)
        if inside is not None:
            spread.put(index, registers[0], inside)
            if same:
                spread.result(index, inside)
        lost = back is None and inside is None and not call.is_receiver
        if lost and path and is_field(path[0]):
            self._flows.store(spread.state, spread.here(index), path[0], path[1:])

    def shown(self, index: int, slot: int, registers: tuple[int, ...]) -> None:
        """An object is made a text that tells the value: as if the call got the value itself."""
        self._spread.state.reached[Reach(self._spread.here(index), slot)] = None
        signature = self._body.dex.method(self._body.operand(index))
        self.take(index, slot, (), signature, registers)

    def _fill(self, index: int, register: int) -> None:
        """An array that a stream or a buffer with the value is read into."""
        made = (op.NEW_ARRAY, op.MOVE_RESULT_OBJECT)
        roots = self._course.roots(index, register)
        if any(at != ENTRY and self._body.opcode(at) in made for at, _ in roots):
            self._spread.put(index, register, ())

    def _key(
        self, index: int, owner: bytes, name: bytes, registers: tuple[int, ...]
    ) -> Element | None:
        """The key or index that a call on a map or a sequence names; None for any other call."""
        if len(registers) < 2:
            return None
        named = names_key(owner, name)
        if len(self._course.definitions(index, registers[1])) != 1:
            return ("key", None) if named else None
        if named:
            key = self._flows.value(self._spread.here(index), registers[1])
            return "key", key.text if isinstance(key, Text) else None
        if name == b"add" and (len(registers) == 2 or not is_indexed(owner, name)):
            return "[]", self._position(index, registers[0])
        if not is_indexed(owner, name):
            return None
        where = self._flows.value(self._spread.here(index), registers[1])
        return "[]", where.number if isinstance(where, Number) else None

    def _position(self, index: int, register: int) -> int | None:
        """The index that an element is added at, where a new list got all before it in a row."""
        body = self._body
        roots = self._course.roots(index, register)
        made = next(iter(roots))[0] if len(roots) == 1 else ENTRY
        if made == ENTRY or body.opcode(made) != op.NEW_INSTANCE or index - made > MAX_ROW:
            return None
        added = 0
        for at, held in self._course.uses(next(iter(roots))):
            if at >= index:
                break
            if body.opcode(at) not in INVOKES or body.arguments(at)[0] != held:
                return None
            name = body.dex.method(body.operand(at))[1]
            if name not in (b"<init>", b"add", b"get", b"size"):
                return None
            added += name == b"add"
        straight = all(body.successors[at] == (at + 1,) for at in range(made, index))
        return added if straight else None
