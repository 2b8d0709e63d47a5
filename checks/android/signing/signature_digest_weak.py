"""android-signature-digest-weak: the signature rests on MD5 or SHA-1."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, check

WEAK = ("MD5", "SHA-1")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=328, masvs="MASVS-CRYPTO-1")
def signature_digest_weak(app: AndroidApp) -> Iterator[Finding]:
    """
    A signature that a supported Android version, or a store, relies on uses MD5 or SHA-1.

    Looks at: The digests that count on some supported version: those of the entries in MANIFEST.MF,
    those of the manifest in each .SF file, and the one that the signature block signs. v1 counts
    where minSdk is 23 or lower, or where there is no v2 or newer signature; of several digests
    Android before 4.3 takes SHA-1, later versions the strongest. In an app bundle the strongest of
    its JAR signature counts.

    Matters because: Two files with one MD5 digest take seconds to make, with one SHA-1 digest a
    rented cluster. Whoever prepares such a pair has the harmless one signed, for instance as a
    resource or a library that they deliver, and ships the other under the same signature. The JDK
    takes a bundle signed so for unsigned.

    Fix by: Setting minSdk to 24 or higher and signing with v2 and v3, where v1 is no longer read;
    or signing with `apksigner sign --min-sdk-version 18` or higher, which takes SHA-256 for v1. In
    place of jarsigner with `-digestalg SHA1` or `-sigalg SHA1withRSA` use apksigner. A DSA key
    gets SHA-256 from API level 21.

    Cannot see: The algorithm by which the certificate is signed, since Android does not check that,
    and what lies in files that no supported version verifies.
    """
    if app.build.kind == "aab":
        yield from _of_bundle(app)
        return
    for path, apk in app.signed_files:
        for verdict in apk.signature.since(app.manifest.min_sdk):
            for digest in verdict.digests:
                if digest.algorithm not in WEAK:
                    continue
                subject = f"{path} {verdict.scheme} signature ({digest.algorithm})".strip()
                message = (
                    f"At {verdict.levels} the {verdict.scheme} signature rests on "
                    f"{digest.algorithm}."
                )
                name = digest.place.removeprefix("META-INF/")
                at = Location("!/".join(filter(None, (path, f"META-INF/{name}"))))
                yield Finding(subject, message, at=at)


def _of_bundle(bundle: AndroidApp) -> Iterator[Finding]:
    """The weak digests of the one signature of a bundle."""
    for scheme in bundle.signature.schemes:
        for digest in scheme.digests:
            if digest.algorithm in WEAK:
                subject = f"bundle signature ({digest.algorithm})"
                message = f"The JAR signature of the bundle rests on {digest.algorithm}."
                name = digest.place.removeprefix("META-INF/")
                yield Finding(subject, message, at=Location(f"META-INF/{name}"))
