"""Builds an IPA from a case: compiles programs, fills bundles, seals and signs them."""

from __future__ import annotations

import hashlib
import plistlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from fixture_keys import TEAM, Signer
from fixture_macho import fat, link_slice
from fixture_profile import profile_bytes
from fixture_recipe import (
    Bundle,
    IosCase,
    Patch,
    RecipeError,
    content_bytes,
    merged,
)
from fixture_zip import write_zip
from macho_sign import Seal, sign

Kind = Literal["app", "extension", "framework", "dylib"]
Patched = Callable[[str, bytes], bytes]

_SAMPLES = {"app": "main.m", "extension": "extension.m"}
_PACKAGE_TYPES = {"app": "APPL", "extension": "XPC!", "framework": "FMWK"}
# The rules that codesign writes for an iOS bundle (Apple TN2206, "Code Signature Resources").
_OMITTED = {
    r"^Info\.plist$": {"omit": True, "weight": 20.0},
    r"^PkgInfo$": {"omit": True, "weight": 20.0},
}
_LOCALISED = {
    r"^.*\.lproj/": {"optional": True, "weight": 1000.0},
    r"^.*\.lproj/locversion.plist$": {"omit": True, "weight": 1100.0},
    r"^Base\.lproj/": {"weight": 1010.0},
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A bundle on its way: what it is, where it goes, and the recipe it follows."""

    kind: Kind
    name: str
    place: str  # path prefix in the app, with its final slash; empty for the app itself
    identifier: str
    recipe: Bundle

    @property
    def program(self) -> str:
        """The path of the program in the app."""
        return self.place + self.name


@dataclass(frozen=True, slots=True)
class _Shop:
    """Where a case is built, and the patches that its recipe asks for on the way."""

    folder: Path
    work: Path
    patched: Patched


def build_ipa(case: IosCase, folder: Path, work: Path, output: Path) -> None:
    """Builds the case in `folder` into `output`; `work` is an empty folder of its own."""
    shop = _Shop(folder, work, _patcher(case.patches))
    identifier = str(case.info.get("CFBundleIdentifier", f"org.example.{case.bundle.lower()}"))
    nested, programs = _nested(case, identifier, shop)
    app = _Part("app", case.bundle, "", identifier, case)
    entries = _filled(app, nested, shop)
    for patch in case.after_signing:
        if patch.entry not in entries:
            raise RecipeError(f"after_signing {patch.entry}: no such entry")
        entries[patch.entry] = patch.apply(entries[patch.entry])
    for name in case.removed:
        if entries.pop(name, None) is None:
            raise RecipeError(f"removed {name}: no such entry")
    root = f"Payload/{case.bundle}.app/"
    packed = {root + name: entries[name] for name in sorted(entries)}
    packed |= {name: content_bytes(said, name, folder) for name, said in case.outside.items()}
    write_zip(output, packed, programs=frozenset(root + name for name in (*programs, app.program)))


def _patcher(patches: tuple[Patch, ...]) -> Patched:
    """Applies the patches of an entry, when it has any."""

    def patched(entry: str, data: bytes) -> bytes:
        for patch in patches:
            if patch.entry == entry:
                data = patch.apply(data)
        return data

    return patched


def _nested(case: IosCase, identifier: str, shop: _Shop) -> tuple[dict[str, bytes], list[str]]:
    """The entries of everything inside the app, signed, and the paths of its programs."""
    entries: dict[str, bytes] = {}
    programs = []
    for part, has_program in _nested_parts(case, identifier):
        if part.kind == "dylib":
            entries[part.program] = _program(part, None, None, shop)
        else:
            entries |= {
                part.place + name: data
                for name, data in _filled(part, {}, shop, has_program=has_program).items()
            }
        programs += [part.program] if has_program else []
    return entries, programs


def _nested_parts(case: IosCase, identifier: str) -> list[tuple[_Part, bool]]:
    """The extensions and frameworks, and whether each has a program."""
    parts = []
    for extension in case.extensions:
        place = f"PlugIns/{extension.name}.appex/"
        own = extension.info.get("CFBundleIdentifier", f"{identifier}.{extension.name.lower()}")
        recipe = _inheriting(extension, case)
        parts.append((_Part("extension", extension.name, place, str(own), recipe), True))
    for framework in case.frameworks:
        bare = framework.name.endswith(".dylib")
        kind: Kind = "dylib" if bare else "framework"
        place = "Frameworks/" if bare else f"Frameworks/{framework.name}.framework/"
        plain = f"org.example.framework.{framework.name.removesuffix('.dylib').lower()}"
        own = framework.info.get("CFBundleIdentifier", plain)
        part = _Part(kind, framework.name, place, str(own), _inheriting(framework, case))
        parts.append((part, not framework.resource_only))
    return parts


def _inheriting(nested: Bundle, case: IosCase) -> Bundle:
    """The recipe of nested code, signed as the app is unless it says otherwise."""
    return Bundle(
        info=nested.info,
        info_format=nested.info_format,
        program=nested.program,
        sign=nested.sign or case.sign,
        key=nested.key or case.key,
        team=case.team if nested.team is None else nested.team,
        entitlements=nested.entitlements,
        entitlements_der_only=nested.entitlements_der_only,
        entitlements_xml_only=nested.entitlements_xml_only,
        directories=nested.directories,
        directory_version=nested.directory_version,
        profile=nested.profile,
        files=nested.files,
    )


def _filled(
    part: _Part, nested: dict[str, bytes], shop: _Shop, *, has_program: bool = True
) -> dict[str, bytes]:
    """The entries of a bundle, by their paths in it; `nested` are in it already."""
    recipe = part.recipe
    entries = {name: content_bytes(said, name, shop.folder) for name, said in recipe.files.items()}
    if part.kind == "app":
        entries["PkgInfo"] = b"APPL????"
    profile = _profile(part)
    if profile is not None:
        entries["embedded.mobileprovision"] = profile
    form = plistlib.FMT_BINARY if recipe.info_format == "binary" else plistlib.FMT_XML
    info = merged(_default_info(part), recipe.info)
    if not has_program:
        info.pop("CFBundleExecutable", None)
    entries.setdefault("Info.plist", plistlib.dumps(info, fmt=form))
    entries = {name: shop.patched(part.place + name, data) for name, data in entries.items()}
    entries |= nested
    resources = None if recipe.sign == "none" else _code_resources(entries)
    if has_program:
        entries[part.name] = _program(part, entries["Info.plist"], resources, shop)
    if resources is not None:
        entries["_CodeSignature/CodeResources"] = resources
    return entries


def _default_info(part: _Part) -> dict[str, Any]:
    """The Info.plist keys that Xcode writes for such a bundle."""
    simulator = part.recipe.program.platform == "ios-simulator"
    platform = "iPhoneSimulator" if simulator else "iPhoneOS"
    info: dict[str, Any] = {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleExecutable": part.name,
        "CFBundleIdentifier": part.identifier,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": part.name,
        "CFBundlePackageType": _PACKAGE_TYPES[part.kind],
        "CFBundleShortVersionString": "1.0",
        "CFBundleSupportedPlatforms": [platform],
        "CFBundleVersion": "1",
        "DTPlatformName": platform.lower(),
        "DTPlatformVersion": "26.0",
        "DTSDKName": f"{platform.lower()}26.0",
        "DTXcode": "2600",
        "MinimumOSVersion": part.recipe.program.min_os,
        "UIDeviceFamily": [1],
    }
    if part.kind == "app":
        info |= {"LSRequiresIPhoneOS": True, "UILaunchScreen": {}}
    if part.kind == "extension":
        info["NSExtension"] = {
            "NSExtensionPointIdentifier": "com.apple.widgetkit-extension",
            "NSExtensionPrincipalClass": "ExtensionController",
        }
    return info


def _profile(part: _Part) -> bytes | None:
    """The profile of an app or extension: the one said, or the one that fits its signature."""
    recipe = part.recipe
    said = recipe.profile
    if said is None:
        fits = part.kind != "framework" and recipe.sign in (None, "cms")
        said = ("development" if recipe.key == "development" else "store") if fits else "none"
    return profile_bytes(said, part.identifier, _team(recipe))


def _team(recipe: Bundle) -> str:
    """The team whose signature it is."""
    return TEAM if recipe.team is None else recipe.team


def _program(part: _Part, info_plist: bytes | None, resources: bytes | None, shop: _Shop) -> bytes:
    """The program of a bundle, every slice signed."""
    program = part.recipe.program
    sample = _SAMPLES.get(part.kind, "framework.m")
    slices = {}
    for arch in program.arches:
        work = shop.work / f"{part.program.replace('/', '+')}-{arch}"
        work.mkdir()
        linked = link_slice(program, arch, sample, _link_options(part), shop.folder, work)
        slices[arch] = _signed(part, shop.patched(part.program, linked), info_plist, resources)
    return fat(slices)


def _link_options(part: _Part) -> tuple[str, ...]:
    """What kind of file the linker is to write."""
    program = part.recipe.program
    if part.kind in ("framework", "dylib"):
        inside = f"{part.name}.framework/{part.name}" if part.kind == "framework" else part.name
        return ("-dylib", "-install_name", f"@rpath/{inside}")
    entry = ("-e", "_NSExtensionMain") if part.kind == "extension" else ()
    rpath = ("-rpath", "@executable_path/Frameworks")
    return ("-pie" if program.pie else "-no_pie", *entry, *rpath)


def _signed(part: _Part, data: bytes, info_plist: bytes | None, resources: bytes | None) -> bytes:
    """One slice with the signature that the recipe asks for."""
    recipe = part.recipe
    if recipe.sign == "none":
        return data
    seal = Seal(
        identifier=part.identifier,
        entitlements=_entitlements(part),
        xml=not recipe.entitlements_der_only,
        der=not recipe.entitlements_xml_only,
        info_plist=info_plist,
        code_resources=resources,
        hashes=recipe.directories,
        version=recipe.directory_version,
    )
    if recipe.sign == "adhoc":
        return sign(data, replace(seal, adhoc=True))
    signer = None if recipe.sign == "empty" else Signer(f"ios-{recipe.key or 'distribution'}")
    return sign(data, replace(seal, team=_team(recipe), signer=signer))


def _entitlements(part: _Part) -> dict[str, Any] | None:
    """What the signature claims; libraries claim nothing unless told to."""
    said = part.recipe.entitlements
    if said == "none":
        return None
    if part.kind in ("framework", "dylib"):
        return merged({}, said) or None
    team = _team(part.recipe)
    defaults = {
        "application-identifier": f"{team}.{part.identifier}",
        "com.apple.developer.team-identifier": team,
        "get-task-allow": part.recipe.key == "development",
    }
    return merged(defaults, said)


def _code_resources(entries: dict[str, bytes]) -> bytes:
    """The seal of every file but the program, in codesign's old and new form."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in sorted(entries):
        sha1, sha256 = hashlib.sha1(entries[name]).digest(), hashlib.sha256(entries[name]).digest()
        optional = {"optional": True} if _is_optional(name) else {}
        old[name] = {"hash": sha1, **optional} if optional else sha1
        if name not in ("Info.plist", "PkgInfo"):
            new[name] = {"hash2": sha256, **optional}
    rules = {"^.*": True, **_LOCALISED, "^version.plist$": True}
    rules2 = {"^.*": True, **_LOCALISED, **_OMITTED}
    return plistlib.dumps({"files": old, "files2": new, "rules": rules, "rules2": rules2})


def _is_optional(name: str) -> bool:
    """Whether a file may be taken away: that of a translation, but for the base of them all."""
    return ".lproj/" in name and not name.startswith("Base.lproj/")
