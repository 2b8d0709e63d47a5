"""What code puts into a dictionary of key attributes, for SecKeyCreateRandomKey and its kin.

Sources: developer.apple.com, Key Generation Attributes; the calls that clang writes for literals
(Objective-C Literals of its documentation).
"""

from collections.abc import Iterator

from gate.app.foundation import made_by, numbers
from gate.app.machine import MachineCall, MachineFunction, Returned, Values

_MOST = 64  # entries of a literal that are looked at
# Messages and functions that get arrays of values and keys, with the places of values, keys, count.
_ARRAYS = {
    "dictionaryWithObjects:forKeys:count:": (0, 1, 2),
    "initWithObjects:forKeys:count:": (0, 1, 2),
    "CFDictionaryCreate": (2, 1, 3),
}


def values_of(function: MachineFunction, key: str) -> tuple[tuple[int, ...], ...]:
    """The integers of every entry of a constant's key that the function makes; () for an unknown.

    Entries count that a call gets as key and value or in arrays of the frame.
    """
    return tuple(
        (*numbers(call, value), *_digits(value), *_counted(call, value))
        for call in function.calls
        for name, value in _entries(call)
        if key in name.symbols
    )


def _entries(call: MachineCall) -> Iterator[tuple[Values, Values]]:
    if call.name in _ARRAYS:
        at_values, at_keys, at_count = _ARRAYS[call.name]
        count = max(call.argument(at_count).numbers, default=0)
        for entry in range(min(count, _MOST)):
            yield call.pointed(at_keys, 8 * entry), call.pointed(at_values, 8 * entry)
    elif call.is_message and call.name.startswith(("setObject:for", "setValue:for")):
        yield call.argument(1), call.argument(0)
    elif call.name in ("CFDictionarySetValue", "CFDictionaryAddValue"):
        yield call.argument(1), call.argument(2)


def _digits(value: Values) -> Iterator[int]:
    return (int(text) for text in value.texts if text.isdecimal() and len(text) < 9)


def _counted(call: MachineCall, value: Values) -> Iterator[int]:
    """What CFNumberCreate was pointed to."""
    for each in value.values:
        if isinstance(each, Returned) and each.name == "CFNumberCreate":
            made = made_by(call, each)
            yield from (number & 0xFFFFFFFF for number in made.pointed(2).numbers) if made else ()
