"""Outputs that the caller has closed: what would be shown there is lost, and that counts."""

import io
import os
import sys
from typing import Any


class Nowhere(io.RawIOBase):
    """Stands in for an output that the caller has closed; `lost` tells whether that took one."""

    name = os.devnull

    def __init__(self) -> None:
        self.lost = False

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Take it, and remember that there was something."""
        self.lost = True
        return len(data)

    def text(self) -> io.TextIOWrapper:
        """The same as a stream of text, which holds nothing back."""
        return io.TextIOWrapper(self, encoding="utf-8", write_through=True)


def stand_in() -> Nowhere:
    """Give every closed stream of this process a place; that of standard output is returned.

    The numbers 0 to 2 are taken too: a pipe that got one would be lost in a process we start.
    """
    nowhere = Nowhere()
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
    if sys.stdout is None:
        sys.stdout = nowhere.text()
    if sys.stderr is None:
        sys.stderr = Nowhere().text()
    return nowhere


def is_closed() -> bool:
    """Whether the caller has closed standard output."""
    return isinstance(getattr(sys.stdout, "buffer", None), Nowhere)
