"""android-webview-debugging: the contents of web views can be inspected."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, api
from gate.check import Finding, Severity, Unresolved, check

SETTER = api("android.webkit.WebView", "setWebContentsDebuggingEnabled")
DEBUG_BUILD = (
    ("BuildConfig", "DEBUG"),
    ("android.content.pm.ApplicationInfo", "flags"),
)


@check(AndroidApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
def webview_debugging(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    The release build lets Chrome's developer tools into its web views.

    Looks at: Every value that the argument of WebView.setWebContentsDebuggingEnabled may have, and
    whether the call, the value or every caller rests on BuildConfig.DEBUG or on the flags of
    ApplicationInfo, which a release build does not have.

    Matters because: Over USB, chrome://inspect then shows and changes every page of the app: its
    cookies, tokens, form fields and DOM. A few minutes with an unlocked phone are enough, and a
    customer can be talked into it.

    Fix by: Deleting the call, or if (BuildConfig.DEBUG)
    WebView.setWebContentsDebuggingEnabled(true); the default is off. In Cordova and Capacitor leave
    webContentsDebuggingEnabled out of the release configuration.

    Cannot see: Calls by reflection, settings of a framework's configuration file, and whether a
    test of the application's flags tests FLAG_DEBUGGABLE or another one.
    """
    for call in app.code.calls(SETTER):
        argument = call.argument(0)
        if _only_when_debuggable(call):
            continue
        on = Number(1)
        rests = {value: argument.rests_on(value, *DEBUG_BUILD) for value in argument.values}
        if on in rests and not rests[on]:
            yield Finding(
                call.method.name,
                f"{call.method.name} turns the debugging of web contents on in every build.",
                at=call.at,
                origin=call.method.origin,
                flow=argument.steps(on),
            )
        elif call.method.is_first_party and not argument.complete and not any(rests.values()):
            yield Unresolved(call.method.name, f"the setting is {argument.why}", call.at)


def _only_when_debuggable(call: Call, callers: int = 3) -> bool:
    """Whether a test for a debug build decides about the call, or about all that lead to it."""
    if call.guarded_by(*DEBUG_BUILD):
        return True
    above = tuple(call.method.callers()) if callers else ()
    return bool(above) and all(_only_when_debuggable(each, callers - 1) for each in above)
