"""What a build is, by the marks that those who install it go by, never by its file name.

Android's package manager wants AndroidManifest.xml at the top of an APK; bundletool wants the
manifests of modules, of which one is `base`; iOS wants Payload/Name.app; what installs
sets takes the APKs in them. A build may bear the marks of several, and each of those would install
another app: it is none that one verdict could be about.
"""

import re
from collections.abc import Callable
from typing import Final

from gate.read.files import FolderFiles, ZipFiles
from gate.read.listed import plain
from gate.read.nested import is_module, named_modules

WORDS: Final = {
    "apk": "an APK",
    "aab": "an app bundle",
    "ipa": "an IPA",
    "app-folder": "an .app folder",
    "apks": "a set of APKs",
}
_MANIFEST: Final = "AndroidManifest.xml"
_CONFIG: Final = "BundleConfig.pb"
_MODULE: Final = re.compile(r"([^/]+)/manifest/AndroidManifest\.xml")
_INSTALLED: Final = re.compile(r"Payload/[^/]+\.app(?=/)")
_ZIPPED: Final = re.compile(r"([^/]+\.app)/Info\.plist")
# Where bundletool puts APKs; deeper or elsewhere in an APK, one is a file as any other.
_OF_SETS: Final = ("", "splits", "standalones", "instant", "system", "archive", "asset-slices")


def marks(files: ZipFiles | FolderFiles) -> dict[str, str]:
    """Each kind whose mark is there, in the order of `WORDS`, with the entry that is the mark."""
    names: dict[str, str] = {}
    for name in files.names:
        names.setdefault(plain(name), name)
    found: dict[str, str] = {}
    if _MANIFEST in names:
        found["apk"] = names[_MANIFEST]
    if module := _module_in(names):
        found["aab"] = module
    if app := _app_in(names):
        found["ipa"] = app
    if isinstance(files, FolderFiles) and "Info.plist" in names:
        if not app.startswith("Payload/"):
            found.pop("ipa", None)  # an app in the app's folder is a part of it
        found["app-folder"] = "Info.plist"
    if apk := _apk_beside(files, names, found):
        found["apks"] = apk
    if not found and _CONFIG in names:
        found["aab"] = names[_CONFIG]
    return found


def _module_in(names: dict[str, str]) -> str:
    """The manifest of the module `base`, or of any where the configuration is; or ""."""
    return next(
        (
            stored
            for name, stored in names.items()
            if (match := _MODULE.fullmatch(name)) and (match[1] == "base" or _CONFIG in names)
        ),
        "",
    )


def _app_in(names: dict[str, str]) -> str:
    """The first app's folder: that of Payload, else one that was zipped by itself; or ""."""
    for pattern in (_INSTALLED, _ZIPPED):
        for name in names:
            if match := pattern.match(name):
                return match[match.lastindex or 0]
    return ""


def _apk_beside(files: ZipFiles | FolderFiles, names: dict[str, str], found: dict[str, str]) -> str:
    """An APK that lies where none of the kinds that were found keeps files of its own, or ""."""
    own: list[Callable[[str], bool]] = []
    if "apk" in found:
        own.append(lambda name: name.rpartition("/")[0] not in _OF_SETS)
    if "aab" in found:
        own.append(lambda name: f"{name.partition('/')[0]}/manifest/{_MANIFEST}" in names)
    if "ipa" in found:
        folder = f"{found['ipa'].partition('/')[0]}/"
        own.append(lambda name: name.startswith(folder))
    if "app-folder" in found:
        own.append(lambda name: "/" in name)
    for name, stored in names.items():
        if is_module(name) and not any(holds(name) for holds in own):
            return stored
    return next(iter(named_modules(files)), "")


def two_in_one(found: dict[str, str]) -> str:
    """Why a build with these marks cannot be judged: a sentence; "" for one mark or none."""
    if len(found) < 2:
        return ""
    *others, last = (f"{WORDS[kind]} ({_shown(found[kind])})" for kind in WORDS if kind in found)
    return (
        f"{', '.join(others)} and {last} in one build, and each installer takes another app;"
        " scan each in a build of its own"
    )


def _shown(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:100]}..."
