"""The recipe of a fixture: what a ``case.yml`` may say, and nothing else.

An unknown key, a wrong type or a file that is not there is a `RecipeError` that names the case.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import plistlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from macho_sign import DirectoryHash

STUBS = Path(__file__).parent / "stubs"

AndroidKey = Literal["release", "second", "debug", "weak", "expired"]
IosKey = Literal["distribution", "development", "expired", "self-made", "store"]
IosSign = Literal["cms", "adhoc", "empty", "none"]
ProfileKind = Literal["none", "store", "development", "adhoc", "enterprise"]


class RecipeError(Exception):
    """A recipe cannot be followed; the text names the case and the reason."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a recipe: unknown keys are errors."""


class Content(Strict, frozen=True, kw_only=True, rename={"source": "from"}):
    """The bytes of one entry, said in exactly one way.

    `random` gives that many bytes, which depend on the entry's name alone.
    """

    text: str | None = None
    hex: str | None = None
    source: str | None = None
    random: int | None = None
    plist: dict[str, Any] | None = None

    def bytes_for(self, entry: str, folder: Path) -> bytes:
        """The bytes this content stands for, as `entry` of the case in `folder`."""
        said = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if len(said) != 1:
            raise RecipeError(f"{entry}: say one of text, hex, from, random, plist; found {said}")
        if self.text is not None:
            return self.text.encode()
        if self.hex is not None:
            return bytes.fromhex(self.hex)
        if self.source is not None:
            return (folder / self.source).read_bytes()
        if self.random is not None:
            return hashlib.shake_256(entry.encode()).digest(self.random)
        return plistlib.dumps(naive(self.plist))


class Patch(Strict, frozen=True, kw_only=True):
    """Overwrites bytes of an entry at `offset`, or where the hex bytes `find` stand (once)."""

    entry: str
    hex: str
    offset: int | None = None
    find: str | None = None

    def apply(self, data: bytes) -> bytes:
        """`data` with the bytes overwritten; the length stays."""
        new = bytes.fromhex(self.hex)
        at = self.offset
        if self.find is not None:
            wanted = bytes.fromhex(self.find)
            if data.count(wanted) != 1:
                raise RecipeError(f"{self.entry}: {self.find} stands {data.count(wanted)} times")
            at = data.index(wanted)
        if at is None or at < 0 or at + len(new) > len(data):
            raise RecipeError(f"{self.entry}: the patch lies outside its {len(data)} bytes")
        return data[:at] + new + data[at + len(new) :]


class Lie(Strict, frozen=True, kw_only=True):
    """Makes the finished archive lie, after signing.

    `add` puts an entry with `content` and the Unix `mode` behind the others, whatever is there;
    `prefix` puts `content` in front of the archive and `gap` in front of its directory, offsets
    mended; `flags`, `method` and `crc` write `value` into both headers of the entry.
    """

    do: Literal["add", "prefix", "gap", "flags", "method", "crc"]
    entry: str = ""
    content: Content | str = ""
    mode: int = 0o100644
    value: int = 0


class Library(Strict, frozen=True, kw_only=True):
    """A shared library or program for Android, compiled from C with every protection on.

    A program's entry point is `main`; a fixed one is not position-independent. `flags` come last
    and so win. `imports` names symbols that a stub library has to offer beyond those of
    ``stubs/android/symbols.yml``. The target follows from the entry's ABI folder.
    """

    source: str = "default"
    kind: Literal["library", "program", "fixed-program"] = "library"
    target: Literal["aarch64", "armv7a", "x86_64", "i686"] | None = None
    flags: tuple[str, ...] = ()
    imports: dict[str, tuple[str, ...]] = {}
    strip: bool = True


class Part(Strict, frozen=True, kw_only=True):
    """A module of a bundle beside its base, or a split of a set: no code and no resources.

    `manifest` is a file of the case. `sign` and `key` are the base's unless said; a module has
    neither.
    """

    manifest: str
    sign: tuple[Literal["v1", "v2", "v3"], ...] | None = None
    key: AndroidKey | None = None
    files: dict[str, Content | str] = {}
    native: dict[str, Library] = {}


class AndroidCase(Strict, frozen=True, kw_only=True, tag_field="platform", tag="android"):
    """An APK, an app bundle or a set of split APKs, whose base is what the case describes.

    `idsig` puts a v4 signature beside an APK, `stale` one that was made when the second key had
    signed it. `parts` are the other modules by name, or the splits by their path in the set;
    `outside` are the files of the set beside its APKs. `base` is another case's folder, whose
    sources count where this one has none.
    """

    kind: Literal["apk", "aab", "apks"] = "apk"
    parts: dict[str, Part] = {}
    base_apk: str = "splits/base-master.apk"
    outside: dict[str, Content | str] = {}
    note: str = ""
    base: str | None = None
    sign: tuple[Literal["v1", "v2", "v3"], ...] = ("v2", "v3")
    key: AndroidKey | tuple[AndroidKey, ...] = "release"
    idsig: Literal["none", "own", "stale"] = "none"
    rotated_from: AndroidKey | None = None
    min_sdk_for_signing: int | None = None
    strip_signing_block: bool = False
    manifest: str | None = None
    min_sdk: int | None = 26
    target_sdk: int | None = 35
    version_code: int = 1
    version_name: str = "1.0"
    dex_api: int = 26
    obfuscate: bool = False
    files: dict[str, Content | str] = {}
    native: dict[str, Library] = {}
    raw: dict[str, Content | str | None] = {}
    patches: tuple[Patch, ...] = ()
    after_signing: tuple[Patch, ...] = ()
    lies: tuple[Lie, ...] = ()


