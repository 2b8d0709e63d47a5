"""android-signature-digest-weak: the signature rests on MD5 or SHA-1."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, NotApplicable, Severity, check

WEAK = ("MD5", "SHA-1")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=328, masvs="MASVS-CRYPTO-1")
def signature_digest_weak(app: AndroidApp) -> Iterator[Finding]:
    """
    A signature that a supported Android version relies on uses MD5 or SHA-1.

    Looks at: The digests that count on some supported version: those of the entries in MANIFEST.MF,
    those of the manifest in each .SF file, and the one that the signature block signs. v1 counts
    where minSdk is 23 or lower, or where there is no v2 or newer signature; of several digests
    Android before 4.3 takes SHA-1, later versions the strongest.

    Matters because: Two files with one MD5 digest take seconds to make, with one SHA-1 digest a
    rented cluster. Whoever prepares such a pair has the harmless one signed, for instance as a
    resource or a library that they deliver, and ships the other under the same signature.

    Fix by: Setting minSdk to 24 or higher and signing with v2 and v3, where v1 is no longer read;
    or signing with `apksigner sign --min-sdk-version 18` or higher, which takes SHA-256 for v1. In
    place of jarsigner with `-digestalg SHA1` or `-sigalg SHA1withRSA` use apksigner. A DSA key
    gets SHA-256 from API level 21.

    Cannot see: The algorithm by which the certificate is signed, since Android does not check that,
    and what lies in files that no supported version verifies.
    """
    if app.build.kind == "aab":
        raise NotApplicable("no phone verifies the signature of an app bundle")
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
