"""android-biometric-loose: something weaker than a strong biometric opens what it guards."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.check import Confidence, Finding, Severity, Unresolved, check

ANDROIDX = "androidx.biometric.BiometricPrompt"
PLATFORM = "android.hardware.biometrics.BiometricPrompt"
KEY = "android.security.keystore.KeyGenParameterSpec$Builder"
MANAGERS = (
    "android.hardware.fingerprint.FingerprintManager",
    "androidx.core.hardware.fingerprint.FingerprintManagerCompat",
    "android.support.v4.hardware.fingerprint.FingerprintManagerCompat",
)
PROMPTS = tuple(api(each, "authenticate") for each in (ANDROIDX, PLATFORM, *MANAGERS))
BUILDERS = (
    api(f"{ANDROIDX}$PromptInfo$Builder", "setAllowedAuthenticators setDeviceCredentialAllowed"),
    api(f"{PLATFORM}$Builder", "setAllowedAuthenticators setDeviceCredentialAllowed"),
)
CONFIRM = api("android.app.KeyguardManager", "createConfirmDeviceCredentialIntent")
KEYS = api(KEY, "<init>")
ENROLMENT = api(KEY, "setInvalidatedByBiometricEnrollment")
DURATION = api(KEY, "setUserAuthenticationValidityDurationSeconds setUserAuthenticationParameters")
DEVICE_CREDENTIAL, WEAK, AUTH_DEVICE_CREDENTIAL = 0x8000, 0xFF, 1
LONGEST = 30  # seconds that one authentication may serve for
LIBRARY = ("androidx.biometric.", "androidx.security.", "com.google.crypto.tink.")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=288, masvs="MASVS-AUTH-2")
def biometric_loose(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A biometric prompt or its key accepts less than a strong biometric.

    Looks at: Calls of setAllowedAuthenticators with DEVICE_CREDENTIAL or BIOMETRIC_WEAK,
    setDeviceCredentialAllowed(true), createConfirmDeviceCredentialIntent. In an app that shows a
    biometric prompt also the Keystore keys of its own code: setInvalidatedByBiometricEnrollment
    (false), no setUserAuthenticationRequired(true), a validity of more than 30 seconds, and keys
    that the device's PIN unlocks (AUTH_DEVICE_CREDENTIAL).

    Matters because: A PIN is watched over the shoulder, and who knows it can enrol a finger of
    their own; a weak face unlock opens to a photo. A key without user authentication opens without
    any prompt, and one that survives a new enrolment opens to the new finger.

    Fix by: Calling setAllowedAuthenticators(BiometricManager.Authenticators.BIOMETRIC_STRONG), and
    for the key setUserAuthenticationRequired(true) with setUserAuthenticationParameters(0,
    KeyProperties.AUTH_BIOMETRIC_STRONG) and setInvalidatedByBiometricEnrollment(true). As the
    fallback ask for the app's own password, checked by the server.

    Cannot see: Which key a prompt guards, so that every key of the app's own code is looked at; one
    without authentication beside others that demand it is of low confidence. Keys made in native
    code or on the server's word.
    """
    code = app.code
    for call in code.calls(*BUILDERS):
        if not call.method.owner.startswith(LIBRARY):
            yield from _prompt(call)
    for call in code.calls(CONFIRM):
        if not call.method.owner.startswith(LIBRARY):
            yield _finding(call, "DEVICE_CREDENTIAL", "asks for the PIN of the device instead")
    if not any(True for _ in code.calls(*PROMPTS)):
        return
    for call in code.calls(ENROLMENT):
        if 0 in call.argument(0).numbers:
            yield _finding(call, "enrolment", "makes a key that stays valid for a new finger")
    for call in code.calls(DURATION):
        yield from _validity(call)
    keys = [(call, _demands(call)) for call in code.calls(KEYS) if call.method.is_first_party]
    sure = Confidence.LOW if any(demands for _, demands in keys) else Confidence.HIGH
    for call, demands in keys:
        if not demands:
            what = "makes a key that opens without authentication"
            yield _finding(call, "unauthenticated key", what, sure)


def _prompt(call: Call) -> Iterator[Finding | Unresolved]:
    allowed = call.argument(0)
    numbers = allowed.numbers
    if call.name == "setDeviceCredentialAllowed":
        if 1 in numbers:
            yield _finding(call, "DEVICE_CREDENTIAL", "accepts the PIN of the device")
        return
    if any(number & DEVICE_CREDENTIAL for number in numbers):
        yield _finding(call, "DEVICE_CREDENTIAL", "accepts the PIN of the device")
    if any(number & WEAK == WEAK for number in numbers):
        yield _finding(call, "BIOMETRIC_WEAK", "accepts a weak biometric")
    if not allowed.complete and call.method.is_first_party:
        yield Unresolved(call.method.name, f"the authenticators are {allowed.why}", call.at)


def _validity(call: Call) -> Iterator[Finding]:
    if any(seconds > LONGEST for seconds in call.argument(0).numbers):
        yield _finding(call, "validity", f"makes a key that stays open for over {LONGEST} seconds")
    if call.name == "setUserAuthenticationParameters" and any(
        kinds & AUTH_DEVICE_CREDENTIAL for kinds in call.argument(1).numbers
    ):
        yield _finding(call, "DEVICE_CREDENTIAL", "makes a key that the PIN of the device opens")


def _demands(made: Call) -> bool:
    """Whether a key's builder is told to demand authentication, or told so elsewhere perhaps."""
    told = [each for each in made.on_built() if each.name == "setUserAuthenticationRequired"]
    return any(each.argument(0).numbers != (0,) for each in told)


def _finding(
    call: Call, which: str, what: str, confidence: Confidence = Confidence.HIGH
) -> Finding:
    name = call.method.name
    return Finding(
        f"{name} {which}",
        f"{name} {what}.",
        at=call.at,
        origin=call.method.origin,
        confidence=confidence,
    )
