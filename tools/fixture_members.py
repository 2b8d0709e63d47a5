"""Adds members to class files: what later Android versions put into classes of Android 6.

A line of the list says class and member, in the spelling of class files:

    android/webkit/WebSettings setSafeBrowsingEnabled(Z)V
    android/app/PendingIntent FLAG_MUTABLE = 33554432

Methods become native ones, which need no code; ``static`` before the name makes them static. A
number is an int constant. Source: The Java Virtual Machine Specification, Java SE 8, chapter 4.
"""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

_METHOD = re.compile(r"(\S+) (static )?([\w<>]+)(\(\S*\)\S+)")
_CONSTANT = re.compile(r"(\S+) (\w+) = (-?\d+)")
_PUBLIC, _STATIC, _FINAL, _NATIVE = 0x1, 0x8, 0x10, 0x100
# Bytes behind the tag of each kind of constant; text (1) says its own length.
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 18: 4}


def with_members(text: str, jar: Path) -> dict[str, bytes]:
    """The entries of a jar whose classes the list names, with the members added."""
    changed: dict[str, _Class] = {}
    with zipfile.ZipFile(jar) as archive:
        for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
            method, constant = _METHOD.fullmatch(line), _CONSTANT.fullmatch(line)
            found = method or constant
            if found is None:
                raise ValueError(f"newer-members.txt: {line}")
            entry = f"{found[1]}.class"
            if entry not in changed:
                changed[entry] = _Class(archive.read(entry))
            if method:
                changed[entry].add_method(method[3], method[4], static=bool(method[2]))
            else:
                changed[entry].add_constant(found[2], int(found[3]))
    return {entry: changed[entry].bytes() for entry in sorted(changed)}


class _Class:
    """A class file, cut where constants, fields and methods can be added."""

    def __init__(self, data: bytes) -> None:
        self.head = data[:8]
        self.count: int = struct.unpack_from(">H", data, 8)[0]
        at = 10
        end, index = at, 1
        while index < self.count:
            tag = data[end]
            size = _SIZES.get(tag) or 2 + struct.unpack_from(">H", data, end + 1)[0]
            end += 1 + size
            index += 2 if tag in (5, 6) else 1
        self.constants = bytearray(data[at:end])
        above = end + 8 + 2 * struct.unpack_from(">H", data, end + 6)[0]
        self.header = data[end:above]
        methods = _members_end(data, above)
        rest = _members_end(data, methods)
        self.fields, self.methods = bytearray(data[above:methods]), bytearray(data[methods:rest])
        self.rest = data[rest:]

    def _constant(self, data: bytes) -> int:
        self.constants += data
        self.count += 1
        return self.count - 1

    def _text(self, text: str) -> int:
        return self._constant(struct.pack(">BH", 1, len(text)) + text.encode("ascii"))

    def add_method(self, name: str, descriptor: str, *, static: bool) -> None:
        flags = _PUBLIC | (_STATIC if static else 0) | (0 if name == "<init>" else _NATIVE)
        _append(self.methods, struct.pack(
            ">HHHH", flags, self._text(name), self._text(descriptor), 0))  # fmt: skip

    def add_constant(self, name: str, number: int) -> None:
        value = self._constant(struct.pack(">Bi", 3, number))
        _append(self.fields, struct.pack(
            ">HHHHHIH", _PUBLIC | _STATIC | _FINAL, self._text(name), self._text("I"), 1,
            self._text("ConstantValue"), 2, value))  # fmt: skip

    def bytes(self) -> bytes:
        count = struct.pack(">H", self.count)
        parts = (self.head, count, self.constants, self.header, self.fields, self.methods)
        return b"".join((*parts, self.rest))


def _append(table: bytearray, member: bytes) -> None:
    (count,) = struct.unpack_from(">H", table, 0)
    struct.pack_into(">H", table, 0, count + 1)
    table += member


def _members_end(data: bytes, at: int) -> int:
    """The end of the table of fields or methods that begins at an offset."""
    (count,) = struct.unpack_from(">H", data, at)
    at += 2
    for _ in range(count):
        (attributes,) = struct.unpack_from(">H", data, at + 6)
        at += 8
        for _ in range(attributes):
            at += 6 + struct.unpack_from(">I", data, at + 2)[0]
    return at
