"""ios-file-protection-none: files that are readable while the device is locked."""

from collections import Counter
from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.machine import MachineCall, MachineFunction, imported, message
from gate.check import Finding, Severity, Unresolved, check

NONE = "NSFileProtectionNone"
CONSTANTS = (NONE, "NSURLFileProtectionNone")
COMPARISONS = ("isEqualToString:", "isEqual:", "compare:", "caseInsensitiveCompare:")
WRITES = message("writeToFile:options:error: writeToURL:options:error:")
SWIFT_WRITE = imported("$s10Foundation4DataV5write2to7optionsyAA3URLV_So20NSDataWritingOptionsVtKF")
PROTECTION = 0xF0000000  # NSDataWritingFileProtectionMask, Foundation's NSData.h
NO_PROTECTION = 0x10000000
OPEN_DATABASE = imported("sqlite3_open_v2")
DATABASE_NONE = 0x00400000  # SQLITE_OPEN_FILEPROTECTION_NONE, Apple's sqlite3.h
DATABASE_MASK = 0x00700000
ENTITLEMENT = "com.apple.developer.default-data-protection"


@check(IosApp, severity=Severity.HIGH, cwe=311, masvs="MASVS-STORAGE-1")
def file_protection_none(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    Files are written without Data Protection.

    Looks at: The constants NSFileProtectionNone and NSURLFileProtectionNone where code uses them
    other than to compare them; the write options of NSData and Swift's Data
    (NSDataWritingFileProtectionNone, noFileProtection); the flags of sqlite3_open_v2; and the
    entitlement com.apple.developer.default-data-protection.

    Matters because: Such a file is encrypted with a key that the device opens by itself when it
    starts. Who takes a locked or lost phone reads it without the passcode, by a boot exploit or a
    forensic tool.

    Fix by: NSFileProtectionComplete (Data.WritingOptions.completeFileProtection) for what is used
    while the app is in front, NSFileProtectionCompleteUntilFirstUserAuthentication for what runs
    in the background; and the Data Protection capability in Xcode with its default, complete.

    Cannot see: Protection classes that come from a server or a file, and files of libraries that
    set the class below Foundation (open_dprotected_np).
    """
    yield from _constants(app)
    for call in (*app.code.sends(WRITES), *app.code.calls(SWIFT_WRITE)):
        options, function = call.argument(1), call.function
        for number in options.numbers:
            if number & PROTECTION == NO_PROTECTION:
                yield _finding(function, "NSDataWritingFileProtectionNone (0x10000000)", call.at)
        if not options.complete and function.is_first_party:
            why = f"the write options are open: {options.why}"
            yield Unresolved(f"{function.name} {call.name[:60]}", why, call.at)
    for call in app.code.calls(OPEN_DATABASE):
        if any(number & DATABASE_MASK == DATABASE_NONE for number in call.argument(2).numbers):
            name = "SQLITE_OPEN_FILEPROTECTION_NONE (0x400000)"
            yield _finding(call.function, name, call.at)
    for program in app.programs:
        for part in program.slices:
            claims = part.signature.entitlements if part.signature else {}
            if claims.get(ENTITLEMENT) == NONE:
                yield Finding(
                    f"{program.path} {ENTITLEMENT}",
                    f"{program.path} claims {NONE} as the default protection of its files.",
                    at=Location(program.path, element=ENTITLEMENT, snippet=NONE),
                )


def _constants(app: IosApp) -> Iterator[Finding]:
    compared: Counter[tuple[str, int]] = Counter()
    for function, at in app.code.symbol_uses(*CONSTANTS):
        key = (function.program, function.address)
        if key not in compared:
            compared[key] = sum(map(_compares, function.calls))
        if compared[key]:
            compared[key] -= 1
        else:
            yield _finding(function, NONE, at)


def _compares(call: MachineCall) -> bool:
    """Whether a call compares something with one of the constants."""
    if call.name not in COMPARISONS or not call.is_message:
        return False
    sides = (*call.receiver.symbols, *call.argument(0).symbols)
    return any(name in CONSTANTS for name in sides)


def _finding(function: MachineFunction, name: str, at: Location) -> Finding:
    message = f"{function.name} uses {name}: the file is readable while the device is locked."
    return Finding(f"{function.name} {name.split()[0]}", message, at=at, origin=function.origin)
