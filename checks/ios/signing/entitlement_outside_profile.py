"""Entitlements that the profile does not grant."""

from collections.abc import Iterator

from gate.app import IosApp, Location, Program
from gate.app.entitlements import forms, objection, reserved
from gate.app.ios import ProfileMatch
from gate.check import Finding, Severity, Undecided, check

OWN_PROCESS = ("app", "extension", "watch-app", "app-clip")


@check(IosApp, severity=Severity.HIGH, cwe=732, masvs="MASVS-PLATFORM-1")
def entitlement_outside_profile(app: IosApp) -> Iterator[Finding]:
    """
    The signature claims an entitlement that the profile does not grant, or Apple's own.

    Looks at: The entitlements in the signatures of the app, its extensions, watch apps and app
    clips, XML and DER form, against the Entitlements of the profile embedded beside each: key by
    key and value by value, where * and a final .* in the profile stand for anything. Team and
    application identifier have to agree with the profile and with the bundle identifier.
    com.apple.private.* and platform-application, which Apple alone may claim, and a keychain group
    that ends in * are reported whatever the profile says; false values and empty lists never are.

    Matters because: Devices refuse to install such a package, or it was signed by a tool that
    leaves that check out, as for jailbroken devices. A group with a wildcard opens the keychain
    entries of all apps of the team, and an entitlement that nobody asked the portal for was not
    reviewed.

    Fix by: Enabling the capability for the App ID (Certificates, Identifiers & Profiles), making
    the profile anew and archiving again; or deleting the key from the .entitlements file that
    CODE_SIGN_ENTITLEMENTS names. Let xcodebuild -exportArchive sign instead of a script. Name
    keychain groups in full: $(AppIdentifierPrefix)com.example.wallet. Compare with codesign -d
    --entitlements - Payload/X.app and security cms -D -i embedded.mobileprovision.

    Cannot see: Whether the profile itself is genuine, and what a package from the store was granted
    whose profile was taken away: without a profile this is undecided.
    """
    without = []
    for program in app.programs:
        bundle = program.bundle
        if bundle is None or bundle.kind not in OWN_PROCESS:
            continue
        yield from {finding.subject: finding for finding in _outside(program)}.values()
        claims = any(forms(each.signature) for each in program.slices)
        if bundle.profile is None and claims:
            without.append(bundle.path)
    yield from _identities(app)
    if without:
        raise Undecided(f"no embedded profile to compare with in {', '.join(without[:3])}")


def _outside(program: Program) -> Iterator[Finding]:
    """Each claim that goes too far, of each slice and form."""
    profile = program.bundle.profile if program.bundle else None
    for each in program.slices:
        for form, claims in forms(each.signature):
            for key, value in claims.items():
                reason = reserved(key, value)
                if profile and not reason:
                    reason = objection(key, value, profile.entitlements)
                if reason:
                    yield Finding(
                        subject=f"{program.path} {key}",
                        message=f"The signature claims {key}, but {reason}{each.caveat}.",
                        at=Location(
                            program.path,
                            element=f"{each.architecture} entitlements ({form})",
                            snippet=f"{key} = {value!r}"[:200],
                        ),
                    )


def _identities(app: IosApp) -> Iterator[Finding]:
    """Team and application identifier, of the first slice that disagrees."""
    said: set[str] = set()
    for match in app.profile_matches:
        for what, reason in _disagreements(match):
            subject = f"{match.path} {what}"
            if subject not in said:
                said.add(subject)
                at = Location(match.path, element=f"{match.architecture} {what}")
                yield Finding(subject=subject, message=f"{reason}.", at=at)


def _disagreements(match: ProfileMatch) -> Iterator[tuple[str, str]]:
    if match.team_granted is False:
        teams = ", ".join(match.profile_teams)
        yield "team", f"The team {match.team_id} signed, but the embedded profile is for {teams}"
    if match.application_is_bundle is False:
        claim = f"The signature claims {match.application_id}"
        yield "identity", f"{claim}, which is not the bundle identifier {match.bundle_id}"
