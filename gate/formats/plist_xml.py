"""XML property lists: one bounded pass of expat that builds the value as it goes.

Source: Apple's PropertyList-1.0.dtd, and CoreFoundation's CFPropertyList.c for what a device
refuses. plistlib would decode these too, but it ignores unknown elements and text out of place,
and feeds expat in small pieces, which takes quadratic time on one long comment before expat 2.6.
"""

import binascii
import re
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import Final, TypeAlias
from xml.parsers import expat

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

PlistValue: TypeAlias = (
    dict[str, "PlistValue"] | list["PlistValue"] | str | int | float | bool | bytes | datetime
)

MAX_DEPTH: Final = 64
MAX_NODES: Final = 1_000_000

# The leading zeros are taken once and for all: a million of them would be tried in every number.
_INTEGER: Final = re.compile(
    r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]{1,16})|(?=[0-9])0*+([0-9]{0,20}))\s*", re.ASCII
)
_DATE: Final = re.compile(r"\s*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z\s*", re.ASCII)


def parse(data: bytes, duplicates: set[str]) -> PlistValue:
    """The value of an XML property list; keys that a dictionary has twice go to `duplicates`.

    The last of two such values wins. `data` begins with the document itself or a UTF-16 mark. At
    most 64 containers deep and 1,000,000 elements; raises OverLimit past that, Malformed for what
    the DTD does not allow, entities and other declarations.
    """
    reader = _Reader(duplicates)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as fault:  # LookupError: no such encoding
        raise Malformed(f"not an XML property list: {fault}") from fault
    if reader.root is None:
        raise Malformed("property list without a value")
    return reader.root


def _doctype(_name: str, _system: str | None, _public: str | None, internal_subset: int) -> None:
    """Entities multiply text and attribute defaults multiply attributes; no writer has either."""
    if internal_subset:
        raise Malformed("property list that declares XML entities or the like")


@dataclass(slots=True)
class _Open:
    """An element around the current place: what it holds so far."""

    name: str
    value: dict[str, PlistValue] | list[PlistValue] | None = None
    key: str | None = None
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reader:
    """Builds the value; raises at the first element or text that may not stand where it does."""

    duplicates: set[str]
    open: list[_Open] = field(default_factory=list)
    root: PlistValue | None = None
    nodes: int = 0

    def start(self, name: str, _attributes: object) -> None:
        """Take an element in, if it may stand here."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise OverLimit(f"property list of more than {MAX_NODES} elements")
        self._check_place(name)
        element = _Open(name)
        if name in ("dict", "array"):
            element.value = {} if name == "dict" else []
            if sum(each.value is not None for each in self.open) >= MAX_DEPTH:
                raise OverLimit(f"property list nested deeper than {MAX_DEPTH}")
        self.open.append(element)

    def _check_place(self, name: str) -> None:
        if name not in _SCALARS and name not in ("plist", "dict", "array", "key"):
            raise Malformed(f"unknown property list element {name[:40]!r}")
        parent = self.open[-1] if self.open else _Open("plist")
        if not self.open and name == "plist":
            return
        if parent.name in _SCALARS or parent.name == "key" or name == "plist":
            raise Malformed(f"property list element {name!r} inside {parent.name!r}")
        if (parent.name == "dict" and parent.key is None) != (name == "key"):
            raise Malformed(f"property list element {name!r} out of place in {parent.name!r}")
        if parent.name == "plist" and self.root is not None:
            raise Malformed("property list of more than one root object")

    def characters(self, text: str) -> None:
        """Keep the text of a scalar; between elements only white space may stand."""
        element = self.open[-1]
        if element.name in _SCALARS or element.name == "key":
            element.text.append(text)
        elif text.strip():
            raise Malformed(f"text inside property list element {element.name!r}")

    def end(self, name: str) -> None:
        """Hand an element's value to the one around it."""
        element = self.open.pop()
        if name == "plist":
            return
        if name == "key":
            self.open[-1].key = "".join(element.text)
            return
        if element.key is not None:
            raise Malformed("property list dictionary with a key and no value")
        value = element.value
        self._give(_SCALARS[name]("".join(element.text)) if value is None else value)

    def _give(self, value: PlistValue) -> None:
        parent = self.open[-1] if self.open else None
        if parent is None or parent.value is None:
            self.root = value
        elif isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            if parent.key in parent.value:
                self.duplicates.add(parent.key)
            parent.value[parent.key] = value
            parent.key = None


def _integer(text: str) -> int:
    found = _INTEGER.fullmatch(text)
    if not found:
        raise Malformed(f"property list integer {text[:40]!r}")
    sign, hexadecimal, decimal = found.groups()
    value = int(hexadecimal, 16) if hexadecimal else int(decimal or "0")
    value = -value if sign == "-" else value
    if not -(1 << 63) <= value < 1 << 64:
        raise Malformed("property list integer of more than 64 bits")
    return value


def _real(text: str) -> float:
    if "_" in text:  # Python's own digit separator
        raise Malformed(f"property list real {text[:40]!r}")
    return float(text)


def _date(text: str) -> datetime:
    found = _DATE.fullmatch(text)
    if not found:
        raise Malformed(f"property list date {text[:40]!r}")
    year, month, day, hour, minute, second = map(int, found.groups())
    return datetime(year, month, day, hour, minute, second)


_SCALARS: Final[dict[str, Callable[[str], PlistValue]]] = {
    "string": str,
    "data": lambda text: binascii.a2b_base64(text.encode()),
    "date": _date,
    "integer": _integer,
    "real": _real,
    "true": lambda _text: True,
    "false": lambda _text: False,
}
