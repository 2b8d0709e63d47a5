"""An Android app: the facts of an APK, of an app bundle or of a set of split APKs."""

from dataclasses import dataclass

from gate.app.app import App, Fact
from gate.app.manifest import Manifest
from gate.app.native import DexFile, ElfLibrary
from gate.app.network import BackupRules, NetworkConfig
from gate.app.signing import Signing, Verification


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

    manifest = Fact[Manifest]("AndroidManifest.xml.")
    network_configs = Fact[tuple[NetworkConfig, ...]](
        "The network security configuration of every device configuration; () where none is named."
    )
    full_backup_content = Fact[tuple[BackupRules, ...]](
        "The rule files that android:fullBackupContent names; () for true, false or absent."
    )
    data_extraction_rules = Fact[tuple[BackupRules, ...]](
        "The rule files that android:dataExtractionRules names; () where absent."
    )
    signing = Fact[Signing]("Signature schemes and signers.")
    signature = Fact[Verification]("What each supported Android version makes of the signatures.")
    libraries = Fact[tuple[ElfLibrary, ...]]("Every ELF file under lib/, sorted by path.")
    code = Fact[tuple[DexFile, ...]]("Every DEX file that the runtime loads, in its order.")
    splits = Fact[tuple[SplitApk, ...]](
        "The APKs of a split set, sorted by path, base first; () for any other build."
    )

    @property
    def signed_files(self) -> tuple[tuple[str, "AndroidApp"], ...]:
        """Path and app of every file that is signed by itself: the build, or each APK of a set."""
        apart = tuple((split.path, split.apk) for split in self.splits)
        return apart or (("", self),)
