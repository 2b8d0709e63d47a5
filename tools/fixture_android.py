"""Builds an APK from a case: links resources, assembles code, compiles libraries, signs."""

from __future__ import annotations

import shutil
import threading
import zipfile
from pathlib import Path

from fixture_java import compile_java
from fixture_keys import Signer
from fixture_native import build_library
from fixture_recipe import STUBS, AndroidCase, Patch, RecipeError, content_bytes
from fixture_toolbox import apksigner, assemble_smali, run
from fixture_zip import patch_stored, strip_signing_block, write_zip
from msgspec.structs import replace

# Android 10's resources; the attributes of later versions come from stubs/android.
_FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
_COMPILE_SDK = ("--compile-sdk-version-code", "36", "--compile-sdk-version-name", "16")
_linking = threading.Lock()


def build_apk(case: AndroidCase, folder: Path, work: Path, output: Path) -> None:
    """Builds the case in `folder` into `output`; `work` is an empty folder of its own."""
    unsigned = work / "unsigned.apk"
    entries = apk_entries(case, folder, work)
    write_zip(unsigned, entries, stored=_is_stored, alignment=_alignment)
    sign(case, unsigned, work, output)
    if case.idsig == "stale":
        earlier = work / "earlier.apk"
        sign(replace(case, key="second"), unsigned, work, earlier)
        shutil.copyfile(idsig_of(earlier), idsig_of(output))
    if case.strip_signing_block:
        strip_signing_block(output)
    for patch in case.after_signing:
        patch_stored(output, patch.entry, patch.apply)


def apk_entries(case: AndroidCase, folder: Path, work: Path, *form: str) -> dict[str, bytes]:
    """What lies in the APK, before it is signed; `form` are options of ``aapt2 link``."""
    entries = _linked(case, folder, work, *form)
    entries |= _dex(case, folder, work)
    entries |= {
        name: build_library(name, library, folder, work) for name, library in case.native.items()
    }
    entries |= {name: content_bytes(said, name, folder) for name, said in case.files.items()}
    entries = _replaced(entries, case, folder)
    for patch in case.patches:
        entries[patch.entry] = patch.apply(_entry(entries, patch))
    return entries


def _linked(case: AndroidCase, folder: Path, work: Path, *form: str) -> dict[str, bytes]:
    """The compiled manifest, the resource table and the compiled resources."""
    manifest = folder / (case.manifest or "AndroidManifest.xml")
    if not manifest.exists() and case.manifest is None:
        manifest = STUBS / "android" / "sample.xml"
    options: list[str | Path] = [*form, "-I", _FRAMEWORK, "-I", _newer_attributes(work)]
    options += ["--version-code", str(case.version_code), "--version-name", case.version_name]
    if case.min_sdk is not None:
        options += ["--min-sdk-version", str(case.min_sdk)]
    if case.target_sdk is not None:
        options += ["--target-sdk-version", str(case.target_sdk)]
    if (folder / "res").is_dir():
        # From inside, since resources.pb keeps the path by which aapt2 came to a resource.
        run("aapt2", "compile", "--dir", "res", "-o", work / "res.zip", cwd=folder)
        options.append(work / "res.zip")
    linked = work / "linked.apk"
    if case.obfuscate:
        options += ["--proguard", work / "keep.pro"]
    run("aapt2", "link", "-o", linked, "--manifest", manifest, *_COMPILE_SDK, *options)
    with zipfile.ZipFile(linked) as archive:
        names = sorted(archive.namelist(), key=lambda name: (name != "AndroidManifest.xml", name))
        return {name: archive.read(name) for name in names}


def _newer_attributes(work: Path) -> Path:
    """A framework that declares what Android 11 and later added; made once a run."""
    stub = work.parent / "framework.apk"
    source = STUBS / "android"
    with _linking:
        if not stub.exists():
            compiled = work.parent / "framework.zip"
            run("aapt2", "compile", "--dir", source / "res", "-o", compiled)
            link = ("aapt2", "link", "-x", "-o", stub, "-I", _FRAMEWORK)
            run(*link, "--manifest", source / "framework.xml", compiled)
    return stub


