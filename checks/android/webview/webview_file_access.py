"""android-webview-file-access: a WebView may open files of the device."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, api
from gate.check import Finding, Severity, Unresolved, check

FILES = api("android.webkit.WebSettings", "setAllowFileAccess")
SCRIPT = api("android.webkit.WebSettings", "setJavaScriptEnabled")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=200, masvs="MASVS-PLATFORM-2")
def webview_file_access(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A WebView may open files of the device.

    Looks at: Every value that the argument of WebSettings.setAllowFileAccess may have. With
    targetSdk 29 or lower, where file access is on by default, also every class that turns
    JavaScript on and neither calls setAllowFileAccess nor gives the settings to code that does.

    Matters because: An address that comes from a link, an intent or a script can then be a file://
    path. The page shown can be one that another app or a download left on the device, and it gets
    the WebView's rights; together with the other file settings it reads the app's private data.

    Fix by: Writing settings.setAllowFileAccess(false) for every WebView, and raising targetSdk to
    30 or higher, where that is the default. Show files of the app through
    androidx.webkit.WebViewAssetLoader; file:///android_asset and file:///android_res work without
    file access.

    Cannot see: Whether an attacker can choose the address, which of several WebViews of one class a
    setting is for, and calls by reflection.
    """
    decided = set()
    for call in app.code.calls(FILES):
        decided.add(_outermost(call.method.owner))
        argument = call.argument(0)
        if Number(1) in argument.values:
            yield Finding(
                call.method.name,
                f"{call.method.name} lets a WebView open files.",
                at=call.at,
                origin=call.method.origin,
                flow=argument.steps(Number(1)),
            )
        elif not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the setting is {argument.why}", call.at)
    target = app.manifest.target_sdk
    if target > 29:
        return
    for call in app.code.calls(SCRIPT):
        argument = call.argument(0)
        known = _outermost(call.method.owner) in decided or _is_given_on(call)
        if Number(1) in argument.values and not known:
            message = (
                f"{call.method.name} turns JavaScript on in a WebView that may open files: nothing"
                f" turns it off, and with targetSdk {target} it is on by default."
            )
            yield Finding(call.method.name, message, at=call.at, origin=call.method.origin)


def _outermost(owner: str) -> str:
    """The class around a nested class, an anonymous one or a lambda."""
    return owner.partition("$")[0]


def _is_given_on(call: Call) -> bool:
    """Whether the settings that a call is made on get to setAllowFileAccess somewhere."""
    made = (call.receiver.made_by(value) for value in call.receiver.values)
    return any(
        flow.call.name == "setAllowFileAccess" for each in made if each for flow in each.passes()
    )
