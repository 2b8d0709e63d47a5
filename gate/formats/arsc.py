"""Values out of resources.arsc, decoded only when asked for.

Sources: AOSP frameworks/base libs/androidfw/LoadedArsc.cpp (`LoadedArsc::Load`, `LoadTable`),
AssetManager2.cpp (`ResolveReference`: 20 steps at most) and ResourceTypes.h (`DynamicRefTable`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gate.formats import res_chunk
from gate.formats.arsc_packages import Package, TableReader
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_chunk import Chunk
from gate.formats.res_config import DEFAULT, qualifier
from gate.formats.res_value import COMPLEX, DYNAMIC_REFERENCE, STRING, TypedValue
from gate.formats.stringpool import StringPool

FRAMEWORK_PACKAGE: Final = 0x01
APP_PACKAGE: Final = 0x7F
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 1_024


class Unresolvable(Malformed):
    """A resource whose value the table does not tell; the reason names the resource id."""


@dataclass(frozen=True, slots=True)
class ConfiguredValue:
    """A value and the configuration it holds in, such as "default", "v21" or "en-rTW-night"."""

    config: str
    value: TypedValue


class ResourceTable:
    """The resources of one resources.arsc; `anomalies` are plain sentences about the file."""

    def __init__(
        self, packages: tuple[Package, ...], strings: StringPool | None, anomalies: tuple[str, ...]
    ) -> None:
        self._packages = packages
        self._strings = strings
        self.anomalies = anomalies

    def values(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """Return the value in each configuration, in file order; () where there is no such id.

        References are not followed; a bag is a value of type COMPLEX. Raises Malformed where an
        entry cannot be read.
        """
        found = []
        for package in self._packages:
            if package.id != resource_id >> 24:
                continue
            for configuration in package.configurations(resource_id):
                entry = configuration.entry(resource_id & 0xFFFF)
                if entry is not None:
                    value = self._typed(entry.type, entry.data)
                    found.append(ConfiguredValue(qualifier(configuration.config()), value))
        return tuple(found)

    def resolve(self, resource_id: int, *, dynamic: bool = False) -> tuple[ConfiguredValue, ...]:
        """Return every value the resource may end in, all references followed.

        `dynamic` says that the id comes from a DYNAMIC_REFERENCE: package 0 is the table's own
        then. The configuration of a value names those of the whole way to it. Theme attributes
        and the null reference are ends. Raises Unresolvable at a cycle, a missing entry, a bag,
        a framework resource, or more than MAX_DEPTH steps; OverLimit past MAX_VALUES values.
        """
        start = self._own(resource_id) if dynamic else resource_id
        found: list[ConfiguredValue] = []
        for step, configured in enumerate(self._follow(DEFAULT, (start,))):
            if step >= MAX_VALUES:
                raise OverLimit(f"resource {start:#010x} has more than {MAX_VALUES} values")
            found.append(configured)
        return tuple(found)

    def name(self, resource_id: int) -> str:
        """Return the name, such as "xml/network_security_config"; "" where absent or unreadable."""
        for package in self._packages:
            if package.id != resource_id >> 24:
                continue
            with suppress(Malformed):
                return package.name(resource_id)
        return ""

    def _typed(self, kind: int, data: int) -> TypedValue:
        if kind != STRING:
            return TypedValue(kind, data)
        if self._strings is None:
            raise Malformed("the resource table has no strings")
        return TypedValue(kind, data, self._strings.string(data))

    def _own(self, resource_id: int) -> int:
        """Replace package 0 by the table's own package, as `DynamicRefTable` does."""
        if resource_id >> 24 == 0 and self._packages:
            return self._packages[0].id << 24 | resource_id
        return resource_id

    def _existing(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        values = self.values(resource_id)
        if values:
            if any(configured.value.type == COMPLEX for configured in values):
                raise Unresolvable(f"resource {resource_id:#010x} is a bag, not one value")
            return values
        if resource_id >> 24 == FRAMEWORK_PACKAGE:
            raise Unresolvable(
                f"resource {resource_id:#010x} belongs to the Android framework, not to the file"
            )
        raise Unresolvable(f"resource {resource_id:#010x} is not in the table")

    def _follow(self, config: str, path: tuple[int, ...]) -> Iterator[ConfiguredValue]:
        """Yield the ends of all ways from the last id of `path`; MAX_DEPTH bounds the recursion."""
        if len(path) > MAX_DEPTH:
            raise Unresolvable(f"resource {path[0]:#010x} is over {MAX_DEPTH} references away")
        values = self._existing(path[-1])
        if len(values) > MAX_VALUES:
            raise OverLimit(f"resource {path[-1]:#010x} has more than {MAX_VALUES} values")
        for configured in values:
            value, both = configured.value, _both(config, configured.config)
            if not value.is_reference:
                yield ConfiguredValue(both, value)
                continue
            target = self._own(value.data) if value.type == DYNAMIC_REFERENCE else value.data
            if target in path:
                raise Unresolvable(f"resource {target:#010x} refers to itself in a cycle")
            yield from self._follow(both, (*path, target))


def parse(data: bytes) -> ResourceTable:
    """Index the chunks of a resources.arsc; entries and strings are decoded on look-up.

    Raises Malformed where androidfw refuses the table, OverLimit past the limits of
    gate.formats.arsc_packages.
    """
    reader = TableReader(data)
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
                strings = StringPool(data, chunk)
            elif chunk.type == res_chunk.TABLE_PACKAGE:
                packages.append(reader.package(chunk))
                missing -= 1
        if missing < 0:
            raise Malformed("there are more packages than the table declares", table.start)
    anomalies = {
        "there are fewer packages than the table declares": missing > 0,
        "values that depend on feature flags are not read": reader.flagged,
        "data that belongs to no whole chunk is ignored": reader.cut,
    }
    noted = tuple(sentence for sentence, present in anomalies.items() if present)
    return ResourceTable(tuple(packages), strings, noted)


def _declared_packages(data: bytes, table: Chunk) -> int:
    if table.header_size < 12:
        raise Malformed(f"table header size {table.header_size} is too small", table.start)
    return int.from_bytes(data[table.start + 8 : table.start + 12], "little")


def _both(outer: str, inner: str) -> str:
    """Name a configuration that has to match on two steps of a chain of references."""
    if DEFAULT in (outer, inner) or outer == inner:
        return inner if outer == DEFAULT else outer
    return f"{outer}, {inner}"
