"""Writes a small resources.arsc byte by byte."""

from dataclasses import dataclass
from struct import pack

from gate.formats.res_value import INT_BOOLEAN, REFERENCE, STRING
from tests.formats.write_axml import chunk, string_pool

TRUE = (INT_BOOLEAN, 0xFFFFFFFF)
FALSE = (INT_BOOLEAN, 0)
BAG = "bag"
DEFAULT = pack("<I", 64) + b"\0" * 60

Value = tuple[int, int] | str


def config(*, language: bytes = b"", region: bytes = b"", sdk: int = 0, night: bool = False,
           land: bool = False, density: int = 0) -> bytes:  # fmt: skip
    """A stored `ResTable_config`."""
    out = bytearray(DEFAULT)
    out[8 : 8 + len(language)], out[10 : 10 + len(region)] = language, region
    out[12] = 2 if land else 0
    out[14:16] = pack("<H", density)
    out[24:26] = pack("<H", sdk)
    out[29] = 0x20 if night else 0
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Type:
    """One type in one configuration; `entries` by index, each a value, a string or BAG."""

    entries: dict[int, Value]
    config: bytes = DEFAULT
    id: int = 1
    layout: str = "dense"
    compact: bool = False
    spec: bool = True
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Package:
    types: tuple[Type, ...]
    id: int = 0x7F
    type_offset: int = 0
    header_size: int = 288
    extra: bytes = b""
    name: str = ""


def reference(resource_id: int) -> tuple[int, int]:
    return (REFERENCE, resource_id)


def library(*mappings: tuple[int, str], count: int | None = None) -> bytes:
    """A chunk that says which names the packages of those ids have."""
    body = b"".join(pack("<I256s", id, name.encode("utf-16-le")) for id, name in mappings)
    return chunk(0x203, body, pack("<I", len(mappings) if count is None else count))


def staged_aliases(*pairs: tuple[int, int]) -> bytes:
    """A chunk that says which other ids the resources of those ids go by."""
    return chunk(0x206, b"".join(pack("<II", *pair) for pair in pairs), pack("<I", len(pairs)))


def flagged(*types: Type) -> bytes:
    """A chunk of types that count where a feature flag says so; they may not have strings."""
    return chunk(0x207, b"".join(_type(one, []) for one in types), b"\0" * 8)


def write(*packages: Package, count: int | None = None, trailing: bytes = b"") -> bytes:
    """The bytes of a table; type names are type1, type2 ..., entry names entry0, entry1 ..."""
    strings: list[str] = []
    body = b"".join(_package(package, strings) for package in packages)
    number = len(packages) if count is None else count
    return chunk(2, string_pool(strings) + body, pack("<I", number)) + trailing


def _package(package: Package, strings: list[str]) -> bytes:
    type_names = string_pool([f"type{1 + number}" for number in range(4)])
    names = 1 + max((index for one in package.types for index in one.entries), default=0)
    key_names = string_pool([f"entry{number}" for number in range(names)], utf8=True)
    body = type_names + key_names + package.extra
    seen: set[int] = set()
    for one in package.types:
        if one.spec and one.id not in seen:
            seen.add(one.id)
            body += chunk(0x202, b"\0" * 4 * names, pack("<BBHI", one.id, 0, 0, names))
        body += _type(one, strings)
    start = package.header_size
    name = package.name.encode("utf-16-le")
    header = pack("<I256sIIIII", package.id, name, start, 4, start + len(type_names), names,
                  package.type_offset)  # fmt: skip
    return chunk(0x200, body, header[: package.header_size - 8])


def _type(one: Type, strings: list[str]) -> bytes:
    data, offsets = b"", {}
    for index, value in one.entries.items():
        offsets[index] = len(data)
        data += _entry(index, value, one.compact, strings)
    count = 1 + max(offsets, default=-1)
    if one.layout == "sparse":
        table = b"".join(pack("<HH", index, place // 4) for index, place in offsets.items())
        count = len(offsets)
    elif one.layout == "offset16":
        places = [offsets.get(index, 0x3FFFC) // 4 for index in range(count)]
        table = b"".join(pack("<H", place) for place in places)
    else:
        table = b"".join(pack("<I", offsets.get(index, 0xFFFFFFFF)) for index in range(count))
    table += b"\0" * (-len(table) % 4)
    flags = {"dense": 0, "sparse": 1, "offset16": 2}[one.layout]
    start = 20 + len(one.config) + len(table)
    count = count if one.count is None else one.count
    header = pack("<BBHII", one.id, flags, 0, count, start) + one.config
    return chunk(0x201, table + data, header)


def _entry(index: int, value: Value, compact: bool, strings: list[str]) -> bytes:
    if value == BAG:
        return pack("<HHIII", 16, 1, index, 0, 0)
    if isinstance(value, str):
        strings.append(value)
        value = (STRING, len(strings) - 1)
    kind, data = value
    if compact:
        return pack("<HHI", index, 8 | kind << 8, data)
    return pack("<HHIHBBI", 8, 0, index, 8, 0, kind, data)
