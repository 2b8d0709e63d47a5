"""What arithmetic and text methods make of constants; None where there is no certain result."""

import base64
import binascii
from collections.abc import Callable

from gate.dalvik.body import signed

Plain = str | int | bytes
MAX_TEXT = 1 << 16


def compute(kind: str, left: int, right: int) -> int | None:
    """An arithmetic instruction on two constants, as Java wraps it; None where it has no result."""
    bits = 64 if "long" in kind and kind != "long-to-int" else 32
    operation = kind.split("-")[0] if not kind.startswith(("int-to", "long-to")) else kind
    shift = right & (bits - 1)
    if operation in ("div", "rem") and right == 0:
        return None
    quotient = abs(left) // abs(right) * (-1 if (left < 0) != (right < 0) else 1) if right else 0
    results: dict[str, Callable[[], int]] = {
        "add": lambda: left + right,
        "sub": lambda: left - right,
        "rsub": lambda: right - left,
        "mul": lambda: left * right,
        "div": lambda: quotient,
        "rem": lambda: left - quotient * right,
        "and": lambda: left & right,
        "or": lambda: left | right,
        "xor": lambda: left ^ right,
        "shl": lambda: left << shift,
        "shr": lambda: left >> shift,
        "ushr": lambda: (left & (1 << bits) - 1) >> shift,
        "neg": lambda: -left,
        "not": lambda: ~left,
        "int-to-long": lambda: left,
        "long-to-int": lambda: left,
        "int-to-byte": lambda: signed(left & 0xFF, 8),
        "int-to-char": lambda: left & 0xFFFF,
        "int-to-short": lambda: signed(left & 0xFFFF, 16),
    }
    found = results.get(operation)
    return None if found is None else signed(found() & (1 << bits) - 1, bits)


def encoded(text: Plain, *_: Plain) -> bytes | None:
    """The bytes of a text."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else None


def decoded(data: Plain, *_: Plain) -> str | None:
    """The text of bytes."""
    if isinstance(data, str):
        return data
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else None


def from_base64(data: Plain, *_: Plain) -> bytes | None:
    """What base64 text or bytes hold, in either alphabet."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if not isinstance(raw, bytes):
        return None
    compact = b"".join(raw.translate(bytes.maketrans(b"-_", b"+/")).split())
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def to_base64(data: Plain, *_: Plain) -> str | None:
    """Bytes as base64."""
    return base64.b64encode(data).decode() if isinstance(data, bytes) else None


def substring(text: Plain, begin: Plain, end: Plain | None = None) -> str | None:
    """Part of a text; None where Java would throw."""
    if not isinstance(text, str) or not isinstance(begin, int):
        return None
    last = end if isinstance(end, int) else len(text)
    return text[begin:last] if 0 <= begin <= last <= len(text) else None


def replaced(text: Plain, old: Plain, new: Plain) -> str | None:
    """A text with one part replaced by another."""
    parts = [
        chr(each) if isinstance(each, int) and 0 <= each < 0x10000 else each for each in (old, new)
    ]
    if not isinstance(text, str) or not all(isinstance(part, str) for part in parts):
        return None
    if len(text) * (1 + len(str(parts[1]))) > MAX_TEXT:
        return None
    return text.replace(str(parts[0]), str(parts[1]))


def parsed(text: Plain, base: Plain = 10) -> int | None:
    """A number written in a base."""
    if not isinstance(text, str) or not isinstance(base, int) or not 2 <= base <= 36:
        return None
    try:
        return int(text, base) if len(text) < 40 else None
    except ValueError:
        return None


def hexadecimal(text: Plain, *_: Plain) -> bytes | None:
    """The bytes that hexadecimal digits write."""
    try:
        return bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        return None


def spelled(plain: Plain, kind: bytes) -> str | None:
    """A value as String.valueOf writes it, by the type of the parameter."""
    if isinstance(plain, bytes):
        return decoded(plain)
    if isinstance(plain, str):
        return plain
    if kind == b"C":
        return chr(plain) if 0 <= plain < 0x10000 else None
    if kind == b"Z":
        return "true" if plain else "false"
    return str(plain) if kind in (b"I", b"J", b"S", b"B") else None
