"""Instructions as text, for evidence: what values are computed from, the rest as words."""

from collections.abc import Callable

from gate.arm64.body import Body
from gate.arm64.decode import SP, VECTOR, Instruction, Op

BEFORE = 6  # instructions shown before the one that counts


def around(body: Body, index: int, names: Callable[[int], str]) -> str:
    """The instructions up to an index, one a line, places from the image's base."""
    first = max(index - BEFORE, 0)
    return "\n".join(_line(body, at, names) for at in range(first, index + 1))


def _line(body: Body, index: int, names: Callable[[int], str]) -> str:
    place = body.begin + 4 * index
    return f"{place:x}: {_text(body.code[index], body.words[index], place, names)}"


def _text(each: Instruction, word: int, place: int, names: Callable[[int], str]) -> str:
    to, first = _register(each.to, each.wide), _register(each.first, each.wide)
    match each.op:
        case Op.MOVE_WIDE:
            return f"mov {to}, #{each.constant:#x}"
        case Op.MOVE_KEEP:
            return f"movk {to}, #{each.constant:#x}"
        case Op.MOVE:
            return f"mov {to}, {first}"
        case Op.ADD:
            constant = each.constant or 0
            name = "sub" if constant < 0 else "add"
            return f"{name} {_base(each.to)}, {_base(each.first)}, #{abs(constant):#x}"
        case Op.PAGE:
            here = place & ~0xFFF if each.how == "adrp" else place
            return f"{each.how} {to}, {here + (each.constant or 0):#x}"
        case Op.LOAD | Op.STORE:
            return _access(each, place)
        case Op.CALL | Op.JUMP:
            target = place + (each.constant or 0)
            return f"{'bl' if each.op is Op.CALL else 'b'} {names(target) or f'{target:#x}'}"
        case Op.CALL_REGISTER:
            return f"blr {first}"
        case Op.JUMP_REGISTER:
            return f"br {first}"
        case Op.RETURN:
            return "ret"
        case Op.SELECT:
            return f"{each.how} {to}, {first}, {_register(each.second, each.wide)}"
        case Op.REAL:
            return f"fmov {to}, #{each.how}"
    return f".word {word:#010x}"


def _access(each: Instruction, place: int) -> str:
    wide = each.size != 4
    registers = _register(each.to, wide)
    name = "ldr" if each.op is Op.LOAD else "str"
    if each.how == "literal":
        return f"{name} {registers}, {place + (each.constant or 0):#x}"
    base = _base(each.first)
    if each.constant is None:
        return f"{name} {registers}, [{base}, {_register(each.second, True)}]"
    if each.second >= 0:
        name, registers = f"{name[:2]}p", f"{registers}, {_register(each.second, wide)}"
    if each.late:
        return f"{name} {registers}, [{base}], #{each.moves:#x}"
    behind = "!" if each.moves else ""
    return f"{name} {registers}, [{base}, #{each.constant:#x}]{behind}"


def _base(number: int) -> str:
    return "sp" if number == SP else f"x{number}"


def _register(number: int, wide: bool) -> str:
    if number >= VECTOR:
        return f"v{number - VECTOR}"
    letter = "x" if wide else "w"
    return f"{letter}zr" if number == SP else f"{letter}{number}"
