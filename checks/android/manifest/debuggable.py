"""android-debuggable: the app may be debugged on any phone."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-4")
def debuggable(app: AndroidApp) -> Iterator[Finding]:
    """
    The build lets a debugger attach.

    Looks at: The attribute android:debuggable of the first <application> in AndroidManifest.xml,
    found by its resource id 0x0101000f as the device finds it. A reference such as @bool/debug is
    looked up in resources.arsc for every device configuration, and true in one of them is enough.

    Matters because: Whoever holds an unlocked phone with USB debugging on can attach a debugger
    with adb, run code as the app (`adb shell run-as`), read its private files and change what it
    does, without root. A debuggable app also honours the <debug-overrides> of its network security
    configuration, which often trust the certificates of an interception proxy.

    Fix by: Releasing the output of assembleRelease or bundleRelease, with no `debuggable true` (in
    Kotlin `isDebuggable = true`) in the release block of android.buildTypes and none in a build
    type that release takes over by initWith. Delete android:debuggable from AndroidManifest.xml;
    the Android Gradle plugin sets it for debug builds by itself. Where it still arrives, the merger
    report (build/outputs/logs/manifest-merger-release-report.txt) names the library that brings it.

    Cannot see: Phones whose system image makes every app debuggable (ro.debuggable=1), and code
    that lets itself be controlled by other means, such as an embedded scripting console.
    """
    attribute = app.manifest.application.debuggable
    if attribute.may_be(True, default=False):
        yield Finding(
            "application",
            f'{attribute.name}="{attribute.written}" makes the app debuggable.',
            at=attribute.at,
        )
