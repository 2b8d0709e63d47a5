"""Which ways lead through one method: what decides about an instruction, where exceptions go."""

from collections.abc import Iterable, Iterator

from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY, Body
from gate.dalvik.dex import from_mutf8, java_name
from gate.dalvik.program import Method, Place, Program
from gate.dalvik.trace import moved_from, read_registers

BRANCHES = (*range(op.IF_EQ, op.IF_LEZ + 1), op.PACKED_SWITCH, op.SPARSE_SWITCH)
RETURNS = (op.RETURN_VOID, op.RETURN, 0x10, op.RETURN_OBJECT)
INVOKES = (
    *range(op.INVOKE_VIRTUAL, op.INVOKE_INTERFACE + 1),
    *range(op.INVOKE_VIRTUAL_RANGE, op.INVOKE_INTERFACE_RANGE + 1),
)
CATCHES_MOST = (b"Ljava/lang/Throwable;", b"Ljava/lang/Exception;")
MAX_SOURCES = 200  # instructions that one question goes back through
MAX_METHODS = 12  # that a question follows a call or a field into
MAX_SPENT = 2_000_000  # instructions looked at for the branches around one, or for all throws
MAX_ASKED = 300  # instructions that one question about fields and calls is asked of
MAX_HOPS = 3  # calls and fields between a branch and what it depends on

Names = tuple[tuple[str, str], ...]


def ways(body: Body, index: int) -> tuple[int, ...]:
    """The instructions that may follow one, exceptions included."""
    return (*body.successors[index], *body.catchers.get(index, ()))


def from_begin(body: Body, stop: Iterable[int] = ()) -> set[int]:
    """The instructions that control gets to, where those in `stop` only ever throw."""
    return after(body, (0,) if body.starts else (), stop)


def after(body: Body, begin: Iterable[int], stop: Iterable[int] = ()) -> set[int]:
    """The instructions that control gets to from some, themselves included."""
    stopped = frozenset(stop)
    seen = set(begin)
    work = list(seen)
    while work:
        index = work.pop()
        next_ones = body.catchers.get(index, ()) if index in stopped else ways(body, index)
        for following in next_ones:
            if following not in seen:
                seen.add(following)
                work.append(following)
    return seen


def returns(body: Body, reached: set[int]) -> bool:
    """Whether one of these instructions ends the method without an exception."""
    return any(index in reached for index in body.each(*RETURNS))


def deciding(body: Body, index: int) -> Iterator[int]:
    """The branches that decide about an instruction: one of their ways never gets there.

    In a method too large for that, only the first ones.
    """
    before = _before(body, index)
    spent = 0
    for branch in body.each(*BRANCHES):
        if branch == index or branch not in before:
            continue
        seen = [_without(body, way, branch) for way in body.successors[branch]]
        if any(index not in each for each in seen):
            yield branch
        spent += sum(map(len, seen))
        if spent > MAX_SPENT:
            return


def _before(body: Body, index: int) -> set[int]:
    """The instructions from which control gets to one."""
    seen: set[int] = set()
    work = [index]
    while work:
        for at, _ in body.before(work.pop()):
            if at not in seen:
                seen.add(at)
                work.append(at)
    return seen


def _without(body: Body, begin: int, branch: int) -> set[int]:
    """What control gets to without coming back to a branch."""
    seen, work = {begin}, [begin]
    while work:
        index = work.pop()
        if index == branch:
            continue
        for following in ways(body, index):
            if following not in seen:
                seen.add(following)
                work.append(following)
    return seen - {branch} if begin != branch else set()


def sources(body: Body, index: int) -> Iterator[tuple[int, int]]:
    """Every instruction that what one reads is computed from, itself first.

    Comes with -1, or as `ENTRY` with the register of a parameter.
    """
    seen: set[int] = set()
    work = [index]
    while work and len(seen) < MAX_SOURCES:
        each = work.pop()
        if each in seen:
            continue
        seen.add(each)
        yield each, -1
        if op.MOVE_RESULT <= body.opcode(each) <= op.MOVE_RESULT_OBJECT:
            work.append(each - 1)
        for register in read_registers(body, each):
            for definition in body.definitions(each, register):
                if definition == ENTRY:
                    yield ENTRY, register
                else:
                    work.append(definition)


def named(body: Body, index: int) -> tuple[str, str]:
    """Owner and name of the field that an instruction reads or writes, or of what it calls."""
    code = body.opcode(index)
    if code in INVOKES:
        owner, name, _ = body.dex.method(body.operand(index))
    elif op.IGET <= code <= op.SPUT_SHORT:
        owner, name, _ = body.dex.field(body.operand(index))
    else:
        return "", ""
    return java_name(owner), from_mutf8(name)


def is_named(found: tuple[str, str], wanted: Names) -> bool:
    """Whether a field or method is one of those wanted; an owner may be the end of a name."""
    owner, name = found
    return any(name == each and f".{owner}".endswith(f".{end}") for end, each in wanted)


