"""The NAME=NUMBER of `--limit`."""

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

import click

from gate.app.budget import Budget
from gate.isolation import Limits

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
PROCESS = tuple(field.name for field in fields(Limits) if field.type is int)
READERS = tuple(field.name for field in fields(Budget))
NAMES = (*PROCESS, *READERS)
BYTES = ("memory", "input", "answer", "total", "manifest", "resources", "code")
_SECONDS: Final = ("cpu", "wall")
# Beyond these the kernel's own counters end, of milliseconds of a timeout first (INT_MAX of them).
# No reader opens an archive in an archive in an archive, whatever it is allowed.
MOST: Final = {
    **dict.fromkeys(NAMES, 1_000_000_000),
    **dict.fromkeys(BYTES, 1 << 40),
    **dict.fromkeys(_SECONDS, 1_000_000),
    "nesting": 2,
}


class LimitType(click.ParamType[tuple[str, int]]):
    """One limit's name and its value: bytes, seconds or a count."""

    name = "NAME=NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, int]:
        """The limit; usage errors say which there are."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\w+)=([1-9][0-9]{0,99})([KMG]?)", str(value))
        if not match or match[1] not in NAMES or (match[3] and match[1] not in BYTES):
            self.fail(f"{value!r}: write NAME=NUMBER with NAME one of {', '.join(NAMES)}")
        name, number = match[1], int(match[2]) * UNITS[match[3]]
        if number > MOST[name]:
            most = f"{MOST[name] >> 30}G" if name in BYTES else MOST[name]
            self.fail(f"{value!r}: {name} is at most {most}")
        return name, number


LIMIT = LimitType()


def limits_of(given: Iterable[tuple[str, int]], *, require_sandbox: bool) -> Limits:
    """All limits, those that were given in place of the defaults; of a name the last counts."""
    numbers = dict(given)
    budget = Budget(**{name: numbers.pop(name) for name in READERS if name in numbers})
    return Limits(**numbers, require_sandbox=require_sandbox, budget=budget)
