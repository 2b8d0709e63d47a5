"""Line numbers: what a method's debug information says of an instruction.

Source: source.android.com, Dalvik executable format, debug_info_item. R8 may have written numbers
that only its mapping file explains, and any tool may have removed or invented them: a hint.
"""

from gate.dalvik.body import Body
from gate.dalvik.classdata import Numbers
from gate.formats.errors import Malformed

MAX_STEPS = 1 << 20
_END, _ADVANCE_PC, _ADVANCE_LINE, _FIRST_SPECIAL, _LINE_BASE, _LINE_RANGE = 0, 1, 2, 10, -4, 15
# Numbers that follow each other opcode: registers, and names, types and signatures plus one.
_OPERANDS = {3: 3, 4: 4, 5: 1, 6: 1, 7: 0, 8: 0, 9: 1}


def line_of(body: Body, index: int) -> int | None:
    """The source line of an instruction, counted from 1; None where nothing sound is said."""
    if not body.debug_at:
        return None
    try:
        return _walk(Numbers(body.dex.data, body.debug_at), body.starts[index])
    except Malformed:
        return None


def _walk(reader: Numbers, wanted: int) -> int | None:
    line, address = reader.unsigned(), 0
    for _ in range(reader.unsigned()):
        reader.unsigned()  # the name of a parameter
    found = None
    for _ in range(MAX_STEPS):
        if reader.at >= len(reader.data):
            return None
        code = reader.data[reader.at]
        reader.at += 1
        if code == _END:
            break
        if code == _ADVANCE_PC:
            address += reader.unsigned()
        elif code == _ADVANCE_LINE:
            line += reader.signed()
        elif code < _FIRST_SPECIAL:
            for _ in range(_OPERANDS[code]):
                reader.unsigned()
        else:
            line += _LINE_BASE + (code - _FIRST_SPECIAL) % _LINE_RANGE
            address += (code - _FIRST_SPECIAL) // _LINE_RANGE
            if address > wanted:
                break
            found = line
    return found if found is not None and 0 < found < 1 << 31 else None
