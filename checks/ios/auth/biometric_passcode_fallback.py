"""ios-biometric-passcode-fallback: where the device's passcode does in place of biometry."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import MachineCall, Values, imported, message, stable_name
from gate.check import Finding, Severity, Unresolved, check

CREATE = imported("SecAccessControlCreateWithFlags")
EVALUATE = message("evaluatePolicy:localizedReason:reply:")
# SecAccessControlCreateFlags: Security/SecAccessControl.h; LAPolicy: LAContext.h (Apple's SDK).
FLAGS = {1 << 0: "kSecAccessControlUserPresence", 1 << 4: "kSecAccessControlDevicePasscode"}
AND = 1 << 15
POLICY = 2


@check(IosApp, severity=Severity.LOW, cwe=288, masvs="MASVS-AUTH-2")
def biometric_passcode_fallback(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    The device's passcode opens what biometry is meant to protect.

    Looks at: The flags of every call of SecAccessControlCreateWithFlags: userPresence (1) or
    devicePasscode (16), unless joined to others by kSecAccessControlAnd (1 << 15); and every
    evaluatePolicy:localizedReason:reply: with LAPolicyDeviceOwnerAuthentication (2).

    Matters because: A passcode of six digits is seen over the shoulder or known in the family. Who
    has device and passcode then passes the app's gate as well, and a second factor is none.

    Fix by: Using .biometryCurrentSet in place of .userPresence, LAPolicy
    .deviceOwnerAuthenticationWithBiometrics (1), and the account's own password or an app PIN as
    the fallback. Where the passcode is enough for what is protected, waive this.

    Cannot see: What is protected. Flags and policies that are not constant are told as unresolved.
    """
    for call in app.code.calls(CREATE):
        flags = call.argument(2)
        for number in flags.numbers:
            for bit, name in FLAGS.items():
                if number & bit and not number & AND:
                    yield _finding(call, name, f"{name} (flags {number})")
        yield from _open(call, flags, "flags")
    for call in app.code.sends(EVALUATE):
        policy = call.argument(0)
        if POLICY in policy.numbers:
            name = "LAPolicyDeviceOwnerAuthentication"
            yield _finding(call, name, f"{name} ({POLICY})")
        yield from _open(call, policy, "policy")


def _finding(call: MachineCall, name: str, said: str) -> Finding:
    return Finding(
        f"{stable_name(call.function)} {name}",
        f"{call.function.name} asks for {said}: the device's passcode is enough.",
        at=call.at,
        origin=call.function.origin,
    )


def _open(call: MachineCall, held: Values, what: str) -> Iterator[Unresolved]:
    if not held.complete and call.function.is_first_party:
        yield Unresolved(stable_name(call.function), f"the {what}: {held.why}", call.at)
