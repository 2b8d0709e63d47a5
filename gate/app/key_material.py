"""Where the bytes come from that code hands to a cipher as key, password or start vector.

Followed within the function, through the objects of Foundation and through buffers of its frame.
Sources: developer.apple.com, reference of Foundation, Core Foundation and CryptoKit; Swift's
stdlib/public/runtime for static arrays; RFC 8017, RFC 5958 and RFC 5915 for private keys.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from gate.app.foundation import swift_texts
from gate.app.machine import (
    Data,
    Global,
    Instance,
    MachineCall,
    Returned,
    StackPlace,
    Text,
    Value,
    Values,
)

TEXT, BYTES, ZEROES, KEY = "a text", "constant bytes", "zeroes", "a private key's DER or PEM"
_DEPTH = 8
_NEAR = 300  # calls before one that are looked at
_FEW = 4  # the app's own functions that one call may run
_WORDS = 2  # of a buffer that are looked at, of 8 bytes each
# Of these the receiver, or the first argument of a function, is what the result is made of.
_FORMS = frozenset(
    (
        "UTF8String", "cStringUsingEncoding:", "dataUsingEncoding:", "bytes", "mutableBytes",
        "dataUsingEncoding:allowLossyConversion:", "copy", "mutableCopy", "CFDataGetBytePtr",
        "CFDataGetMutableBytePtr", "CFStringGetCStringPtr",
    )
)  # fmt: skip
# Makers of data and texts, and which argument it is that they make it of.
_MAKERS = {
    "dataWithBytes:length:": 0, "dataWithBytesNoCopy:length:": 0, "initWithBytes:length:": 0,
    "dataWithBytesNoCopy:length:freeWhenDone:": 0, "initWithBytesNoCopy:length:freeWhenDone:": 0,
    "initWithBase64EncodedString:options:": 0, "initWithBase64EncodedData:options:": 0,
    "stringWithString:": 0, "stringWithUTF8String:": 0, "initWithString:": 0, "dataWithData:": 0,
    "initWithUTF8String:": 0, "initWithData:encoding:": 0, "CFDataCreate": 1,
    "CFDataCreateWithBytesNoCopy": 1, "CFStringCreateExternalRepresentation": 1,
}  # fmt: skip
_COPIES = frozenset(
    (
        "memcpy", "memmove", "strcpy", "strncpy", "strlcpy", "__memcpy_chk", "__memmove_chk",
        "__strcpy_chk", "__strncpy_chk", "__strlcpy_chk",
    )
)  # fmt: skip
_BLANKS = frozenset(("bzero", "__bzero", "memset", "__memset_chk"))
_OUT = ("getCString:maxLength:encoding:", "getBytes:length:", "getBytes:range:", "getBytes:")
_SWIFT_ARRAY = "swift_initStaticObject"
_SWIFT_BASE64 = "$s10Foundation4DataV13base64Encoded7options"
# What gives bytes that do not stand in the app.
_OUTSIDE = frozenset(
    (
        "SecItemCopyMatching", "SecRandomCopyBytes", "CCRandomGenerateBytes", "arc4random_buf",
        "CCKeyDerivationPBKDF",
    )
)  # fmt: skip
_ARRAY_HEAD = (32, 40)  # bytes before a Swift array's first element, without and with a token
# PKCS#1 and PKCS#8 begin with version 0, SEC 1 with version 1 and an octet string.
_PRIVATE = re.compile(
    rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01(?:\x00[\x02\x30]|\x01\x04)", re.DOTALL
)


def constants(call: MachineCall, index: int) -> tuple[str, ...]:
    """What the argument is made of that stands in the program: TEXT, BYTES, ZEROES, KEY, sorted."""
    return tuple(sorted(set(_constants(call, call.argument(index), _DEPTH))))


def _constants(call: MachineCall, held: Values, depth: int) -> Iterator[str]:
    for value in held.values:
        match value:
            case Text(text):
                yield from (KEY if "PRIVATE KEY-----" in text else TEXT,) if text else ()
            case Data(_, begin) if begin:
                filled = _filled(call, value, depth)
                yield from (_kind(begin),) if filled is None else filled
            case StackPlace():
                yield from _buffer(call, value, depth)
            case Returned(_, name) if depth:
                yield from _made(call, name, "", depth - 1)
            case Instance(owner, place) if depth and place == call.function.name:
                yield from _made(call, "", owner, depth - 1)


def _kind(begin: bytes) -> str:
    """What the first bytes of a variable say; those behind 16 may be of the next one."""
    if _PRIVATE.match(begin):
        return KEY
    return BYTES if any(begin[:16]) else ZEROES


def _before(call: MachineCall) -> tuple[MachineCall, ...]:
    """The last calls of the function before one, in the order of the code."""
    calls = call.function.calls
    end = bisect_left(calls, call.at.offset or 0, key=lambda each: each.at.offset or 0)
    return calls[max(end - _NEAR, 0) : end]


def _made(call: MachineCall, name: str, owner: str, depth: int) -> Iterator[str]:
    """Look into the last call of a name, or the last that begins an object of a class."""
    for each in reversed(_before(call)):
        if each.name == name and name in _FORMS:
            source = each.receiver if each.is_message else each.argument(0)
            yield from _constants(each, source, depth)
            return
        if (each.name == name or owner in each.receiver.classes) and each.name in _MAKERS:
            yield from _constants(each, each.argument(_MAKERS[each.name]), depth)
            return
        if name and each.name == name:
            yield from _given(each, depth)
            return


def _given(call: MachineCall, depth: int) -> Iterator[str]:
    """What the app's own functions return that a call may run."""
    targets = call.targets()
    for target in targets if len(targets) <= _FEW else ():
        fixed = [each for each in target.returned.values if isinstance(each, Text | Data)]
        yield from _constants(call, Values(tuple(fixed)), 0)
        if target.calls and depth:
            rest = [each for each in target.returned.values if each not in fixed]
            yield from _constants(target.calls[-1], Values(tuple(rest)), depth - 1)