def _dex(case: AndroidCase, folder: Path, work: Path) -> dict[str, bytes]:
    """One dex of all sources; those below ``classes2/`` and so on go to that dex."""
    entries = {}
    for name, sources in _grouped(folder, ".smali").items():
        assemble_smali(sources, case.dex_api, work / name)
        entries[name] = (work / name).read_bytes()
    if groups := _grouped(folder, ".java"):
        if both := sorted(entries.keys() & groups.keys()):
            raise RecipeError(f"{both[0]}: has smali and Java sources; one of them needs a folder")
        keep = work / "keep.pro" if case.obfuscate else None
        entries |= compile_java(groups, case.dex_api, work, keep)
    return entries


def _grouped(folder: Path, suffix: str) -> dict[str, list[Path]]:
    """The sources of a language by the dex that they go to."""
    groups: dict[str, list[Path]] = {}
    for source in sorted(folder.rglob(f"*{suffix}")):
        top = source.relative_to(folder).parts[0]
        name = top if top.startswith("classes") and not top.endswith(suffix) else "classes"
        groups.setdefault(f"{name}.dex", []).append(source)
    return dict(sorted(groups.items()))


def _replaced(entries: dict[str, bytes], case: AndroidCase, folder: Path) -> dict[str, bytes]:
    """`entries` with the raw ones put in the place of what the tools made; null removes."""
    result = dict(entries)
    for name, said in case.raw.items():
        if name not in entries:
            raise RecipeError(f"raw {name}: no such entry to replace; new ones belong to files")
        if said is None:
            del result[name]
        else:
            result[name] = content_bytes(said, name, folder)
    return result


def _entry(entries: dict[str, bytes], patch: Patch) -> bytes:
    """The bytes that `patch` speaks of."""
    if patch.entry not in entries:
        raise RecipeError(f"patch {patch.entry}: no such entry")
    return entries[patch.entry]


def _is_stored(name: str) -> bool:
    """Whether the device wants to map the entry: it may not be compressed then."""
    return name == "resources.arsc" or name.endswith(".so")


def _alignment(name: str) -> int:
    """Memory pages of 16 KB for libraries, words for the rest."""
    return 16384 if name.endswith(".so") else 4


def sign(case: AndroidCase, unsigned: Path, work: Path, output: Path) -> None:
    """Signs with the schemes the case names; none leaves the file unsigned."""
    if not case.sign:
        shutil.copyfile(unsigned, output)
        return
    with_idsig = str(case.idsig != "none").lower()
    arguments: list[str | Path] = ["sign", "--v4-signing-enabled", with_idsig]
    for scheme in ("v1", "v2", "v3"):
        arguments += [f"--{scheme}-signing-enabled", str(scheme in case.sign).lower()]
    if case.min_sdk_for_signing is not None:
        arguments += ["--min-sdk-version", str(case.min_sdk_for_signing)]
    keys: tuple[str, ...] = (case.key,) if isinstance(case.key, str) else case.key
    if case.rotated_from is not None:
        arguments += ["--lineage", _lineage(case.rotated_from, keys[-1], work)]
        keys = (case.rotated_from, *keys)
    for position, key in enumerate(keys):
        arguments += ["--next-signer"] if position else []
        arguments += [*_signer_arguments(key), "--v1-signer-name", key.upper()]
    apksigner(*arguments, "--out", output, unsigned)


def idsig_of(apk: Path) -> Path:
    """Where the v4 signature of an APK lies."""
    return apk.with_name(f"{apk.name}.idsig")


def _lineage(old: str, new: str, work: Path) -> Path:
    """The proof that `old` handed over to `new`."""
    file = work / "lineage"
    apksigner(
        *("rotate", "--out", file),
        *("--old-signer", *_signer_arguments(old), "--new-signer", *_signer_arguments(new)),
    )
    return file


def _signer_arguments(key: str) -> list[str | Path]:
    """How apksigner is told of a key."""
    signer = Signer(f"android-{key}")
    return ["--key", signer.key_file, "--cert", signer.certificate_file]