class Program(Strict, frozen=True, kw_only=True):
    """A Mach-O program or library, compiled from Objective-C or C with every protection on."""

    source: str = "default"
    arch: str | tuple[str, ...] = "arm64"
    pie: bool = True
    platform: Literal["ios", "ios-simulator", "mac-catalyst"] = "ios"
    min_os: str = "15.0"
    encrypted: bool = False
    flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()
    imports: dict[str, tuple[str, ...]] = {}
    strip: bool = True

    @property
    def arches(self) -> tuple[str, ...]:
        """The slices, in file order."""
        return (self.arch,) if isinstance(self.arch, str) else self.arch


class Bundle(Strict, frozen=True, kw_only=True):
    """What the app, its extensions and its frameworks have in common.

    `sign`, `key` and `team` of an extension or framework are the app's unless said. A key of
    `info`, `entitlements` or `profile` with the value null removes that default. `directories` are
    the code directories by their hash, the primary one first.
    """

    info: dict[str, Any] = {}
    info_format: Literal["binary", "xml"] = "binary"
    program: Program = Program()
    sign: IosSign | None = None
    key: IosKey | None = None
    team: str | None = None
    entitlements: dict[str, Any] | Literal["none"] = {}
    entitlements_der_only: bool = False
    entitlements_xml_only: bool = False
    directories: tuple[DirectoryHash, ...] = ("sha256",)
    directory_version: Literal[0x20200, 0x20400] = 0x20400
    profile: dict[str, Any] | ProfileKind | None = None
    files: dict[str, Content | str] = {}


class Extension(Bundle, frozen=True, kw_only=True):
    """An app extension: ``PlugIns/<name>.appex``."""

    name: str


class Framework(Bundle, frozen=True, kw_only=True):
    """A framework: ``Frameworks/<name>.framework``, or a bare ``.dylib`` when so named."""

    name: str
    resource_only: bool = False


class IosCase(Bundle, frozen=True, kw_only=True, tag_field="platform", tag="ios"):
    """An IPA. `base` is another case's folder, whose sources count where this one has none.

    `removed` are paths in the app that are taken away after signing.
    """

    note: str = ""
    base: str | None = None
    bundle: str = "Sample"
    extensions: tuple[Extension, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    outside: dict[str, Content | str] = {}
    patches: tuple[Patch, ...] = ()
    after_signing: tuple[Patch, ...] = ()
    removed: tuple[str, ...] = ()
    lies: tuple[Lie, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A folder with a recipe in it, and the name it goes by: its path below ``fixtures/``."""

    name: str
    folder: Path
    recipe: AndroidCase | IosCase

    @property
    def output(self) -> str:
        """The file name of the build."""
        return f"build.{self.recipe.kind if isinstance(self.recipe, AndroidCase) else 'ipa'}"

    def sources(self, work: Path) -> Path:
        """The folder of the sources; laid over a copy of its base in `work`, when it has one."""
        if self.recipe.base is None:
            return self.folder
        together = work / "sources"
        shutil.copytree(self.folder / self.recipe.base, together)
        shutil.copytree(self.folder, together, dirs_exist_ok=True)
        return together


def read_case(folder: Path, root: Path) -> Case:
    """The case in `folder`, its recipe and ``expected.txt`` judged."""
    name = folder.relative_to(root).as_posix()
    try:
        said = yaml.safe_load((folder / "case.yml").read_text(encoding="utf-8"))
        recipe = msgspec.convert(said, AndroidCase | IosCase)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RecipeError(f"{name}/case.yml: {error}") from error
    _judge_expectation(name, folder)
    return Case(name=name, folder=folder, recipe=recipe)


def content_bytes(content: Content | str, entry: str, folder: Path) -> bytes:
    """The bytes of `content`; a plain string stands for its text."""
    return content.encode() if isinstance(content, str) else content.bytes_for(entry, folder)


def naive(value: Any) -> Any:
    """`value` as plistlib takes it: dates become date-times, and aware ones become UTC."""
    if isinstance(value, dict):
        return {key: naive(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [naive(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    return value


def merged(defaults: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """`defaults` overlaid with `said`; null removes a default."""
    together = {**defaults, **naive(said)}
    return {key: value for key, value in together.items() if value is not None}


def _judge_expectation(name: str, folder: Path) -> None:
    """A check's case says what the check must report; a demo build says nothing."""
    check, _, case = name.partition("/")
    if check == "builds":
        return
    if not case.startswith(("fires-", "silent-")):
        raise RecipeError(f"{name}: a case is called fires-<what> or silent-<what>")
    file = folder / "expected.txt"
    if not file.is_file():
        raise RecipeError(f"{name}: expected.txt is missing")
    lines = file.read_text(encoding="utf-8").splitlines()
    subjects = [line for line in lines if not line.startswith("undecided:")]
    if subjects != sorted(subjects):
        raise RecipeError(f"{name}/expected.txt: not sorted")
    if case.startswith("fires-") != bool(subjects):
        raise RecipeError(f"{name}/expected.txt: fires-* names subjects, silent-* names none")
