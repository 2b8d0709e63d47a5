"""Keeps androguard's log away, and with it loguru, which takes longer to import than androguard."""

import sys
from types import ModuleType


class _Nobody:
    """A logger that takes every message and tells none."""

    def __getattr__(self, name: str) -> "_Nobody":
        return self

    def __call__(self, *arguments: object, **named: object) -> "_Nobody":
        return self


def silence() -> None:
    """Put a silent logger where androguard imports its own from, unless that is loaded already."""
    silent = ModuleType("loguru")
    silent.logger = _Nobody()  # type: ignore[attr-defined]
    sys.modules.setdefault("loguru", silent)
