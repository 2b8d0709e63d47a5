"""The classes that Android brings along: their supertypes and the methods an app may override.

The table beside this module is made by tools/make_framework.py from the android.jar of Android 6
and from declarations of what later versions added.
"""

from functools import cache
from pkgutil import get_data

_OBJECT = b"Ljava/lang/Object;"


@cache
def _table() -> bytes:
    """Lines of descriptor, superclass, interfaces and methods, sorted by their bytes."""
    return get_data(__package__, "framework.tsv") or b""


class Framework:
    """The public and protected classes of the framework, looked up by descriptor.

    Each answer is found by bisection over the lines of the table, of which only those that were
    asked for are taken apart.
    """

    def __init__(self) -> None:
        self._rows: dict[bytes, tuple[bytes, bytes, bytes]] = {}

    def knows(self, descriptor: bytes) -> bool:
        """Whether the class is one of the framework's; false too for what only holds constants."""
        return self._row(descriptor) is not None

    def parent(self, descriptor: bytes) -> bytes | None:
        """The superclass; None for an unknown class and for java.lang.Object."""
        row = self._row(descriptor)
        if row is None or descriptor == _OBJECT:
            return None
        return row[0] or _OBJECT

    def interfaces(self, descriptor: bytes) -> tuple[bytes, ...]:
        """The interfaces that the class names itself, sorted."""
        row = self._row(descriptor)
        return tuple(row[1].split(b",")) if row and row[1] else ()

    def methods(self, descriptor: bytes) -> frozenset[bytes]:
        """The names of the public and protected instance methods that the class adds.

        Those of its supertypes are told there; a final class of Android 6 and an enumeration
        have none, since no app can override them.
        """
        row = self._row(descriptor)
        return frozenset(row[2].split(b",")) if row and row[2] else frozenset()

    def _row(self, descriptor: bytes) -> tuple[bytes, bytes, bytes] | None:
        found = self._rows.get(descriptor)
        if found is None and (line := _line(descriptor)) is not None:
            _, parent, interfaces, methods = line.split(b"\t")
            found = self._rows[descriptor] = parent, interfaces, methods
        return found


def _line(descriptor: bytes) -> bytes | None:
    """The line of a class, without its end."""
    if b"\t" in descriptor:
        return None
    table, begin = _table(), descriptor + b"\t"
    low, high = 0, len(table)  # where lines begin
    while low < high:
        middle = table.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = table.index(b"\n", middle)
        if table.startswith(begin, middle):
            return table[middle:end]
        if table[middle : middle + len(begin)] < begin:
            low = end + 1
        else:
            high = middle
    return None
