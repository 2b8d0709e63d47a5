"""What the gate and its worker say to each other: one JSON line a message."""

import msgspec

from gate.app import AppCard, Coverage, Gap
from gate.check import CheckCard, Result
from gate.isolation import Limits


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the worker is asked; `build` and `answer` are open file descriptors it inherits.

    `parent` is the process that asks, without which nobody wants the answer.

    `idsig` is one too, of the .idsig beside the build; or it says why that could not be opened, and
    is "" where there is none.
    """

    parent: int
    build: int
    answer: int
    name: str
    checks: tuple[str, ...]
    as_of: str
    limits: Limits
    idsig: int | str = ""


class Step(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A sign of life: so many checks of so many are done."""

    done: int
    total: int


class Answer(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What became of a build. `refused` says in one sentence why it was not read, or is ''.

    `checks` documents those of the request that ask about the build's platform; each has a result.
    """

    kind: str = ""
    refused: str = ""
    app: AppCard | None = None
    checks: tuple[CheckCard, ...] = ()
    results: tuple[Result, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    gaps: tuple[Gap, ...] = ()
    isolation: tuple[str, ...] = ()
