"""Privacy manifests of an iOS app, and the dated lists of what Apple asks for.

The lists are tables beside this module; each names the page that it is from and its day.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pkgutil import get_data

from gate.app import Files, IosApp, Unread
from gate.app.privacy import (
    MANIFEST,
    ListedSdk,
    Need,
    PrivacyManifest,
    PrivacyRules,
    Purpose,
    RequiredReason,
)
from gate.formats import plist
from gate.formats.errors import Malformed


@cache
def rules() -> PrivacyRules:
    """What Apple asks for, from the three tables."""
    reasons = list(_rows("required_reasons.tsv"))
    sdks = list(_rows("listed_sdks.tsv"))
    return PrivacyRules(
        apis=tuple(
            RequiredReason(tuple(names.split("|")), date.fromisoformat(since), need(said))
            for kind, names, since, said in reasons
            if kind == "api"
        ),
        reasons={name: tuple(said.split()) for kind, name, _, said in reasons if kind == "reasons"},
        purposes=tuple(
            Purpose(what, tuple(keys.split("|")), need(said))
            for what, keys, said in _rows("purposes.tsv")
        ),
        listed=tuple(_sdks(sdks, "listed")),
        trackers=tuple(_sdks(sdks, "tracker")),
    )


def need(said: str) -> Need:
    """The API that a table's last column describes: its parts are joined by " + "."""
    symbols, selectors = [], []
    for part in said.split(" + "):
        if part.startswith("@"):
            selectors.append(part[1:])
        elif part.startswith("class "):
            symbols.append(f"_OBJC_CLASS_$_{part.removeprefix('class ')}")
        else:
            symbols.append(part)
    words = (part.removeprefix("class ").lstrip("_@") for part in said.split(" + "))
    return Need(" ".join(words), tuple(symbols), tuple(selectors))


def _sdks(rows: list[list[str]], wanted: str) -> Iterator[ListedSdk]:
    for kind, name, since, others in rows:
        if kind == wanted:
            names = (name,) if others == "-" else (name, *others.split("|"))
            yield ListedSdk(names, date.fromisoformat(since))


def _rows(table: str) -> Iterator[list[str]]:
    """The rows of a table; lines that begin with # tell its source."""
    data = get_data(__package__, table)
    assert data is not None
    for line in data.decode().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def manifests(app: IosApp, files: Files) -> tuple[PrivacyManifest, ...]:
    """The manifest of each bundle that has one, in the order of the bundles."""
    places = [(bundle.path, f"{bundle.path}/{MANIFEST}".lstrip("/")) for bundle in app.bundles]
    return tuple(_manifest(files, bundle, path) for bundle, path in places if path in files)


def _manifest(files: Files, bundle: str, path: str) -> PrivacyManifest:
    limit = files.budget.manifest
    try:
        root = plist.parse(files.read(path, limit), max_bytes=limit)
    except (Malformed, Unread) as fault:
        return PrivacyManifest(path, bundle, {}, str(fault))
    if not isinstance(root, dict):
        return PrivacyManifest(path, bundle, {}, "its root is no dictionary")
    return PrivacyManifest(path, bundle, root)
