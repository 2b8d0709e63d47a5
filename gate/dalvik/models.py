"""What well-known library methods and objects make of values: strings, arrays, numbers, builders.

Only what is certain from the platform's documentation is computed; every other case is unknown.
"""

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

from gate.app.code import (
    Array,
    Bytes,
    ClassName,
    FieldRead,
    Instance,
    Joined,
    Number,
    Parameter,
    Returned,
    Text,
    Unknown,
    Value,
)
from gate.dalvik import opcodes as op
from gate.dalvik.body import ENTRY, Body, signed
from gate.dalvik.dex import from_mutf8, java_name, parameters
from gate.dalvik.plain import (
    MAX_TEXT,
    Plain,
    decoded,
    encoded,
    from_base64,
    hexadecimal,
    parsed,
    replaced,
    spelled,
    substring,
    to_base64,
)
from gate.dalvik.program import Place, Signature
from gate.dalvik.trace import moved_from, uses
from gate.frozen import dataclass

if TYPE_CHECKING:
    from gate.dalvik.values import Alternatives, Context, Evaluator

MAX_ITEMS = 4096
MAX_PARTS = 64
MAX_BUILT = 8
MAX_HANDED = 64
STRING = b"Ljava/lang/String;"
BUILDERS = (b"Ljava/lang/StringBuilder;", b"Ljava/lang/StringBuffer;")


@dataclass(frozen=True, slots=True)
class Called:
    """A call whose result is asked for."""

    values: "Evaluator"
    place: Place
    owner: bytes
    name: bytes
    proto: bytes
    registers: tuple[int, ...]
    context: "Context"

    def at(self, slot: int) -> "Alternatives":
        """What the register of a slot may hold; the receiver's slot is 0."""
        return self.values.value(self.place, self.registers[slot], self.context)


Model = Callable[[Called], "Alternatives"]


def result(
    values: "Evaluator", place: Place, signature: Signature, context: "Context"
) -> "Alternatives | None":
    """What a call to a method that this module knows returns; None for any other method."""
    owner, name, proto = signature
    model = _MODELS.get((owner, name)) or _RESOURCE_MODELS.get(name + proto)
    if model is None:
        return None
    registers = tuple(values.program.body(place.method).arguments(place.index))
    return model(Called(values, place, owner, name, proto, registers, context))


def created(values: "Evaluator", here: Place, context: "Context") -> "Alternatives":
    """An object that a new-instance makes; a string by the arguments of its constructor."""
    body = values.program.body(here.method)
    kind = body.dex.type(body.operand(here.index))
    made = Instance(java_name(kind), place_name(values, here))
    if kind != STRING:
        return {made: (here,)}
    for index, register in uses(body, here.index, body.written(here.index) or 0):
        if body.opcode(index) not in (op.INVOKE_DIRECT, 0x76):
            continue
        registers = body.arguments(index)
        if registers[:1] != [register] or len(registers) < 2:
            continue
        proto = body.dex.method(body.operand(index))[2]
        place = Place(here.method, index)
        call = Called(values, place, kind, b"<init>", proto, tuple(registers[1:]), context)
        return _pure(lambda data: decoded(data), 1)(call)
    return {made: (here,)}


def place_name(values: "Evaluator", here: Place) -> str:
    """A stable name of an instruction: the method and the instruction's place in it."""
    owner, name, _ = values.program.signature(here.method)
    return f"{java_name(owner)}.{from_mutf8(name)}#{here.index}"


def called(body: Body, index: int) -> str:
    """The method that an invoke names, as class.method."""
    owner, name, _ = body.dex.method(body.operand(index))
    return f"{java_name(owner)}.{from_mutf8(name)}"


# Plain values


def _plain(value: Value) -> Plain | None:
    if isinstance(value, Text):
        return value.text
    if isinstance(value, Number):
        return value.number
    return value.data if isinstance(value, Bytes) else None


def _value(plain: Plain) -> Value:
    if isinstance(plain, str):
        return Text(plain[:MAX_TEXT])
    return Number(plain) if isinstance(plain, int) else Bytes(plain[:MAX_TEXT])


