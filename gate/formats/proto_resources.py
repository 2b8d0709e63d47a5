"""Values out of the resources.pb of a bundle module, decoded only when asked for.

Source: AOSP frameworks/base tools/aapt2/Resources.proto (`ResourceTable`, `Package`, `Type`,
`Entry`, `ConfigValue`, `Value`).
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from gate.formats.errors import Malformed
from gate.formats.package_ids import PackageIds
from gate.formats.proto_config import words
from gate.formats.proto_items import typed_value
from gate.formats.protobuf import LENGTH_DELIMITED, Budget, Field, Message, fields
from gate.formats.res_value import COMPLEX, TypedValue
from gate.formats.resources import ConfiguredValue, Resources

MAX_FIELDS: Final = 5_000_000

_PACKAGE: Final = 2  # in ResourceTable
_ID, _NAME, _PART = 1, 2, 3  # of Package and Type: PART is a Type or an Entry
_CONFIG_VALUES: Final = (6, 9)  # in Entry: as they are, and behind a flag that a device decides
_CONFIG, _VALUE = 1, 2
_ITEM, _COMPOUND = 4, 5
_VALUE_KINDS: Final = {_ITEM: LENGTH_DELIMITED, _COMPOUND: LENGTH_DELIMITED}


class ProtoTable(Resources):
    """The resources of one resources.pb, indexed by package and type."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._budget = Budget(MAX_FIELDS)
        numbers: set[int] = set()
        self._types: dict[int, list[Field]] = {}
        self._entries: dict[int, dict[int, list[Field]]] = {}
        for package in self._parts(Field(0, LENGTH_DELIMITED, 0, len(data)), _PACKAGE):
            numbers.add(self._add(package))
            self.packages = self.packages[0] + 1, self.packages[1] + 1
        self._ids = PackageIds((number, "") for number in numbers)
        self.anomalies = tuple(self._ids.oddities())

    def _add(self, package: Field) -> int:
        identity = self._identity(package) or 0
        if identity > 0xFF:
            raise Malformed(f"package id {identity:#x} is above 255", package.value)
        for kind in self._parts(package, _PART):
            number = self._identity(kind)
            if number is not None and number <= 0xFF:
                self._types.setdefault(identity << 8 | number, []).append(kind)
        return identity

    @property
    def ids(self) -> PackageIds:
        """The packages by their ids, without their names: what maps ids to names is not read."""
        return self._ids

    def values(self, resource_id: int) -> tuple[ConfiguredValue, ...]:
        """Return the value in each configuration, in file order; () where there is no such id.

        The look-ups of one table share MAX_FIELDS; raises OverLimit past them.
        """
        return tuple(
            ConfiguredValue(words(configured.message(_CONFIG)), _typed(configured))
            for entry in self._entries_of(resource_id)
            for number in _CONFIG_VALUES
            for configured in entry.messages(number)
        )

    def name(self, resource_id: int) -> str:
        """Return the name, such as "xml/network_security_config"; "" where absent or unreadable."""
        with suppress(Malformed):
            for entry in self._entries_of(resource_id):
                for kind in self._types[resource_id >> 16]:
                    return f"{self._name(kind)}/{entry.text(_NAME)}"
        return ""

    def _entries_of(self, resource_id: int) -> Iterator[Message]:
        """Yield every entry of that id; an honest table has at most one."""
        kind, number = resource_id >> 16, resource_id & 0xFFFF
        if kind not in self._entries:
            self._entries[kind] = self._indexed(kind)
        for field in self._entries[kind].get(number, ()):
            yield Message(self._data, self._budget, field.value, field.end)

    def _indexed(self, kind: int) -> dict[int, list[Field]]:
        """List the entries of a type by their ids; those without an id cannot be referred to."""
        found: dict[int, list[Field]] = {}
        for place in self._types.get(kind, ()):
            for field in self._parts(place, _PART):
                identity = self._identity(field)
                if identity is not None:
                    found.setdefault(identity, []).append(field)
        return found

    def _name(self, kind: Field) -> str:
        for field in self._parts(kind, _NAME):
            return self._data[field.value : field.end].decode("utf-8", "replace")
        return ""

    def _parts(self, whole: Field, number: int) -> Iterator[Field]:
        """The packages of the table, the types of a package or the entries of a type."""
        for field in fields(self._data, whole.value, whole.end, self._budget):
            if field.number == number and field.wire == LENGTH_DELIMITED:
                yield field

    def _identity(self, part: Field) -> int | None:
        """The id of a package, type or entry; None where it has none, Malformed where two."""
        found = [*self._parts(part, _ID)]
        if len(found) > 1:
            raise Malformed("a part of the resource table has two ids", part.value)
        if not found:
            return None
        return Message(self._data, self._budget, found[0].value, found[0].end).unsigned(1)


def parse(data: bytes) -> ProtoTable:
    """Index the types of a resources.pb; entries and values are decoded on look-up.

    Raises Malformed where the bytes are no such table, OverLimit past MAX_FIELDS.
    """
    return ProtoTable(data)


def _typed(configured: Message) -> TypedValue:
    value = configured.message(_VALUE)
    kind = value.one_of(_VALUE_KINDS) if value else None
    if value is None or kind is None:
        raise Malformed("a resource has neither a value nor a bag", configured.start)
    item = value.message(_ITEM)
    return typed_value(item) if item else TypedValue(COMPLEX, 0)
