"""android-signature-invalid: a supported Android version does not accept the signature."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, NotApplicable, Severity, check


@check(AndroidApp, severity=Severity.CRITICAL, cwe=347, masvs="MASVS-RESILIENCE-2")
def signature_invalid(app: AndroidApp) -> Iterator[Finding]:
    """
    The signature of the APK or app bundle does not verify.

    Looks at: Every signature that a supported Android version reads, verified as that version does:
    v1 before Android 7, v2 since, v3 since Android 9, v3.1 since Android 13, and an older scheme
    where the newer one is absent. The digests of the whole file or of each entry, the signature
    itself, key and certificate, the proof of rotation, at most ten signers, and what a signer
    announces and the file does not have. Also v1 alone with targetSdk 30 or higher, no v2 with
    targetSandboxVersion 2, schemes by different signers, and a damaged APK Signing Block. In a set
    of split APKs each is verified. Where an .idsig file (v4) lies beside the APK, its signature,
    its certificate, its digest of the APK and its hash tree are held against the APK. The JAR
    signature of an app bundle is verified as `jarsigner -verify -strict` does: the signature block,
    the digests of the manifest, and that every file is listed there with its digest.

    Matters because: A phone of that version refuses the package, so that the release cannot be
    installed or updated there. A signature that does not match also says that the file was changed
    after it was signed, by a build step or by somebody else: what is judged here is not what the
    holder of the key has approved. An .idsig that contradicts its APK makes the incremental
    installation of Android 11 and later fail, while the same APK installs otherwise. What was
    changed in a bundle goes into every APK that the store makes of it and signs with the app's key.

    Fix by: Signing as the last step of the build: `zipalign` first, then `apksigner sign`, and
    nothing that writes to the file after it (channel tools, packers, zip). Confirm with `apksigner
    verify --verbose` and publish exactly that file. Sign a bundle last too, and confirm with
    `jarsigner -verify -strict`. Where v1 is alone, set enableV2Signing = true
    in android.signingConfigs.release. If no step of yours changed the file, find out who did before
    you sign it again.

    Cannot see: Whether the signer is the right one, and .idsig files inside a set of split APKs. A
    source stamp is verified for the report and never judged, since no device reads it. A
    certificate that has expired or is not trusted is no fault on Android, nor is that of an upload
    key. A file that was taken out of a bundle is no fault to the JDK.
    """
    if app.build.kind == "aab":
        yield from _broken_seals(app)
        return
    signed = False
    for path, apk in app.signed_files:
        findings = list(_refusals(path, apk, app.manifest.min_sdk))
        signed = signed or bool(findings or apk.signing.schemes)
        yield from findings
    if not signed:
        raise NotApplicable("the APK is not signed")


def _broken_seals(bundle: AndroidApp) -> Iterator[Finding]:
    """What is wrong with the one signature of a bundle."""
    schemes = bundle.signature.schemes
    if not schemes:
        raise NotApplicable("the app bundle is not signed")
    for scheme in schemes:
        if not scheme.verified:
            message = (
                f"The JAR signature of the bundle does not verify: {'; '.join(scheme.errors)}."
            )
            yield Finding("bundle signature", message, at=Location(element="JAR signature"))


def _refusals(path: str, apk: AndroidApp, min_sdk: int) -> Iterator[Finding]:
    """What is wrong with one file, each scheme told once."""
    told = set()
    for verdict in apk.signature.since(min_sdk):
        damage = apk.signature.damage if not verdict.scheme else ""
        # Where no scheme is there to read, another check speaks of it.
        missing = not verdict.scheme and not damage and not verdict.demanded
        if verdict.verified or missing or verdict.scheme in told:
            continue
        told.add(verdict.scheme)
        name = f"{verdict.scheme or 'APK'} signature"
        if damage:
            message = f"At {verdict.levels} Android does not find the signature: {damage}."
        else:
            message = f"At {verdict.levels} Android refuses the {name}: {verdict.reason}."
        at = Location(path, element=name)
        yield Finding(f"{path} {name}".strip(), message, at=at)
    for conflict in apk.signature.conflicts:
        message = f"The signature schemes contradict each other: {conflict}."
        at = Location(path, element="APK Signing Block")
        yield Finding(f"{path} signature schemes".strip(), message, at=at)
    beside = apk.signature.beside
    if beside is not None and not beside.verified:
        reasons = "; ".join(beside.errors)
        what = "The idsig beside the APK contradicts it, so that incremental installation fails"
        at = Location(path, element="v4 signature")
        yield Finding(f"{path} v4 signature".strip(), f"{what}: {reasons}.", at=at)
