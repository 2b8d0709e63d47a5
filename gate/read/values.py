"""Attributes of compiled XML to values, references followed through the resource table."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from gate.app import Attribute, Location, Unread
from gate.formats import axml, res_value
from gate.formats.errors import Malformed
from gate.formats.res_config import DEFAULT
from gate.formats.res_value import TypedValue
from gate.formats.resources import ConfiguredValue, Resources

T = TypeVar("T", bool, int, str)


class Values:
    """Reads attribute values as a device does; the resource table is opened when first needed."""

    def __init__(self, read_table: Callable[[], Resources]) -> None:
        self._read_table = read_table
        self._table: Resources | None = None

    def boolean(self, found: axml.Attribute | None, name: str, at: Location) -> Attribute[bool]:
        """A boolean attribute, converted as AOSP's TypedArray.getBoolean does."""
        return self._attribute(found, name, at, to_boolean)

    def text(self, found: axml.Attribute | None, name: str, at: Location) -> Attribute[str]:
        """An attribute as text; a resource that is a file gives the file's path in the build."""
        return self._attribute(found, name, at, to_text)

    def constant(self, found: axml.Attribute | None, name: str, at: Location) -> Attribute[str]:
        """A text that no configuration may change: if one does, it is as good as absent.

        Source: AOSP TypedArray.getNonConfigurationString, which permissions are read with.
        """
        if found and found.value.is_reference and self._varies(found.value):
            return Attribute(name, at=at)
        return self.text(found, name, at)

    def may_become_framework(self, resource_ids: Iterable[int]) -> bool:
        """Whether the table may turn an attribute's id into one of the framework; none does not."""
        try:
            ids = self._open().ids
        except (Malformed, Unread):
            return False
        return any(map(ids.may_become_framework, resource_ids))

    def _varies(self, value: TypedValue) -> bool:
        try:
            return any(each.config != DEFAULT for each in self._follow(value))
        except (Malformed, Unread):
            return False  # which the attribute itself tells

    def number(self, found: axml.Attribute | None, name: str, at: Location) -> Attribute[int]:
        """An integer attribute, converted as AOSP's TypedArray.getInt does; text is no number."""
        return self._attribute(found, name, at, to_number)

    def _attribute(
        self,
        found: axml.Attribute | None,
        name: str,
        at: Location,
        convert: Callable[[TypedValue], T],
    ) -> Attribute[T]:
        if found is None or _is_null(found.value):
            return Attribute(name, at=at)
        written = self._written(found)
        try:
            values = tuple(dict.fromkeys(convert(value) for value in self._resolve(found.value)))
        except (Malformed, Unread) as reason:
            return Attribute(name, (), written, str(reason), at)
        return Attribute(name, values, written, "", at)

    def _resolve(self, value: TypedValue) -> tuple[TypedValue, ...]:
        if value.is_reference:
            return tuple(each.value for each in self._follow(value) if not _is_null(each.value))
        if value.type in (res_value.ATTRIBUTE, res_value.DYNAMIC_ATTRIBUTE):
            raise Unread("a theme attribute, whose value only the running app knows")
        if value.type == res_value.STRING and value.text is None:
            raise Unread("a string that cannot be read")
        return (value,)

    def _follow(self, value: TypedValue) -> tuple[ConfiguredValue, ...]:
        dynamic = value.type == res_value.DYNAMIC_REFERENCE
        return self._open().resolve(value.data, dynamic=dynamic)

    def _open(self) -> Resources:
        if self._table is None:
            self._table = self._read_table()
        return self._table

    def _written(self, found: axml.Attribute) -> str:
        value = found.value
        if value.type in (res_value.ATTRIBUTE, res_value.DYNAMIC_ATTRIBUTE):
            return f"?{value.data:#010x}"
        if not value.is_reference:
            return to_written(value)
        try:
            name = self._open().name(value.data)
        except (Malformed, Unread):
            name = ""
        return f"@{name or format(value.data, '#010x')}"


def _is_null(value: TypedValue) -> bool:
    return value.type == res_value.NULL or (value.type == res_value.REFERENCE and not value.data)


def to_boolean(value: TypedValue) -> bool:
    """AOSP TypedArray.getBoolean: any integer but 0, or one of the strings that mean true."""
    if value.is_integer:
        return value.data != 0
    return value.text in ("1", "true", "TRUE")  # XmlUtils.convertValueToBoolean


def to_number(value: TypedValue) -> int:
    """The integer as a signed 32-bit number; Unread for what is none."""
    if value.is_integer:
        return value.data - (1 << 32) if value.data >= 1 << 31 else value.data
    try:
        number = int((value.text or "")[:16], 0)
    except ValueError:
        raise Unread(f"{(value.text or '')[:40]!r} is no number") from None
    if len(value.text or "") > 16 or not -(1 << 31) <= number < 1 << 32:
        raise Unread(f"{(value.text or '')[:40]!r} does not fit 32 bits")
    return number


def to_text(value: TypedValue) -> str:
    """The string itself, or the number as text."""
    if value.text is not None:
        return value.text
    return to_written(value)


def to_written(value: TypedValue) -> str:
    """A literal value as a manifest would have it written."""
    if value.text is not None:
        return value.text
    if value.type == res_value.INT_BOOLEAN:
        return "true" if value.data else "false"
    if value.is_integer:
        return str(to_number(value))
    return f"{value.data:#x}"
