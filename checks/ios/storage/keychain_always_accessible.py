"""ios-keychain-always-accessible: kSecAttrAccessibleAlways and its ...ThisDeviceOnly."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.machine import MachineFunction, stable_name
from gate.check import Finding, Severity, Unresolved, check

ALWAYS = ("kSecAttrAccessibleAlways", "kSecAttrAccessibleAlwaysThisDeviceOnly")
# What these constants hold, and the attribute itself: Security's SecItemConstants.c (Apple).
WRITTEN_OUT = {"dk": ALWAYS[0], "dku": ALWAYS[1]}
ATTRIBUTE = "pdmn"
OTHERS = frozenset(
    f"kSecAttrAccessible{name}"
    for name in (
        "WhenUnlocked", "WhenUnlockedThisDeviceOnly", "AfterFirstUnlock",
        "AfterFirstUnlockThisDeviceOnly", "WhenPasscodeSetThisDeviceOnly",
    )
)  # fmt: skip


@check(IosApp, severity=Severity.HIGH, cwe=311, masvs="MASVS-STORAGE-1")
def keychain_always_accessible(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A Keychain item is readable while the device is locked, even before its first unlock.

    Looks at: Every place in the code that names kSecAttrAccessibleAlways or
    kSecAttrAccessibleAlwaysThisDeviceOnly, or writes out what these hold (dk, dku) beside the
    attribute. A function that names three or more of the kSecAttrAccessible constants is a table,
    from which somebody chooses: it is told as unresolved where something calls it.

    Matters because: Items of this class are encrypted with a key that the device has without the
    user's passcode. Who steals or seizes a locked device and gets to its file system reads them.
    Apple deprecated both constants in iOS 12.

    Fix by: Using kSecAttrAccessibleWhenUnlockedThisDeviceOnly, or
    kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly for what works in the background. Items that
    exist keep their class: change them with SecItemUpdate(query, [kSecAttrAccessible: ...]).

    Cannot see: Which entry of a table is chosen, constants that come from a server or a file, and
    tables that lie in data without code.
    """
    for name in ALWAYS:
        for function, at in app.code.symbol_uses(name):
            if _is_table(function):
                if function.is_first_party and any(function.callers()):
                    reason = f"it offers {name} among others, what is chosen is not followed"
                    yield Unresolved(stable_name(function), reason, at)
            else:
                yield _finding(function, name, name, at)
    for text, name in WRITTEN_OUT.items():
        for function, at in app.code.text_uses(text):
            said = function.mentions
            if ATTRIBUTE in said.texts or "kSecAttrAccessible" in said.imports:
                yield _finding(function, name, f'"{text}", {name}', at)


def _is_table(function: MachineFunction) -> bool:
    """Whether it names so many of the constants that it chooses by what it is given."""
    return len(function.mentions.imports & {*OTHERS, *ALWAYS}) >= 3


def _finding(function: MachineFunction, name: str, said: str, at: Location) -> Finding:
    return Finding(
        f"{stable_name(function)} {name}",
        f"{function.name} names {said}: the item is readable on a locked device.",
        at=at,
        origin=function.origin,
    )
