"""ios-biometric-unbound: Face ID or Touch ID that only gives a yes or no."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import imported, message, stable_name
from gate.check import Finding, NotApplicable, Severity, check

EVALUATE = message("evaluatePolicy:localizedReason:reply:")
CREATE = imported("SecAccessControlCreateWithFlags")
READ = imported("SecItemCopyMatching SecKeyCreateRandomKey SecKeyGeneratePair")
RIGHTS = ("LARightStore", "LAPersistedRight")
# SecAccessControlCreateFlags: presence, biometry of any and of the current set, passcode.
ASKING = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4


@check(IosApp, severity=Severity.MEDIUM, cwe=287, masvs="MASVS-AUTH-2")
def biometric_unbound(app: IosApp) -> Iterator[Finding]:
    """
    Face ID or Touch ID decides by a yes or no alone, with no key behind it.

    Looks at: Every evaluatePolicy:localizedReason:reply: to LAContext, in an app none of whose
    programs makes an item or key with SecAccessControlCreateWithFlags for biometry or presence and
    reads it, and none of which uses LARightStore. canEvaluatePolicy alone is not asked about.

    Matters because: The answer is a boolean in the app's memory. On a jailbroken device, or in a
    repackaged app, one hook turns no into yes, and whatever the app then shows was not protected.

    Fix by: Storing the session's secret as a Keychain item with kSecAttrAccessControl made by
    SecAccessControlCreateWithFlags(nil, kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly,
    .biometryCurrentSet, nil), and reading it by SecItemCopyMatching: the Secure Enclave asks for
    the face, and without it there is no secret.

    Cannot see: Whether the app's item has to do with this question: any such item makes the check
    silent.
    """
    asked = list(app.code.sends(EVALUATE))
    if not asked:
        raise NotApplicable("no code sends evaluatePolicy:localizedReason:reply:")
    if _binds(app):
        return
    for call in asked:
        yield Finding(
            stable_name(call.function),
            f"{call.function.name} asks for biometry or passcode and gets a boolean; no Keychain "
            "item or key of the app is bound to it.",
            at=call.at,
            origin=call.function.origin,
        )


def _binds(app: IosApp) -> bool:
    """Whether the app makes an item that opens by presence only, and reads one."""
    if any(app.code.class_uses(*RIGHTS)):
        return True
    made = (call.argument(2) for call in app.code.calls(CREATE))
    bound = any(not each.complete or any(n & ASKING for n in each.numbers) for each in made)
    return bound and any(app.code.calls(READ))
