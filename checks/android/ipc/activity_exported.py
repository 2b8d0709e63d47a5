"""android-activity-exported: other apps start an activity at will."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.MEDIUM, cwe=926, masvs="MASVS-PLATFORM-1")
def activity_exported(app: AndroidApp) -> Iterator[Finding]:
    """
    An activity is exported and no permission guards it.

    Looks at: Every <activity> and <activity-alias> of AndroidManifest.xml. It is exported when
    android:exported is true, or absent beside an <intent-filter> with targetSdk 30 or lower. A
    guard is its own android:permission, or that of <application>, which an alias does not inherit.
    The launcher entry (MAIN with LAUNCHER or LEANBACK_LAUNCHER in one filter) has to be open and is
    left out. A component that starts disabled counts, since code can enable it.

    Matters because: Any app on the phone can open the screen directly, with any action, data and
    extras, past the login or payment steps that come before it. Screens that act on extras, load an
    address in a WebView, or hand back a result become remote controls for a malicious app.

    Fix by: Setting android:exported="false" on the element in AndroidManifest.xml. Where your own
    apps call it, add android:permission with a <permission> of protectionLevel "signature". For one
    that a library brings, write the element again in src/main/AndroidManifest.xml with
    tools:replace="android:exported", or with tools:node="remove" when it is not needed. Deep links
    and share targets have to stay open: check every extra and address there, and waive.

    Cannot see: Whether the activity checks its caller or input in code, and how strong a guarding
    permission is; a permission that the app defines as "normal" keeps nobody out.
    """
    for each in app.manifest.unguarded("activity", "activity-alias"):
        if not each.is_launcher:
            yield Finding(
                each.name,
                f"{each.kind} {each.name} {each.exposure}. No permission guards it, so that any"
                " app can start it with any intent.",
                at=each.at,
            )