class Dependence:
    """Whether values and branches rest on fields or calls, through the app's own methods."""

    def __init__(self, program: Program, wanted: Names) -> None:
        self._program, self._wanted = program, wanted
        self._seen: set[tuple[Method, int]] = set()

    def of(self, place: Place, hops: int = MAX_HOPS) -> bool:
        """Whether what an instruction reads or names rests on one of them."""
        if (place.method, place.index) in self._seen or len(self._seen) > MAX_ASKED:
            return False
        self._seen.add((place.method, place.index))
        body = self._program.body(place.method)
        for index, register in sources(body, place.index):
            if register < 0 and self._names(body, index, hops):
                return True
        return False

    def decides(self, place: Place, hops: int = MAX_HOPS) -> bool:
        """Whether a branch that decides about an instruction rests on one of them."""
        if len(self._seen) > MAX_ASKED:
            return False
        body = self._program.body(place.method)
        branches = deciding(body, place.index)
        return any(self.of(Place(place.method, branch), hops) for branch in branches)

    def _names(self, body: Body, index: int, hops: int) -> bool:
        found = named(body, index)
        if not found[1]:
            return False
        if is_named(found, self._wanted):
            return True
        if not hops:
            return False
        code = body.opcode(index)
        if code in INVOKES:
            targets = self._program.targets(*body.dex.method(body.operand(index)), code)
            return any(self._returns(each, hops - 1) for each in targets[:MAX_METHODS])
        writes = self._program.writes(*body.dex.field(body.operand(index)))[:MAX_METHODS]
        return any(self.of(each, hops - 1) or self.decides(each, hops - 1) for each in writes)

    def _returns(self, method: Method, hops: int) -> bool:
        """Whether what a method returns rests on one of them."""
        body = self._program.body(method)
        ends = (Place(method, index) for index in body.each(*RETURNS, *BRANCHES))
        return any(self.of(end, hops) for end in ends)


# Exceptions


def handlers(
    program: Program, body: Body, index: int, thrown: bytes
) -> tuple[tuple[int, ...], bool]:
    """Where an exception of a class goes that an instruction throws, and whether it may get out.

    An empty class is one that is not known.
    """
    found: list[int] = []
    for kind, handler in body.typed_catchers.get(index, ()):
        caught = None if kind is None else body.dex.type(kind)
        surely = caught is None or (not thrown and caught in CATCHES_MOST)
        if surely or (thrown and caught is not None and program.is_subtype(thrown, caught)):
            return (*found, handler), False
        if not thrown or (caught is not None and program.is_subtype(caught, thrown)):
            found.append(handler)
    return tuple(found), True


def lets_out(program: Program, body: Body, index: int, thrown: bytes) -> bool:
    """Whether an exception that an instruction throws may leave the method, rethrown ones too."""
    key = (body.typed_catchers.get(index, ()), thrown)
    if key not in body.leaves:
        body.leaves[key] = _leaves(program, body, index, thrown)
    return body.leaves[key]


def _leaves(program: Program, body: Body, index: int, thrown: bytes) -> bool:
    seen: set[int] = set()
    work = [(index, thrown)]
    while work:
        at, kind = work.pop()
        if at in seen:
            continue
        seen.add(at)
        entries, open_end = handlers(program, body, at, kind)
        if open_end:
            return True
        reached = after(body, entries)
        work.extend((each, b"") for each in body.each(op.THROW) if each in reached)
    return False


def thrown(program: Program, body: Body) -> Iterator[bytes]:
    """The classes of the exceptions that a method itself throws and does not catch.

    b"" where the class is not known, or in a method too large to look at all of them; what is only
    thrown again is left out.
    """
    reached = from_begin(body)
    spent = 0
    for index in body.each(op.THROW):
        if index not in reached:
            continue
        spent += len(body.starts)
        if spent > MAX_SPENT:
            yield b""
            return
        for kind in _kinds(body, index, body.units[body.starts[index]] >> 8, set()):
            if lets_out(program, body, index, kind):
                yield kind


def _kinds(body: Body, index: int, register: int, seen: set[tuple[int, int]]) -> Iterator[bytes]:
    """What classes the exception in a register may have."""
    work = [(index, register)]
    while work:
        state = work.pop()
        if state in seen:
            continue
        seen.add(state)
        for each in body.definitions(*state):
            copied = None if each == ENTRY else moved_from(body, each)
            if copied is not None:
                work.append((each, copied))
            elif each == ENTRY or body.opcode(each) != op.MOVE_EXCEPTION:
                yield b"" if each == ENTRY else _made(body, each)


def _made(body: Body, index: int) -> bytes:
    """The class that an instruction gives to what it writes."""
    code = body.opcode(index)
    if code in (op.NEW_INSTANCE, op.CHECK_CAST):
        return body.dex.type(body.operand(index))
    if code == op.MOVE_RESULT_OBJECT and index and body.opcode(index - 1) in INVOKES:
        proto = body.dex.method(body.operand(index - 1))[2]
        return proto[proto.rindex(b")") + 1 :]
    return b""
