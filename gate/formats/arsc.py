"""Values out of resources.arsc, decoded only when asked for.

Source: AOSP frameworks/base libs/androidfw/LoadedArsc.cpp (`LoadedArsc::Load`, `LoadTable`).
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from gate.formats import res_chunk
from gate.formats.arsc_packages import (
    COMPACT_SINCE,
    SPARSE_SINCE,
    Entry,
    Package,
    TableReader,
    TypeChunk,
)
from gate.formats.errors import Malformed, OverLimit
from gate.formats.package_ids import PackageIds, Unresolvable
from gate.formats.res_chunk import Chunk
from gate.formats.res_config import qualifier
from gate.formats.res_value import STRING, TypedValue
from gate.formats.resources import ConfiguredValue, Resources
from gate.formats.stringpool import MAX_STRINGS, StringPool

__all__ = ["ConfiguredValue", "ResourceTable", "Unresolvable", "parse"]

# References fan out: a thousand ways, each over resources that 100,000 configurations may hold.
MAX_LOOKED_AT: Final = 4_000_000
# The last API level of each way to read an entry that is no longer the present one.
_EARLIER: Final = {
    COMPACT_SINCE - 1: "has a type chunk that Android before 14 reads otherwise",
    SPARSE_SINCE - 1: "has a type chunk that Android before 8 reads otherwise",
}


class ResourceTable(Resources):
    """The resources of one resources.arsc, for Android of the API level `lowest` and later.

    The entries that the versions of Android differ in are told once they were looked up.
    """

    def __init__(
        self,
        packages: tuple[Package, ...],
        strings: StringPool | None,
        ids: PackageIds,
        declared: int,
        anomalies: tuple[str, ...],
        lowest: int,
    ) -> None:
        self.packages = declared, len(packages)
        self.anomalies = anomalies
        self._packages = packages
        self._strings = strings
        self._ids = ids
        self._earlier = tuple(level for level in _EARLIER if level >= lowest)
        self._looked_at = 0

    @property
    def ids(self) -> PackageIds:
        """The packages by their ids, and what the table says about ids."""
        return self._ids

    def values(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """Return the value in each configuration, in file order; () where there is no such id.

        Raises Unresolvable where feature flags or the version of Android decide, OverLimit once
        MAX_LOOKED_AT configurations were looked at in all.
        """
        found = []
        for configuration in self._configurations(resource_id):
            entry = configuration.entry(resource_id & 0xFFFF)
            self._check(resource_id, configuration, entry)
            if entry is not None:
                value = self._typed(entry.type, entry.data)
                found.append(ConfiguredValue(qualifier(configuration.config()), value))
        return tuple(found)

    def _check(self, resource_id: int, configuration: TypeChunk, entry: Entry | None) -> None:
        """Raise Unresolvable where an earlier Android that runs the app reads the entry otherwise.

        It may find nothing there, but then the attribute is as good as absent, which differs too.
        """
        for level in self._earlier:
            if configuration.is_disputed(resource_id & 0xFFFF, entry, level):
                self.anomalies = tuple(dict.fromkeys((*self.anomalies, _EARLIER[level])))
                raise Unresolvable(f"resource {resource_id:#010x} depends on the Android version")

    def _configurations(self, resource_id: int) -> Iterator[TypeChunk]:
        """Yield the type chunks of every package that may hold the resource."""
        for package in self._packages:
            if package.id != resource_id >> 24:
                continue
            configurations = package.configurations(resource_id)
            self._looked_at += 1 + len(configurations)
            if self._looked_at > MAX_LOOKED_AT:
                raise OverLimit(f"resource {resource_id:#010x} takes too long to look up")
            if resource_id >> 16 & 0xFF in package.flagged:
                raise Unresolvable(f"resource {resource_id:#010x} may depend on feature flags")
            yield from configurations

    def name(self, resource_id: int) -> str:
        """Return the name, such as "xml/network_security_config"; "" where absent or unreadable."""
        for package in self._packages:
            if package.id != resource_id >> 24:
                continue
            with suppress(Malformed):
                return package.entry_name(resource_id)
        return ""

    def _typed(self, kind: int, data: int) -> TypedValue:
        if kind != STRING:
            return TypedValue(kind, data)
        if self._strings is None:
            raise Malformed("the resource table has no strings")
        return TypedValue(kind, data, self._strings.string(data))


def parse(data: bytes, *, max_strings: int = MAX_STRINGS, lowest: int = 1) -> ResourceTable:
    """Index the chunks of a resources.arsc; entries and strings are decoded on look-up.

    `lowest` is the first API level that has to agree with the later ones on a value.
    Raises Malformed where androidfw refuses the table, OverLimit past `max_strings` of one pool and
    the limits of gate.formats.arsc_packages.
    """
    reader = TableReader(data, max_strings)
    packages: list[Package] = []
    strings: StringPool | None = None
    missing = 0
    tables = [chunk for chunk in reader.children(0, len(data)) if chunk.type == res_chunk.TABLE]
    if not tables:
        raise Malformed("there is no resource table in the file", 0)
    for table in tables:
        missing += _declared_packages(data, table)
        for chunk in reader.children(table.body, table.end):
            if chunk.type == res_chunk.STRING_POOL and strings is None:
                strings = StringPool(data, chunk, max_strings)
            elif chunk.type == res_chunk.TABLE_PACKAGE:
                packages.append(reader.package(chunk))
                missing -= 1
        if missing < 0:
            raise Malformed("there are more packages than the table declares", table.start)
    ids = PackageIds(((each.id, each.name) for each in packages), reader.mappings, reader.aliases)
    odd = {
        "has fewer packages than it declares": missing > 0,
        "has values that depend on feature flags": any(each.flagged for each in packages),
        "holds data that belongs to no whole chunk": reader.cut,
    }
    anomalies = (*(phrase for phrase, present in odd.items() if present), *ids.oddities())
    declared = missing + len(packages)
    return ResourceTable(tuple(packages), strings, ids, declared, anomalies, lowest)


def _declared_packages(data: bytes, table: Chunk) -> int:
    if table.header_size < 12:
        raise Malformed(f"table header size {table.header_size} is too small", table.start)
    return int.from_bytes(data[table.start + 8 : table.start + 12], "little")
