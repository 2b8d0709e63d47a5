"""The NAME=NUMBER of `--limit`."""

import re
from dataclasses import fields
from typing import Any

import click

from gate.isolation import Limits

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
NAMES = tuple(field.name for field in fields(Limits) if field.type is int)
SECONDS = ("cpu", "wall")


class LimitType(click.ParamType[tuple[str, int]]):
    """One limit's name and its value in bytes or seconds."""

    name = "NAME=NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, int]:
        """The limit; usage errors say which there are."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\w+)=([1-9]\d{0,14})([KMG]?)", str(value))
        if not match or match[1] not in NAMES or (match[3] and match[1] in SECONDS):
            self.fail(f"{value!r}: write NAME=NUMBER with NAME one of {', '.join(NAMES)}")
        return match[1], int(match[2]) * UNITS[match[3]]


LIMIT = LimitType()
