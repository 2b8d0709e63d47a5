"""Reads the classes of an android.jar from TypeScript declarations of it.

NativeScript publishes such declarations of every newer Android version as
``@nativescript/types-android`` (Apache-2.0): modules for packages and outer classes, one line for
each class and each public or protected method.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_MODULE = re.compile(r"\s*(?:declare|export) module (\w+) \{")
_CLASS = re.compile(r"\s*export (?:abstract )?class (\w+)\s*(.*)\{\s*$")
_INTERFACE = re.compile(r"\s*public constructor\(implementation: \{")
_METHOD = re.compile(r"\s*public (?:abstract )?(\w+)\(")
_STATIC = re.compile(r"\s*public static \w+\(")
_ABOVE = re.compile(r"extends ([\w.]+)")
_INTERFACES = re.compile(r"implements (.*)")
_ARGUMENTS = re.compile(r"<[^<>]*>")


@dataclass(slots=True)
class Declared:
    """One class: names with dots throughout, as the declarations have them."""

    name: str
    parent: str
    interfaces: tuple[str, ...]
    methods: set[str] = field(default_factory=set)
    is_interface: bool = False
    static: bool = False  # whether it has static methods


def read_declarations(lines: Iterable[str]) -> Iterator[Declared]:
    """Every class that the declarations hold, in their order; a class may come in parts."""
    scope: list[str] = []
    found: Declared | None = None
    for line in lines:
        if module := _MODULE.match(line):
            scope.append(module[1])
        elif opened := _CLASS.match(line):
            found = _declared(".".join((*scope, opened[1])), opened[2])
        elif line.strip() == "}":
            if found is not None:
                yield found
                found = None
            elif scope:
                scope.pop()
        elif found is not None and _INTERFACE.match(line):
            found.is_interface = True
        elif found is not None and _STATIC.match(line):
            found.static = True
        elif found is not None and (method := _METHOD.match(line)) and method[1] != "constructor":
            found.methods.add(method[1])


def _declared(name: str, above: str) -> Declared:
    while (plain := _ARGUMENTS.sub("", above)) != above:
        above = plain
    parent, interfaces = _ABOVE.search(above), _INTERFACES.search(above)
    names = interfaces[1].split(",") if interfaces else []
    # Only enumerations come without a parent.
    return Declared(
        name,
        parent[1] if parent else "java.lang.Enum",
        tuple(each.strip() for each in names),
    )
