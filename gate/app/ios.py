"""An iOS app: the facts of an IPA or of an .app folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.app.app import App, Fact
from gate.app.native import ProvisioningProfile, Slice


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle inside the build.

    `path` is its folder inside the build (`Payload/Name.app`); `kind` is app, extension, watch-app,
    app-clip, framework or bundle; `info` is the Info.plist, a plain tree of property list values;
    `executable` is the path of the program inside the build, '' for a bundle that has none.
    """

    path: str
    kind: str
    info: Mapping[str, Any]
    info_path: str
    executable: str
    profile: ProvisioningProfile | None = None

    @property
    def identifier(self) -> str:
        """CFBundleIdentifier, '' where it is missing or no string."""
        value = self.info.get("CFBundleIdentifier")
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Program:
    """A Mach-O file of the build, and the bundle whose main program it is, if it is one."""

    path: str
    slices: tuple[Slice, ...]
    bundle: Bundle | None = None


@dataclass(frozen=True, eq=False)
class IosApp(App):
    """What an iOS app says about itself."""

    bundles = Fact[tuple[Bundle, ...]]("Every bundle, the app itself first, then sorted by path.")
    programs = Fact[tuple[Program, ...]]("Every Mach-O file, sorted by path.")

    @property
    def main(self) -> Bundle:
        """The app's own bundle."""
        return self.bundles[0]
