"""The calls by which data leaves an app: logs, messages, intents, networks, shared files, commands.

Source: developer.android.com, API reference; for the libraries of others their own documentation.
"""

from gate.app.code import Argument, Call, FieldRead, Flow, Instance, Returned, Text

_LEVELS = {"v", "d", "i", "w", "e", "wtf", "println"}
_LOGGERS = {
    "android.util.Log": _LEVELS,
    "timber.log.Timber": _LEVELS | {"log"},
    "timber.log.Timber$Forest": _LEVELS | {"log"},
    "timber.log.Timber$Tree": _LEVELS | {"log"},
    "java.util.logging.Logger": {"log", "info", "fine", "finer", "finest", "warning", "severe"},
    "org.slf4j.Logger": {"trace", "debug", "info", "warn", "error"},
}
_STARTS = {"startActivity", "startActivityForResult", "startActivityIfNeeded", "sendBroadcast",
           "sendOrderedBroadcast", "sendStickyBroadcast", "startService"}  # fmt: skip
_REQUESTED = {"setRequestProperty", "addRequestProperty"}
_NETWORK = {
    "okhttp3.Request$Builder": {"url", "header", "addHeader"},
    "okhttp3.RequestBody": {"create"}, "okhttp3.RequestBody$Companion": {"create"},
    "okhttp3.FormBody$Builder": {"add", "addEncoded"}, "okhttp3.WebSocket": {"send"},
    "org.apache.http.client.HttpClient": {"execute"},
    "org.apache.http.impl.client.DefaultHttpClient": {"execute"},
    "java.net.URLConnection": _REQUESTED, "java.net.HttpURLConnection": _REQUESTED,
    "javax.net.ssl.HttpsURLConnection": _REQUESTED, "java.net.DatagramSocket": {"send"},
    "android.webkit.WebView": {"loadUrl", "postUrl"},
}  # fmt: skip
_OPENS = {"openConnection", "openStream", "getContent"}
_COMMANDS = {"java.lang.ProcessBuilder": {"start"}, "java.lang.Runtime": {"exec"}}
_SHARED = {"getExternalStorageDirectory", "getExternalStoragePublicDirectory",
           "getExternalFilesDir", "getExternalFilesDirs", "getExternalCacheDir",
           "getExternalCacheDirs"}  # fmt: skip
_SHARED_PATHS = ("/sdcard", "/storage/", "/mnt/sdcard")
_DEPTH = 6  # of streams in streams, and of files in folders

NETWORK = "the network"


def is_logged(flow: Flow) -> bool:
    """Whether a value gets to the log by a call."""
    call = flow.call
    if call.name in _LOGGERS.get(call.owner, ()):
        return flow.argument >= 0
    if call.name == "printStackTrace":
        return flow.argument == -1
    if call.owner != "java.io.PrintStream" or flow.argument < 0:
        return False
    return any(
        isinstance(value, FieldRead) and value.owner == "java.lang.System"
        for value in call.receiver.values
    )


def outlet(flow: Flow) -> str:
    """Where a value leaves the app by a call, as words for a sentence; '' where it does not.

    Logs are told by `is_logged`.
    """
    call, at = flow.call, flow.argument
    if call.owner == "java.net.URL" and call.name in _OPENS:
        return NETWORK if at == -1 else ""
    if call.name in _COMMANDS.get(call.owner, ()):
        return "a command"
    if at < 0:
        return ""
    if call.owner.endswith("SmsManager") and call.name.startswith("send"):
        return "a text message"
    if call.name in _STARTS:
        return _intent(call)
    if call.name in _NETWORK.get(call.owner, ()):
        return NETWORK
    written = call.name.startswith(("write", "print", "append"))
    return _stream(call.receiver, _DEPTH) if written and call.owner.startswith("java.io.") else ""


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
            return NETWORK
        if made is None or not isinstance(value, Instance):
            continue
        if value.type in ("java.io.FileOutputStream", "java.io.FileWriter"):
            if _is_shared(made.argument(0), _DEPTH):
                return "a file on shared storage"
        elif made.parameters and (found := _stream(made.argument(0), depth - 1)):
            return found
    return ""


def _is_shared(path: Argument, depth: int) -> bool:
    """Whether a path or a File may lie on shared storage."""
    for value in path.values if depth else ():
        if isinstance(value, Text) and value.text.startswith(_SHARED_PATHS):
            return True
        if isinstance(value, (Returned, FieldRead)) and value.name in _SHARED:
            return True
        made = path.made_by(value)
        if made is not None and made.owner == "java.io.File":
            inner = made.receiver if made.name != "<init>" else made.argument(0)
            if _is_shared(inner, depth - 1):
                return True
    return False
