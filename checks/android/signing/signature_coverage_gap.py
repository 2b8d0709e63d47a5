"""android-signature-coverage-gap: some supported Android version reads no signature at all."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.signing import levels_in_words
from gate.check import Finding, NotApplicable, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=347, masvs="MASVS-RESILIENCE-2")
def signature_coverage_gap(app: AndroidApp) -> Iterator[Finding]:
    """
    A supported Android version finds no signature that it can read.

    Looks at: The signature schemes of the APK and its minSdk. Android before 7 (API level 24) reads
    v1 alone, Android 7 and 8 read v2 or v1, Android 9 and later reads v3 too. v2 alone with minSdk
    23 or lower, v3 alone with minSdk 27 or lower, and a v3.1 block without the v3 block that must
    be beside it leave a gap.

    Matters because: To a phone of those versions the package is not signed, and it refuses to
    install it. Users there stay on an old version without its security updates, or turn to copies
    of the app from elsewhere. Tests on new phones do not show it.

    Fix by: Raising minSdk to what the signature covers, or signing with the older schemes too:
    leave `--min-sdk-version`, `--v1-signing-enabled` and `--v2-signing-enabled` to `apksigner
    sign`, which picks what minSdk needs, and remove enableV1Signing = false or enableV2Signing =
    false from android.signingConfigs.release. A key rotation for new versions needs the old key's
    v3 signature beside it: `apksigner sign --lineage FILE --next-signer`.

    Cannot see: Whether the signatures verify, and what a store will add when it signs the app for
    delivery.
    """
    if app.build.kind == "aab":
        raise NotApplicable("the store signs the APKs that it makes of an app bundle")
    signed = False
    for path, apk in app.signed_files:
        schemes = apk.signing.schemes
        signed = signed or bool(schemes)
        message = _gap(schemes, apk, app.manifest.min_sdk) if schemes else ""
        if message:
            at = Location(path, element="APK Signing Block")
            yield Finding(path or "APK signature", f"{path or 'The APK'} {message}", at=at)
    if not signed:
        raise NotApplicable("the APK is not signed")


def _gap(schemes: tuple[str, ...], apk: AndroidApp, min_sdk: int) -> str:
    """What the schemes leave out, in words that follow the file's name, or ""."""
    if "v3.1" in schemes and "v3" not in schemes:
        return "has a v3.1 signature without a v3 signature beside it."
    unread = [verdict for verdict in apk.signature.since(min_sdk) if not verdict.scheme]
    if not unread or apk.signature.damage:
        return ""
    first = max(min_sdk, unread[0].from_api)
    levels = levels_in_words(first, unread[-1].to_api)
    return (
        f"has a {' and '.join(schemes)} signature, and none that Android reads at {levels}, "
        f"which minSdk {min_sdk} allows."
    )
