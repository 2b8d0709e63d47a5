"""android-service-exported: other apps start or bind a service at will."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=926, masvs="MASVS-PLATFORM-1")
def service_exported(app: AndroidApp) -> Iterator[Finding]:
    """
    A service is exported and no permission guards it.

    Looks at: Every <service> of AndroidManifest.xml. It is exported when android:exported is true,
    or absent beside an <intent-filter> with targetSdk 30 or lower. A guard is android:permission of
    the service or else of <application>. A service that starts disabled counts, since code can
    enable it.

    Matters because: Any app on the phone can start the service, or bind it and call every method of
    its interface, unseen by the user. What the service may do (pay, upload, delete, read the
    location) it then does for a stranger.

    Fix by: Setting android:exported="false" on the <service> in AndroidManifest.xml. Where the
    system binds it, name the system's permission in android:permission, such as
    android.permission.BIND_JOB_SERVICE or android.permission.BIND_QUICK_SETTINGS_TILE; where your
    own apps do, a <permission> of protectionLevel "signature". For a service that a library brings,
    write it again in src/main/AndroidManifest.xml with tools:replace="android:exported", or with
    tools:node="remove" when it is not needed.

    Cannot see: Checks of the caller in code (Binder.getCallingUid, checkCallingPermission), and how
    strong a guarding permission is.
    """
    for each in app.manifest.unguarded("service"):
        yield Finding(
            each.name,
            f"{each.kind} {each.name} {each.exposure}. No permission guards it, so that any app"
            " can start or bind it.",
            at=each.at,
        )