def _pure(compute_it: Callable[..., Plain | None], *slots: int) -> Model:
    """A model that computes its result from constants in the given number of first slots."""
    count = slots[0]

    def model(call: Called) -> "Alternatives":
        found: Alternatives = {}
        wanted = [call.at(slot) for slot in range(min(count, len(call.registers)))]
        for combination in product(*wanted):
            plain = [_plain(value) for value in combination]
            outcome = None
            if None not in plain:
                outcome = compute_it(*plain)
            text = f"{java_name(call.owner)}.{from_mutf8(call.name)}"
            value = Unknown(f"the result of {text}") if outcome is None else _value(outcome)
            steps = tuple(step for part, each in zip(wanted, combination, strict=True)
                          for step in part[each])  # fmt: skip
            found.setdefault(value, (*steps, call.place)[-12:])
            if len(found) >= MAX_BUILT:
                break
        return found

    return model


def _same(slot: int) -> Model:
    """A model that returns what it is given."""
    return lambda call: call.at(slot)


def _text_method(change: Callable[[str], str]) -> Model:
    return _pure(lambda text: change(text) if isinstance(text, str) else None, 1)


def _value_of(call: Called) -> "Alternatives":
    """String.valueOf and its like: the text of the first argument, by its type."""
    kind = parameters(call.proto)[0] if parameters(call.proto) else b""
    return _pure(lambda plain: spelled(plain, kind), 1)(call)


def _concat(call: Called) -> "Alternatives":
    found: Alternatives = {}
    for left, right in product(call.at(0).items(), call.at(1).items()):
        found.setdefault(joined((left[0], right[0])), (*left[1], *right[1])[-12:])
        if len(found) >= MAX_BUILT:
            break
    return found


def _format(call: Called) -> "Alternatives":
    """String.format: the format's own text up to the first conversion is all that is certain."""
    slot = 1 if b"Ljava/util/Locale;" in call.proto else 0
    found: Alternatives = {}
    for value, steps in call.at(slot).items():
        if not isinstance(value, Text):
            found[Unknown("the result of java.lang.String.format")] = steps
        elif "%" not in value.text:
            found[value] = steps
        else:
            begin, _, rest = value.text.partition("%")
            formatted = Unknown("a formatted value")
            tail = (Text(rest),) if begin == "" else ()
            found[Joined((Text(begin), formatted, *tail))] = steps
    return found


def _resource_text(call: Called) -> "Alternatives":
    """Context.getString and its like: the text of the resource, in every configuration."""
    found: Alternatives = {}
    for value, steps in call.at(1).items():
        texts = call.values.resources(value.number) if isinstance(value, Number) else ()
        for text in texts[:MAX_BUILT]:
            found[Text(text)] = (*steps, call.place)
        if not texts:
            found[Unknown("a text resource")] = steps
    return found


def _for_name(call: Called) -> "Alternatives":
    return {
        ClassName(value.text) if isinstance(value, Text) else Unknown("a class by name"): steps
        for value, steps in call.at(0).items()
    }


def _class_of(call: Called) -> "Alternatives":
    """Object.getClass: the class of an object that the app's code creates."""
    return {
        ClassName(value.type)
        if isinstance(value, Instance) and value.made_in not in ("", "this")
        else Returned("java.lang.Object", "getClass"): (*steps, call.place)[-12:]
        for value, steps in call.at(0).items()
    }


def _copied(call: Called) -> "Alternatives":
    """Arrays.copyOf, copyOfRange, clone: the array, cut or padded; it may be filled on its own."""
    bounds = [_known(call.at(slot)) for slot in range(1, len(call.registers))]
    begin, end = ([0, *bounds] if len(bounds) == 1 else bounds) or (None, None)
    given = _given_result(call)
    found: Alternatives = {}
    for value, steps in call.at(0).items():
        copy = value
        if isinstance(value, Bytes) and isinstance(begin, int) and isinstance(end, int):
            if 0 <= begin <= end <= MAX_TEXT:
                copy = Bytes(value.data[begin:end].ljust(end - begin, b"\0"))
        elif len(bounds) == 2:
            copy = Returned("java.util.Arrays", "copyOfRange")
        found[_given(copy, given, call.owner + call.proto)] = (*steps, call.place)[-12:]
    return found


