"""Values of resources, whatever form their table is stored in, with references followed.

Source: AOSP frameworks/base libs/androidfw/AssetManager2.cpp (`ResolveReference`: 20 steps at
most). `gate.formats.package_ids` tells which resource an id means.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Final

from gate.formats.errors import OverLimit
from gate.formats.package_ids import FRAMEWORK, PackageIds, Unresolvable
from gate.formats.res_config import DEFAULT
from gate.formats.res_value import COMPLEX, DYNAMIC_REFERENCE, TypedValue
from gate.frozen import dataclass

MAX_DEPTH: Final = 20
MAX_VALUES: Final = 1_024


@dataclass(frozen=True, slots=True)
class ConfiguredValue:
    """A value and the configuration it holds in, such as "default", "v21" or "en-rTW-night"."""

    config: str
    value: TypedValue


class Resources(ABC):
    """Something that knows resources by their ids.

    `packages` are the numbers of packages that its file declares and that it has; `anomalies` say,
    each in a phrase, what no build tool writes into it.
    """

    packages: tuple[int, int] = (0, 0)
    anomalies: tuple[str, ...] = ()

    @abstractmethod
    def values(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """Return the value in each configuration, in file order; () where there is no such id.

        References are not followed; a bag is a value of type COMPLEX. Raises Malformed where an
        entry cannot be read.
        """

    @abstractmethod
    def name(self, resource_id: int) -> str:
        """Return the name, such as "xml/network_security_config"; "" where absent or unreadable."""

    @property
    @abstractmethod
    def ids(self) -> PackageIds:
        """The packages by their ids, and what the file says about ids."""

    @property
    def own_package(self) -> int | None:
        """The id of all its packages, which package 0 stands for; None where that is unsure."""
        return self.ids.only

    def resolve(self, resource_id: int, *, dynamic: bool = False) -> tuple[ConfiguredValue, ...]:
        """Return every value the resource may end in, all references followed.

        `dynamic` says that the id comes from a DYNAMIC_REFERENCE: package 0 is the table's own
        then. The configuration of a value names those of the whole way to it. Theme attributes
        and the null reference are ends. Raises Unresolvable at a cycle, a missing entry, a bag,
        a framework resource, a package that a device may take for another, or more than MAX_DEPTH
        steps; OverLimit past MAX_VALUES values.
        """
        ids = self.ids
        start = ids.dynamic(resource_id, self.own_package) if dynamic else ids.plain(resource_id)
        found: list[ConfiguredValue] = []
        for step, configured in enumerate(self._follow(DEFAULT, (start,))):
            if step >= MAX_VALUES:
                raise OverLimit(f"resource {start:#010x} has more than {MAX_VALUES} values")
            found.append(configured)
        return tuple(found)

    def _existing(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """The values of a resource; the device's own framework comes before any in the file."""
        if resource_id >> 24 == FRAMEWORK:
            raise Unresolvable(
                f"resource {resource_id:#010x} belongs to the Android framework, not to the file"
            )
        values = self.values(resource_id)
        if any(configured.value.type == COMPLEX for configured in values):
            raise Unresolvable(f"resource {resource_id:#010x} is a bag, not one value")
        if not values:
            raise Unresolvable(f"resource {resource_id:#010x} is not in the table")
        return values

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
            target = self._target(value, path[-1])
            if target in path:
                raise Unresolvable(f"resource {target:#010x} refers to itself in a cycle")
            yield from self._follow(both, (*path, target))

    def _target(self, value: TypedValue, holder: int) -> int:
        """The resource that a reference means which is the value of `holder`."""
        if value.type == DYNAMIC_REFERENCE:
            return self.ids.dynamic(value.data, holder >> 24)
        return self.ids.plain(value.data)


class JoinedResources(Resources):
    """Several tables as a running app sees them: the values of a resource from all of them."""

    def __init__(self, tables: Sequence[Resources]) -> None:
        self._tables = tuple(tables)
        self._ids = reduce(or_, (table.ids for table in self._tables), PackageIds())

    def values(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """Return the values of every table, in the order of the tables."""
        return tuple(value for table in self._tables for value in table.values(resource_id))

    def name(self, resource_id: int) -> str:
        """Return the name that the first table gives that has one."""
        return next(filter(None, (table.name(resource_id) for table in self._tables)), "")

    @property
    def ids(self) -> PackageIds:
        """The packages of all the tables."""
        return self._ids

    @property
    def own_package(self) -> int | None:
        """The package of the first table."""
        return self._tables[0].own_package if self._tables else None


def _both(outer: str, inner: str) -> str:
    """Name a configuration that has to match on two steps of a chain of references."""
    if DEFAULT in (outer, inner) or outer == inner:
        return inner if outer == DEFAULT else outer
    return f"{outer}, {inner}"
