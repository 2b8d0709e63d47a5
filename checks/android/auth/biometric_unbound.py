"""android-biometric-unbound: a fingerprint or face opens nothing but an if."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, api
from gate.check import Finding, Severity, Unresolved, check

PROMPTS = (
    api("androidx.biometric.BiometricPrompt", "authenticate"),
    api("android.hardware.biometrics.BiometricPrompt", "authenticate"),
    api("android.hardware.fingerprint.FingerprintManager", "authenticate"),
    api("androidx.core.hardware.fingerprint.FingerprintManagerCompat", "authenticate"),
    api("android.support.v4.hardware.fingerprint.FingerprintManagerCompat", "authenticate"),
)
# The library's own way from its prompt to the platform's: its callers are what counts.
LIBRARY = (
    "androidx.biometric.", "androidx.core.hardware.fingerprint.",
    "android.support.v4.hardware.fingerprint.",
)  # fmt: skip
NULL = Number(0)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=287, masvs="MASVS-AUTH-2")
def biometric_unbound(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A biometric prompt is not bound to a key.

    Looks at: Every BiometricPrompt.authenticate, of androidx and of the platform, that takes no
    CryptoObject or may be given null for it, and FingerprintManager(Compat).authenticate with a
    null CryptoObject. Every value that it may have counts, over the callers of a wrapper too.

    Matters because: Without a key the prompt's answer is a callback, and the app believes it. Who
    controls the phone (root, an instrumentation tool, a changed app) calls
    onAuthenticationSucceeded and is in, without a finger. With a key that the Keystore unlocks only
    after the biometric, the data stays closed.

    Fix by: A Keystore key with setUserAuthenticationRequired(true), a Cipher, Mac or Signature made
    with it, and prompt.authenticate(promptInfo, new BiometricPrompt.CryptoObject(cipher)). Use the
    cipher of result.getCryptoObject() in onAuthenticationSucceeded to decrypt the token, or to sign
    the transaction that the server verifies.

    Cannot see: Whether the key demands the biometric (android-biometric-loose looks at that), and
    whether what it decrypts is needed to go on. A wrapper that chooses between both forms is
    unresolved where a shrinker has renamed it.
    """
    for call in app.code.calls(*PROMPTS):
        name = call.method.name
        if call.method.owner.startswith(LIBRARY):
            continue
        places = [i for i, each in enumerate(call.parameters) if each.endswith("CryptoObject")]
        crypto = call.argument(places[0]) if places else None
        if crypto is None and _has_bound_twin(call):
            yield from _unclear(call, "the method also has a prompt with a CryptoObject")
        elif crypto is None or NULL in crypto.values:
            given = "without a CryptoObject" if crypto is None else "with null for CryptoObject"
            yield Finding(
                f"{name} authenticate",
                f"{name} shows a biometric prompt {given}: no key depends on the answer.",
                at=call.at,
                origin=call.method.origin,
                flow=crypto.steps(NULL) if crypto else (),
            )
        elif not crypto.complete:
            yield from _unclear(call, f"the CryptoObject is {crypto.why}")


def _unclear(call: Call, why: str) -> Iterator[Unresolved]:
    if call.method.is_first_party:
        yield Unresolved(f"{call.method.name} authenticate", why, call.at)


def _has_bound_twin(call: Call) -> bool:
    """Whether the same method calls the other form as well, as a wrapper does."""
    return any(
        each.owner == call.owner
        and each.name == call.name
        and any(kind.endswith("CryptoObject") for kind in each.parameters)
        for each in call.method.calls
    )