def _buffer(call: MachineCall, place: Value, depth: int) -> Iterator[str]:
    """What was put into a buffer of the frame: by stores, or by the last call that got it."""
    index = next(i for i in range(8) if place in call.argument(i).values)
    words = [call.pointed(index, 8 * word) for word in range(_WORDS)]
    if all(each.complete and each.numbers for each in words):
        yield ZEROES if all(each.numbers == (0,) for each in words) else BYTES
        return
    yield from _filled(call, place, depth) or ()


def _filled(call: MachineCall, place: Value, depth: int) -> tuple[str, ...] | None:
    """What the last call before that got the address left there; None where none got it."""
    for each in reversed(_before(call)):
        at = [index for index in range(4) if place in each.argument(index).values]
        if not at:
            continue
        if each.name in _BLANKS:
            return (ZEROES,) if each.name != "memset" or each.argument(1).numbers == (0,) else ()
        if each.name in _COPIES:
            return tuple(_constants(each, each.argument(1), depth - 1)) if at[0] == 0 else ()
        if each.name in _OUT:
            return tuple(_constants(each, each.receiver, depth - 1)) if depth else ()
        return ()
    return None


def is_from_outside(call: MachineCall, index: int) -> bool:
    """Whether a generator, the Keychain or a derivation filled what the argument points to."""
    kinds = (StackPlace, Data, Global)
    held = {each for each in call.argument(index).values if isinstance(each, kinds)}
    return any(
        each.name in _OUTSIDE and any(held & set(each.argument(i).values) for i in range(9))
        for each in _before(call)
    )


def swift_constants(call: MachineCall) -> tuple[str, ...]:
    """The constant arrays and Base64 texts that a Swift function makes before a call, sorted.

    None where it takes something from the Keychain or a generator as well: what the call gets is
    not followed there.
    """
    found: set[str] = set()
    if not call.function.mentions.imports.isdisjoint(_OUTSIDE):
        return ()
    for each in _before(call):
        if each.name == _SWIFT_ARRAY:
            begins = [v.begin for v in each.argument(1).values if isinstance(v, Data)]
            kinds = {_kind(begin[at:]) for begin in begins for at in _ARRAY_HEAD}
            found |= {KEY} if KEY in kinds else kinds - {ZEROES}
        elif each.name.startswith(_SWIFT_BASE64) and swift_texts(each, 0):
            found.add(TEXT)
    return tuple(sorted(found))
