"""An Android app: the facts of an APK."""

from dataclasses import dataclass

from gate.app.app import App, Fact
from gate.app.manifest import Manifest
from gate.app.native import DexFile, ElfLibrary
from gate.app.network import BackupRules, NetworkConfig
from gate.app.signing import Signing


@dataclass(frozen=True, eq=False)
class AndroidApp(App):
    """What an APK says about itself, read as a device would read it."""

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
    libraries = Fact[tuple[ElfLibrary, ...]]("Every ELF file under lib/, sorted by path.")
    code = Fact[tuple[DexFile, ...]]("Every DEX file that the runtime loads, in its order.")
