"""A provisioning profile that has run out, or is about to."""

from collections.abc import Iterator
from datetime import UTC

from gate.app import IosApp, Location
from gate.check import Finding, Severity, Unresolved, check

WARNING_DAYS = 30


@check(IosApp, severity=Severity.HIGH, cwe=298, masvs="MASVS-RESILIENCE-2")
def profile_expired(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    The embedded provisioning profile has expired, or expires within 30 days.

    Looks at: ExpirationDate of embedded.mobileprovision of the app and of every bundle inside it,
    compared with the day the build is judged for (--as-of, today unless it is given). A profile
    that has not yet expired, but will within 30 days, is reported too, and the message says so.

    Matters because: Devices refuse to install or to start an ad hoc or enterprise build whose
    profile has expired, so that users are cut off on that day. On a build for the store it shows
    that the archive or its signing identity is old: it is not the build that was just made.

    Fix by: Renewing the profile in the developer portal (Certificates, Identifiers & Profiles), or
    let xcodebuild do so with -allowProvisioningUpdates, then archive and export again. Where
    PROVISIONING_PROFILE_SPECIFIER names a profile by hand, install the new one on the build machine
    first. Extensions carry profiles of their own.

    Cannot see: When the signing certificate expires or whether it was revoked, and builds without a
    profile, such as those from the store.
    """
    for bundle in app.bundles:
        profile = bundle.profile
        if profile is None:
            continue
        place = Location(profile.path, element="ExpirationDate")
        if profile.expires is None:
            yield Unresolved(profile.path, "the profile has no readable ExpirationDate", place)
            continue
        ends = profile.expires.astimezone(UTC).date()
        days = (ends - app.as_of).days
        if days > WARNING_DAYS:
            continue
        message = f"The profile expired on {ends}, before {app.as_of}."
        if days >= 0:
            message = f"The profile is not yet expired, but ends on {ends}, within 30 days."
        yield Finding(
            subject=profile.path,
            message=message,
            at=Location(profile.path, element="ExpirationDate", snippet=ends.isoformat()),
        )
