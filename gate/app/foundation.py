"""What objects of Foundation are made of, as far as the function that makes them shows it.

Numbers behind NSNumber, texts behind NSString and Swift's String, folders behind paths and URLs.
Only the code before a call counts: what is made elsewhere has no answer here.
Sources: developer.apple.com, reference of Foundation; Swift's StringObject.swift.
"""

from collections.abc import Iterator, Sequence

from gate.app.machine import (
    Instance,
    MachineCall,
    MachineFunction,
    Number,
    Returned,
    Symbol,
    Text,
    Value,
    Values,
    message,
)
from gate.frozen import dataclass

_DEPTH = 10  # of makers, one from the other
_MOST = 6  # methods that a message may run and that are looked into
_SWIFT_TEXT = "$sSS10FoundationE19_bridgeToObjectiveCSo8NSStringCyF"
_SWIFT_BOXES = "_bridgeToObjectiveCSo8NSNumberCyF"
_SWIFT_LITERAL = "$sSS21_builtinStringLiteral17utf8CodeUnitCount7isASCIISSBp_BwBi1_tcfC"
_SMALL = 0xE  # the upper four bits of a Swift string of at most 15 ASCII bytes
# NSSearchPathDirectory, Foundation's NSPathUtilities.h.
_FOLDERS = {5: "Library", 9: "Documents", 13: "Caches", 14: "Application Support"}
_ASKED = (
    "NSSearchPathForDirectoriesInDomains",
    "URLsForDirectory:inDomains:",
    "URLForDirectory:inDomain:appropriateForURL:create:error:",
)
_KNOWN = {
    "NSHomeDirectory": "home",
    "NSOpenStepRootDirectory": "/",
    "NSTemporaryDirectory": "tmp",
    "temporaryDirectory": "tmp",
    "containerURLForSecurityApplicationGroupIdentifier:": "group",
    "mainBundle": "bundle",
    "bundleForClass:": "bundle",
}
_OF_RECEIVER = frozenset(
    message(
        "path relativePath absoluteString absoluteURL filePathURL standardizedURL copy mutableCopy"
        " firstObject lastObject objectAtIndex: objectAtIndexedSubscript: UTF8String"
        " fileSystemRepresentation stringByStandardizingPath stringByExpandingTildeInPath"
        " stringByResolvingSymlinksInPath URLByStandardizingPath URLByResolvingSymlinksInPath"
        " cStringUsingEncoding: bundlePath bundleURL resourcePath resourceURL privateFrameworksPath"
        " privateFrameworksURL sharedFrameworksPath builtInPlugInsPath builtInPlugInsURL"
        " executablePath executableURL pathForResource:ofType: pathForResource:ofType:inDirectory:"
        " URLForResource:withExtension: URLForResource:withExtension:subdirectory:"
        " pathForAuxiliaryExecutable:"
    ).selectors
)
_OF_ARGUMENT = frozenset(
    message(
        "fileURLWithPath: fileURLWithPath:isDirectory: URLWithString: stringWithString:"
        " stringWithUTF8String: initFileURLWithPath: initFileURLWithPath:isDirectory:"
        " initWithString: initWithUTF8String: requestWithURL: initWithURL:"
        " bundleWithPath: bundleWithURL: initWithPath: requestWithURL:cachePolicy:timeoutInterval:"
    ).selectors
)
_APPENDING = frozenset(
    message(
        "stringByAppendingPathComponent: stringByAppendingString: stringByAppendingPathExtension:"
        " URLByAppendingPathComponent: URLByAppendingPathComponent:isDirectory:"
        " URLByAppendingPathExtension: stringByAppendingFormat:"
    ).selectors
)
_FORMATTING = ("stringWithFormat:", "initWithFormat:")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path or URL begins, and what is put behind it.

    `root` is home, Documents, Library, Caches, Application Support, tmp, group, bundle; "text" for
    a constant, which is then the first of `parts`; "" where it is not known, `why` says why not.
    A part that is not constant is "?".
    """

    root: str
    parts: tuple[str, ...] = ()
    why: str = ""


def made_by(call: MachineCall, value: Value) -> MachineCall | None:
    """The call before `call`, in the same function, that a value of one of its arguments is of."""
    if isinstance(value, Returned):
        return _last(call.function, call, (value.name,), "")
    if isinstance(value, Instance) and value.made_in == call.function.name:
        return _last(call.function, call, tuple(_OF_ARGUMENT) + _FORMATTING, value.type)
    return None


def numbers(call: MachineCall, held: Values) -> tuple[int, ...]:
    """The integers among the values and behind the NSNumbers among them; NO is 0, YES is 1."""
    return tuple(sorted(set(_numbers(call, held))))


def _numbers(call: MachineCall, held: Values) -> Iterator[int]:
    for value in held.values:
        match value:
            case Number(number):
                yield number
            case Symbol(name) if name.lstrip("_") in ("kCFBooleanTrue", "kCFBooleanFalse"):
                yield int(name.endswith("True"))
            case Returned(_, name) if name.startswith("numberWith") or name.endswith(_SWIFT_BOXES):
                made = made_by(call, value)
                yield from made.argument(0).numbers if made else ()
            case Instance("NSNumber"):
                boxes = ("initWithBool:", "initWithInt:", "initWithInteger:")
                made = _last(call.function, call, boxes, "")
                yield from made.argument(0).numbers if made else ()


def texts(call: MachineCall, held: Values) -> tuple[str, ...]:
    """The strings among the values, those that Swift hands to Objective-C too."""
    found = list(held.texts)
    for value in held.values:
        if isinstance(value, Returned) and value.name == _SWIFT_TEXT:
            made = made_by(call, value)
            found += swift_texts(made, 0) if made else ()
    return tuple(sorted(set(found)))


def swift_texts(call: MachineCall, index: int) -> tuple[str, ...]:
    """What a String of Swift may be that is passed in the arguments `index` and the one behind."""
    first, rest = call.argument(index), call.argument(index + 1)
    found = list(rest.texts)
    for value in first.values:
        if isinstance(value, Returned) and value.name == _SWIFT_LITERAL:
            made = made_by(call, value)
            found += made.argument(0).texts if made else ()
    for number in rest.numbers:
        if number >> 60 == _SMALL:
            count = number >> 56 & 0xF
            for start in first.numbers:
                raw = start.to_bytes(8, "little") + number.to_bytes(8, "little")
                found.append(raw[:count].decode("utf-8", "replace"))
    return tuple(sorted(set(found)))


def places(call: MachineCall, held: Values) -> tuple[Place, ...]:
    """Where the paths or URLs among the values lie, each once."""
    return tuple(dict.fromkeys(_places(call.function, call, held, _DEPTH)))


def _places(
    function: MachineFunction, end: MachineCall | None, held: Values, depth: int
) -> Iterator[Place]:
    for value in held.values:
        if isinstance(value, Text):
            root = "home" if value.text.startswith("~") else "text"
            yield Place(root, (value.text.removeprefix("~/"),))
        elif isinstance(value, Symbol) and value.name in _KNOWN:
            yield Place(_KNOWN[value.name])
        elif isinstance(value, (Returned, Instance)) and depth:
            yield from _made(function, end, value, depth - 1)
        else:
            yield Place("", why=Values((value,)).why or "it is no path")


def _made(
    function: MachineFunction, end: MachineCall | None, value: Returned | Instance, depth: int
) -> Iterator[Place]:
    name = value.name if isinstance(value, Returned) else ""
    if name in _KNOWN:
        yield Place(_KNOWN[name])
        return
    if isinstance(value, Returned):
        made = _last(function, end, (name,), "")
    else:
        made = _last(function, end, (*_OF_ARGUMENT, *_FORMATTING), value.type)
    if made is None:
        yield Place("", why=Values((value,)).why or "it is made in a way that is not followed")
    elif name in _ASKED:
        folders = [_FOLDERS.get(number, "") for number in made.argument(0).numbers]
        yield from (Place(each, why="it is another folder") for each in folders or [""])
    elif name in _OF_RECEIVER:
        yield from _places(function, made, made.receiver, depth)
    elif made.name in _OF_ARGUMENT:
        yield from _places(function, made, made.argument(0), depth)
    elif name in _APPENDING:
        part = texts(made, made.argument(0)) or ("?",)
        for place in _places(function, made, made.receiver, depth):
            yield from (Place(place.root, (*place.parts, each), place.why) for each in part)
    elif made.name in _FORMATTING:
        for place in _places(function, made, made.extra(0), depth):  # noqa: S610  # no database
            yield Place(place.root, (*place.parts, *made.argument(0).texts), place.why)
    else:
        yield from _returned(made, value, depth)


def _returned(made: MachineCall, value: Value, depth: int) -> Iterator[Place]:
    """What the app's own functions give that a call may run."""
    targets = made.targets()
    for target in targets[:_MOST]:
        yield from _places(target, None, target.returned, depth)
    if not targets or len(targets) > _MOST:
        yield Place("", why=Values((value,)).why)


def _last(
    function: MachineFunction, end: MachineCall | None, names: Sequence[str], owner: str
) -> MachineCall | None:
    """The last call of one of these names before another; `owner` is whose message it is."""
    stop = end.at.offset if end else None
    found = None
    for each in function.calls:
        if each.name in names and (not owner or owner in each.receiver.classes):
            if stop is not None and (each.at.offset or 0) >= stop:
                break
            found = each
    return found
