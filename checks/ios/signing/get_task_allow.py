"""A program that lets a debugger attach."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-4")
def get_task_allow(app: IosApp) -> Iterator[Finding]:
    """
    A program is signed with get-task-allow and lets a debugger attach.

    Looks at: The entitlements in the code signature of every program, the app, its extensions and
    every nested one, in every architecture: get-task-allow in the XML form (slot 5) or in the DER
    form (slot 7), which current systems read. What the signature says counts; the embedded profile
    is not asked.

    Matters because: Whoever holds the unlocked device can attach a debugger to the app, read keys
    and session tokens in its memory and change what it does. Such a build is also one for
    development, which is not what was tested for release, and the App Store refuses it.

    Fix by: Exporting the archive for distribution: Release configuration, a distribution
    certificate, and in exportOptions.plist the method app-store-connect (app-store before Xcode
    15.3). xcodebuild -exportArchive then signs without get-task-allow. Look for the key in the
    .entitlements files that CODE_SIGN_ENTITLEMENTS names, and set
    CODE_SIGN_INJECT_BASE_ENTITLEMENTS to NO where a script signs the Release build itself.

    Cannot see: Other ways to attach, such as a jailbroken device, and a build that is signed again
    after it was scanned.
    """
    for program in app.programs:
        for each in program.slices:
            if each.signature is None:
                continue
            forms = (
                ("XML", each.signature.entitlements_xml),
                ("DER", each.signature.entitlements_der),
            )
            said = [
                form for form, claims in forms if claims and claims.get("get-task-allow") is True
            ]
            if said:
                yield Finding(
                    subject=program.path,
                    message="The code signature claims get-task-allow: a debugger may attach"
                    f"{each.caveat}.",
                    at=Location(
                        program.path,
                        element=f"{each.architecture} entitlements ({' and '.join(said)})",
                        snippet="get-task-allow = true",
                    ),
                )
