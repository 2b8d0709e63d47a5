"""The words a check is written in.

A check is one function that yields what is wrong with an app::

    @check(AndroidApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
    def debuggable(app: AndroidApp) -> Iterator[Finding]:
        \"\"\"
        The release build lets a debugger attach.

        Looks at: ...   Matters because: ...   Fix by: ...   Cannot see: ...
        \"\"\"

Yielding nothing means clean. A check imports this module and `gate.app` and nothing else of ours.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from enum import StrEnum
from typing import Any, TypeVar

from gate.app import AndroidApp, App, IosApp, Location, Unread
from gate.app.code import Api
from gate.frozen import dataclass

HEADINGS = ("Looks at", "Matters because", "Fix by", "Cannot see")
PLATFORMS: dict[type[App], str] = {AndroidApp: "android", IosApp: "ios", App: "app"}


class Severity(StrEnum):
    """The check's own opinion of the risk in a release build; the policy decides the action."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Confidence(StrEnum):
    """How sure a finding is; a policy may act one step softer on a low one."""

    HIGH = "high"
    LOW = "low"


class Outcome(StrEnum):
    """How a check ended. Only clean and not-applicable are good news."""

    CLEAN = "clean"
    FOUND = "found"
    NOT_APPLICABLE = "not-applicable"
    UNDECIDED = "undecided"


class NotApplicable(Exception):
    """The question makes no sense for this app; the message says why."""


class Undecided(Exception):
    """The question has no certain answer for this app; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong.

    `subject` is the stable name of what is wrong (a component, a domain, a file): waivers and
    fingerprints rest on it, so it holds no offset, no count and no path of the build machine.
    `message` is one or two plain sentences. `flow` are the places that a value came through on its
    way to `at`, the first one first. `origin` is first-party, or the name of the
    third-party component it lies in, or '' where that cannot be told.
    """

    subject: str
    message: str
    at: Location
    also: tuple[Location, ...] = ()
    origin: str = ""
    confidence: Confidence = Confidence.HIGH
    flow: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A place whose value the analysis could not compute; neither a finding nor clean."""

    subject: str
    reason: str
    at: Location


@dataclass(frozen=True, slots=True)
class Result:
    """A check's answer. An undecided one may have findings too: what was seen before it stopped."""

    check: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Doc:
    """A check's documentation, as its docstring has it."""

    title: str
    looks_at: str
    matters_because: str
    fix_by: str
    cannot_see: str


@dataclass(frozen=True, slots=True)
class CheckCard:
    """A check that was asked, with its documentation, so that a report is read without the tool."""

    id: str
    severity: str
    doc: Doc
    cwe: tuple[int, ...]
    masvs: tuple[str, ...]


Run = Callable[[Any], Iterator[Finding | Unresolved]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `platform` is android, ios, or app for both; `module` is where it is written.

    `last` holds back a check that judges what the others could not read. `asks` are the APIs that
    its module names: the engine looks all checks' APIs up at once.
    """

    id: str
    platform: str
    area: str
    severity: Severity
    doc: Doc
    cwe: tuple[int, ...]
    masvs: tuple[str, ...]
    module: str
    run: Run = field(repr=False)
    last: bool = False
    asks: tuple[Api, ...] = ()

    @property
    def card(self) -> CheckCard:
        """What a report says about the check."""
        return CheckCard(self.id, self.severity, self.doc, self.cwe, self.masvs)

    def applies_to(self, app: App) -> bool:
        """Whether the check asks about this kind of app."""
        return self.platform in ("app", PLATFORMS[type(app)])


A = TypeVar("A", bound=App)


def check(
    app_type: type[A],
    *,
    severity: Severity,
    cwe: int | tuple[int, ...] = (),
    masvs: str | tuple[str, ...] = (),
    last: bool = False,
) -> Callable[[Callable[[A], Iterator[Finding | Unresolved]]], Check]:
    """Make a check of a function; its id follows from its file, its texts from its docstring."""

    def build(run: Callable[[A], Iterator[Finding | Unresolved]]) -> Check:
        platform = PLATFORMS[app_type]
        *_, area, name = run.__module__.split(".")
        return Check(
            id=f"{platform}-{name.replace('_', '-')}",
            platform=platform,
            area=area,
            severity=severity,
            doc=read_doc(run.__doc__ or "", run.__module__),
            cwe=(cwe,) if isinstance(cwe, int) else cwe,
            masvs=(masvs,) if isinstance(masvs, str) else masvs,
            module=run.__module__,
            run=run,
            last=last,
            asks=tuple(_apis(run.__globals__.values())),
        )

    return build


def _apis(values: Iterable[object]) -> Iterator[Api]:
    """The APIs among a module's constants, alone or in tuples."""
    for value in values:
        if isinstance(value, Api):
            yield value
        elif isinstance(value, tuple):
            yield from (each for each in value if isinstance(each, Api))


def read_doc(text: str, module: str) -> Doc:
    """The title and the four headed paragraphs of a check's docstring; ValueError if one lacks."""
    title, *paragraphs = re.split(
        rf"^({'|'.join(HEADINGS)}):\s", inspect.cleandoc(text), flags=re.M
    )
    parts = [" ".join(part.split()) for part in paragraphs]
    if tuple(parts[::2]) != HEADINGS or not title.strip() or not all(parts[1::2]):
        raise ValueError(f"{module}: the docstring needs a title and {', '.join(HEADINGS)}")
    return Doc(" ".join(title.split()).rstrip("."), *parts[1::2])


__all__ = [
    "Check",
    "CheckCard",
    "Confidence",
    "Doc",
    "Finding",
    "NotApplicable",
    "Outcome",
    "Result",
    "Severity",
    "Undecided",
    "Unread",
    "Unresolved",
    "check",
]
