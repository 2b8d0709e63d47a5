"""android-debug-certificate: the signing key is one that everybody has."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, check

# SHA-256 of target/product/security/*.x509.pem in AOSP's platform/build; the private keys lie
# beside them.
AOSP_TEST_KEYS = {
    "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc": "testkey",
    "c8a2e9bccf597c2fb6dc66bee293fc13f2fc47ec77bc6b2b0d52c11f51192ab8": "platform",
    "28bbfe4a7b97e74681dc55c2fbb6ccb8d6c74963733f6af6ae74d8c3a6e879fd": "shared",
    "465983f7791f2abeb43ea2cbdc7f21a8260b72bc08a55c839fc1a43bc741a81e": "media",
}


@check(AndroidApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-2")
def debug_certificate(app: AndroidApp) -> Iterator[Finding]:
    """
    The APK or app bundle is signed with a debug key or a published test key.

    Looks at: The certificate of every signer of every scheme (v1, v2, v3, v3.1), in a set of split
    APKs of each of them, and in an app bundle that of the upload key. Its subject has
    the common name "Android Debug", which is what the Android SDK gives the key it makes for
    development; or its SHA-256 is that of a test key that AOSP publishes with its private key
    (testkey, platform, shared, media).

    Matters because: The AOSP keys are public, and a debug keystore lies unprotected on developers'
    machines and in repositories, with the password "android". Whoever has the key can build an
    update that installs over the app and reads its data, and gets every permission that is granted
    by signature. Google Play refuses such a package.

    Fix by: Setting signingConfig = signingConfigs.getByName("release") in
    android.buildTypes.release of build.gradle, in place of signingConfigs.debug, with a keystore
    from the CI's secret store or a signing service. In an AOSP tree set LOCAL_CERTIFICATE
    (`certificate:` in Android.bp) to a key of your own, or sign again with `sign_target_files_apks
    -d`. Users who already have the package get updates under the new key only after a key rotation
    (`apksigner rotate`).

    Cannot see: A firm's own key that has leaked, a debug key made with another name, the earlier
    keys of a rotated signature, and the key with which a store signs in place of an upload key.
    """
    for signer in app.signing.signers:
        for certificate in signer.certificates[:1]:
            published = AOSP_TEST_KEYS.get(certificate.sha256)
            names = [name.strip().casefold() for name in certificate.common_names]
            if published is None and "android debug" not in names:
                continue
            what = f"the published AOSP key {published}" if published else "an Android debug key"
            yield Finding(
                f"signer {certificate.sha256[:16]}",
                f"Signed with {what}: {certificate.subject_text}.",
                at=Location(signer.path, element=f"{signer.scheme} signer"),
            )
