"""ios-dynamic-code: code that is loaded, or functions that are looked up, at run time."""

import re
from collections.abc import Iterator

from gate.app import IosApp
from gate.app.foundation import Place, places, swift_texts, texts
from gate.app.machine import MachineCall, imported, message
from gate.check import Confidence, Finding, Severity, check

OPEN = imported("dlopen dlopen_preflight")
LOOK_UP = imported("dlsym")
SELECTOR = imported("NSSelectorFromString sel_registerName sel_getUid")
SWIFT_SELECTOR = imported("$s10ObjectiveC8SelectorVyACSScfC")
BUNDLE = message("bundleWithPath: bundleWithURL: initWithPath: initWithURL:", "NSBundle")
LOADS = frozenset(
    message(
        "load loadAndReturnError: preflightAndReturnError: principalClass classNamed:"
    ).selectors
)
INSIDE = ("/System/", "/usr/lib/", "@rpath/", "@executable_path/", "@loader_path/", "/Developer/")
OUTSIDE = {"home": "the app's home", "Documents": "Documents", "Caches": "Caches",
           "Library": "Library", "Application Support": "Application Support",
           "tmp": "the temporary folder", "group": "a group container"}  # fmt: skip
# Of frameworks that iOS keeps to itself (MobileGestalt, SpringBoardServices, CoreTelephony,
# MobileInstallation, GraphicsServices, UIKit, MobileCoreServices).
PRIVATE_FUNCTIONS = re.compile(
    r"MGCopyAnswer|MGGetBoolAnswer|SBS[A-Z]\w+|SBFrontmost\w+|_CTServerConnection\w+|CTSettingCopy\w+"
    r"|CTTelephonyCenter\w+|CTSIMSupport\w+|MobileInstallation\w+|GSSend\w+|GSEvent\w+"
    r"|UIGetScreenImage|_UICreateScreenUIImage|IOHIDEventSystem\w+|BKS[A-Z]\w+|SpringBoard\w+"
)
PRIVATE_SELECTORS = frozenset(
    message(
        "defaultWorkspace allApplications allInstalledApplications"
        " applicationsAvailableForOpeningURL: openApplicationWithBundleID:"
        " openSensitiveURL:withOptions: installApplication:withOptions:"
        " terminateWithSuccess launchApplicationWithIdentifier:suspended: deviceUDID"
        " setAllowsAnyHTTPSCertificate:forHost: allowsAnyHTTPSCertificateForHost:"
        " _setApplicationIsOpaque: _accessibilitySetSpeakThisEnabled:"
    ).selectors
)


@check(IosApp, severity=Severity.MEDIUM, cwe=494, masvs="MASVS-CODE-4")
def dynamic_code(app: IosApp) -> Iterator[Finding]:
    """
    Code is loaded from outside the reviewed app, or a private function is looked up by name.

    Looks at: In the app's own code: dlopen with a path that is not constant or that lies neither in
    the app nor in the system; bundles from Documents, Caches, Library, the temporary folder or a
    group container that are loaded; and dlsym and NSSelectorFromString with a name of Apple's
    private interfaces, or with one that begins with an underscore and that no class of the app has.

    Matters because: Code that was not in the app when it was reviewed and signed can do whatever
    the app can, and who can write the file or the name decides what runs. iOS refuses most of it
    and the store does too; private functions change with any release and take the app down.

    Fix by: Linking frameworks, so that the system loads them from the app with their signature
    checked, constant paths below /System/Library for what is weakly there, and public functions.

    Cannot see: Names that are put together at run time or come from a server, scripts that
    JavaScriptCore or another engine runs, and libraries of other makers.
    """
    for call in app.code.calls(OPEN):
        for place in places(call, call.argument(0)):
            if how := _opened(place):
                sure = Confidence.HIGH if place.root else Confidence.LOW
                yield from _found(call, f"{call.name} {_path(place)}", f"loads {how}", sure)
    for call in app.code.sends(BUNDLE):
        if call.function.mentions.selectors.isdisjoint(LOADS):
            continue
        for place in places(call, call.argument(0)):
            if folder := OUTSIDE.get(place.root):
                how = f"loads the code of a bundle in {folder}: {_path(place)}"
                yield from _found(call, f"NSBundle {_path(place)}", how)
    for call in app.code.calls(LOOK_UP):
        for name in filter(PRIVATE_FUNCTIONS.fullmatch, call.argument(1).texts):
            yield from _found(call, name, f'looks up the private function "{name}" by dlsym')
    for call in (*app.code.calls(SELECTOR), *app.code.calls(SWIFT_SELECTOR)):
        for name in {*texts(call, call.argument(0)), *swift_texts(call, 0)}:
            if _is_private(app, name):
                how = f'makes a selector of the private name "{name}"'
                yield from _found(call, name, how)


def _opened(place: Place) -> str:
    """The words for what dlopen opens that it should not, '' for another."""
    if place.root == "text":
        path = place.parts[0]
        private = path.startswith("/System/Library/PrivateFrameworks/")
        fine = not path or "/" not in path or path.startswith(INSIDE)
        how = "a private framework" if private else "a library outside the app and the system"
        return "" if fine and not private else f'{how}: "{path}"'
    if place.root in OUTSIDE:
        return f"a library from {OUTSIDE[place.root]}: {_path(place)}"
    if place.root == "bundle" or place.why == "it is no path":
        return ""
    known = f', with "{_path(place)}" in it' if place.parts else ""
    return f"a library whose path is not constant{known}: {place.why}"


def _path(place: Place) -> str:
    named = place.parts if place.root == "text" else (place.root, *place.parts)
    return "/".join(part for part in named if part) or "a path that is not constant"


def _is_private(app: IosApp, name: str) -> bool:
    if name in PRIVATE_SELECTORS:
        return True
    return bool(re.match(r"_[a-z]", name)) and not any(app.code.implementations(name))


def _found(
    call: MachineCall, subject: str, how: str, sure: Confidence = Confidence.HIGH
) -> Iterator[Finding]:
    function = call.function
    if function.is_first_party:
        message = f"{function.name} {how}."
        subject = f"{function.name} {subject}"
        yield Finding(subject, message, at=call.at, origin=function.origin, confidence=sure)
