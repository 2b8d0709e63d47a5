"""Entitlements that lead to Apple's services for development."""

from collections.abc import Iterator, Mapping
from typing import Any

from gate.app import Bundle, IosApp, Location
from gate.app.entitlements import forms
from gate.check import Finding, Severity, check

ENVIRONMENTS = (
    "aps-environment",
    "com.apple.developer.aps-environment",
    "com.apple.developer.icloud-container-environment",
    "icloud-container-environment",
)
DOMAINS = "com.apple.developer.associated-domains"


@check(IosApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
def entitlement_development_environment(app: IosApp) -> Iterator[Finding]:
    """
    A release is signed for the development side of push, iCloud or associated domains.

    Looks at: The entitlements in the code signature of every program, in the XML and in the DER
    form: aps-environment and icloud-container-environment with the value development, and
    associated domains with ?mode=developer. A bundle whose profile is one for development is
    silent, since such a package is no release at all, which another check says.

    Matters because: The app then registers with Apple's sandbox for push messages, so that users
    miss order and log-in notices, and keeps records in the development container of iCloud, whose
    schema changes freely. With ?mode=developer the device fetches the association file from the
    server itself instead of from Apple's cache, a way that is meant for servers in test. All show
    that settings of the Debug build went into the release.

    Fix by: Exporting the archive for distribution, which sets the values anew: xcodebuild
    -exportArchive with the method app-store-connect, and iCloudContainerEnvironment Production in
    exportOptions.plist for ad hoc and enterprise builds. Where a script signs, write production in
    the .entitlements file that CODE_SIGN_ENTITLEMENTS names for Release. Delete ?mode=developer
    from the domains, or keep it in a separate file for Debug.

    Cannot see: Which servers the app's own code talks to.
    """
    for program in app.programs:
        if _for_development(program.bundle, app):
            continue
        found: dict[str, Finding] = {}
        for each in program.slices:
            for key, value in (pair for _, said in forms(each.signature) for pair in _in(said)):
                place = f"{each.architecture} entitlements"
                subject = f"{program.path} {key}"
                at = Location(program.path, element=place, snippet=f"{key} = {value}")
                message = (
                    f"The signature claims {value} for {key}, the environment for development"
                    f"{each.caveat}."
                )
                found.setdefault(subject, Finding(subject=subject, message=message, at=at))
        yield from found.values()


def _for_development(bundle: Bundle | None, app: IosApp) -> bool:
    """Whether a bundle's own profile, or for a part without one the app's, is for development."""
    profile = (bundle.profile if bundle else None) or app.main.profile
    return profile is not None and profile.kind == "development"


def _in(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The claims that name the development environment."""
    for key in ENVIRONMENTS:
        value = claims.get(key)
        if isinstance(value, str) and value.lower() == "development":
            yield key, value
    domains = claims.get(DOMAINS)
    for domain in domains if isinstance(domains, list) else ():
        mode = domain.partition("?mode=")[2] if isinstance(domain, str) else ""
        if "developer" in mode:  # developer, or developer+managed
            yield DOMAINS, domain
