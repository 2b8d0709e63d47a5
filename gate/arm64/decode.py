"""A64 instructions as far as values go: what each writes, and how what it writes is computed.

Source: Arm Architecture Reference Manual for A-profile, C4. Registers are numbered 0 to 30, 31 is
the stack pointer or zero by the instruction; those of SIMD are 32 to 63. What is of no use for
values is `OTHER`, with every register that it may write, so that nothing is taken for untouched.
"""

from enum import IntEnum
from functools import lru_cache
from typing import Final

from gate.frozen import dataclass

SP: Final = 31
VECTOR: Final = 32
_SCRATCH: Final = 0x7FFFF | 1 << 30  # what a call may change: x0 to x18 and the link register
CALL_WRITES: Final = _SCRATCH | 0xFF << 32 | 0xFFFF << 48


class Op(IntEnum):
    """What an instruction does."""

    OTHER = 0
    MOVE_WIDE = 1  # a constant
    MOVE_KEEP = 2  # MOVK: 16 bits of a register
    MOVE = 3
    ADD = 4  # a constant, SUB too with its negative
    ADD_REGISTER = 5
    PAGE = 6  # ADRP and ADR
    LOAD = 7
    STORE = 8
    LOGIC = 9  # AND, ORR, EOR with a constant
    SELECT = 10
    REAL = 11  # FMOV of a constant
    CALL = 12
    CALL_REGISTER = 13
    JUMP = 14
    JUMP_REGISTER = 15
    RETURN = 16
    BRANCH = 17  # taken or not
    TRAP = 18
    MOVE_VECTOR = 19


