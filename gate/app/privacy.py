"""What an app says of its user's data, and what Apple asks it to say."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from gate.app.image import Image
from gate.frozen import dataclass

MANIFEST: Final = "PrivacyInfo.xcprivacy"
TRACKING: Final = "NSPrivacyTracking"
_DOMAINS: Final = "NSPrivacyTrackingDomains"
_TYPES: Final = "NSPrivacyAccessedAPITypes"
_TYPE: Final = "NSPrivacyAccessedAPIType"
_REASONS: Final = "NSPrivacyAccessedAPITypeReasons"
_FORMS: Final = {
    TRACKING: bool,
    _DOMAINS: list,
    _TYPES: list,
    "NSPrivacyCollectedDataTypes": list,
}


@dataclass(frozen=True, slots=True)
class Need:
    """An API by the symbols that it is imported as and the selectors that it is called by.

    `name` is how a reader knows it: `NSUserDefaults`, `stat`, `systemUptime`.
    """

    name: str
    symbols: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()

    def used(self, image: Image) -> bool | None:
        """Whether an image has all of it; None where its selectors would tell and are encrypted."""
        if any(symbol not in image.imports for symbol in self.symbols):
            return False
        if self.selectors and image.selectors is None:
            return None
        return all(name in (image.selectors or ()) for name in self.selectors)


@dataclass(frozen=True, slots=True)
class RequiredReason:
    """An API whose use has to be declared, under any of `categories`, from the day `since` on."""

    categories: tuple[str, ...]
    since: date
    need: Need


@dataclass(frozen=True, slots=True)
class Purpose:
    """An API by which the system asks the user for `what`: one of `keys` has to say why."""

    what: str
    keys: tuple[str, ...]
    need: Need


@dataclass(frozen=True, slots=True)
class ListedSdk:
    """An SDK that is on a list from the day `since` on, by the names of its framework."""

    names: tuple[str, ...]
    since: date


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """What Apple asks for: APIs and the reasons of each category, purposes, and SDKs by list.

    `listed` have to bring a manifest; of `trackers` the vendor says that they track.
    """

    apis: tuple[RequiredReason, ...]
    reasons: Mapping[str, tuple[str, ...]]
    purposes: tuple[Purpose, ...]
    listed: tuple[ListedSdk, ...]
    trackers: tuple[ListedSdk, ...]

    def since(self) -> date:
        """The day from which manifests are asked for."""
        return min(api.since for api in self.apis)


@dataclass(frozen=True, slots=True)
class PrivacyManifest:
    """The privacy manifest of the bundle `bundle`; `fault` says why it cannot be read, or is ""."""

    path: str
    bundle: str
    root: Mapping[str, Any]
    fault: str = ""

    def declared(self) -> frozenset[str]:
        """The categories that it declares with at least one reason."""
        entries = self.root.get(_TYPES)
        return frozenset(
            category
            for entry in (entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
            and isinstance(category := entry.get(_TYPE), str)
            and entry.get(_REASONS)
        )


def is_listed(sdks: Iterable[ListedSdk], framework: str, day: date) -> bool:
    """Whether a framework's name is on a list on that day."""
    return any(framework in sdk.names and sdk.since <= day for sdk in sdks)


def mistakes(
    root: Mapping[str, Any], reasons: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str]]:
    """What a manifest says wrongly: the key or value, and the sentence without its full stop.

    `reasons` are the codes that Apple has published for each category.
    """
    for key, form in _FORMS.items():
        if key in root and not isinstance(root[key], form):
            wanted = "true or false" if form is bool else "a list"
            yield key, f"{key} is not {wanted}"
    if root.get(TRACKING) is True and not root.get(_DOMAINS):
        yield TRACKING, f"{TRACKING} is true, but {_DOMAINS} names none"
    entries = root.get(_TYPES)
    for entry in entries if isinstance(entries, list) else ():
        yield from _entry(entry, reasons)


def _entry(entry: object, known: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """What is wrong with one declared category and its reasons."""
    category = entry.get(_TYPE) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(category, str):
        yield _TYPES, f"An entry of {_TYPES} names no category"
        return
    if category not in known:
        yield category, f"{category[:200]} is no category that Apple has published"
        return
    said = entry.get(_REASONS)
    if not isinstance(said, list) or not said:
        yield category, f"{category} is declared without a reason"
        return
    for reason in said:
        if reason not in known[category]:
            yield f"{category} {reason}", f"{str(reason)[:80]} is no reason for {category}"
