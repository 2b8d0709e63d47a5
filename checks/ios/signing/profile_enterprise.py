"""A build for the devices of one organisation."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-2")
def profile_enterprise(app: IosApp) -> Iterator[Finding]:
    """
    An enterprise profile lets the build run on any device, past the store.

    Looks at: ProvisionsAllDevices in embedded.mobileprovision of the app and of every bundle inside
    it. Only the enterprise programme gets profiles with this key; profiles for the store, for a
    list of devices and for development have none.

    Matters because: Such a build is for an organisation's own staff. It has not passed the store's
    review, whoever gets the file can pass it on, and Apple's terms forbid handing it to customers:
    Apple then revokes the certificate and the app stops on every device at once. Fraudulent trading
    apps are spread in this way, which is why users are told to distrust it.

    Fix by: Signing what goes to customers with the account of the Apple Developer Program: in Xcode
    choose that team for the Release configuration, archive, and export with the method
    app-store-connect (app-store before Xcode 15.3) in exportOptions.plist instead of enterprise. A
    build for staff is judged with the ruleset's profile for internal apps.

    Cannot see: Whom the build is meant for, and whether the certificate was revoked. A build from
    the store has no profile at all.
    """
    for bundle in app.bundles:
        profile = bundle.profile
        if profile is None or not profile.all_devices:
            continue
        teams = ", ".join(profile.team_ids) or "not named"
        yield Finding(
            subject=profile.path,
            message=f"The embedded enterprise profile lets the build run on any device without the "
            f"store (team {teams}).",
            at=Location(profile.path, element="ProvisionsAllDevices", snippet="true"),
        )