ENDS: Final = frozenset((Op.JUMP, Op.JUMP_REGISTER, Op.RETURN, Op.TRAP))


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    `writes` are the registers that it may write, a bit for each. `to`, `first` and `second` are
    registers, `constant` a number or a distance in bytes from the instruction; `wide` says that it
    is of 64 bits. Of a load or store `first` is the base, `size` the bytes of each of the registers
    `to` and `second` (-1 for none), and `constant` the offset, None where a register gives it;
    `moves` is what the base grows by, `late` that it does so afterwards.
    """

    op: Op
    writes: int = 0
    to: int = -1
    first: int = -1
    second: int = -1
    constant: int | None = None
    wide: bool = True
    size: int = 0
    moves: int = 0
    late: bool = False
    how: str = ""


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Instruction:
    """The instruction of a word; one that is not known writes what its group can write."""
    group = word >> 25 & 15
    if group & 0b1110 == 0b1000:
        return _immediate(word)
    if group & 0b1110 == 0b1010:
        return _branch(word)
    if group & 0b0101 == 0b0100:
        return _memory(word)
    if group & 0b0111 == 0b0101:
        return _register(word)
    if group & 0b0111 == 0b0111:
        return _vector(word)
    return Instruction(Op.TRAP) if word >> 16 == 0 else Instruction(Op.OTHER)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _bit(register: int) -> int:
    """The bit of a general register; 31 is the stack pointer here."""
    return 1 << register


def _result(register: int) -> int:
    """The bit of a general register that is the zero register by the number 31."""
    return 0 if register == 31 else 1 << register


def _immediate(word: int) -> Instruction:
    to, first, wide = word & 31, word >> 5 & 31, bool(word >> 31)
    kind = word >> 23 & 7
    if kind in (0, 1):
        distance = _signed((word >> 29 & 3) | (word >> 5 & 0x7FFFF) << 2, 21)
        if word >> 31:
            return Instruction(Op.PAGE, _result(to), to, constant=distance << 12, how="adrp")
        return Instruction(Op.PAGE, _result(to), to, constant=distance, how="adr")
    if kind == 2:
        amount = (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)
        amount = -amount if word >> 30 & 1 else amount
        writes = _result(to) if word >> 29 & 1 else _bit(to)
        return Instruction(Op.ADD, writes, to, first, constant=amount, wide=wide)
    if kind == 4:
        return _logic(word, to, first, wide)
    if kind == 5:
        return _move_wide(word, to, wide)
    return Instruction(Op.OTHER, _result(to), to)


def _move_wide(word: int, to: int, wide: bool) -> Instruction:
    shift = (word >> 21 & 3) * 16
    value = (word >> 5 & 0xFFFF) << shift
    mask = 0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF
    match word >> 29 & 3:
        case 0:
            return Instruction(Op.MOVE_WIDE, _result(to), to, constant=~value & mask, wide=wide)
        case 2:
            return Instruction(Op.MOVE_WIDE, _result(to), to, constant=value & mask, wide=wide)
        case 3:
            keep = 0xFFFF << shift
            return Instruction(
                Op.MOVE_KEEP, _result(to), to, to, constant=value, wide=wide, size=keep
            )
    return Instruction(Op.OTHER, _result(to), to)


def _logic(word: int, to: int, first: int, wide: bool) -> Instruction:
    kind = word >> 29 & 3
    writes = _result(to) if kind == 3 else _bit(to)
    value = _bitmask(word >> 22 & 1, word >> 10 & 63, word >> 16 & 63, 64 if wide else 32)
    if value is None:
        return Instruction(Op.OTHER, writes, to)
    if first == 31 and kind == 1:
        return Instruction(Op.MOVE_WIDE, writes, to, constant=value, wide=wide)
    how = ("and", "orr", "eor", "and")[kind]
    return Instruction(Op.LOGIC, writes, to, first, constant=value, wide=wide, how=how)


def _bitmask(n: int, imms: int, immr: int, width: int) -> int | None:
    """The constant of a logical instruction (DecodeBitMasks in the manual's pseudocode)."""
    length = (n << 6 | ~imms & 63).bit_length() - 1
    if length < 1 or (width == 32 and n):
        return None
    size = 1 << length
    ones, turn = (imms & size - 1) + 1, immr & size - 1
    if ones == size:
        return None
    run = (1 << ones) - 1
    element = (run >> turn | run << size - turn) & (1 << size) - 1
    return sum(element << at for at in range(0, width, size))


def _branch(word: int) -> Instruction:
    top = word >> 24
    if top >> 2 & 0x1F == 0b00101:
        distance = _signed(word & 0x3FFFFFF, 26) * 4
        if word >> 31:
            return Instruction(Op.CALL, CALL_WRITES, constant=distance)
        return Instruction(Op.JUMP, constant=distance)
    if top == 0x54 or top & 0x7E == 0x34:
        return Instruction(Op.BRANCH, constant=_signed(word >> 5 & 0x7FFFF, 19) * 4, to=word & 31)
    if top & 0x7E == 0x36:
        return Instruction(Op.BRANCH, constant=_signed(word >> 5 & 0x3FFF, 14) * 4, to=word & 31)
    if top & 0xFE == 0xD6:
        return _branch_register(word)
    if top == 0xD4 and word >> 21 & 7 == 1:
        return Instruction(Op.TRAP)
    if word >> 20 == 0xD53:
        return Instruction(Op.OTHER, _result(word & 31), word & 31)  # MRS
    return Instruction(Op.OTHER)


def _branch_register(word: int) -> Instruction:
    """BR, BLR, RET and their forms with pointer authentication."""
    first = word >> 5 & 31
    match word >> 21 & 7:
        case 1:
            return Instruction(Op.CALL_REGISTER, CALL_WRITES, first=first)
        case 2:
            return Instruction(Op.RETURN, first=first)
        case _:
            return Instruction(Op.JUMP_REGISTER, first=first)


def _register(word: int) -> Instruction:
    to, first, second, wide = word & 31, word >> 5 & 31, word >> 16 & 31, bool(word >> 31)
    top = word >> 21 & 0xFF
    if word >> 24 & 0x1F == 0b01010 and word >> 29 & 3 == 1 and first == 31 and not top & 1:
        if word >> 10 & 63 == 0:
            return Instruction(Op.MOVE, _result(to), to, second, wide=wide)
    elif word >> 24 & 0x1F == 0b01011 and not word >> 29 & 3 and word >> 21 & 7 in (0, 1):
        plain = word >> 10 & 63 == 0 and word >> 22 & 3 == 0
        if plain or word >> 21 & 7 == 1:
            writes = _result(to) if word >> 21 & 7 == 0 else _bit(to)
            size = 0 if plain else 1
            return Instruction(Op.ADD_REGISTER, writes, to, first, second, wide=wide, size=size)
    elif top == 0xD4:
        how = ("csel", "csinc", "csinv", "csneg")[(word >> 30 & 1) << 1 | word >> 10 & 1]
        return Instruction(Op.SELECT, _result(to), to, first, second, wide=wide, how=how)
    elif top == 0xD2:
        return Instruction(Op.OTHER)  # CCMP, CCMN: flags alone
    return Instruction(Op.OTHER, _bit(to), to)


def _vector(word: int) -> Instruction:
    to, first = word & 31, word >> 5 & 31
    if word & 0xFF201FE0 == 0x1E201000:
        value = _real(word >> 13 & 0xFF)
        return Instruction(Op.REAL, 1 << VECTOR + to, VECTOR + to, how=repr(value))
    if word & 0xFFBFFC00 == 0x1E204000:  # FMOV between registers of 32 or 64 bits
        return Instruction(Op.MOVE_VECTOR, 1 << VECTOR + to, VECTOR + to, VECTOR + first)
    if word & 0xBFE0FC00 == 0x0EA01C00 and word >> 16 & 31 == first:  # ORR with itself is MOV
        return Instruction(Op.MOVE_VECTOR, 1 << VECTOR + to, VECTOR + to, VECTOR + first)
    if word & 0x9FF8FC00 == 0x0F00E400 and not word >> 5 & 31 and not word >> 16 & 7:
        return Instruction(Op.REAL, 1 << VECTOR + to, VECTOR + to, how="0.0")  # MOVI of zero
    general = word & 0x5F20FC00 == 0x1E200000 or word & 0xBFE0EC00 == 0x0E002C00
    writes = 1 << VECTOR + to
    return Instruction(Op.OTHER, writes | (_result(to) if general else 0))


def _real(code: int) -> float:
    """The number of FMOV's eight bits (VFPExpandImm)."""
    exponent = (code >> 4 & 3) + (-3 if code >> 6 & 1 else 1)
    value = (1 + (code & 15) / 16) * 2.0**exponent
    return -value if code >> 7 else value


def _memory(word: int) -> Instruction:
    group = word >> 24 & 0x3B
    if group in (0x28, 0x29):
        return _pair(word)
    if group == 0x18:
        return _literal(word)
    if group in (0x38, 0x39):
        return _single(word)
    vector = word >> 26 & 1
    writes = _result(word & 31) | _result(word >> 16 & 31) | _result(word >> 10 & 31)
    if vector:  # structures of several SIMD registers
        writes = sum(1 << VECTOR + (word + each) % 32 for each in range(4))
        writes |= _bit(word >> 5 & 31) if word >> 23 & 1 else 0
    return Instruction(Op.OTHER, writes)


def _pair(word: int) -> Instruction:
    vector, load, mode = word >> 26 & 1, word >> 22 & 1, word >> 23 & 3
    size = 4 << (word >> 30 & 3) if vector else 8 if word >> 31 else 4
    amount = _signed(word >> 15 & 127, 7) * size
    one, two, base = word & 31, word >> 10 & 31, word >> 5 & 31
    one, two = (VECTOR + one, VECTOR + two) if vector else (one, two)
    return _access(word, load, (one, two), base, amount, size, mode)


def _access(
    word: int, load: int, registers: tuple[int, int], base: int, amount: int, size: int, mode: int
) -> Instruction:
    """A load or store; `mode` is 1 for an offset after it, 3 before it, else none that stays."""
    one, two = registers
    writes = 0
    if load:
        for each in registers:
            writes |= 0 if each in (-1, 31) else 1 << each
    moves = amount if mode in (1, 3) else 0
    writes |= _bit(base) if moves else 0
    return Instruction(
        op=Op.LOAD if load else Op.STORE,
        writes=writes,
        to=one,
        first=base,
        second=two,
        constant=0 if mode == 1 else amount,
        size=size,
        moves=moves,
        late=mode == 1,
    )


def _literal(word: int) -> Instruction:
    vector, size = word >> 26 & 1, 4 << (word >> 30)
    if not vector and word >> 30 == 3:
        return Instruction(Op.OTHER)  # PRFM
    to = word & 31
    size = size if vector or word >> 30 != 2 else 4
    distance = _signed(word >> 5 & 0x7FFFF, 19) * 4
    number = VECTOR + to if vector else to
    writes = 1 << number if vector else _result(to)
    return Instruction(Op.LOAD, writes, number, -1, -1, distance, size=size, how="literal")


def _single(word: int) -> Instruction:
    size_code, vector, opc = word >> 30, word >> 26 & 1, word >> 22 & 3
    to, base = word & 31, word >> 5 & 31
    size, load = 1 << size_code, opc != 0
    signed = "signed" if not vector and opc >= 2 else ""
    if vector:
        size, load = (16 if opc & 2 else size), bool(opc & 1)
    elif opc == 2 and size_code == 3:
        return Instruction(Op.OTHER)  # PRFM
    number = VECTOR + to if vector else to
    if word >> 24 & 1:
        amount, mode = (word >> 10 & 0xFFF) * size, 2
    elif not word >> 21 & 1:
        amount, mode = _signed(word >> 12 & 0x1FF, 9), word >> 10 & 3
    else:
        return _indexed(word, number, base, size, load)
    made = _access(word, int(load), (number, -1), base, amount, size, mode)
    return made if not signed else _as_signed(made)


def _as_signed(made: Instruction) -> Instruction:
    parts = (made.op, made.writes, made.to, made.first, made.second, made.constant, made.wide)
    return Instruction(*parts, made.size, made.moves, made.late, "signed")


def _indexed(word: int, number: int, base: int, size: int, load: bool) -> Instruction:
    """With a register as offset; or an atomic operation, or LDRAA and LDRAB."""
    if word >> 10 & 3 == 2:
        writes = (0 if number == 31 else 1 << number) if load else 0
        op = Op.LOAD if load else Op.STORE
        return Instruction(op, writes, number, base, word >> 16 & 31, None, size=size)
    writes = 0 if number == 31 else 1 << number
    writes |= _bit(base) if word >> 11 & 1 else 0
    return Instruction(Op.OTHER, writes)
