"""android-webview-url-from-outside: other apps choose the page that a web view shows."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Flow, Input, Joined, api
from gate.check import Finding, Severity, check

LOADS = {
    "loadUrl": (0,), "postUrl": (0,), "loadData": (0,), "loadDataWithBaseURL": (0, 1),
    "evaluateJavascript": (0,),
}  # fmt: skip
VIEW = api("android.webkit.WebView", " ".join(LOADS))
HOST = {"getHost", "getAuthority", "getEncodedAuthority", "host"}
PARTS = {"getQueryParameter", "getStringExtra", "getString", "getParcelableExtra"}
EQUALS = {"equals", "equalsIgnoreCase", "areEqual", "contentEquals", "matches", "matcher"}
LISTED = {"contains", "containsKey", "indexOf", "binarySearch"}
WHOLE_HOST = re.compile(r"https?://[^/]+/|file:///android_(asset|res)/", re.I)


@check(AndroidApp, severity=Severity.HIGH, cwe=940, masvs="MASVS-PLATFORM-2")
def webview_url_from_outside(app: AndroidApp) -> Iterator[Finding]:
    """
    Another app chooses the page that a web view shows.

    Looks at: The intent that starts an exported component, its data and extras and that of
    onNewIntent, followed to loadUrl, postUrl, loadData, loadDataWithBaseURL and
    evaluateJavascript. No finding where the address's host is compared by equals, with a list, or
    by endsWith with a leading dot, where the address is compared by startsWith with
    "https://example.com/" up to the slash, or where it begins with a constant host.

    Matters because: A link or an app on the device can put any page, or a javascript: or file:
    address, into the app's own window: it looks like the app, may call its JavaScript bridges and
    read what the web view's session holds.

    Fix by: Uri uri = Uri.parse(url); if (!"https".equals(uri.getScheme()) ||
    !ALLOWED.contains(uri.getHost())) { finish(); return; } before loadUrl, or by starting the
    component only from inside: android:exported="false".

    Cannot see: Addresses that come from files or servers, comparisons in native code, and whether
    the list of hosts is right.
    """
    if not any(True for _ in app.code.calls(VIEW)):
        return
    for source in app.code.inputs("intent"):
        if not (source.exposed and source.is_first_party):
            continue
        flows = list(source.flows())
        for flow in flows:
            call = flow.call
            loads = flow.argument in LOADS.get(call.name, ()) and is_web_view(app, call.owner)
            if loads and not begins_with_host(call, flow.argument) and not checked(flows, call):
                yield Finding(
                    call.method.name,
                    f"What {whose(source)} is started with reaches"
                    f" WebView.{call.name} in {call.method.name}.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=(source.at, *flow.steps),
                )


def checked(flows: list[Flow], load: Call) -> bool:
    """Whether the host is compared, of every part of the intent that the address is taken from.

    That a link's own host is right says nothing of an address in its query.
    """
    parts: dict[str, list[Flow]] = {}
    for part in (flow.call for flow in flows if flow.call.name in PARTS and flow.argument == -1):
        parts.setdefault(f"{part.name} {part.argument(0).texts}", []).extend(part.flows())
    leading = [inner for inner in parts.values() if any(is_at(each, load) for each in inner)]
    return all(map(compared, leading or [flows]))


def is_at(flow: Flow, load: Call) -> bool:
    """Whether a flow gets to a call."""
    return flow.call.name == load.name and flow.call.at == load.at


def compared(flows: list[Flow]) -> bool:
    """Whether the host of the address is compared with something."""
    hosts = [flow.call for flow in flows if flow.call.name in HOST and flow.argument == -1]
    return any(decides(after) for host in hosts for after in host.flows()) or any(
        flow.call.name == "startsWith" and any(map(WHOLE_HOST.match, flow.call.argument(0).texts))
        for flow in flows
    )


def decides(flow: Flow) -> bool:
    """Whether a call compares a host so that no other host passes."""
    call = flow.call
    if call.name == "endsWith":
        return any(text.startswith(".") for text in call.argument(0).texts)
    return call.name in EQUALS or (call.name in LISTED and flow.argument >= 0)


def begins_with_host(call: Call, argument: int) -> bool:
    """Whether the address that a call loads always begins with a host that the app chooses."""
    values = call.argument(argument).values
    return call.name in ("loadUrl", "postUrl") and all(
        isinstance(each, Joined) and WHOLE_HOST.match(each.begin) for each in values
    )


def is_web_view(app: AndroidApp, owner: str) -> bool:
    """Whether a class is a web view, or one of the app's that extends it."""
    own = app.code.find(owner)
    return owner == "android.webkit.WebView" or (
        own is not None and "android.webkit.WebView" in own.supertypes
    )


def whose(source: Input) -> str:
    """The component that input comes to."""
    return source.component.rpartition(".")[2] or "a component"
