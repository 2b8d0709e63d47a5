"""ios-unarchive-insecure: objects made of data that may name any class."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import MachineCall, imported, message
from gate.check import Finding, Severity, Unresolved, check

UNARCHIVER = "NSKeyedUnarchiver"
WHOLE = message(
    "unarchiveObjectWithData: unarchiveObjectWithFile: unarchiveTopLevelObjectWithData:error:",
    UNARCHIVER,
)
SWIFT_WHOLE = "$sSo17NSKeyedUnarchiverC10FoundationE31unarchiveTopLevelObjectWithData"
SECURE = message("setRequiresSecureCoding:", UNARCHIVER)
OLD = message("initForReadingWithData:", UNARCHIVER)
SETTER = "setRequiresSecureCoding:"
READS = ("initForReadingFromData:error:", "initForReadingWithData:")


@check(IosApp, severity=Severity.MEDIUM, cwe=502, masvs="MASVS-CODE-4")
def unarchive_insecure(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    Objects are unarchived from data that may name any class.

    Looks at: In the app's own code: unarchiveObjectWithData:, unarchiveObjectWithFile: and
    unarchiveTopLevelObjectWithData:error: of NSKeyedUnarchiver; setRequiresSecureCoding: with NO on
    an unarchiver; and initForReadingWithData:, which starts without secure coding, in a function
    that does not turn it on.

    Matters because: The data says which class is made and what it is given. Who can change the
    file, the pasteboard or the message that it comes from makes objects of classes that nobody
    meant there, and with them has run code in other apps.

    Fix by: NSKeyedUnarchiver.unarchivedObject(ofClass: Account.self, from: data) with a class that
    adopts NSSecureCoding, or Codable with JSONDecoder. Leave requiresSecureCoding at true.

    Cannot see: Unarchiving in libraries of other makers, and whether the data can come from
    outside.
    """
    swift = " ".join(name for name in app.code.imports if name.startswith(SWIFT_WHOLE))
    for call in (*app.code.sends(WHOLE), *app.code.calls(imported(swift))):
        name = call.name if call.is_message else "unarchiveTopLevelObjectWithData"
        yield from _found(call, name, "takes objects of any class from the data")
    for call in app.code.sends(SECURE):
        value = call.argument(0)
        reads = UNARCHIVER in call.receiver.classes or _reads(call)
        if not reads:
            continue
        if 0 in value.numbers:
            yield from _found(call, f"{SETTER} NO", "turns off the check of classes")
        elif not value.complete and call.function.is_first_party:
            yield Unresolved(f"{call.function.name} {SETTER}", value.why, call.at)
    for call in app.code.sends(OLD):
        if SETTER not in call.function.mentions.selectors:
            yield from _found(call, call.name, "unarchives without secure coding")


def _reads(call: MachineCall) -> bool:
    return not call.function.mentions.selectors.isdisjoint(READS)


def _found(call: MachineCall, name: str, why: str) -> Iterator[Finding]:
    function = call.function
    if function.is_first_party:
        message = f"{function.name} calls {name}, which {why}."
        yield Finding(f"{function.name} {name}", message, at=call.at, origin=function.origin)
