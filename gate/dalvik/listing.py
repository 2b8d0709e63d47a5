"""Instructions as readable text, in the spelling of baksmali."""

from gate.dalvik import opcodes as op
from gate.dalvik.body import Body, signed
from gate.dalvik.dex import from_mutf8
from gate.formats.errors import Malformed

MAX_TEXT = 120
SHOWN = 4


def listing(body: Body, index: int, before: int = 2, after: int = 1) -> str:
    """The instructions around one, a line each; the one itself is marked with >."""
    first, last = max(0, index - before), min(len(body.starts), index + after + 1)
    return "\n".join(
        f"{'>' if each == index else ' '} {instruction(body, each)}" for each in range(first, last)
    )


def instruction(body: Body, index: int) -> str:
    """One instruction."""
    try:
        return f"{op.NAMES[body.opcode(index)]} {_operands(body, index)}".rstrip()
    except Malformed as malformed:
        return f"{op.NAMES[body.opcode(index)]} ({malformed})"


def _operands(body: Body, index: int) -> str:
    at = body.starts[index]
    unit = body.units[at]
    code, form = unit & 0xFF, op.FORMATS[unit & 0xFF]
    name = op.NAMES[code]
    if form in ("35c", "3rc", "45cc", "4rcc"):
        registers = ", ".join(f"v{each}" for each in body.arguments(index))
        return f"{{{registers}}}, {_reference(body, name, body.operand(index))}"
    if form in ("21c", "31c"):
        number = body.long_operand(index) if form == "31c" else body.operand(index)
        return f"v{unit >> 8}, {_reference(body, name, number)}"
    if form == "22c":
        pair = f"v{unit >> 8 & 15}, v{unit >> 12}"
        return f"{pair}, {_reference(body, name, body.operand(index))}"
    if form == "12x":
        return f"v{unit >> 8 & 15}, v{unit >> 12}"
    if form == "11n":
        return f"v{unit >> 8 & 15}, {signed(unit >> 12, 4):#x}"
    if form == "11x":
        return f"v{unit >> 8}"
    if form in ("10t", "20t", "30t"):
        return f":{body.targets(index)[0]:x}"
    if form == "21t":
        return f"v{unit >> 8}, :{body.targets(index)[0]:x}"
    if form == "22t":
        return f"v{unit >> 8 & 15}, v{unit >> 12}, :{body.targets(index)[0]:x}"
    return _wider(body, index, form)


def _wider(body: Body, index: int, form: str) -> str:
    at = body.starts[index]
    unit = body.units[at]
    if form in ("21s", "21h"):
        return f"v{unit >> 8}, {signed(body.operand(index), 16):#x}"
    if form in ("31i", "31t"):
        return f"v{unit >> 8}, {signed(body.long_operand(index), 32):#x}"
    if form == "51l":
        value = sum(body.units[at + 1 + part] << 16 * part for part in range(4))
        return f"v{unit >> 8}, {signed(value, 64):#x}"
    if form == "22x":
        return f"v{unit >> 8}, v{body.operand(index)}"
    if form == "32x":
        return f"v{body.operand(index)}, v{body.units[at + 2]}"
    if form == "23x":
        return f"v{unit >> 8}, v{body.operand(index) & 0xFF}, v{body.operand(index) >> 8}"
    if form == "22b":
        pair = body.operand(index)
        return f"v{unit >> 8}, v{pair & 0xFF}, {signed(pair >> 8, 8):#x}"
    if form == "22s":
        return f"v{unit >> 8 & 15}, v{unit >> 12}, {signed(body.operand(index), 16):#x}"
    return ""


def _reference(body: Body, name: str, number: int) -> str:
    dex = body.dex
    if name.startswith(("invoke-custom", "const-method")):
        return f"@{number}"
    if name.startswith("invoke"):
        owner, method, proto = dex.method(number)
        text = f"{from_mutf8(owner)}->{from_mutf8(method)}{from_mutf8(proto)}"
    elif name.startswith("const-string"):
        quoted = from_mutf8(dex.text(number))
        # A string of code may be a secret: its first characters are enough to find it again.
        shown = quoted if len(quoted) <= SHOWN else f"{quoted[:SHOWN]}..."
        text = f'"{shown}" ({len(quoted)} characters)'
    elif name[1:4] in ("get", "put"):
        owner, field, kind = dex.field(number)
        text = f"{from_mutf8(owner)}->{from_mutf8(field)}:{from_mutf8(kind)}"
    else:
        text = from_mutf8(dex.type(number))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