def _known(found: "Alternatives") -> Plain | None:
    return _plain(next(iter(found))) if len(found) == 1 else None


def _given_result(call: Called) -> set[str]:
    """What may write into the array that a call returns, wherever the method hands it."""
    body = call.values.program.body(call.place.method)
    following = call.place.index + 1
    if following >= len(body.starts) or body.opcode(following) != op.MOVE_RESULT_OBJECT:
        return set()
    place = Place(call.place.method, following)
    return fillers(call.values, place, body.written(following) or 0)


def _given(value: Value, given: set[str], types: bytes) -> Value:
    """An array that may be filled: of its old content only the size is sure."""
    if not given or not isinstance(value, (Array, Bytes)):
        return value
    if isinstance(value, Array):
        return Array(value.type, value.items, value.size, tuple(sorted({*value.given_to, *given})))
    if b"[C" in types:
        return Array("char[]", None, None, tuple(sorted(given)))
    return Array("byte[]", None, len(value.data), tuple(sorted(given)))


# String builders


def _built(call: Called) -> "Alternatives":
    """The text in a StringBuilder at its toString()."""
    body = call.values.program.body(call.place.method)
    walk = _Builder(call.values, call.place, body, call.context)
    found: Alternatives = {}
    for parts in walk.parts(call.place.index, call.registers[0], 0):
        found[joined(parts)] = (call.place,)
    return found


class _Builder:
    """Goes back from a builder's use to its creation, and collects what was appended between."""

    def __init__(self, values: "Evaluator", place: Place, body: Body, context: "Context") -> None:
        self._values, self._method, self._body = values, place.method, body
        self._context = context
        self._running: set[tuple[int, int]] = set()

    def parts(self, index: int, register: int, depth: int) -> list[tuple[Value, ...]]:
        """Every sequence of parts that the builder in a register may hold before an instruction."""
        key = (index, register)
        if key in self._running or depth > MAX_PARTS:
            return [(Unknown("a loop"),)]
        self._running.add(key)
        try:
            found: list[tuple[Value, ...]] = []
            before = self._body.before(index)
            if not before:
                return [(Unknown("a builder from elsewhere"),)]
            for each, thrown in before:
                for parts in self._after(each, register, thrown, depth):
                    if parts not in found:
                        found.append(parts)
                if len(found) > MAX_BUILT:
                    return [(Unknown("one of many texts"),)]
            return found
        finally:
            self._running.discard(key)

    def _after(
        self, index: int, register: int, thrown: bool, depth: int
    ) -> list[tuple[Value, ...]]:
        """The builder's parts behind one instruction."""
        body = self._body
        while not thrown and not self._concerns(index, register):
            before = body.joins.get(index)
            if before is not None or index == 0 or body.opcode(index - 1) in op.ENDS:
                break
            index -= 1
        code = body.opcode(index)
        if thrown or not self._concerns(index, register):
            return self.parts(index, register, depth + 1)
        copied = moved_from(body, index)
        if copied is not None:
            return self.parts(index, copied, depth + 1)
        if code == op.CHECK_CAST:
            return self.parts(index, register, depth + 1)
        if code == op.NEW_INSTANCE:
            return [()]
        if code == op.MOVE_RESULT_OBJECT:
            return self._call(index - 1, None, depth)
        if op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE:
            return self._call(index, register, depth)
        return [(Unknown("a builder from elsewhere"),)]

    def _concerns(self, index: int, register: int) -> bool:
        body = self._body
        if body.written(index) == register:
            return True
        code = body.opcode(index)
        invoke = op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE
        return invoke and register in body.arguments(index)

    def _call(self, index: int, register: int | None, depth: int) -> list[tuple[Value, ...]]:
        """The parts after a call on the builder; `register` is None where its result is taken."""
        body = self._body
        if not op.INVOKE_VIRTUAL <= body.opcode(index) <= op.INVOKE_INTERFACE_RANGE:
            return [(Unknown("a builder from elsewhere"),)]
        owner, name, proto = body.dex.method(body.operand(index))
        registers = body.arguments(index)
        if owner not in BUILDERS or (register is not None and registers[0] != register):
            if register is None:
                return [(Unknown("a builder from elsewhere"),)]
            given = self.parts(index, register, depth + 1)
            return [(*parts, Unknown("what a method appends")) for parts in given]
        if name == b"<init>":
            return [self._first(index, proto, registers)]
        before = self.parts(index, registers[0], depth + 1)
        if name == b"append":
            part = self._part(index, proto, registers)
            return [(*parts, part) for parts in before]
        if name == b"reverse":
            return [_reversed(parts) for parts in before]
        if name in (b"insert", b"replace", b"delete", b"deleteCharAt", b"setLength", b"setCharAt"):
            return [(*parts, Unknown("a builder that is edited")) for parts in before]
        return before

    def _first(self, index: int, proto: bytes, registers: list[int]) -> tuple[Value, ...]:
        kinds = parameters(proto)
        return (self._part(index, proto, registers),) if kinds and kinds != (b"I",) else ()

    def _part(self, index: int, proto: bytes, registers: list[int]) -> Value:
        kinds = parameters(proto)
        if len(kinds) != 1 or len(registers) < 2:
            return Unknown("part of an array")
        found = self._values.value(Place(self._method, index), registers[1], self._context)
        if len(found) != 1:
            return Unknown("one of several values")
        value = next(iter(found))
        plain = _plain(value)
        text = None if plain is None else spelled(plain, kinds[0])
        return value if text is None else Text(text)


