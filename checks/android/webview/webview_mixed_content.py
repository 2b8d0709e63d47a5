"""android-webview-mixed-content: https pages may load parts over http."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Joined, Number, Text, api
from gate.check import Finding, Severity, Unresolved, check

MODE = api("android.webkit.WebSettings", "setMixedContentMode")
LOADS = api("android.webkit.WebView", "loadUrl postUrl")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=319, masvs="MASVS-NETWORK-1")
def webview_mixed_content(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A WebView lets https pages load scripts and other parts over http.

    Looks at: Every value that the argument of WebSettings.setMixedContentMode may have. With
    targetSdk 20 or lower, where all mixed content is allowed by default, also the classes that load
    an https address and never call it.

    Matters because: Whoever is between the device and the server cannot touch the page, but
    replaces the script that it loads in clear, and that script then acts inside the page: it reads
    what the user types, and the session.

    Fix by: Writing settings.setMixedContentMode(WebSettings.MIXED_CONTENT_NEVER_ALLOW), which is
    the default with targetSdk 21 and higher, and https for everything that the pages load.

    Cannot see: Whether a page loads anything in clear, https addresses that are put together at run
    time, and calls by reflection.
    """
    decided = set()
    for call in app.code.calls(MODE):
        decided.add(_outermost(call.method.owner))
        argument = call.argument(0)
        if Number(0) in argument.values:
            yield Finding(
                call.method.name,
                f"{call.method.name} sets MIXED_CONTENT_ALWAYS_ALLOW.",
                at=call.at,
                origin=call.method.origin,
                flow=argument.steps(Number(0)),
            )
        elif not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the mode is {argument.why}", call.at)
    target = app.manifest.target_sdk
    if target > 20:
        return
    for call in app.code.calls(LOADS):
        begins = [
            value.text if isinstance(value, Text) else value.begin
            for value in call.argument(0).values
            if isinstance(value, Text | Joined)
        ]
        secure = any(each.lower().startswith("https://") for each in begins)
        if secure and _outermost(call.method.owner) not in decided:
            message = (
                f"{call.method.name} loads an https page, and nothing forbids what it loads over"
                f" http: with targetSdk {target} all of it is allowed."
            )
            yield Finding(call.method.name, message, at=call.at, origin=call.method.origin)


def _outermost(owner: str) -> str:
    """The class around a nested class, an anonymous one or a lambda."""
    return owner.partition("$")[0]
