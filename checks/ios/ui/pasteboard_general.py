"""ios-pasteboard-general: data put on the pasteboard that every app reads."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.foundation import texts
from gate.app.machine import MachineCall, Returned, Value, message
from gate.check import Finding, Severity, Unresolved, check

WRITES = message(
    "setString: setStrings: setURL: setURLs: setImage: setImages: setColor: setItems: addItems:"
    " setData:forPasteboardType: setValue:forPasteboardType: setItemProviders: setObjects:"
    " setObjects:localOnly:expirationDate: setItemProviders:localOnly:expirationDate:",
    "UIPasteboard",
)
WITH_OPTIONS = message("setItems:options:", "UIPasteboard")
LIMITS = ("UIPasteboardOptionLocalOnly", "UIPasteboardOptionExpirationDate")
GENERAL = "generalPasteboard"
DEEP = 3  # methods of the app that hand the pasteboard on


@check(IosApp, severity=Severity.LOW, cwe=200, masvs="MASVS-STORAGE-2")
def pasteboard_general(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    The app puts data on the general pasteboard without a limit.

    Looks at: In the app's own code: messages that write to UIPasteboard.generalPasteboard
    (setString:, setItems:, setValue:forPasteboardType: and the like), and setItems:options:
    without UIPasteboardOptionLocalOnly and UIPasteboardOptionExpirationDate. Named and unique
    pasteboards are left out, as is reading.

    Matters because: What lies there stays until something else is copied, every app that the user
    opens may ask for it, and Universal Clipboard sends it to the user's other devices. An account
    number or one-time code ends up in places that the app does not know.

    Fix by: UIPasteboard.general.setItems([[UTType.plainText.identifier: text]], options:
    [.localOnly: true, .expirationDate: Date(timeIntervalSinceNow: 60)]), and nothing secret at all.

    Cannot see: What the user copies from a text field, pasteboards that a library of another maker
    writes to, and whether what is written is sensitive.
    """
    for call in app.code.sends(WRITES):
        limited = call.name.endswith("expirationDate:") and (
            call.argument(1).numbers != (0,) or call.argument(2).numbers != (0,)
        )
        if not limited:
            yield from _written(call, "")
    for call in app.code.sends(WITH_OPTIONS):
        options = call.argument(1)
        if 0 in options.numbers:
            yield from _written(call, ", with no options")
        elif not call.function.mentions.imports.intersection(LIMITS):
            made_here = all(isinstance(each, Returned) for each in options.values)
            if made_here and options.values:
                yield from _written(call, ", with options that set neither localOnly nor a date")
            elif call.function.is_first_party:
                subject = f"{call.function.name} {call.name}"
                yield Unresolved(subject, f"the options are open: {options.why}", call.at)


def _written(call: MachineCall, how: str) -> Iterator[Finding]:
    function = call.function
    if function.is_first_party and any(_is_general(call, v, DEEP) for v in call.receiver.values):
        known = texts(call, call.argument(0))
        what = f' "{known[0][:40]}"' if known else ""
        yield Finding(
            f"{function.name} {call.name}",
            f"{function.name} writes{what} to the general pasteboard by {call.name}{how}.",
            at=call.at,
            origin=function.origin,
        )


def _is_general(call: MachineCall, value: Value, depth: int) -> bool:
    """Whether a receiver is the general pasteboard, also as a method of the app hands it on."""
    if not isinstance(value, Returned) or not depth:
        return False
    if value.name == GENERAL:
        return True
    for each in call.function.calls:
        if each.name == value.name:
            for target in each.targets()[:4]:
                if any(_is_general(each, inner, depth - 1) for inner in target.returned.values):
                    return True
    return False