def _reversed(parts: tuple[Value, ...]) -> tuple[Value, ...]:
    whole = joined(parts)
    return (Text(whole.text[::-1]),) if isinstance(whole, Text) else (Unknown("a reversed text"),)


def joined(parts: tuple[Value, ...]) -> Value:
    """One text of several parts, as far as they are known."""
    merged: list[Value] = []
    for part in parts:
        for each in part.parts if isinstance(part, Joined) else (part,):
            if isinstance(each, Text) and merged and isinstance(merged[-1], Text):
                merged[-1] = Text((merged[-1].text + each.text)[:MAX_TEXT])
            else:
                merged.append(each)
    if not merged:
        return Text("")
    if len(merged) == 1 and isinstance(merged[0], (Text, Unknown, Parameter, Returned, FieldRead)):
        return merged[0]
    return Joined(tuple(merged[:MAX_PARTS]))


# Arrays

# What is given an array and leaves it as it is.
_READERS = (
    "javax.crypto.spec.", "java.security.spec.", "java.lang.String.", "android.util.Base64.",
    "java.util.Base64$", "java.security.MessageDigest.", "javax.crypto.Mac.",
    "java.util.Arrays.asList", "java.util.Arrays.copyOf", "java.util.Arrays.equals",
    "java.util.Arrays.hashCode", "java.util.Arrays.toString", "java.math.BigInteger.",
    "java.io.ByteArrayInputStream.", "java.io.OutputStream.", "java.io.FileOutputStream.",
    "java.io.ByteArrayOutputStream.", "java.io.DataOutputStream.", "java.io.ObjectOutputStream.",
    "java.security.SecureRandom.<init>", "java.security.SecureRandom.setSeed",
    "javax.net.ssl.SSLContext.init", "android.util.Log.", "java.lang.Runtime.exec",
)  # fmt: skip


