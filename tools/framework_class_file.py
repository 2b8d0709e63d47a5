"""Reads what a Java class file says of itself: names, parents, methods.

Source: The Java Virtual Machine Specification, Java SE 8, chapter 4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

STATIC, FINAL = 0x8, 0x10
SEEN = 0x1 | 0x4  # public, protected
# Bytes behind the tag of each kind of constant; the first kind, text, says its own length.
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 18: 4}
_TEXT, _LONG, _DOUBLE, _CLASS = 1, 5, 6, 7


@dataclass(frozen=True, slots=True)
class ClassFile:
    """One class: internal names (``a/b/C$D``), access flags, methods as flags and name."""

    name: str
    flags: int
    parent: str
    interfaces: tuple[str, ...]
    methods: tuple[tuple[int, str], ...]
    inner_flags: int | None


def read_class(data: bytes) -> ClassFile:
    """The class file in `data`; ValueError where the bytes are no class file."""
    try:
        return _Reader(data).read()
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError(f"no class file: {error!r}") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.texts: dict[int, str] = {}
        self.classes: dict[int, int] = {}

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f">{form}", self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def read(self) -> ClassFile:
        if self.number("I") != 0xCAFEBABE:
            raise ValueError("no class file: it does not begin with CAFEBABE")
        self.at += 4
        self.constants()
        flags, this, parent = self.number("H"), self.number("H"), self.number("H")
        interfaces = tuple(self.class_name(self.number("H")) for _ in range(self.number("H")))
        for _ in range(self.number("H")):
            self.member()
        methods = tuple(self.member() for _ in range(self.number("H")))
        name = self.class_name(this)
        above = self.class_name(parent) if parent else ""
        return ClassFile(name, flags, above, interfaces, methods, self.inner(name))

    def constants(self) -> None:
        index, count = 1, self.number("H")
        while index < count:
            tag = self.number("B")
            if tag == _TEXT:
                size = self.number("H")
                self.texts[index] = self.data[self.at : self.at + size].decode("utf-8", "replace")
                self.at += size
            else:
                if tag == _CLASS:
                    (self.classes[index],) = struct.unpack_from(">H", self.data, self.at)
                self.at += _SIZES[tag]
            index += 2 if tag in (_LONG, _DOUBLE) else 1

    def class_name(self, index: int) -> str:
        return self.texts[self.classes[index]]

    def member(self) -> tuple[int, str]:
        flags, name, _ = self.number("H"), self.number("H"), self.number("H")
        for _ in range(self.number("H")):
            self.attribute()
        return flags, self.texts[name]

    def attribute(self) -> tuple[str, int]:
        name, size = self.number("H"), self.number("I")
        begin = self.at
        self.at += size
        return self.texts[name], begin

    def inner(self, name: str) -> int | None:
        """The flags that the source gives a nested class: the header has no protected."""
        for _ in range(self.number("H")):
            kind, begin = self.attribute()
            if kind != "InnerClasses":
                continue
            (count,) = struct.unpack_from(">H", self.data, begin)
            for each in range(count):
                row = struct.unpack_from(">HHHH", self.data, begin + 2 + 8 * each)
                if self.class_name(row[0]) == name:
                    return int(row[3])
        return None
