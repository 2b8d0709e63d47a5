"""Builds an app bundle, or a set of split APKs, from a case."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from fixture_android import apk_entries, build_apk, sign
from fixture_recipe import AndroidCase, Part, RecipeError, content_bytes
from fixture_zip import write_zip

# BundleConfig{bundletool{version}} of bundletool's config.proto: the least that it accepts.
_CONFIG = b"\x0a\x07\x12\x051.9.0"
_KEPT = ("res/", "lib/", "assets/", "resources.pb")
_MIN_SDK_FOR_SIGNING = 24  # apksigner looks for it in a binary manifest, which no bundle has


def build_bundle(case: AndroidCase, folder: Path, work: Path, output: Path) -> None:
    """Builds the bundle in `folder` into `output`; `work` is an empty folder of its own."""
    if case.sign not in ((), ("v1",)):
        raise RecipeError("a bundle is unsigned or has v1: say sign: [v1] or sign: []")
    entries = {"BundleConfig.pb": _CONFIG} | _module("base", case, folder, work)
    for name, part in case.parts.items():
        own, sources, place = _apart(case, part, folder, work, name)
        entries |= _module(name, own, sources, place)
    entries |= {name: content_bytes(said, name, folder) for name, said in case.outside.items()}
    unsigned = work / "unsigned.aab"
    write_zip(unsigned, entries)
    sdk = case.min_sdk_for_signing or _MIN_SDK_FOR_SIGNING
    sign(msgspec.structs.replace(case, min_sdk_for_signing=sdk), unsigned, work, output)


def build_set(case: AndroidCase, folder: Path, work: Path, output: Path) -> None:
    """Builds the set in `folder` into `output`; the APKs below splits/ are stored, not deflated."""
    entries = {name: content_bytes(said, name, folder) for name, said in case.outside.items()}
    apk = work / "base.apk"
    build_apk(case, folder, work, apk)
    entries[case.base_apk] = apk.read_bytes()
    for name, part in case.parts.items():
        own, sources, place = _apart(case, part, folder, work, name)
        build_apk(own, sources, place, place / "split.apk")
        entries[name] = (place / "split.apk").read_bytes()
    write_zip(output, entries, stored=lambda name: name.startswith("splits/"))


def _module(name: str, case: AndroidCase, folder: Path, work: Path) -> dict[str, bytes]:
    """The entries of one module, where a bundle has them."""
    entries = apk_entries(case, folder, work, "--proto-format")
    return {f"{name}/{_place(entry)}": data for entry, data in entries.items()}


def _place(entry: str) -> str:
    """Where an entry of an APK lies in a module (developer.android.com, app bundle format)."""
    if entry == "AndroidManifest.xml":
        return f"manifest/{entry}"
    if entry.startswith("classes") and entry.endswith(".dex"):
        return f"dex/{entry}"
    return entry if entry.startswith(_KEPT) else f"root/{entry}"


def _apart(
    case: AndroidCase, part: Part, folder: Path, work: Path, name: str
) -> tuple[AndroidCase, Path, Path]:
    """The part as a case of its own, its sources without the base's, and a folder to work in."""
    place = work.with_name(f"{work.name}+{name.replace('/', '+')}")
    sources = place / "sources"
    sources.mkdir(parents=True)
    for file in folder.iterdir():
        if file.is_file() and file.suffix not in (".smali", ".java"):
            shutil.copy(file, sources)
    own = AndroidCase(
        manifest=part.manifest,
        sign=case.sign if part.sign is None else part.sign,
        key=case.key if part.key is None else part.key,
        min_sdk=case.min_sdk,
        target_sdk=case.target_sdk,
        version_code=case.version_code,
        version_name=case.version_name,
        files=part.files,
        native=part.native,
    )
    return own, sources, place