def filled(
    values: "Evaluator", here: Place, kind: bytes, size: int | None, context: "Context"
) -> Value:
    """The array that a new-array makes, with what the method puts into it."""
    body = values.program.body(here.method)
    register = body.written(here.index) or 0
    items: dict[int, Value] = {}
    known, count = True, 0
    given = fillers(values, here, register, own=False)
    copied: dict[str, bool] = {}
    for index, held in uses(body, here.index, register):
        place = Place(here.method, index)
        code = body.opcode(index)
        if code == op.FILL_ARRAY_DATA:
            numbers = _literal(body, index, kind)
            if numbers is None:
                return Unknown("an array without its data")
            items.update(enumerate(map(Number, numbers)))
        elif not op.APUT <= code <= op.APUT_SHORT:
            bulk = _bulk(values, place, held, size, context)
            items.update(bulk)
            if name := fills(body, index, held):
                copied[name] = bool(bulk) and copied.get(name, True)
        elif fills(body, index, held):
            count += 1
            pair = body.units[body.starts[index] + 1]
            at = values.value(place, pair >> 8, context) if count <= MAX_ITEMS else {}
            where = next(iter(at)) if len(at) == 1 else None
            if not isinstance(where, Number) or not 0 <= where.number < MAX_ITEMS:
                known = False
                continue
            put = values.value(place, body.units[body.starts[index]] >> 8, context)
            value = next(iter(put)) if len(put) == 1 else Unknown("one of several values")
            if where.number in items and items[where.number] != value:
                value = Unknown("one of several values")
            items[where.number] = value
    listed = tuple(items[each] for each in sorted(items)) if known else None
    given -= {name for name, whole in copied.items() if whole}
    return array_of(kind, listed, size, tuple(sorted(given)))


def _bulk(
    values: "Evaluator", place: Place, register: int, size: int | None, context: "Context"
) -> dict[int, Value]:
    """What System.arraycopy of a constant, or Arrays.fill with one, puts into an array.

    Where the positions or the length cannot be told, the whole source counts, from 0.
    """
    body = values.program.body(place.method)
    if not op.INVOKE_VIRTUAL <= body.opcode(place.index) <= op.INVOKE_INTERFACE_RANGE:
        return {}
    name, registers = called(body, place.index), body.arguments(place.index)
    if name == "java.util.Arrays.fill" and len(registers) == 2 and registers[0] == register:
        value = _known(values.value(place, registers[1], context))
        if not isinstance(value, int) or size is None or not 0 <= size <= MAX_ITEMS:
            return {}
        return dict.fromkeys(range(size), Number(value))
    if name != "java.lang.System.arraycopy" or registers[2] != register or size is None:
        return {}
    source = _known(values.value(place, registers[0], context))
    if not isinstance(source, bytes):
        return {}
    begin, to, length = (_known(values.value(place, registers[at], context)) for at in (1, 3, 4))
    begin = begin if isinstance(begin, int) and begin >= 0 else 0
    to = to if isinstance(to, int) and to >= 0 else 0
    data = source[begin : begin + length if isinstance(length, int) and length >= 0 else None]
    room = max(0, min(size, MAX_ITEMS) - to)
    return {to + at: Number(signed(each, 8)) for at, each in enumerate(data[:room])}


def fillers(values: "Evaluator", made: Place, register: int, own: bool = True) -> set[str]:
    """What may write into an array from an instruction on, through the app's methods it is given.

    `own` counts the elements that the first method itself writes.
    """
    found: set[str] = set()
    seen: set[tuple[Place, int]] = set()
    work = [(made, register)]
    while work and len(seen) < MAX_HANDED:
        start = work.pop()
        if start in seen:
            continue
        seen.add(start)
        body = values.program.body(start[0].method)
        for index, held in uses(body, start[0].index, start[1]):
            name = fills(body, index, held)
            put = op.APUT <= body.opcode(index) <= op.APUT_SHORT
            inside = _inside(values, body, index, held) if name and not put else []
            work += inside
            if name and not inside and (own or not put or start != (made, register)):
                found.add(name)
    return found | ({f"code in more than {MAX_HANDED} places"} if work else set())


