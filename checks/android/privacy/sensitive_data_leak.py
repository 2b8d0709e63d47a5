"""android-sensitive-data-leak: personal data leaves the app."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Call, FieldRead, Flow, Instance, Returned, Text
from gate.app.personal import (
    ACCOUNTS,
    ASKED,
    DEVICE,
    LOCATION,
    MESSAGES,
    QUERIED,
    TYPED,
    Source,
    device_sources,
    secret_sources,
)
from gate.check import Finding, Severity, Undecided, Unresolved, check

ASKS = (*ACCOUNTS, *ASKED, *DEVICE, *LOCATION, *MESSAGES, *QUERIED, *TYPED)
STARTS = {"startActivity", "startActivityForResult", "startActivityIfNeeded", "sendBroadcast",
          "sendOrderedBroadcast", "sendStickyBroadcast", "startService"}  # fmt: skip
OPENS = {"openConnection", "openStream", "getContent"}
NETWORK = {
    "okhttp3.Request$Builder": {"url", "header", "addHeader"},
    "okhttp3.RequestBody": {"create"}, "okhttp3.RequestBody$Companion": {"create"},
    "okhttp3.FormBody$Builder": {"add", "addEncoded"}, "okhttp3.WebSocket": {"send"},
    "org.apache.http.client.HttpClient": {"execute"},
    "org.apache.http.impl.client.DefaultHttpClient": {"execute"},
    "java.net.URLConnection": {"setRequestProperty", "addRequestProperty"},
    "java.net.HttpURLConnection": {"setRequestProperty", "addRequestProperty"},
    "javax.net.ssl.HttpsURLConnection": {"setRequestProperty", "addRequestProperty"},
    "java.net.DatagramSocket": {"send"}, "android.webkit.WebView": {"loadUrl", "postUrl"},
}  # fmt: skip
COMMANDS = {"java.lang.ProcessBuilder": {"start"}, "java.lang.Runtime": {"exec"}}
SHARED = {"getExternalStorageDirectory", "getExternalStoragePublicDirectory", "getExternalFilesDir",
          "getExternalFilesDirs", "getExternalCacheDir", "getExternalCacheDirs"}  # fmt: skip


@check(AndroidApp, severity=Severity.MEDIUM, cwe=359, masvs="MASVS-PRIVACY-1")
def sensitive_data_leak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Device ids, the location, accounts, contacts or messages leave the app.

    Looks at: Where these values go, through calls, fields, objects, collections, intents to the
    app's own components, tasks and messages. It is a finding where one gets to a text message, a
    network connection, an intent that names no component, a file on shared storage, or a command;
    typed passwords, where they get to any of these but the network.

    Matters because: Who sells or steals such data ties it to a person for years: a device id cannot
    be changed, a location tells a home. The law asks for a purpose, consent and a notice, and what
    lies on shared storage or in an implicit intent goes to other apps besides.

    Fix by: Not asking for the data; an installation id (UUID.randomUUID() kept in private
    preferences) replaces a device id. What has to go out: to your own server over HTTPS with the
    user's consent, and inside the app by new Intent(this, Target.class).

    Cannot see: Values chosen by an if on the data (implicit flows), reflection with computed names,
    native code and other apps. Code of other makers is followed two calls deep, and its own sources
    as far as the work allowed goes. Whether the user agreed.
    """
    seen: set[str] = set()
    for source in device_sources(app.code, own=True):
        yield from _leaked(source, seen)
    for source in secret_sources(app.code):
        yield from _leaked(source, seen)
    if not app.code.flows_complete:
        raise Undecided("following the values took more work than is allowed")
    for source in device_sources(app.code, own=False):
        yield from _leaked(source, seen)


def _leaked(source: Source, seen: set[str]) -> Iterator[Finding]:
    for flow in source.flows() if source.reachable else ():
        sink = _sink(flow)
        if not sink or (source.secret and sink == "the network"):
            continue
        call = flow.call
        subject = f"{call.method.name} {source.what} to {sink}"
        if subject not in seen and call.method.reachable:
            seen.add(subject)
            yield Finding(
                subject,
                f"{call.method.name} gives {source.what}, from {source.method}, to {sink}.",
                at=call.at,
                origin=call.method.origin,
                flow=(source.at, *flow.steps),
            )


def _sink(flow: Flow) -> str:
    """Where a value goes out by a call; '' where it does not."""
    call, at = flow.call, flow.argument
    if call.owner.endswith("SmsManager") and call.name.startswith("send"):
        return "a text message" if at >= 0 else ""
    if call.name in STARTS and at >= 0:
        return _intent(call)
    if call.name in OPENS and call.owner == "java.net.URL":
        return "the network" if at == -1 else ""
    if call.name in NETWORK.get(call.owner, ()) and at >= 0:
        return "the network"
    if call.name in COMMANDS.get(call.owner, ()):
        return "a command"
    if call.owner.startswith("java.io.") and call.name.startswith(("write", "print", "append")):
        return _stream(call.receiver, 6) if at >= 0 else ""
    return ""


def _intent(call: Call) -> str:
    places = [i for i, kind in enumerate(call.parameters) if kind == "android.content.Intent"]
    local = call.owner.endswith("LocalBroadcastManager")
    if not places or local or call.aim(places[0]).explicit:
        return ""
    return "an intent that names no component"


def _stream(stream: Argument, depth: int) -> str:
    """Where what is written to a stream goes out; '' where it does not, or nothing is known."""
    for value in stream.values if depth else ():
        made = stream.made_by(value)
        if isinstance(value, Returned) and value.name == "getOutputStream":
            return "the network"
        if made is None or not isinstance(value, Instance):
            continue
        if value.type in ("java.io.FileOutputStream", "java.io.FileWriter"):
            if _is_shared(made.argument(0), 6):
                return "a file on shared storage"
        elif made.parameters and (found := _stream(made.argument(0), depth - 1)):
            return found
    return ""


def _is_shared(path: Argument, depth: int) -> bool:
    """Whether a path or a File may lie on shared storage."""
    for value in path.values if depth else ():
        if isinstance(value, Text) and value.text.startswith(("/sdcard", "/storage/", "/mnt/sdcard")):
            return True
        if isinstance(value, (Returned, FieldRead)) and value.name in SHARED:
            return True
        made = path.made_by(value)
        if made is not None and made.owner == "java.io.File":
            inner = made.receiver if made.name != "<init>" else made.argument(0)
            if _is_shared(inner, depth - 1):
                return True
    return False
