"""ios-webview-content-from-outside: a link of another app decides what a screen shows."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.foundation import places
from gate.app.machine import MachineCall, MachineFunction, Mentions, message
from gate.check import Finding, Severity, check

HANDLERS = (
    "application:openURL:options:",
    "application:openURL:sourceApplication:annotation:",
    "application:handleOpenURL:",
    "application:continueUserActivity:restorationHandler:",
    "scene:openURLContexts:",
    "scene:continueUserActivity:",
)
LOADS = frozenset(
    message(
        "loadRequest: loadHTMLString:baseURL: evaluateJavaScript:completionHandler:"
        " evaluateJavaScript:inFrame:inContentWorld:completionHandler:"
        " loadData:MIMEType:textEncodingName:baseURL:"
        " stringByEvaluatingJavaScriptFromString: evaluateScript:"
    ).selectors
)
OPENS = frozenset(
    message(
        "presentViewController:animated:completion: pushViewController:animated:"
        " showViewController:sender: performSegueWithIdentifier:sender: setRootViewController:"
    ).selectors
)
MANY = 4  # methods of one selector, so many that one of them says nothing
# What tells who asks, and for what.
ASKED = frozenset(("host", "sourceApplication"))
PATHS = frozenset(
    message(
        "path pathComponents lastPathComponent scheme absoluteString resourceSpecifier"
    ).selectors
)
COMPARES = frozenset(
    message(
        "isEqualToString: isEqual: hasPrefix: hasSuffix: containsObject: caseInsensitiveCompare:"
        " compare: containsString: objectForKey: objectForKeyedSubscript:"
    ).selectors
)
SWIFT_ASKED = ("$s10Foundation3URLV4hostSSSgvg", "$s10Foundation3URLV4host14percentEncoded")
SOURCE = "UIApplicationOpenURLOptionsSourceApplicationKey"
SWIFT_PATHS = ("$s10Foundation3URLV4path", "$s10Foundation3URLV6scheme",
               "$s10Foundation3URLV14pathComponents", "$s10Foundation3URLV17lastPathComponent",
               "$s10Foundation3URLV14absoluteString")  # fmt: skip
SWIFT_COMPARES = ("$sSS2eeoiySbSS_SStFZ", "$ss27_stringCompareWithSmolCheck", "$sSS9hasPrefix",
                  "$sSS9hasSuffix", "$sSTsSQ7ElementRpzrlE8contains")  # fmt: skip


@check(IosApp, severity=Severity.MEDIUM, cwe=940, masvs="MASVS-PLATFORM-2")
def webview_content_from_outside(app: IosApp) -> Iterator[Finding]:
    """
    A link of another app or page decides what the app shows, unchecked.

    Looks at: The app's own handlers of links (application:openURL:options:, scene:openURLContexts:,
    continueUserActivity: and the older ones), with the blocks in them and the functions that they
    call: whether they load a request, HTML or JavaScript into a web view, or open a screen, and
    nowhere read the host or the source application, or compare the path. Requests for a constant
    address are left out.

    Matters because: Every page and every app on the device can send such a link. The app then shows
    the attacker's page inside its own window, with the user's session where the web view has it, or
    opens a screen without the steps that come before it.

    Fix by: Comparing the host with a list of constants before anything else: guard url.scheme ==
    "https", ["www.example.com"].contains(url.host) else { return false }. Then build the request
    from the checked parts, and ask the user before a screen does something.

    Cannot see: Handlers deeper than one call, checks that a library does, and whether what the
    handler reads is compared rightly.
    """
    for handler in app.code.implementations(*HANDLERS):
        if not handler.is_first_party:
            continue
        reached = list(_reached(handler))
        if _is_checked(reached):
            continue
        for function in reached:
            for call in function.calls:
                if call.name in LOADS | OPENS and not _is_constant(call):
                    yield _finding(handler, call)


def _reached(handler: MachineFunction) -> Iterator[MachineFunction]:
    """A handler, the blocks in it, and what it calls; each once.

    Of what it calls by name the callees count too: Swift's handlers are reached through a thunk.
    """
    seen: set[int] = set()
    first = [handler, *handler.blocks]
    direct = [target for each in first for target in _called(each, messages=True)]
    second = [target for each in direct for target in _called(each, messages=False)]
    for each in (*first, *direct, *second):
        if each.address not in seen and each.program == handler.program:
            seen.add(each.address)
            yield each


def _called(function: MachineFunction, *, messages: bool) -> Iterator[MachineFunction]:
    for call in function.calls:
        targets = call.targets() if messages or not call.is_message else ()
        yield from targets if len(targets) < MANY else ()


def _is_checked(functions: list[MachineFunction]) -> bool:
    names = Mentions(frozenset(), frozenset(), frozenset(), frozenset())
    for each in functions:
        names |= each.mentions
    if names.selectors & ASKED or SOURCE in names.imports or _any(names, SWIFT_ASKED):
        return True
    reads = names.selectors & PATHS or _any(names, SWIFT_PATHS)
    return bool(reads and (names.selectors & COMPARES or _any(names, SWIFT_COMPARES)))


def _any(names: Mentions, wanted: tuple[str, ...]) -> bool:
    return any(name.startswith(wanted) for name in names.imports)


def _is_constant(call: MachineCall) -> bool:
    """Whether what is loaded is a constant."""
    found = places(call, call.argument(0)) if call.name in LOADS else ()
    return bool(found) and all(
        each.root in ("text", "bundle") and "?" not in each.parts for each in found
    )


def _finding(handler: MachineFunction, call: MachineCall) -> Finding:
    through = "" if call.function.address == handler.address else f" in {call.function.name}"
    what = "a link of another app" if "Activity" not in handler.selector else "a web link"
    does = "opens a screen by" if call.name in OPENS else "loads content by"
    return Finding(
        f"{handler.name} {call.name}",
        f"{handler.name} answers {what} and {does} {call.name}{through}, without reading the host "
        "or who asks.",
        at=call.at,
        origin=handler.origin,
    )
