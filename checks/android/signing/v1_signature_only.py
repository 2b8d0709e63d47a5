"""android-v1-signature-only: the signature does not cover the whole file."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=347, masvs="MASVS-RESILIENCE-2")
def v1_signature_only(app: AndroidApp) -> Iterator[Finding]:
    """
    The APK has only a JAR (v1) signature, which does not cover the whole file.

    Looks at: Which signature schemes the APK carries: a JAR signature in META-INF, and v2, v3 or
    v3.1 blocks in its APK Signing Block. v1 beside one of those is in order.

    Matters because: A JAR signature covers the files in the archive one by one, not the archive. On
    Android 5 to 8.0 without the patch of December 2017 code put before the archive runs as the
    app's own while the signature still verifies (Janus, CVE-2017-13156), so that a changed APK
    installs as an update. Android 11 and later refuses the package when targetSdk is 30 or higher.

    Fix by: Setting enableV2Signing = true (and enableV3Signing = true) in
    android.signingConfigs.release of build.gradle; delete a `v2SigningEnabled false`. Where a
    script signs, replace jarsigner by `apksigner sign --v2-signing-enabled true
    --v3-signing-enabled true`, after zipalign. Nothing may rewrite the APK after that: zipalign, a
    packer or a channel tool that comes later removes the block and leaves the JAR signature alone.

    Cannot see: Whether the signature verifies, and whether the block was there before a later step
    removed it.
    """
    schemes = set(app.signing.schemes)
    if "v1" in schemes and not schemes & {"v2", "v3", "v3.1"}:
        message = "The APK has a JAR (v1) signature and no v2, v3 or v3.1 block."
        signer = next((each for each in app.signing.signers if each.scheme == "v1"), None)
        at = Location(signer.path if signer else "", element="JAR signature")
        yield Finding("APK signature", message, at=at)
