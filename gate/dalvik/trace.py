"""Where a value goes inside one method, forward from the instruction that made it."""

from collections.abc import Iterator

from gate.dalvik import opcodes as op
from gate.dalvik.body import Body

MAX_STATES = 20_000
MOVES = frozenset((0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09))


def moved_from(body: Body, index: int) -> int | None:
    """The register that a move copies, or None for any other instruction."""
    at = body.starts[index]
    unit = body.units[at]
    code = unit & 0xFF
    if code not in MOVES:
        return None
    if code in (0x01, 0x04, 0x07):
        return unit >> 12
    return body.units[at + 1] if code in (0x02, 0x05, 0x08) else body.units[at + 2]


def read_registers(body: Body, index: int) -> tuple[int, ...]:
    """The registers that an instruction reads, as it names them (a pair by its lower one)."""
    at = body.starts[index]
    unit = body.units[at]
    code, form = unit & 0xFF, op.FORMATS[unit & 0xFF]
    high, low = unit >> 12, unit >> 8 & 15
    if form in ("35c", "3rc", "45cc", "4rcc"):
        return tuple(body.arguments(index))
    if form == "23x":
        pair = body.units[at + 1]
        operands: tuple[int, ...] = (pair & 0xFF, pair >> 8)
        return (unit >> 8, *operands) if op.APUT <= code <= op.APUT_SHORT else operands
    if form == "22b":
        return (body.units[at + 1] & 0xFF,)
    if form == "22c":
        return (low, high) if op.IPUT <= code <= op.IPUT_SHORT else (high,)
    if form == "22t":
        return (low, high)
    if form in ("22s", "12x"):
        return (low, high) if op.NAMES[code].endswith("/2addr") else (high,)
    if form == "22x":
        return (body.units[at + 1],)
    if form == "32x":
        return (body.units[at + 2],)
    reads_first = ("return", "monitor", "throw", "packed", "sparse", "fill", "if-", "sput", "check")
    return (unit >> 8,) if op.NAMES[code].startswith(reads_first) else ()


def uses(body: Body, index: int, register: int) -> Iterator[tuple[int, int]]:
    """Instruction and register of every use of the value that a register holds after `index`.

    Copies by move and check-cast are followed; `index` is -1 for a parameter. Each pair comes once,
    sorted; a method with too many states is followed only so far.
    """
    found: set[tuple[int, int]] = set()
    seen: set[tuple[int, int]] = set()
    after = [index + 1] if index < 0 else list(body.successors[index])
    work = [(each, register) for each in after if each < len(body.starts)]
    while work and len(seen) < MAX_STATES:
        state = work.pop()
        if state in seen:
            continue
        seen.add(state)
        at, held = state
        if held in read_registers(body, at):
            found.add(state)
        written = body.written(at)
        copied = moved_from(body, at) == held
        if copied and written is not None:
            work.extend((each, written) for each in _next(body, at))
        kept = written is None or body.opcode(at) == op.CHECK_CAST
        if kept or not _overwrites(body, at, written, held):
            work.extend((each, held) for each in _next(body, at))
        else:
            work.extend((each, held) for each in _thrown(body, at))
    yield from sorted(found)


def _overwrites(body: Body, index: int, written: int | None, register: int) -> bool:
    if written is None:
        return False
    return written == register or (op.WIDE[body.opcode(index)] and written + 1 == register)


def _next(body: Body, index: int) -> list[int]:
    return [*body.successors[index], *_thrown(body, index)]


def _thrown(body: Body, index: int) -> list[int]:
    return list(body.catchers.get(index, ()))
