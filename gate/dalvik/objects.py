"""Where an object comes from, and what else a method does with it."""

from collections.abc import Iterable, Iterator

from gate.app.code import Instance, Returned, Value
from gate.dalvik import opcodes as op
from gate.dalvik.body import Body
from gate.dalvik.dex import from_mutf8, java_name
from gate.dalvik.program import Place, Program
from gate.dalvik.trace import uses

INVOKE_DIRECT = (op.INVOKE_DIRECT, 0x76)
MAX_CHAIN = 400


def maker(program: Program, value: Value, steps: Iterable[Place]) -> Place | None:
    """The call that returned a value, or the constructor call of an object, among its steps."""
    for place in steps:
        body = program.body(place.method)
        code = body.opcode(place.index)
        if isinstance(value, Returned) and _is_invoke(code):
            owner, name, _ = body.dex.method(body.operand(place.index))
            if (java_name(owner), from_mutf8(name)) == (value.owner, value.name):
                return place
        elif isinstance(value, Instance) and code == op.NEW_INSTANCE:
            made = java_name(body.dex.type(body.operand(place.index))) == value.type
            if made and value.made_in.endswith(f"#{place.index}"):
                return _constructor(body, place)
    return None


def _constructor(body: Body, made: Place) -> Place | None:
    register = body.written(made.index) or 0
    for index, held in uses(body, made.index, register):
        if body.opcode(index) in INVOKE_DIRECT and body.arguments(index)[:1] == [held]:
            return Place(made.method, index)
    return None


def chained(body: Body, call: int) -> list[int]:
    """The calls on what a call returns, or on the object that a constructor call makes.

    What a method of the object's own class returns is taken for the object: a builder's chain.
    """
    found: set[int] = set()
    work = [call]
    while work and len(found) < MAX_CHAIN:
        for index in _next(body, work.pop()):
            if index not in found and index != call:
                found.add(index)
                if _returns_own(body, index):
                    work.append(index)
    return sorted(found)


def _next(body: Body, call: int) -> Iterator[int]:
    """The calls on the object of one call, itself among them."""
    starts: list[tuple[int, int]] = []
    if body.dex.method(body.operand(call))[1] == b"<init>":
        register = body.arguments(call)[0]
        starts += [
            (each, register if (written := body.written(each)) is None else written)
            for each in body.definitions(call, register)
            if each >= 0
        ]
    elif call + 1 < len(body.starts) and body.opcode(call + 1) == op.MOVE_RESULT_OBJECT:
        starts.append((call + 1, body.written(call + 1) or 0))
    for start, register in starts:
        for index, held in uses(body, start, register):
            if _is_invoke(body.opcode(index)) and body.arguments(index)[:1] == [held]:
                yield index


def _returns_own(body: Body, call: int) -> bool:
    owner, _, proto = body.dex.method(body.operand(call))
    return proto.endswith(b")" + owner)


def _is_invoke(code: int) -> bool:
    return op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE
