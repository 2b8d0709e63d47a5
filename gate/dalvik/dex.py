"""The tables of one DEX file as numpy views.

Sources: source.android.com, Dalvik executable format; AOSP art/libdexfile/dex/dex_file_verifier.cc,
whose demands on order and bounds this reader repeats: what looks names up by bisection must not be
led past them by a file that no device loads.
"""

import struct
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.formats.dex import Header, read_headers
from gate.formats.errors import Malformed

Ints = NDArray[Any]

METHOD_ID = np.dtype([("owner", "<u2"), ("proto", "<u2"), ("name", "<u4")])
FIELD_ID = np.dtype([("owner", "<u2"), ("type", "<u2"), ("name", "<u4")])
CLASS_DEF = np.dtype(
    [
        (name, "<u4")
        for name in ("type", "flags", "parent", "interfaces", "source", "notes", "data", "values")
    ]
)
NO_INDEX = 0xFFFFFFFF
KEPT_NAMES = 1 << 14
MAX_LIST = 0xFFFF  # a type list holds 16-bit indices, of which no file has more


def read_files(data: bytes, path: str) -> tuple["Dex", ...]:
    """The DEX files of one entry of the build: from version 041 on it may hold several."""
    files, known = [], set()
    for header in read_headers(data):
        strings = struct.unpack_from("<II", data, header.begin + 0x38)
        # Files of a container may share their strings, which are then checked only once.
        files.append(Dex(data, path, header, checked=strings in known))
        known.add(strings)
    return tuple(files)


class Dex:
    """One DEX file: `path` is its place in the build, `data` its bytes.

    In a container (see `read_files`) `data` is the whole of it, from whose beginning all offsets
    count, and `header` says where this file lies; without one `data` must hold a single file.
    Everything is checked against the file's size when it is opened; an index that leads out of a
    table afterwards is `Malformed`. Names and descriptors are bytes in MUTF-8, as the file has
    them; types are descriptors (``Ljava/lang/String;``).
    """

    def __init__(
        self, data: bytes, path: str, header: Header | None = None, *, checked: bool = False
    ) -> None:
        self.path, self.data = path, data
        self.header = header or _only(read_headers(data))
        self.bytes: Ints = np.frombuffer(data, np.uint8)
        self.units: Ints = np.frombuffer(data, "<u2", len(data) // 2)
        self.string_at = self._table(0x38, np.dtype("<u4"))
        self.type_name = self._table(0x40, np.dtype("<u4"))
        self.protos = self._table(0x48, np.dtype(("<u4", 3)))
        self.fields = self._table(0x50, FIELD_ID)
        self.methods = self._table(0x58, METHOD_ID)
        self.classes = self._table(0x60, CLASS_DEF)
        self._check_indices()
        if not checked:
            self._check_strings()
        self._texts: dict[int, bytes] = {}
        self._types: dict[int, bytes] = {}
        self._protos: dict[int, bytes] = {}
        self._type_ids: dict[bytes, int | None] = {}
        self._proto_ids: dict[bytes, int | None] = {}
        self._named_methods: dict[int, tuple[bytes, bytes, bytes]] = {}
        self._named_fields: dict[int, tuple[bytes, bytes, bytes]] = {}
        self._string_at = np.ascontiguousarray(self.string_at).data
        self._type_name = np.ascontiguousarray(self.type_name).data

    def _table(self, at: int, item: "np.dtype[Any]") -> Ints:
        count, offset = struct.unpack_from("<II", self.data, self.header.begin + at)
        if not count:
            return np.empty((0, *item.shape), item.base)
        return np.frombuffer(self.data, item, count, offset)  # the header's reader checked bounds

    def _check_indices(self) -> None:
        strings, types, protos = len(self.string_at), len(self.type_name), len(self.protos)
        if max(types, protos) > 0x10000:
            raise Malformed("DEX file with more than 65,536 types or prototypes", 0x40)
        for name, column, bound in (
            ("type_ids", self.type_name, strings),
            ("proto_ids", self.protos[:, 0], strings),
            ("proto_ids", self.protos[:, 1], types),
            ("field_ids", self.fields["owner"], types),
            ("field_ids", self.fields["type"], types),
            ("field_ids", self.fields["name"], strings),
            ("method_ids", self.methods["owner"], types),
            ("method_ids", self.methods["proto"], protos),
            ("method_ids", self.methods["name"], strings),
            ("class_defs", self.classes["type"], types),
        ):
            if len(column) and int(column.max()) >= bound:
                raise Malformed(f"DEX table {name} holds an index outside of its table", 0)
        for name, key in (
            ("type_ids", self.type_name),
            ("field_ids", _key(self.fields, "type")),
            ("method_ids", _key(self.methods, "proto")),
        ):
            if len(key) > 1 and not bool((key[1:] > key[:-1]).all()):
                raise Malformed(f"DEX table {name} is not sorted, which ART refuses", 0)

    def _check_strings(self) -> None:
        """The strings lie inside the file and are sorted; bytes sort as UTF-16 but for U+0000."""
        at = self.string_at.astype(np.int64)
        if not len(at):
            return
        last = int(at.max())
        if last >= len(self.data) - 1 or self.data.find(b"\0", last + 1) < 0:
            raise Malformed("DEX string outside of the file", 0x38)
        begin = at + 1
        for _ in range(4):  # the length before the characters takes up to 5 bytes
            more = self.bytes[begin - 1] >= 0x80
            if not more.any():
                break
            begin += more
            if int(begin.max()) >= len(self.data):
                raise Malformed("DEX string outside of the file", 0x38)
        if not _ascending(self.data, begin):
            raise Malformed("DEX string table is not sorted, which ART refuses", 0x38)

    def text(self, index: int) -> bytes:
        """The string of an index, in MUTF-8."""
        found = self._texts.get(index)
        if found is None:
            if not 0 <= index < len(self._string_at):
                raise Malformed(f"DEX string index {index} outside of the table", 0x38)
            at, data = self._string_at[index], self.data
            while data[at] >= 0x80:
                at += 1
            found = self._texts[index] = data[at + 1 : data.index(b"\0", at + 1)]
        return found

    def type(self, index: int) -> bytes:
        """The descriptor of a type index."""
        found = self._types.get(index)
        if found is None:
            if not 0 <= index < len(self._type_name):
                raise Malformed(f"DEX type index {index} outside of the table", 0x40)
            found = self._types[index] = self.text(self._type_name[index])
        return found

    def type_list(self, offset: int) -> tuple[int, ...]:
        """The type indices of a type_list; () for the offset 0."""
        if not offset:
            return ()
        if offset + 4 > len(self.data):
            raise Malformed("DEX type list outside of the file", offset)
        (count,) = struct.unpack_from("<I", self.data, offset)
        if count > MAX_LIST or offset + 4 + 2 * count > len(self.data):
            raise Malformed("DEX type list outside of the file", offset)
        return struct.unpack_from(f"<{count}H", self.data, offset + 4)

    def proto(self, index: int) -> bytes:
        """The descriptor of a prototype: ``(ILjava/lang/String;)V``."""
        found = self._protos.get(index)
        if found is None:
            if not 0 <= index < len(self.protos):
                raise Malformed(f"DEX prototype index {index} outside of the table", 0x48)
            _, result, parameters = self.protos[index].tolist()
            types = b"".join(map(self.type, self.type_list(parameters)))
            found = self._protos[index] = b"(" + types + b")" + self.type(result)
        return found

    def method(self, index: int) -> tuple[bytes, bytes, bytes]:
        """Owner, name and prototype of a method index."""
        found = self._named_methods.get(index)
        if found is None:
            if not 0 <= index < len(self.methods):
                raise Malformed(f"DEX method index {index} outside of the table", 0x58)
            owner, proto, name = self.methods[index].tolist()
            found = self.type(owner), self.text(name), self.proto(proto)
            self._named_methods[index] = found
        return found

    def field(self, index: int) -> tuple[bytes, bytes, bytes]:
        """Owner, name and type of a field index."""
        found = self._named_fields.get(index)
        if found is None:
            if not 0 <= index < len(self.fields):
                raise Malformed(f"DEX field index {index} outside of the table", 0x50)
            owner, kind, name = self.fields[index].tolist()
            found = self.type(owner), self.text(name), self.type(kind)
            self._named_fields[index] = found
        return found

    def find_text(self, wanted: bytes) -> int | None:
        """The index of a string, or None."""
        return self.find_texts((wanted,)).get(wanted)

    def find_texts(self, wanted: Iterable[bytes]) -> dict[bytes, int]:
        """The indices of those strings that the file has, by one bisection over all of them."""
        names, found = sorted(set(wanted)), {}
        data, at = self.data, self._string_at
        work = [(0, len(names), 0, len(at))]
        while work:
            first, last, low, high = work.pop()
            if first >= last or low >= high:
                continue
            middle = (first + last) >> 1
            key = names[middle] + b"\0"
            lower, upper, size = low, high, len(key)
            while lower < upper:
                probe = (lower + upper) >> 1
                begin = at[probe]
                while data[begin] >= 0x80:
                    begin += 1
                if data[begin + 1 : begin + 1 + size] < key:
                    lower = probe + 1
                else:
                    upper = probe
            if lower < high and self.text(lower) == names[middle]:
                found[names[middle]] = lower
            work += ((first, middle, low, lower), (middle + 1, last, lower, high))
        return found

    def find_proto(self, wanted: bytes) -> int | None:
        """The index of a prototype, or None; a file has each one once."""
        if wanted not in self._proto_ids:
            self._proto_ids[wanted] = self._find_proto(wanted)
        return self._proto_ids[wanted]

    def _find_proto(self, wanted: bytes) -> int | None:
        types = [*parameters(wanted), wanted[wanted.rindex(b")") + 1 :]]
        letters = [each if len(each) == 1 else b"L" for each in types]
        shorty, result = self.find_text(b"".join((letters[-1], *letters[:-1]))), types[-1]
        kind = self.find_type(result)
        if shorty is None or kind is None:
            return None
        given = [self.find_type(each) for each in types[:-1]]
        if None in given:
            return None
        alike = np.flatnonzero((self.protos[:, 0] == shorty) & (self.protos[:, 1] == kind))
        return next((i for i in alike.tolist() if [*self._parameters(i)] == given), None)

    def _parameters(self, index: int) -> tuple[int, ...]:
        return self.type_list(int(self.protos[index, 2]))

    def find_type(self, descriptor: bytes) -> int | None:
        """The type index of a descriptor, or None."""
        if descriptor not in self._type_ids:
            self.find_types((descriptor,))
        return self._type_ids[descriptor]

    def find_types(self, descriptors: Iterable[bytes]) -> None:
        """Look up many descriptors at once, for `find_type` to know."""
        wanted = {each for each in descriptors if each not in self._type_ids}
        texts = self.find_texts(wanted)
        for each in wanted:
            self._type_ids[each] = self.type_of_text(texts[each]) if each in texts else None

    def type_of_text(self, text: int) -> int | None:
        """The type whose descriptor is this string."""
        index = int(np.searchsorted(self.type_name, text))
        known = index < len(self.type_name) and int(self.type_name[index]) == text
        return index if known else None

    @cached_property
    def _by_name(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.methods["name"], kind="stable")
        return self.methods["name"][order], order

    def methods_named(self, text: int) -> Ints:
        """The ids of all methods whose name is this string, ascending."""
        names, order = self._by_name
        low, high = np.searchsorted(names, (text, text + 1))
        return order[low:high]

    @cached_property
    def method_owners(self) -> Ints:
        """The owner of every method id, contiguous, ascending."""
        return np.ascontiguousarray(self.methods["owner"])

    @cached_property
    def field_owners(self) -> Ints:
        """The owner of every field id, contiguous, ascending."""
        return np.ascontiguousarray(self.fields["owner"])

    def methods_of(self, kind: int) -> range:
        """The method indices whose owner is a type."""
        low, high = np.searchsorted(self.method_owners, (kind, kind + 1))
        return range(int(low), int(high))

    def fields_of(self, kind: int) -> range:
        """The field indices whose owner is a type."""
        low, high = np.searchsorted(self.field_owners, (kind, kind + 1))
        return range(int(low), int(high))


def _only(headers: tuple[Header, ...]) -> Header:
    if len(headers) > 1:
        raise Malformed("a container of several DEX files, where one is expected", headers[0].end)
    return headers[0]


def _key(table: Ints, low: str) -> Ints:
    """What ART sorts a table of ids by: owner, name, then type or prototype."""
    return (
        table["owner"].astype(np.uint64) << np.uint64(48)
        | table["name"].astype(np.uint64) << np.uint64(16)
        | table[low].astype(np.uint64)
    )


def _ascending(data: bytes, begin: Ints) -> bool:
    """Whether the strings that begin at these offsets ascend strictly, in the order of UTF-16.

    Eight bytes of all pairs that are still equal are compared at a time; few pairs, the end of the
    file and pairs with U+0000 (c0 80, the one place where bytes sort otherwise) are compared alone.
    """
    words = np.ndarray((max(len(data) - 7, 0),), ">u8", data, strides=(1,))
    pairs, depth = np.arange(len(begin) - 1), 0
    while len(pairs) > 32 and int(begin.max()) + depth + 8 <= len(data):
        left = _until_zero(words[begin[pairs] + depth])
        right = _until_zero(words[begin[pairs + 1] + depth])
        alone = _zeros(left ^ _C0) + _zeros(right ^ _C0) != 0
        if not all(_pair_ascends(data, begin, pair) for pair in pairs[alone].tolist()):
            return False
        if bool(((left > right) & ~alone).any()):
            return False
        equal = (left == right) & ~alone
        if bool((equal & (left & np.uint64(0xFF) == 0)).any()):
            return False  # equal to their end
        pairs = pairs[equal]
        depth += 8
    return all(_pair_ascends(data, begin, pair) for pair in pairs.tolist())


def _pair_ascends(data: bytes, begin: Ints, pair: int) -> bool:
    first, second = int(begin[pair]), int(begin[pair + 1])
    left, right = data[first : data.index(b"\0", first)], data[second : data.index(b"\0", second)]
    return left.replace(b"\xc0\x80", b"\0") < right.replace(b"\xc0\x80", b"\0")


_LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)
_C0 = np.uint64(0xC0C0C0C0C0C0C0C0)


def _zeros(words: Ints) -> Ints:
    """The high bit of every byte that is zero."""
    return ~(((words & _LOW7) + _LOW7) | words | _LOW7)


def _until_zero(words: Ints) -> Ints:
    """Big-endian words whose first zero byte and everything behind it is cleared."""
    native = words.astype(np.uint64)
    behind = _zeros(native)
    for shift in (8, 16, 32):
        behind |= behind >> np.uint64(shift)
    return native & ~((behind >> np.uint64(7)) * np.uint64(0xFF))


def descriptor(name: str) -> bytes:
    """The descriptor of a class as Java writes it: ``a.b.C$D`` gives ``La/b/C$D;``."""
    return f"L{name.replace('.', '/')};".encode()


@lru_cache(KEPT_NAMES)
def java_name(kind: bytes) -> str:
    """A type as Java writes it: ``[La/b/C;`` gives ``a.b.C[]``."""
    depth = len(kind) - len(kind.lstrip(b"["))
    inner = kind[depth:]
    text = (
        inner[1:-1] if inner[:1] == b"L" and inner[-1:] == b";" else _PRIMITIVES.get(inner, inner)
    )
    return from_mutf8(text).replace("/", ".") + "[]" * min(depth, 255)


_PRIMITIVES = {
    b"V": b"void", b"Z": b"boolean", b"B": b"byte", b"S": b"short", b"C": b"char", b"I": b"int",
    b"J": b"long", b"F": b"float", b"D": b"double",
}  # fmt: skip


def from_mutf8(text: bytes) -> str:
    """Modified UTF-8 as text; a lone surrogate stays one, a malformed byte becomes U+FFFD."""
    try:
        return text.decode("ascii")
    except UnicodeDecodeError:
        pass
    text = text.replace(b"\xc0\x80", b"\0")
    try:
        units = text.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace")
    return units.decode("utf-16-le", "surrogatepass")


@lru_cache(KEPT_NAMES)
def parameters(proto: bytes) -> tuple[bytes, ...]:
    """The parameter types of a prototype's descriptor."""
    found: list[bytes] = []
    at, end = 1, proto.rindex(b")")
    while at < end:
        begin = at
        while proto[at : at + 1] == b"[":
            at += 1
        at = proto.index(b";", at) + 1 if proto[at : at + 1] == b"L" else at + 1
        found.append(proto[begin:at])
    return tuple(found)
