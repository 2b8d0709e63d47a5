"""android-webview-javascript-enabled: pages may run scripts."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Number, api
from gate.check import Finding, Severity, check

SETTER = api("android.webkit.WebSettings", "setJavaScriptEnabled")


@check(AndroidApp, severity=Severity.LOW, cwe=79, masvs="MASVS-PLATFORM-2")
def webview_javascript_enabled(app: AndroidApp) -> Iterator[Finding]:
    """
    A WebView runs the scripts of the pages it shows.

    Looks at: Every value that the argument of WebSettings.setJavaScriptEnabled may have. A value
    that cannot be computed counts as true, since the default is off and calls are there to turn it
    on.

    Matters because: Script in a page can use what the WebView has: the session's cookies, bridges
    to the app's code, files where those are open. By itself it is a fact, not a defect; it is what
    every attack on a WebView needs.

    Fix by: Deleting the call where pages are static text, or opening pages of others in a Custom
    Tab or the browser. Where script is needed, load only https pages of hosts that are yours and
    hold every other address back in WebViewClient.shouldOverrideUrlLoading.

    Cannot see: Which pages are loaded, calls by reflection, and browser engines that an app brings
    along under other class names.
    """
    for call in app.code.calls(SETTER):
        argument = call.argument(0)
        if set(argument.values) == {Number(0)}:
            continue
        sure = Number(1) in argument.values
        says = "turns JavaScript on" if sure else f"sets JavaScript to {argument.why}"
        yield Finding(
            call.method.name,
            f"{call.method.name} {says}.",
            at=call.at,
            origin=call.method.origin,
            flow=argument.steps(Number(1)),
        )
