"""android-unsigned: nobody vouches for the package."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.CRITICAL, cwe=347, masvs="MASVS-RESILIENCE-2")
def unsigned(app: AndroidApp) -> Iterator[Finding]:
    """
    The APK or app bundle is not signed.

    Looks at: Whether the APK holds a JAR (v1) signature in META-INF or a v2, v3 or v3.1 block in
    its APK Signing Block; in a set of split APKs, whether each of them does. An app bundle needs a
    JAR signature, made with the upload key. A v4 signature lies in an .idsig file beside the APK
    and cannot stand alone, so that it does not count.

    Matters because: No phone installs such a file, no store takes such a bundle, and so it is not
    what users will get. Whoever signs it later signs bytes that this release decision did not
    bind: the file may be changed between the two without a trace.

    Fix by: Giving a signingConfig to the release build type:
    android.signingConfigs.create("release") with storeFile, storePassword, keyAlias and keyPassword
    from the CI's secret store, and signingConfig = signingConfigs.getByName("release") in
    android.buildTypes.release. A file named app-release-unsigned.apk is Gradle's sign that this
    line is missing. Where a signing service signs, run `zipalign` and `apksigner sign` there first
    and put the gate after it.

    Cannot see: Whether a signature that is there verifies, and whose it is.
    """
    if app.build.kind == "aab":
        if not app.signing.schemes:
            message = "The app bundle has no JAR signature."
            yield Finding("bundle signature", message, at=Location(element="META-INF"))
        return
    for path, apk in app.signed_files:
        if not apk.signing.schemes:
            message = f"{path or 'The APK'} has no v1, v2, v3 or v3.1 signature."
            at = Location(path, element="APK Signing Block")
            yield Finding(path or "APK signature", message, at=at)
