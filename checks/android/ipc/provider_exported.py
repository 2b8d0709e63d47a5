"""android-provider-exported: other apps read and change a provider's data."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=926, masvs="MASVS-PLATFORM-1")
def provider_exported(app: AndroidApp) -> Iterator[Finding]:
    """
    A content provider is exported and no permission guards it.

    Looks at: Every <provider> of AndroidManifest.xml. It is exported when android:exported is true,
    or absent with minSdk or targetSdk 16 or lower. A guard is android:permission,
    android:readPermission or android:writePermission of the provider, or else android:permission of
    <application>. A provider that starts disabled counts, since code can enable it.

    Matters because: Any app on the phone can query, insert, update and delete what the provider
    serves, and open its files, without the user seeing anything. Its query and file arguments are a
    way in for SQL injection and path traversal.

    Fix by: Setting android:exported="false" on the <provider> in AndroidManifest.xml, also where it
    is absent today. To share single files or rows keep it closed and grant access to one URI at a
    time (android:grantUriPermissions="true" with FLAG_GRANT_READ_URI_PERMISSION). Where your own
    apps read it, set android:readPermission and android:writePermission to a <permission> of
    protectionLevel "signature". For a provider that a library brings, write it again in
    src/main/AndroidManifest.xml with tools:replace="android:exported".

    Cannot see: Checks of the caller in code, <path-permission> rules, a provider guarded on one
    side only (reading or writing), and how strong a guarding permission is.
    """
    for each in app.manifest.unguarded("provider"):
        yield Finding(
            each.name,
            f"{each.kind} {each.name} {each.exposure}. No permission guards it, so that any app"
            " can read and change what it serves.",
            at=each.at,
        )
