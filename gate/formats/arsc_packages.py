"""The packages of a resource table, indexed without decoding an entry.

Sources: AOSP frameworks/base libs/androidfw/LoadedArsc.cpp (`LoadedPackage::Load`,
`VerifyResTableType`, `VerifyResTableEntry`, `GetEntryOffset`) and ResourceTypes.h. Android 8 was
the first to know FLAG_SPARSE, Android 14 FLAG_OFFSET16 and FLAG_COMPACT; others ignore the flags.
"""

from collections.abc import Iterator
from dataclasses import field
from struct import Struct
from typing import Final

from gate.formats import res_chunk
from gate.formats.errors import Malformed, OverLimit
from gate.formats.package_ids import Mapping
from gate.formats.res_chunk import Chunk, child_chunks
from gate.formats.res_value import COMPLEX, RES_VALUE
from gate.formats.stringpool import MAX_STRINGS, StringPool
from gate.frozen import dataclass

MAX_CHUNKS: Final = 100_000
MAX_CONFIGURATIONS: Final = 4_096
# The API levels since which sparse types, and short offsets and compact entries, are read as such.
SPARSE_SINCE: Final = 26
COMPACT_SINCE: Final = 34

_PACKAGE: Final = Struct("<I256xIIII")
_TYPE: Final = Struct("<BBHIII")
_ENTRY: Final = Struct("<HHI")
_SPARSE_FLAG: Final = 0x01
_OFFSET16_FLAG: Final = 0x02
_COMPLEX_FLAG: Final = 0x0001
_COMPACT_FLAG: Final = 0x0008
_NO_ENTRY: Final = 0xFFFFFFFF
_NO_ENTRY16: Final = 0xFFFF
_NAME_BYTES: Final = 256
_MAPPING: Final = Struct(f"<I{_NAME_BYTES}s")
_ALIAS: Final = Struct("<II")


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded entry: index of its name, and its value as `Res_value` type and data."""

    key: int
    type: int
    data: int


@dataclass(frozen=True, slots=True)
class TypeChunk:
    """The entries of one resource type in one configuration; offsets count in the whole table."""

    data: bytes = field(repr=False)
    chunk: Chunk
    flags: int
    count: int
    entries: int

    def config(self) -> bytes:
        """Return the stored `ResTable_config`, its size field included."""
        start = self.chunk.start + 20
        size = min(int.from_bytes(self.data[start : start + 4], "little"), 64)
        return self.data[start : min(start + size, self.chunk.end)]

    def is_disputed(self, index: int, entry: Entry | None, level: int) -> bool:
        """Whether Android of an earlier API level finds another entry than `entry`, or fails."""
        if (entry is None and not self.flags) or self._needs_level() > level:
            return False
        try:
            return self.entry(index, level) != entry
        except Malformed:
            return True

    def _needs_level(self) -> int:
        """The sdkVersion of the configuration, below which no Android looks into the chunk."""
        return int.from_bytes(self.config()[24:26], "little")

    def entry(self, index: int, level: int = COMPACT_SINCE) -> Entry | None:
        """Decode entry `index` as Android of an API level does; None where it is not there.

        Raises Malformed where the entry lies outside its chunk.
        """
        if self.flags & _SPARSE_FLAG and level >= SPARSE_SINCE:
            offset = self._sparse(index)
        else:
            short = bool(self.flags & _OFFSET16_FLAG) and level >= COMPACT_SINCE
            offset = self._dense(index, short)
        if offset is None:
            return None
        start = self.entries + offset
        if start & 3 or start + _ENTRY.size > self.chunk.end:
            raise Malformed(f"resource entry {index} lies outside its chunk", start)
        size, flags, key = _ENTRY.unpack_from(self.data, start)
        compact = bool(flags & _COMPACT_FLAG) and level >= COMPACT_SINCE
        if flags & _COMPLEX_FLAG:
            return Entry(size if compact else key, COMPLEX, 0)
        if compact:
            return Entry(size, flags >> 8, key)
        if size < _ENTRY.size or start + size + RES_VALUE.size > self.chunk.end:
            raise Malformed(f"the value of resource entry {index} lies outside its chunk", start)
        value_size, _, kind, data = RES_VALUE.unpack_from(self.data, start + size)
        if value_size < RES_VALUE.size:
            raise Malformed(f"the value of resource entry {index} has {value_size} bytes", start)
        return Entry(key, kind, data)

    def _dense(self, index: int, short: bool) -> int | None:
        if index >= self.count:
            return None
        if short:
            words = self._offset(self.chunk.body + 2 * index, 2)
            return None if words == _NO_ENTRY16 else 4 * words
        offset = self._offset(self.chunk.body + 4 * index, 4)
        return None if offset == _NO_ENTRY else offset

    def _sparse(self, index: int) -> int | None:
        """Search as `std::lower_bound` does, so that an unsorted list hides the same entries."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self._offset(self.chunk.body + 4 * middle, 2) < index:
                low = middle + 1
            else:
                high = middle
        place = self.chunk.body + 4 * low
        if low == self.count or self._offset(place, 2) != index:
            return None
        return 4 * self._offset(place + 2, 2)

    def _offset(self, place: int, width: int) -> int:
        if place + width > self.chunk.end:
            raise Malformed("the offsets of resource entries pass the end of their chunk", place)
        return int.from_bytes(self.data[place : place + width], "little")


