"""android-webview-universal-access: pages from files may read every origin."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Number, api
from gate.check import Finding, Severity, Unresolved, check

SETTER = api("android.webkit.WebSettings", "setAllowUniversalAccessFromFileURLs")


@check(AndroidApp, severity=Severity.HIGH, cwe=942, masvs="MASVS-PLATFORM-2")
def webview_universal_access(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Script in a file:// page may read any page and any file.

    Looks at: Every value that the argument of WebSettings.setAllowUniversalAccessFromFileURLs may
    have, followed through fields, parameters and returned values.

    Matters because: The same-origin rule is off for pages from file://. One HTML file that an
    attacker gets onto the device, or a script injected into a page of the app's own, reads the
    app's private files and, with the user's cookies, any web site, and sends it away.

    Fix by: Deleting the call; the default is off. Serve local pages through
    androidx.webkit.WebViewAssetLoader, which gives them an https origin
    (https://appassets.androidplatform.net/assets/index.html), and let the server answer with CORS
    headers where the page needs its data.

    Cannot see: Whether the WebView ever shows a file, calls by reflection, and browser engines that
    an app brings along under other class names.
    """
    for call in app.code.calls(SETTER):
        argument = call.argument(0)
        if Number(1) in argument.values:
            yield Finding(
                call.method.name,
                f"{call.method.name} lets script in file:// pages read every origin.",
                at=call.at,
                origin=call.method.origin,
                flow=argument.steps(Number(1)),
            )
        elif not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the setting is {argument.why}", call.at)
