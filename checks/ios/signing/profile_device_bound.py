"""A build for a list of devices."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-2")
def profile_device_bound(app: IosApp) -> Iterator[Finding]:
    """
    A development or ad hoc profile binds the build to a list of devices.

    Looks at: ProvisionedDevices in embedded.mobileprovision of the app and of every bundle inside
    it. A profile with a device list is for development when its entitlements allow get-task-allow
    and ad hoc otherwise. Only the number of devices is told, never an identifier.

    Matters because: Such a build runs on those devices alone and cannot be what is released to
    users. What was tested and approved is then another build than the one that customers get, and a
    development build can be debugged as well.

    Fix by: Exporting the archive with the release method: in Xcode, Organizer, Distribute App, App
    Store Connect; with xcodebuild -exportArchive set method in exportOptions.plist to
    app-store-connect (app-store before Xcode 15.3) instead of debugging, development,
    release-testing or ad-hoc, and let PROVISIONING_PROFILE_SPECIFIER of the Release configuration
    name an App Store profile, for each extension as well.

    Cannot see: Which kind of release was meant: a build for testers is bound to devices on purpose,
    and a ruleset or a waiver may then allow it. A build from the store has no profile at all.
    """
    for bundle in app.bundles:
        profile = bundle.profile
        if profile is None or profile.device_count is None or profile.all_devices:
            continue
        kind = "development" if profile.kind == "development" else "ad hoc"
        devices = f"{profile.device_count} device{'' if profile.device_count == 1 else 's'}"
        owner = "" if bundle is app.main else f"{bundle.path}: "
        yield Finding(
            subject=f"{owner}{kind} profile, {devices}",
            message=f"The embedded {kind} profile lets the build run on {devices} and no other.",
            at=Location(profile.path, element="ProvisionedDevices", snippet=devices),
        )
