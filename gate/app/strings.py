"""Text of a build, from code and from files alike."""

from collections.abc import Iterator
from typing import Protocol

from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where a text stands: `path` is the entry, `offset` its place there in bytes.

    `encoding` is utf-8 or utf-16-le: strings of DEX, resource tables and native code occur as both.
    """

    path: str
    offset: int
    encoding: str


class Strings(Protocol):
    """Looks texts up in every file, without decoding what nobody asks for."""

    def find(self, text: str) -> Iterator[Occurrence]:
        """Every occurrence of an ASCII text, by file in the build's order, then by offset."""