def _inside(values: "Evaluator", body: Body, index: int, register: int) -> list[tuple[Place, int]]:
    """The parameters of the app's methods that a call hands a register to."""
    owner, name, proto = body.dex.method(body.operand(index))
    if values.program.definition(owner) is None:
        return []
    slots = [slot for slot, each in enumerate(body.arguments(index)) if each == register]
    found = []
    for target in values.program.targets(owner, name, proto, body.opcode(index)):
        inner = values.program.body(target)
        first = inner.registers - inner.ins
        found += [(Place(target, ENTRY), first + slot) for slot in slots]
    return found


def fills(body: Body, index: int, register: int) -> str:
    """What may write into an array that an instruction is given, '' where nothing does."""
    code = body.opcode(index)
    if op.APUT <= code <= op.APUT_SHORT:
        held = body.units[body.starts[index] + 1] & 0xFF == register
        return "an element is written" if held else ""
    if not op.INVOKE_VIRTUAL <= code <= op.INVOKE_INTERFACE_RANGE:
        return ""
    name = called(body, index)
    if name == "java.lang.System.arraycopy" and body.arguments(index)[0] == register:
        return ""
    return "" if name.startswith(_READERS) or name.endswith("[].clone") else name


def array_of(
    kind: bytes,
    items: "tuple[Value, ...] | list[Value] | None",
    size: int | None = None,
    given: tuple[str, ...] = (),
) -> Value:
    """An array; one of bytes or characters that are all known is `Bytes`."""
    listed = None if items is None else tuple(items)
    if listed and not given and kind in (b"[B", b"[C") and len(listed) == (size or len(listed)):
        numbers = [each.number for each in listed if isinstance(each, Number)]
        if len(numbers) == len(listed):
            return Bytes(_raw(kind, numbers))
    count = size if size is not None else None if listed is None else len(listed)
    return Array(java_name(kind), listed, count, given)


def _raw(kind: bytes, numbers: list[int]) -> bytes:
    if kind == b"[B":
        return bytes(each & 0xFF for each in numbers)
    return "".join(chr(each & 0xFFFF) for each in numbers).encode("utf-8", "surrogatepass")


