"""android-v1-signature-only: the signature does not cover the whole file."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, NotApplicable, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=347, masvs="MASVS-RESILIENCE-2")
def v1_signature_only(app: AndroidApp) -> Iterator[Finding]:
    """
    The APK has only a JAR (v1) signature, which does not cover the whole file.

    Looks at: Which signature schemes the APK carries: a JAR signature in META-INF, and v2, v3 or
    v3.1 blocks in its APK Signing Block; in a set of split APKs, those of each. v1 beside one of
    those is in order. A JAR signature is the only form that an app bundle has.

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
    if app.build.kind == "aab":
        raise NotApplicable("an app bundle has a JAR signature; the store signs the APKs of it")
    for path, apk in app.signed_files:
        schemes = set(apk.signing.schemes)
        if "v1" in schemes and not schemes & {"v2", "v3", "v3.1"}:
            message = f"{path or 'The APK'} has a JAR (v1) signature and no v2, v3 or v3.1 block."
            signer = next((each for each in apk.signing.signers if each.scheme == "v1"), None)
            inside = signer.path if signer else ""
            at = Location("!/".join(filter(None, (path, inside))), element="JAR signature")
            yield Finding(path or "APK signature", message, at=at)
