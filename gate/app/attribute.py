"""What a manifest attribute says, for every device it may be installed on."""

from collections.abc import Iterator
from dataclasses import field
from typing import Generic, TypeVar

from gate.app.app import Unread
from gate.app.location import Location
from gate.frozen import dataclass

T = TypeVar("T", bool, int, str)


@dataclass(frozen=True, slots=True)
class Attribute(Generic[T]):
    """An attribute with the values it takes on some device.

    `values` has one value for a literal, several where a resource differs by configuration, and
    none where the attribute is absent. `unresolved` says why a value could not be computed, or ''.
    `written` is the attribute as the file has it, such as `true` or `@bool/debug`.
    """

    name: str
    values: tuple[T, ...] = ()
    written: str = ""
    unresolved: str = ""
    at: Location = field(default_factory=Location)

    def __bool__(self) -> bool:
        """Whether the attribute is there at all."""
        return bool(self.values or self.unresolved or self.written)

    def __iter__(self) -> Iterator[T]:
        """Every value, for a caller that needs them all."""
        self._must_be_resolved()
        return iter(self.values)

    def may_be(self, value: T, default: T) -> bool:
        """Whether some device sees `value`; `default` stands where the attribute is absent.

        A known hit is a hit even beside an unknown value; without a hit an unknown value raises
        `Unread`, since the answer may then be either.
        """
        if value in self.values:
            return True
        self._must_be_resolved()
        return not self.values and default == value

    def _must_be_resolved(self) -> None:
        if self.unresolved:
            raise Unread(f"{self.name}={self.written}: {self.unresolved}")
