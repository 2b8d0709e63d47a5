"""android-signing-key-weak: the signing key is too short."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, Undecided, check

LEAST_BITS = {"rsa": 2048, "rsassa_pss": 2048, "dsa": 2048, "ec": 256}


@check(AndroidApp, severity=Severity.MEDIUM, cwe=326, masvs="MASVS-CRYPTO-2")
def signing_key_weak(app: AndroidApp) -> Iterator[Finding]:
    """
    The signing key is shorter than 2048 bit (RSA, DSA) or 256 bit (EC).

    Looks at: The public key of each signer's own certificate, in the schemes that some supported
    Android version reads, and in an app bundle that of the upload key. Other certificates beside it
    and the earlier keys in a proof of rotation do not count.

    Matters because: RSA with 1024 bit is within reach of whoever can spend on computing, and NIST
    SP 800-131A has allowed no less than 2048 bit since 2014. With the key one signs updates that
    replace the app and read its data, and it stays the same for the life of the app.

    Fix by: Rotating to a new key: `keytool -genkeypair -keyalg RSA -keysize 4096` (or -keyalg EC
    -groupname secp256r1), `apksigner rotate --out lineage --old-signer ... --new-signer ...`, then
    `apksigner sign --lineage lineage`. Android 9 and later takes the new key; older versions know
    only the old one, until minSdk is 28. With Play App Signing ask for a key upgrade in Play
    Console, and for a reset of the upload key where that is the short one.

    Cannot see: How the private key is kept, whether it was made with good random numbers, and the
    key with which a store signs in place of this one.
    """
    for path, apk in app.signed_files:
        read = _schemes_read(apk, app)
        for signer in apk.signing.signers:
            if signer.scheme not in read:
                continue
            for certificate in signer.certificates[:1]:
                algorithm, bits = certificate.key_algorithm, certificate.key_bits
                least = LEAST_BITS.get(algorithm, 0)
                if least and not bits:
                    raise Undecided(f"the length of the key of {certificate.sha256[:16]} is hidden")
                if bits < least:
                    yield Finding(
                        f"signer {certificate.sha256[:16]}",
                        f"The signing key is {algorithm.upper()} with {bits} bit: "
                        f"{certificate.subject_text}.",
                        at=Location(
                            "!/".join(filter(None, (path, signer.path))),
                            element=f"{signer.scheme} signer",
                        ),
                    )


def _schemes_read(apk: AndroidApp, app: AndroidApp) -> set[str]:
    """The schemes that some supported version reads; the store reads all of a bundle's."""
    if app.build.kind == "aab":
        return set(apk.signing.schemes)
    return {verdict.scheme for verdict in apk.signature.since(app.manifest.min_sdk)}
