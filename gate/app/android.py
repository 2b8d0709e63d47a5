"""An Android app: the facts of an APK, of an app bundle or of a set of split APKs."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gate.app.app import App, Fact, Unread, first_file
from gate.app.code import Code
from gate.app.manifest import Manifest
from gate.app.native import ElfLibrary
from gate.app.network import BackupRules, NetworkConfig
from gate.app.signing import Signing, Verification

# Where the parts of a module lie: in an APK, alone or in a set, and in a module of a bundle.
_CODE: Final = r"classes\.dex", r"dex/classes\.dex"
_LIBRARIES: Final = r"lib/.+\.so", r"lib/.+\.so"


def _files(in_apk: str, in_module: str) -> "Callable[[AndroidApp], str]":
    """What gives the first file of such a name in an APK or in a bundle's module, or ""."""
    apk = re.compile(rf"(?:.*!/)?{in_apk}", re.DOTALL)
    module = re.compile(rf"(?!META-INF/|BUNDLE-METADATA/)[^/]+/{in_module}", re.DOTALL)

    def content(app: "AndroidApp") -> str:
        pattern = module if app.build.kind == "aab" else apk
        return next((name for name in app.files.names if pattern.fullmatch(name)), "")

    return content


def _apk(app: "AndroidApp") -> str:
    """The first file of what devices verify; "" for a bundle, which counts its sealed files."""
    return "" if app.build.kind == "aab" else first_file(app)


def _named(attribute: str) -> "Callable[[AndroidApp], str]":
    """What gives the first rule file that an attribute of <application> names, or ""."""

    def content(app: "AndroidApp") -> str:
        with suppress(Unread):
            named = getattr(app.manifest.application, attribute).values
            return next((name for name in named if name not in ("true", "false")), "")
        return ""

    return content


@dataclass(frozen=True, slots=True)
class SplitApk:
    """One APK of a set: `path` is its place in the set, `apk` the same file judged by itself."""

    path: str
    apk: "AndroidApp"


@dataclass(frozen=True, eq=False)
class AndroidApp(App):
    """What an app says about itself, read as a device would read it.

    A bundle or a set of split APKs is one app: its facts are those of all its modules or splits.
    """

    manifest = Fact[Manifest]("AndroidManifest.xml.", "manifest elements")
    network_configs = Fact[tuple[NetworkConfig, ...]](
        "The network security configuration of every device configuration; () where none is named.",
        "network configs files",
        _named("network_security_config"),
    )
    full_backup_content = Fact[tuple[BackupRules, ...]](
        "The rule files that android:fullBackupContent names; () for true, false or absent.",
        "full backup content files",
        _named("full_backup_content"),
    )
    data_extraction_rules = Fact[tuple[BackupRules, ...]](
        "The rule files that android:dataExtractionRules names; () where absent.",
        "data extraction rules files",
        _named("data_extraction_rules"),
    )
    signing = Fact[Signing]("Signature schemes and signers.")
    signature = Fact[Verification](
        "What each supported Android version makes of the signatures, of a bundle's the JDK.",
        "signature API levels",
        _apk,
    )
    libraries = Fact[tuple[ElfLibrary, ...]](
        "Every ELF file under lib/, sorted by path.",
        "native libraries files",
        _files(*_LIBRARIES),
    )
    code = Fact[Code](
        "The code of every DEX file that the runtime loads, as one program.",
        "DEX files",
        _files(*_CODE),
    )
    splits = Fact[tuple[SplitApk, ...]](
        "The APKs of a split set, sorted by path, base first; () for any other build."
    )

    @property
    def signed_files(self) -> tuple[tuple[str, "AndroidApp"], ...]:
        """Path and app of every file that is signed by itself: the build, or each APK of a set."""
        apart = tuple((split.path, split.apk) for split in self.splits)
        return apart or (("", self),)
