"""android-cleartext-request: the app asks for an http:// address."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Call, Joined, Text, api
from gate.check import Finding, Severity, Unresolved, check

APACHE = "HttpGet HttpPost HttpPut HttpDelete HttpHead HttpPatch HttpOptions"
VOLLEY = "StringRequest JsonObjectRequest JsonArrayRequest ImageRequest"
# Calls that make a request of an address.
REQUESTS = (
    api("okhttp3.Request$Builder", "url"),
    api("com.squareup.okhttp.Request$Builder", "url"),
    api("retrofit2.Retrofit$Builder", "baseUrl"),
    api("android.webkit.WebView", "loadUrl postUrl"),
    api("com.android.volley.Request", "<init>"),
    *(api(f"com.android.volley.toolbox.{each}", "<init>") for each in VOLLEY.split()),
    *(api(f"org.apache.http.client.methods.{each}", "<init>") for each in APACHE.split()),
)
URL = api("java.net.URL", "<init>")
OPENS = frozenset(("openConnection", "openStream", "getContent", "url"))
MAKES_ADDRESS = frozenset(("parse", "create", "get", "toHttpUrl", "toHttpUrlOrNull", "<init>"))
ADDRESSES = ("java.lang.String", "java.net.URL", "java.net.URI", "okhttp3.HttpUrl")
LIBRARIES = ("okhttp3.", "com.squareup.okhttp.", "retrofit2.", "com.android.volley.")
LOCAL = re.compile(r"localhost|127(\.\d+){3}|\[", re.IGNORECASE)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=319, masvs="MASVS-NETWORK-1")
def cleartext_request(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    The app asks for an http:// address.

    Looks at: Every value of the address that java.net.URL (where it is opened), Apache's HttpGet
    and its like, OkHttp, Retrofit, Volley and WebView.loadUrl are given, followed through fields,
    parameters and string operations; http:// joined with a host that is not known counts.
    Addresses of the device itself (localhost, 127.0.0.1, ::1) do not.

    Matters because: Everybody on the way reads the request and the answer and can change them: what
    the user sends, session cookies, and pages or files that the app then trusts.

    Fix by: Writing https:// in the address, and a server that answers there. Then forbid the rest:
    <base-config cleartextTrafficPermitted="false"> in the network security configuration, or
    targetSdk 28 or higher without android:usesCleartextTraffic.

    Cannot see: Addresses that come from a server, a file or a setting, which are told as
    unresolved; redirects; requests of native code; and whether the platform lets it through.
    """
    for call in app.code.calls(*REQUESTS):
        yield from _judged(call)
    for call in app.code.calls(URL):
        found = list(_judged(call))
        if found and any(flow.call.name in OPENS for flow in call.passes()):
            yield from found


def _judged(call: Call) -> Iterator[Finding | Unresolved]:
    """What is to be said of the addresses that a call is given."""
    known = True
    for begin, flow in _addresses(call) if not call.method.owner.startswith(LIBRARIES) else ():
        known &= begin is not None
        host = re.split(r"[/:?#]", (begin or "")[7:].rpartition("@")[2])[0]
        if begin is not None and begin.lower().startswith("http://") and not LOCAL.fullmatch(host):
            yield Finding(
                f"{call.method.name} http://{host}",
                f"{call.method.name} asks for http://{host or '...'} in clear.",
                at=call.at,
                origin=call.method.origin,
                flow=flow,
            )
    if not known and call.method.is_first_party:
        yield Unresolved(call.method.name, "the address is not known", call.at)


def _addresses(call: Call, inside: int = 2) -> Iterator[tuple[str | None, tuple[Location, ...]]]:
    """The beginning of every address that a call is given, None for one that is not known."""
    index = next((i for i, kind in enumerate(call.parameters) if kind in ADDRESSES), None)
    if index is None:
        return
    argument = call.argument(index)
    protocol = call.owner == URL.owner and call.parameters.count("java.lang.String") > 2
    for value in argument.values:
        maker = argument.made_by(value) if inside and not isinstance(value, Text) else None
        if isinstance(value, Text):
            hosts = call.argument(1).texts or ("",)
            begins = [f"{value.text}://{host}" for host in hosts] if protocol else [value.text]
            yield from ((begin, argument.steps(value)) for begin in begins)
        elif maker is not None and maker.name in MAKES_ADDRESS:
            yield from _addresses(maker, inside - 1)
        else:
            begin = value.begin if isinstance(value, Joined) else ""
            yield begin or None, argument.steps(value)
