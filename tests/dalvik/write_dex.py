"""Writes small DEX files, so that tests can say what is in them.

Source: source.android.com, Dalvik executable format. Strings must be ASCII.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from functools import cache
from typing import Any

OBJECT = "Ljava/lang/Object;"
PUBLIC, PRIVATE, STATIC, CONSTRUCTOR = 1, 2, 8, 0x10000
DIRECT = PRIVATE | STATIC | CONSTRUCTOR
NO_INDEX = 0xFFFFFFFF
HANDLE, METHOD_TYPE, STRING = 0x16, 0x15, 0x17  # value types of call site arguments


class Ids:
    """The tables of a file: collected at first, when each id is 0, then sorted."""

    def __init__(self) -> None:
        self.names: dict[str, set[Any]] = {
            each: set() for each in ("string", "type", "proto", "field", "method")
        }
        self.numbers: dict[str, dict[Any, int]] = {}

    def _id(self, table: str, key: Any) -> int:
        self.names[table].add(key)
        return self.numbers[table][key] if self.numbers else 0

    def string(self, text: str) -> int:
        return self._id("string", text)

    def type(self, descriptor: str) -> int:
        self.string(descriptor)
        return self._id("type", descriptor)

    def proto(self, text: str) -> int:
        parameters, result = split_proto(text)
        self.string(shorty(text))
        for each in (*parameters, result):
            self.type(each)
        return self._id("proto", text)

    def field(self, owner: str, name: str, kind: str) -> int:
        self.type(owner), self.type(kind), self.string(name)
        return self._id("field", (owner, name, kind))

    def method(self, owner: str, name: str, proto: str) -> int:
        self.type(owner), self.proto(proto), self.string(name)
        return self._id("method", (owner, name, proto))

    def sort(self) -> None:
        number = self.numbers
        keys: dict[str, Callable[[Any], Any]] = {
            "string": lambda text: text.encode(),
            "type": lambda text: number["string"][text],
            "proto": self._proto_key,
            "field": lambda f: self._member_key(f[0], f[1], number["type"][f[2]]),
            "method": lambda m: self._member_key(m[0], m[1], number["proto"][m[2]]),
        }
        for table, key in keys.items():
            ordered = sorted(self.names[table], key=key)
            number[table] = {each: place for place, each in enumerate(ordered)}

    def _member_key(self, owner: str, name: str, last: int) -> tuple[int, int, int]:
        return self.numbers["type"][owner], self.numbers["string"][name], last

    def _proto_key(self, text: str) -> tuple[int, list[int]]:
        parameters, result = split_proto(text)
        types = self.numbers["type"]
        return types[result], [types[each] for each in parameters]


Units = Sequence[int] | Callable[[Ids], Sequence[int]]


@dataclass(frozen=True)
class Code:
    """A code item; `tries` are what follows the units, without padding."""

    units: Units
    registers: int = 16
    ins: int = 0
    outs: int = 5
    try_count: int = 0
    tries: bytes = b""


@dataclass(frozen=True)
class MethodDef:
    name: str
    proto: str = "()V"
    code: Code | None = None
    flags: int = PUBLIC | STATIC


@dataclass(frozen=True)
class ClassDef:
    name: str
    methods: Sequence[MethodDef] = ()
    parent: str | None = OBJECT
    interfaces: Sequence[str] = ()
    flags: int = PUBLIC


@dataclass(frozen=True)
class Handle:
    """A method handle: its kind, and what it leads to."""

    kind: int
    target: tuple[str, str, str]

    def index(self, ids: Ids) -> int:
        return ids.field(*self.target) if self.kind < 4 else ids.method(*self.target)


@dataclass
class Written:
    """A file, its ids, and where each code item lies."""

    data: bytearray
    ids: Ids
    code_at: dict[str, int] = field(default_factory=dict)


@cache
def split_proto(text: str) -> tuple[list[str], str]:
    inner, result = text[1:].split(")")
    found, at = [], 0
    while at < len(inner):
        begin = at
        while inner[at] == "[":
            at += 1
        at = inner.index(";", at) + 1 if inner[at] == "L" else at + 1
        found.append(inner[begin:at])
    return found, result


def shorty(text: str) -> str:
    parameters, result = split_proto(text)
    return "".join("L" if each[0] in "L[" else each[0] for each in (result, *parameters))


def uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def write_dex(
    classes: Iterable[ClassDef],
    *,
    version: str = "038",
    also: Callable[[Ids], object] | None = None,
    handles: Sequence[Handle] = (),
    call_sites: Sequence[Sequence[tuple[int, Any]]] = (),
    at: int = 0,
) -> Written:
    """A file at an offset of its container; `also` may name further ids.

    A call site is a list of value type and value: the number of a handle, a prototype or a text.
    """
    writer = _Writer(tuple(classes), handles, call_sites, at, 0x78 if version >= "041" else 0x70)
    writer.lay_out(also)
    ids = writer.ids
    ids.sort()
    written = writer.lay_out(also)
    data = written.data
    data[:8] = b"dex\n" + version.encode() + b"\0"
    struct.pack_into("<III", data, 0x20, len(data), writer.header, 0x12345678)
    if version >= "041":
        struct.pack_into("<II", data, 0x70, at + len(data), at)
    seal(data)
    return written


def seal(data: bytearray, begin: int = 0, end: int | None = None) -> None:
    """Writes the checksum that the bytes ask for."""
    struct.pack_into("<I", data, begin + 8, zlib.adler32(data[begin + 12 : end or len(data)]))


def container(*files: Iterable[ClassDef]) -> bytearray:
    """A container of version 041 with a file for each list of classes."""
    data, begins = bytearray(), []
    for classes in files:
        begins.append(len(data))
        data += write_dex(classes, version="041", at=len(data)).data
    for begin, end in zip(begins, [*begins[1:], len(data)], strict=True):
        struct.pack_into("<I", data, begin + 0x70, len(data))
        seal(data, begin, end)
    return data


class _Writer:
    def __init__(
        self,
        classes: tuple[ClassDef, ...],
        handles: Sequence[Handle],
        call_sites: Sequence[Sequence[tuple[int, Any]]],
        at: int,
        header: int,
    ) -> None:
        self.classes, self.handles, self.call_sites = classes, handles, call_sites
        self.base, self.header = at, header
        self.ids = Ids()

    def lay_out(self, also: Callable[[Ids], object] | None) -> Written:
        """The whole file; the first time only the ids are of use."""
        self.data = bytearray(self.header)
        self.map: list[tuple[int, int, int]] = [(0, 1, self.base)]
        self.written = Written(self.data, self.ids)
        if also is not None:
            also(self.ids)
        numbers = self.ids.numbers or {each: {} for each in self.ids.names}
        string = self._table(1, numbers["string"], 4, 0x38)
        kind = self._table(2, numbers["type"], 4, 0x40)
        proto = self._table(3, numbers["proto"], 12, 0x48)
        field_ = self._table(4, numbers["field"], 8, 0x50)
        method = self._table(5, numbers["method"], 8, 0x58)
        classes = self._table(6, self.classes, 32, 0x60)
        sites = self._table(7, self.call_sites, 4)
        handles = self._table(8, self.handles, 8)
        begin = len(self.data)
        lists = self._type_lists()
        codes = self._codes()
        self._put(string, "<I", [(each,) for each in self._strings(numbers["string"])])
        content = self._class_data(codes)
        arrays = self._section(0x2005, [self._array(each) for each in self.call_sites])
        ids = self.ids
        self._put(kind, "<I", [(ids.string(each),) for each in numbers["type"]])
        self._put(proto, "<III", [self._proto(each, lists) for each in numbers["proto"]])
        fields = [(ids.type(f[0]), ids.type(f[2]), ids.string(f[1])) for f in numbers["field"]]
        self._put(field_, "<HHI", fields)
        methods = [(ids.type(m[0]), ids.proto(m[2]), ids.string(m[1])) for m in numbers["method"]]
        self._put(method, "<HHI", methods)
        rows = zip(self.classes, content, strict=True)
        self._put(classes, "<8I", [self._class(*each, lists) for each in rows])
        self._put(sites, "<I", [(each,) for each in arrays])
        self._put(handles, "<HHHH", [(h.kind, 0, h.index(ids), 0) for h in self.handles])
        self._end_with_map()
        if self.header == 0x70:
            struct.pack_into("<II", self.data, 0x68, len(self.data) - begin, begin)
        return self.written

    def _table(self, kind: int, rows: Sized, size: int, place: int = 0) -> int:
        at = len(self.data)
        if len(rows):
            self.map.append((kind, len(rows), self.base + at))
            if place:
                struct.pack_into("<II", self.data, place, len(rows), self.base + at)
        self.data += bytes(len(rows) * size)
        return at

    def _put(self, at: int, form: str, rows: Iterable[tuple[int, ...]]) -> None:
        for number, row in enumerate(rows):
            struct.pack_into(form, self.data, at + number * struct.calcsize(form), *row)

    def _section(self, kind: int, items: Sequence[bytes], aligned: int = 1) -> list[int]:
        """Writes items one after the other; where each begins."""
        found = []
        for item in items:
            self.data += bytes(-len(self.data) % aligned)
            found.append(self.base + len(self.data))
            self.data += item
        if items:
            self.map.append((kind, len(items), found[0]))
        return found

    def _type_lists(self) -> dict[tuple[str, ...], int]:
        protos = self.ids.numbers.get("proto", {})
        wanted = {tuple(split_proto(each)[0]) for each in protos}
        wanted |= {tuple(each.interfaces) for each in self.classes}
        lists = sorted(wanted - {()})
        rows = [[self.ids.type(each) for each in types] for types in lists]
        items = [struct.pack(f"<I{len(row)}H", len(row), *row) for row in rows]
        return {(): 0} | dict(zip(lists, self._section(0x1001, items, 4), strict=True))

    def _codes(self) -> dict[str, int]:
        named = {
            f"{each.name}->{method.name}{method.proto}": method.code
            for each in self.classes
            for method in each.methods
            if method.code is not None
        }
        at = self._section(0x2001, [self._code(code) for code in named.values()], 4)
        self.written.code_at = dict(zip(named, at, strict=True))
        return self.written.code_at

    def _code(self, code: Code) -> bytes:
        units = code.units(self.ids) if callable(code.units) else code.units
        header = code.registers, code.ins, code.outs, code.try_count, 0, len(units)
        data = struct.pack(f"<4H2I{len(units)}H", *header, *units)
        return data + bytes(-len(data) % 4) + code.tries if code.try_count else data

    def _strings(self, texts: Iterable[str]) -> list[int]:
        items = [uleb(len(text)) + text.encode() + b"\0" for text in texts]
        return self._section(0x2002, items)

    def _class_data(self, codes: dict[str, int]) -> list[int]:
        """Where the methods of each class are told; 0 for a class without any."""
        ids, items = self.ids, []
        for each in self.classes:
            rows = sorted(
                (ids.method(each.name, method.name, method.proto), method.flags,
                 codes.get(f"{each.name}->{method.name}{method.proto}", 0))
                for method in each.methods
            )  # fmt: skip
            direct = [row for row in rows if row[1] & DIRECT]
            virtual = [row for row in rows if not row[1] & DIRECT]
            item = b"\0\0" + uleb(len(direct)) + uleb(len(virtual))
            for group in (direct, virtual):
                last = 0
                for index, flags, code in group:
                    item += uleb(index - last) + uleb(flags) + uleb(code)
                    last = index
            items.append(item if rows else b"")
        at = iter(self._section(0x2000, [each for each in items if each]))
        return [next(at) if each else 0 for each in items]

    def _class(
        self, each: ClassDef, content: int, lists: dict[tuple[str, ...], int]
    ) -> tuple[int, ...]:
        parent = NO_INDEX if each.parent is None else self.ids.type(each.parent)
        interfaces = lists[tuple(each.interfaces)]
        return self.ids.type(each.name), each.flags, parent, interfaces, NO_INDEX, 0, content, 0

    def _proto(self, text: str, lists: dict[tuple[str, ...], int]) -> tuple[int, int, int]:
        parameters, result = split_proto(text)
        return self.ids.string(shorty(text)), self.ids.type(result), lists[tuple(parameters)]

    def _array(self, arguments: Sequence[tuple[int, Any]]) -> bytes:
        data = uleb(len(arguments))
        for kind, value in arguments:
            number = value
            if kind == METHOD_TYPE:
                number = self.ids.proto(value)
            elif kind == STRING:
                number = self.ids.string(value)
            data += bytes((kind | 3 << 5,)) + struct.pack("<I", number)
        return data

    def _end_with_map(self) -> None:
        self.data += bytes(-len(self.data) % 4)
        at = self.base + len(self.data)
        struct.pack_into("<I", self.data, 0x34, at)
        self.map.append((0x1000, 1, at))
        self.data += struct.pack("<I", len(self.map))
        for kind, count, offset in self.map:
            self.data += struct.pack("<HHII", kind, 0, count, offset)
