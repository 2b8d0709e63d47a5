"""ios-biometric-enrolment-survives: items that a newly enrolled face or finger opens."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import imported, message, stable_name
from gate.check import Finding, Severity, Unresolved, check

CREATE = imported("SecAccessControlCreateWithFlags")
COMPARED = message("evaluatedPolicyDomainState domainState")
# SecAccessControlCreateFlags: Security/SecAccessControl.h of Apple's SDK.
BIOMETRY_ANY = 1 << 1
BIOMETRY_CURRENT_SET = 1 << 3


@check(IosApp, severity=Severity.MEDIUM, cwe=287, masvs="MASVS-AUTH-2")
def biometric_enrolment_survives(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A face or finger that is enrolled later opens what the user protected before.

    Looks at: The flags of every call of SecAccessControlCreateWithFlags: biometryAny (2, formerly
    touchIDAny) without biometryCurrentSet (8), in an app that does not ask LAContext for
    evaluatedPolicyDomainState or domainState to notice new enrolments itself.

    Matters because: Who knows the device's passcode can enrol another face or finger in Settings.
    With biometryAny the item then opens for that person too, and the app does not notice.

    Fix by: SecAccessControlCreateWithFlags(nil, kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly,
    .biometryCurrentSet, nil): the item is void when the enrolment changes; let the user log in
    again and store it anew.

    Cannot see: Whether evaluatedPolicyDomainState, where the app reads it, is compared well. Flags
    that are not constant are told as unresolved.
    """
    if any(app.code.sends(COMPARED)):
        return
    for call in app.code.calls(CREATE):
        flags = call.argument(2)
        for number in flags.numbers:
            if number & BIOMETRY_ANY and not number & BIOMETRY_CURRENT_SET:
                yield Finding(
                    f"{stable_name(call.function)} kSecAccessControlBiometryAny",
                    f"{call.function.name} gives {call.name} kSecAccessControlBiometryAny (flags "
                    f"{number}): a face or finger enrolled later opens the item.",
                    at=call.at,
                    origin=call.function.origin,
                )
        if not flags.complete and call.function.is_first_party:
            yield Unresolved(stable_name(call.function), f"the flags: {flags.why}", call.at)