@dataclass(slots=True)
class Package:
    """One package: its types by the type part of a resource id, and the pools of the names.

    `flagged` are the types that have values which depend on feature flags; they are not read.
    """

    id: int
    name: str
    type_offset: int
    flagged: set[int] = field(default_factory=set)
    type_names: StringPool | None = None
    key_names: StringPool | None = None
    types: dict[int, list[TypeChunk]] = field(default_factory=dict)

    def configurations(self, resource_id: int) -> list[TypeChunk]:
        """Return the type chunks that may hold the resource, in file order."""
        return self.types.get((resource_id >> 16) & 0xFF, [])

    def entry_name(self, resource_id: int) -> str:
        """Return "type/entry"; "" where the resource is absent; raise Malformed if unreadable."""
        for configuration in self.configurations(resource_id):
            entry = configuration.entry(resource_id & 0xFFFF)
            if entry is not None and self.type_names is not None and self.key_names is not None:
                kind = (resource_id >> 16 & 0xFF) - self.type_offset - 1
                return f"{self.type_names.string(kind)}/{self.key_names.string(entry.key)}"
        return ""


class TableReader:
    """Walks the chunks of one table file, counting them, and indexes its packages.

    `cut` tells of data that belongs to no whole chunk; `mappings` and `aliases` are those of
    `gate.formats.package_ids`.
    """

    def __init__(self, data: bytes, max_strings: int = MAX_STRINGS) -> None:
        self.cut = False
        self.mappings: set[Mapping] = set()
        self.aliases: set[int] = set()
        self._data = data
        self._max_strings = max_strings
        self._chunks = 0

    def children(self, start: int, end: int) -> Iterator[Chunk]:
        """Yield the chunks between two offsets; raise OverLimit past MAX_CHUNKS in all."""
        offset = start
        for chunk in child_chunks(self._data, start, end):
            self._chunks += 1
            if self._chunks > MAX_CHUNKS:
                raise OverLimit(f"the table has more than {MAX_CHUNKS} chunks", chunk.start)
            yield chunk
            offset = chunk.end
        self.cut = self.cut or offset < end

    def package(self, chunk: Chunk) -> Package:
        """Index one package; raise Malformed where androidfw refuses it, OverLimit if too large."""
        if chunk.header_size < 8 + _PACKAGE.size:
            raise Malformed(f"package header size {chunk.header_size} is too small", chunk.start)
        identity, type_names, _, key_names, _ = _PACKAGE.unpack_from(self._data, chunk.start + 8)
        if identity > 0xFF:
            raise Malformed(f"package id {identity:#x} is above 255", chunk.start)
        name = _name(self._data[chunk.start + 12 : chunk.start + 12 + _NAME_BYTES])
        package = Package(identity, name, self._type_offset(chunk))
        for child in self.children(chunk.body, chunk.end):
            if child.type == res_chunk.STRING_POOL:
                if child.start == chunk.start + type_names:
                    package.type_names = self._pool(child)
                elif child.start == chunk.start + key_names:
                    package.key_names = self._pool(child)
            elif child.type == res_chunk.TABLE_TYPE_SPEC:
                self._type_spec(child, package)
            elif child.type == res_chunk.TABLE_TYPE:
                self._type(child, package)
            elif child.type == res_chunk.TABLE_FLAGGED:
                self._flagged(child, package)
            elif child.type == res_chunk.TABLE_LIBRARY:
                for number, name in _MAPPING.iter_unpack(self._records(child, _MAPPING.size)):
                    self.mappings.add(Mapping(identity, number, _name(name)))
            elif child.type == res_chunk.TABLE_STAGED_ALIAS:
                records = self._records(child, _ALIAS.size)
                self.aliases.update(staged for staged, _ in _ALIAS.iter_unpack(records))
        return package

    def _flagged(self, chunk: Chunk, package: Package) -> None:
        """Note the types that an Android with feature flags may find more values of."""
        for child in self.children(chunk.body, chunk.end):
            if child.type == res_chunk.TABLE_TYPE and child.size > 8:
                package.flagged.add(package.type_offset + self._data[child.start + 8])

    def _records(self, chunk: Chunk, size: int) -> bytes:
        """The records of a chunk whose header counts them; Malformed where they pass its end."""
        count = int.from_bytes(self._data[chunk.start + 8 : chunk.start + 12], "little")
        if chunk.header_size < 12 or chunk.body + size * count > chunk.end:
            raise Malformed(f"{count} records pass the end of their chunk", chunk.start)
        return self._data[chunk.body : chunk.body + size * count]

    def _pool(self, chunk: Chunk) -> StringPool:
        return StringPool(self._data, chunk, self._max_strings)

    def _type_offset(self, chunk: Chunk) -> int:
        if chunk.header_size < 288:
            return 0  # the field came later than the format
        offset = int.from_bytes(self._data[chunk.start + 284 : chunk.start + 288], "little")
        if offset > 0xFF:
            raise Malformed(f"package type offset {offset} is above 255", chunk.start)
        return offset

    def _type_spec(self, chunk: Chunk, package: Package) -> None:
        """Note that the type exists; its masks of changing configurations are not needed."""
        if chunk.header_size < 16:
            raise Malformed(f"type spec header size {chunk.header_size} is too small", chunk.start)
        identity = self._data[chunk.start + 8]
        if identity == 0 or package.type_offset + identity > 0xFF:
            raise Malformed(f"type spec has the invalid id {identity}", chunk.start)
        count = int.from_bytes(self._data[chunk.start + 12 : chunk.start + 16], "little")
        if count > 0xFFFF or 4 * count > chunk.size - chunk.header_size:
            raise Malformed(f"type spec of {count} entries passes its chunk", chunk.start)
        package.types.setdefault(package.type_offset + identity, [])

    def _type(self, chunk: Chunk, package: Package) -> None:
        if chunk.header_size < 24:
            raise Malformed(f"type header size {chunk.header_size} is too small", chunk.start)
        identity, flags, _, count, entries, _ = _TYPE.unpack_from(self._data, chunk.start + 8)
        width = 2 if flags & _OFFSET16_FLAG else 4
        if count > 0xFFFF or entries < chunk.header_size + width * count:
            raise Malformed(f"type of {count} entries overlaps its entries", chunk.start)
        if entries > chunk.size or entries & 3:
            raise Malformed(f"entries at {entries} are outside their type", chunk.start)
        configurations = package.types.get(package.type_offset + identity)
        if identity == 0 or configurations is None:
            raise Malformed(f"type {identity} has no type spec in front of it", chunk.start)
        if len(configurations) >= MAX_CONFIGURATIONS:
            raise OverLimit(f"a type has over {MAX_CONFIGURATIONS} configurations", chunk.start)
        place = chunk.start + entries
        configurations.append(TypeChunk(self._data, chunk, flags, count, place))


def _name(stored: bytes) -> str:
    """The name of a package, which ends at the first NUL."""
    return stored.decode("utf-16-le", "surrogatepass").partition("\0")[0]
