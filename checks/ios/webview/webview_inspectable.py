"""ios-webview-inspectable: web pages that Safari on a computer can inspect."""

import json
import re
from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.foundation import made_by, numbers
from gate.app.machine import MachineCall, Returned, message
from gate.check import Finding, Severity, Unresolved, check

SET = message("setInspectable:")
BUILD_SETTING = ("objectForInfoDictionaryKey:", "objectForKey:", "objectForKeyedSubscript:")
DEBUG_TEST = re.compile(
    r"(?:is|in)?_?debug(?:ging|ger|mode|build|able)?(?:attached|enabled)?", re.I
)
CORDOVA = re.compile(
    rb"<preference\s[^<>]*name\s*=\s*[\"']InspectableWebview[\"'][^<>]*value\s*=\s*[\"']true", re.I
)
LARGEST = 1 << 20  # bytes of a configuration


@check(IosApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
def webview_inspectable(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    Web views or JavaScript of the release can be inspected from a computer.

    Looks at: Calls of setInspectable: on WKWebView and JSContext with a true value, or with a value
    of the Info.plist that is true there; ios.webContentsDebuggingEnabled in capacitor.config.json,
    and the preference InspectableWebview in Cordova's config.xml. A call behind a test such as
    isDebug is unresolved, since a test at run time is answered on the device.

    Matters because: Whoever has the unlocked device and a cable attaches Safari's Web Inspector:
    reads the page with its session tokens and local storage, sends requests as the user, and runs
    JavaScript against the native functions that the app offers to its pages.

    Fix by: Leaving the property alone: it is off by default from iOS 16.4. For development put
    webView.isInspectable = true between lines of #if DEBUG and #endif, so that release builds do
    not hold the call. For Capacitor set webContentsDebuggingEnabled to false, for Cordova
    InspectableWebview.

    Cannot see: Settings that a server sends, and configurations that the app packs in other files.
    """
    for call in app.code.sends(SET):
        function = call.function
        value, why = _setting(app, call)
        if test := _tested(call) if value is not False else "":
            why = f"whether {test} is true on a device is not known"
        if value and not test:
            yield Finding(
                f"{function.name} setInspectable:",
                f"{function.name} calls setInspectable: with YES, which opens the web view or "
                "JavaScript context to Web Inspector.",
                at=call.at,
                origin=function.origin,
            )
        elif why and function.is_first_party:
            yield Unresolved(f"{function.name} setInspectable:", why, call.at)
    yield from _configured(app)


def _setting(app: IosApp, call: MachineCall) -> tuple[bool | None, str]:
    """Whether the value is true, None where that is open; and why it is open."""
    held = call.argument(0)
    known = numbers(call, held)
    if any(number & 0xFF for number in known):
        return True, ""
    for value in held.values:
        asked = made_by(call, value) if isinstance(value, Returned) else None
        if asked is None or asked.name != "boolValue":
            continue
        for inner in asked.receiver.values:
            lookup = made_by(asked, inner)
            keys = lookup.argument(0).texts if lookup and lookup.name in BUILD_SETTING else ()
            if keys and keys[0] in app.main.info:
                return app.main.info[keys[0]] in (True, "YES", "true", "1", 1), ""
    return (False, "") if held.complete else (None, held.why)


def _tested(call: MachineCall) -> str:
    """The name of a debug test that runs before a call in its function, '' without one."""
    for each in call.function.calls:
        if (each.at.offset or 0) >= (call.at.offset or 0):
            break
        if DEBUG_TEST.fullmatch(re.split(r"[. ]", each.name.rstrip("]"))[-1]):
            return each.name
    return ""


def _configured(app: IosApp) -> Iterator[Finding]:
    for name in app.files.names:
        end = name.rpartition("/")[2]
        if end not in ("capacitor.config.json", "config.xml") or app.files.size(name) > LARGEST:
            continue
        data = app.files.read(name, LARGEST)
        if end == "config.xml":
            said = "the preference InspectableWebview to true" if CORDOVA.search(data) else ""
        else:
            said = "ios.webContentsDebuggingEnabled to true" if _capacitor(data) else ""
        if said:
            message = f"{end} sets {said}, which opens the app's web view to Web Inspector."
            yield Finding(
                f"{name} inspectable", message, at=Location(name, element=said.split()[0])
            )


def _capacitor(data: bytes) -> bool:
    try:
        settings = json.loads(data)
    except (ValueError, RecursionError):
        return False
    ios = settings.get("ios") if isinstance(settings, dict) else None
    return isinstance(ios, dict) and ios.get("webContentsDebuggingEnabled") is True
