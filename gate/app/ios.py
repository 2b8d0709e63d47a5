"""An iOS app: the facts of an IPA or of an .app folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gate.app.app import App, Fact
from gate.app.image import Image
from gate.app.machine import MachineCode
from gate.app.native import ProvisioningProfile, Seals, Slice
from gate.app.privacy import PrivacyManifest, PrivacyRules


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


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """What one slice of a bundle's program claims, beside what the bundle's profile grants.

    Text that is not stated is ""; `application_id` is the entitlement application-identifier,
    `granted_id` the profile's, which may end in `*`. Each answer is None where a side is silent.
    """

    path: str
    architecture: str
    bundle_id: str
    team_id: str
    application_id: str
    profile_teams: tuple[str, ...]
    prefixes: tuple[str, ...]
    granted_id: str

    @property
    def team_granted(self) -> bool | None:
        """Whether the team that signed is one of the profile's."""
        return self.team_id in self.profile_teams if self.team_id and self.profile_teams else None

    @property
    def application_granted(self) -> bool | None:
        """Whether the profile's identifier, a final `*` standing for anything, covers the claim."""
        if not self.application_id or not self.granted_id:
            return None
        if self.granted_id.endswith("*"):
            return self.application_id.startswith(self.granted_id[:-1])
        return self.application_id == self.granted_id

    @property
    def application_is_bundle(self) -> bool | None:
        """Whether the claim is a prefix (the profile's, else the team) and the bundle's own id."""
        prefixes = self.prefixes or ((self.team_id,) if self.team_id else ())
        if not self.application_id or not self.bundle_id or not prefixes:
            return None
        return self.application_id in {f"{prefix}.{self.bundle_id}" for prefix in prefixes}


@dataclass(frozen=True, eq=False)
class IosApp(App):
    """What an iOS app says about itself."""

    bundles = Fact[tuple[Bundle, ...]](
        "Every bundle, the app itself first, then sorted by path.", "Info.plist bundles"
    )
    programs = Fact[tuple[Program, ...]]("Every Mach-O file, sorted by path.", "Mach-O files")
    images = Fact[tuple[Image, ...]](
        "What every slice of every Mach-O file is made of, in the order of the programs.",
        "Mach-O images slices",
        lambda app: next((each.path for each in app.programs), ""),
    )
    privacy_manifests = Fact[tuple[PrivacyManifest, ...]](
        "The privacy manifest of each bundle that has one, in the order of the bundles."
    )
    privacy_rules = Fact[PrivacyRules]("What Apple asks an app to say of its user's data.")
    seals = Fact[Seals](
        "What the signatures seal, hashed anew and compared.",
        "code signature slices",
        lambda app: app.signed_program,
    )
    code = Fact[MachineCode](
        "The arm64 code of every Mach-O file, as one answer to questions about calls and values."
    )

    @property
    def main(self) -> Bundle:
        """The app's own bundle."""
        return self.bundles[0]

    @property
    def images_by_path(self) -> dict[str, list[Image]]:
        """The images of each Mach-O file that could be read; a new dictionary each time."""
        found: dict[str, list[Image]] = {}
        for image in self.images:
            found.setdefault(image.path, []).append(image)
        return found

    @property
    def signed_program(self) -> str:
        """The path of the first program with a signature; "" where none has one."""
        signed = (each.path for each in self.programs if any(s.signature for s in each.slices))
        return next(signed, "")

    @property
    def profile_matches(self) -> tuple[ProfileMatch, ...]:
        """One for each signed slice of a program whose bundle has a profile, in program order."""
        return tuple(match for program in self.programs for match in _matches(program))


def _matches(program: Program) -> Iterator[ProfileMatch]:
    bundle = program.bundle
    if bundle is None or bundle.profile is None:
        return
    profile = bundle.profile
    for each in program.slices:
        if each.signature is None:
            continue
        yield ProfileMatch(
            path=bundle.path,
            architecture=each.architecture,
            bundle_id=bundle.identifier,
            team_id=each.signature.code_directories[0].team_id,
            application_id=_application_id(each.signature.entitlements),
            profile_teams=profile.team_ids,
            prefixes=profile.app_id_prefixes,
            granted_id=_application_id(profile.entitlements),
        )


def _application_id(entitlements: Mapping[str, Any]) -> str:
    value = entitlements.get("application-identifier")
    return value if isinstance(value, str) else ""
