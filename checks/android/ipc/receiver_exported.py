"""android-receiver-exported: other apps send a receiver what they like."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.MEDIUM, cwe=926, masvs="MASVS-PLATFORM-1")
def receiver_exported(app: AndroidApp) -> Iterator[Finding]:
    """
    A broadcast receiver is exported and no permission guards it.

    Looks at: Every <receiver> of AndroidManifest.xml. It is exported when android:exported is true,
    or absent beside an <intent-filter> with targetSdk 30 or lower. A guard is android:permission of
    the receiver or else of <application>. One that starts disabled counts, since code can enable
    it. So does one whose filter names protected system actions only: a filter does not keep out an
    intent that names the receiver itself.

    Matters because: Any app on the phone can send the receiver an intent with any extras, and with
    any action that is not protected or none at all. A receiver that does not look at the action
    takes it for the system's message and acts on it: sends text messages, resets state, starts
    services.

    Fix by: Setting android:exported="false" on the <receiver> in AndroidManifest.xml; the system
    still delivers its own broadcasts, BOOT_COMPLETED among them. Where another app sends to it,
    name the permission which that sender holds in android:permission, such as
    android.permission.DUMP or com.google.android.c2dm.permission.SEND, or a <permission> of
    protectionLevel "signature" for your own apps. For a receiver that a library brings, write it
    again in src/main/AndroidManifest.xml with tools:replace="android:exported".

    Cannot see: Receivers registered in code (registerReceiver), whether onReceive checks the
    action, and how strong a guarding permission is.
    """
    for each in app.manifest.unguarded("receiver"):
        yield Finding(
            each.name,
            f"{each.kind} {each.name} {each.exposure}. No permission guards it, so that any app"
            " can send it an intent, whatever its filter says.",
            at=each.at,
        )