def _literal(body: Body, index: int, kind: bytes) -> list[int] | None:
    """The numbers of a fill-array-data; None where its table is not one."""
    table = body.starts[index] + signed(body.long_operand(index), 32)
    units = body.units
    if not 0 <= table < len(units) - 3 or units[table] != 0x300:
        return None
    width, count = units[table + 1], units[table + 2] | units[table + 3] << 16
    size = width * count
    words = units[table + 4 : table + 4 + (size + 1) // 2]
    if width not in (1, 2, 4, 8) or len(words) * 2 < size:
        return None
    raw = b"".join(word.to_bytes(2, "little") for word in words)[:size]
    return [
        int.from_bytes(raw[at : at + width], "little", signed=kind != b"[C")
        for at in range(0, min(size, width * MAX_ITEMS), width)
    ]


def elements(array: Value, place: Value) -> tuple[Value, ...]:
    """What an element of an array may be."""
    if (
        isinstance(array, Bytes)
        and isinstance(place, Number)
        and 0 <= place.number < len(array.data)
    ):
        return (Number(signed(array.data[place.number], 8)),)
    if not isinstance(array, Array) or array.items is None or array.given_to:
        return (Unknown("an element of an array"),)
    if isinstance(place, Number) and len(array.items) == array.size:
        if 0 <= place.number < len(array.items):
            return (array.items[place.number],)
        return (Unknown("an element of an array"),)
    return array.items or (Unknown("an element of an array"),)


_ANDROID_BASE64 = b"Landroid/util/Base64;"
_COMMONS = b"Lorg/apache/commons/codec/binary/"
_INTRINSICS = b"Lkotlin/jvm/internal/Intrinsics;"
_INTENT_ITSELF = (  # the methods of Intent that return the object they are called on
    b"addCategory", b"addFlags", b"putCharSequenceArrayListExtra", b"putExtra", b"putExtras",
    b"putIntegerArrayListExtra", b"putParcelableArrayListExtra", b"putStringArrayListExtra",
    b"replaceExtras", b"setAction", b"setClass", b"setClassName", b"setComponent", b"setData",
    b"setDataAndNormalize", b"setDataAndType", b"setDataAndTypeAndNormalize", b"setFlags",
    b"setIdentifier", b"setPackage", b"setType", b"setTypeAndNormalize",
)  # fmt: skip
_MODELS: dict[tuple[bytes, bytes], Model] = {
    (STRING, b"getBytes"): _pure(encoded, 1),
    (STRING, b"toCharArray"): _pure(encoded, 1),
    (STRING, b"trim"): _text_method(str.strip),
    (STRING, b"toLowerCase"): _text_method(str.lower),
    (STRING, b"toUpperCase"): _text_method(str.upper),
    (STRING, b"intern"): _same(0),
    (STRING, b"toString"): _same(0),
    (STRING, b"concat"): _concat,
    (STRING, b"substring"): _pure(substring, 3),
    (STRING, b"replace"): _pure(replaced, 3),
    (STRING, b"valueOf"): _value_of,
    (STRING, b"copyValueOf"): _value_of,
    (STRING, b"format"): _format,
    (STRING, b"length"): _pure(lambda text: len(text) if isinstance(text, str) else None, 1),
    (b"Ljava/lang/Object;", b"toString"): _text_method(str),
    (b"Ljava/lang/Object;", b"getClass"): _class_of,
    (b"Ljava/lang/CharSequence;", b"toString"): _text_method(str),
    (b"Ljava/lang/Integer;", b"valueOf"): _pure(
        lambda n: n if isinstance(n, int) else parsed(n), 1
    ),
    (b"Ljava/lang/Integer;", b"intValue"): _same(0),
    (b"Ljava/lang/Integer;", b"parseInt"): _pure(parsed, 2),
    (b"Ljava/lang/Integer;", b"toString"): _value_of,
    (b"Ljava/lang/Long;", b"valueOf"): _pure(lambda n: n if isinstance(n, int) else parsed(n), 1),
    (b"Ljava/lang/Long;", b"longValue"): _same(0),
    (b"Ljava/lang/Long;", b"parseLong"): _pure(parsed, 1),
    (b"Ljava/lang/Boolean;", b"valueOf"): _pure(lambda n: n if isinstance(n, int) else None, 1),
    (b"Ljava/lang/Boolean;", b"booleanValue"): _same(0),
    (b"Ljava/lang/Boolean;", b"parseBoolean"): _pure(
        lambda text: int(text.lower() == "true") if isinstance(text, str) else None, 1
    ),
    (b"Ljava/lang/Number;", b"intValue"): _same(0),
    (b"Ljava/lang/Class;", b"forName"): _for_name,
    (b"Ljava/util/Objects;", b"requireNonNull"): _same(0),
    (b"Ljava/util/Arrays;", b"copyOf"): _copied,
    (b"Ljava/util/Arrays;", b"copyOfRange"): _copied,
    **{(kind, b"clone"): _copied for kind in (b"[B", b"[C", b"[I", b"[J", b"[Ljava/lang/String;")},
    (_ANDROID_BASE64, b"decode"): _pure(from_base64, 1),
    (_ANDROID_BASE64, b"encodeToString"): _pure(to_base64, 1),
    (b"Ljava/util/Base64$Decoder;", b"decode"): lambda call: _pure(from_base64, 1)(_shifted(call)),
    (_COMMONS + b"Base64;", b"decodeBase64"): _pure(from_base64, 1),
    (_COMMONS + b"Hex;", b"decodeHex"): _pure(hexadecimal, 1),
    (_INTRINSICS, b"stringPlus"): _concat,
    **{(owner, b"toString"): _built for owner in BUILDERS},
    **{(b"Landroid/content/Intent;", name): _same(0) for name in _INTENT_ITSELF},
}
_RESOURCE_MODELS: dict[bytes, Model] = {b"getString(I)Ljava/lang/String;": _resource_text}


def _shifted(call: Called) -> Called:
    """A virtual call seen without its receiver."""
    return Called(call.values, call.place, call.owner, call.name, call.proto,
                  call.registers[1:], call.context)  # fmt: skip
