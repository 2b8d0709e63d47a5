"""What the package part of a resource id stands for, as far as every Android agrees on it.

Sources: AOSP frameworks/base libs/androidfw, AssetManager2.cpp (`BuildDynamicRefTable`,
`GetDynamicRefTableForCookie`) and ResourceTypes.cpp (`DynamicRefTable`, and `parsePackage` of
Android 5 to 8). A device has the packages of the framework in front of the app's, gives packages of
id 0 an id when it loads them, and translates a dynamic reference by the name of the package.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gate.formats.errors import Malformed
from gate.frozen import dataclass

SHARED: Final = 0x00
FRAMEWORK: Final = 0x01
APP: Final = 0x7F
FRAMEWORK_NAME: Final = "android"
MAX_ODD: Final = 10


class Unresolvable(Malformed):
    """A resource whose value the table does not tell; the reason names the resource id."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A package whose build-time id is `id` is the one of that name, as package `by` says."""

    by: int
    id: int
    name: str


class PackageIds:
    """The packages of a table by id and name, and what stands in it about ids.

    `aliases` are the ids that go by another one, as resources of a framework in the making do.
    `only` is the one id that all packages have, None where there are several or none.
    """

    def __init__(
        self,
        packages: Iterable[tuple[int, str]] = (),
        mappings: Iterable[Mapping] = (),
        aliases: Iterable[int] = (),
    ) -> None:
        self.packages = frozenset(packages)
        self.mappings = frozenset(mappings)
        self.aliases = frozenset(aliases)
        self._ids = frozenset(number for number, _ in self.packages)
        self.only = min(self._ids) if len(self._ids) == 1 else None
        self._is_mixed = SHARED in self._ids and self.only is None
        self._renames = FRAMEWORK in self._ids or any(
            each.name == FRAMEWORK_NAME for each in self.mappings
        )
        self._holders: dict[str, set[int]] = {}
        for number, name in self.packages:
            self._holders.setdefault(name, set()).add(number)
        self._settled = frozenset(self._mapped_to_themselves())

    def __or__(self, other: "PackageIds") -> "PackageIds":
        """Those of two tables that one app has."""
        return PackageIds(
            self.packages | other.packages,
            self.mappings | other.mappings,
            self.aliases | other.aliases,
        )

    def plain(self, resource_id: int) -> int:
        """What an ordinary reference refers to: the id itself; raises Unresolvable if unsure.

        Package 0 is the app's own since Android 10 and no package before.
        """
        if resource_id >> 24 == SHARED:
            raise _unsure(resource_id, "is not in the table")
        return self._certain(resource_id)

    def dynamic(self, resource_id: int, home: int | None) -> int:
        """What a dynamic reference refers to that stands in package `home`, None for an unsure one.

        Raises Unresolvable where the package is another than the framework, the app or `home`.
        """
        package = resource_id >> 24
        if resource_id in self.aliases:
            raise _unsure(resource_id, "goes by another id")
        if package == SHARED and home is not None:
            return self._certain(home << 24 | resource_id)
        if package in (FRAMEWORK, APP) or (package == home and package in self._settled):
            return self._certain(resource_id)
        raise _unsure(resource_id, "belongs to a package whose id the running system decides")

    def may_become_framework(self, resource_id: int) -> bool:
        """Whether an attribute of that id may be one of the framework after its translation."""
        if resource_id in self.aliases:
            return True
        return self._renames and resource_id != 0 and resource_id >> 24 != FRAMEWORK

    def oddities(self) -> Iterator[str]:
        """What no build tool writes into the table of an app, each as a phrase."""
        if FRAMEWORK in self._ids:
            yield "holds a package of id 1, which is the framework's"
        if self._is_mixed:
            yield "holds a package of id 0 beside others"
        odd = {(each.id, each.name) for each in self.mappings if self._is_odd(each)}
        for number, name in sorted(odd)[:MAX_ODD]:
            yield f"maps package id {number:#04x} to {name!r}, which has another id"
        if self.aliases:
            yield "gives resources other ids, as the framework alone does"

    def _is_odd(self, mapping: Mapping) -> bool:
        others = self._holders.get(mapping.name, set()) - {mapping.id}
        return bool(others) or mapping.name == FRAMEWORK_NAME

    def _mapped_to_themselves(self) -> Iterator[int]:
        """The packages whose own id they map to their name, which no other package has."""
        names: dict[int, set[str]] = {}
        for number, name in self.packages:
            names.setdefault(number, set()).add(name)
        meant: dict[int, set[str]] = {}
        for each in self.mappings:
            if each.by == each.id:
                meant.setdefault(each.id, set()).add(each.name)
        for number, own in names.items():
            if len(own) == 1 and meant.get(number) == own:
                yield from (number for name in own if self._holders[name] == {number})

    def _certain(self, resource_id: int) -> int:
        """The id, unless a package that gets its id at run time may come to have it."""
        if self._is_mixed:
            raise _unsure(resource_id, "may lie in a package that has no id of its own")
        return resource_id


def _unsure(resource_id: int, why: str) -> Unresolvable:
    return Unresolvable(f"resource {resource_id:#010x} {why}")
