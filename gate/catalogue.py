"""Every check there is, found by walking `gate.checks`; no check is named here."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from gate.check import Check

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def catalogue() -> "Mapping[str, Check]":
    """Every check by id, sorted; ValueError if two have the same id or a file holds none."""
    found: dict[str, Check] = {}
    for check in _walk():
        if check.id in found:
            raise ValueError(f"{check.module} and {found[check.id].module} are both {check.id}")
        found[check.id] = check
    return MappingProxyType(dict(sorted(found.items())))


def _walk() -> Iterator[Check]:
    root = import_module("gate.checks")
    for info in pkgutil.walk_packages(root.__path__, "gate.checks."):
        if info.ispkg:
            continue
        module = import_module(info.name)
        checks = [value for value in vars(module).values() if isinstance(value, Check)]
        own = [check for check in checks if check.module == info.name]
        if len(own) != 1:
            raise ValueError(f"{info.name} holds {len(own)} checks; one file is one check")
        yield own[0]
