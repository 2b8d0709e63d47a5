"""A private key that everybody who has the app has."""

from collections.abc import Iterator

from gate.app import App
from gate.check import Finding, Severity, check


@check(App, severity=Severity.CRITICAL, cwe=321, masvs="MASVS-STORAGE-1")
def private_key_embedded(app: App) -> Iterator[Finding]:
    """
    A private key is shipped inside the app.

    Looks at: Every file of the build, code included, for private keys that parse: PEM (PRIVATE KEY,
    RSA, EC, DSA, OPENSSH and PGP) in UTF-8 and UTF-16, also as a string in code or JSON; RSA and EC
    keys as base64 without the PEM lines; files in DER (PKCS#1, PKCS#8, SEC1); and PKCS#12 files and
    encrypted keys that open with an empty or a well-known password. The PEM header words alone,
    public keys, certificates and sample keys from public documents are silent. Of a key only a
    fingerprint is told, never a byte of it.

    Matters because: Everybody can unpack the app, so everybody has the key: what it signs is
    signed by anyone, what it decrypts is open, and a server that takes it for a log-in lets anyone
    in. It cannot be called back without breaking the versions that are installed.

    Fix by: Taking the key out of the app and treating it as known to all: revoke it and its
    certificates and issue another. Let the server do what the key did. Where the device itself
    needs a key, generate it there: AndroidKeyStore (KeyGenParameterSpec) on Android,
    SecKeyCreateRandomKey in the Keychain or Secure Enclave on iOS. Keep keys of tests in the test
    target, and look through assets, res/raw and Copy Bundle Resources for .pem, .key, .p12 and .pfx
    files.

    Cannot see: Keys that are encrypted, put together at run time, written as number literals or
    hidden in another file or archive, and keystores under a password of their own.
    """
    for key in app.private_keys:
        size = f"{key.bits}-bit " if key.bits else ""
        opened = f" It {key.at.snippet}." if key.at.snippet.startswith("opens with") else ""
        yield Finding(
            subject=f"{key.at.path}: {key.form} {key.fingerprint}",
            message=f"The app holds a private key: {size}{key.algorithm}, as {key.form}.{opened}",
            at=key.at,
        )
