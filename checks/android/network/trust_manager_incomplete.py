"""android-trust-manager-incomplete: a trust manager that checks something, but not the chain."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, MethodCode
from gate.check import Finding, Severity, check

TRUST_MANAGER = "javax.net.ssl.X509TrustManager"
REFUSED = "java.security.cert.CertificateException"
MAX_METHODS = 60
# Methods that judge a chain, whatever class a library gives them, and those of the platform.
JUDGES = frozenset(("checkServerTrusted", "checkClientTrusted", "checkTrusted", "isServerTrusted"))
VALIDATES = frozenset(("validate", "build", "verify"))
PLATFORM = ("java.security.", "javax.security.", "javax.net.ssl.")
# By what a key or certificate is compared when it is pinned; how checked chains are remembered.
PINS = frozenset(("getEncoded", "getPublicKey", "getSignature", "getCertificateAlias"))
REMEMBERS = frozenset(("contains", "containsKey", "get"))
# What a guard against null throws; in a method that is called it says nothing of certificates.
NULL_GUARDS = frozenset(("java.lang.NullPointerException", "kotlin.KotlinNullPointerException"))
GUARDS = NULL_GUARDS | {"java.lang.IllegalArgumentException", "java.lang.IllegalStateException"}


@check(AndroidApp, severity=Severity.HIGH, cwe=295, masvs="MASVS-NETWORK-1")
def trust_manager_incomplete(app: AndroidApp) -> Iterator[Finding]:
    """
    A trust manager accepts certificates whose chain nobody has validated.

    Looks at: The checkServerTrusted method of every class below X509TrustManager that can refuse
    something: whether it, or the app's methods that it calls, asks another trust manager or a
    CertPathValidator, or compare keys or whole certificates. Also whether the exception of the
    other trust manager is caught and the method ends as if nothing were wrong, and whether a test
    of the chain, such as its length, leads around the other trust manager.

    Matters because: Dates, names and lengths are copied into a certificate of one's own in a
    second. Only the signatures up to a trusted authority, or a pinned key, tell the server from
    whoever is in between.

    Fix by: Deleting the class: the platform's trust manager does all of it. What is asked beyond it
    goes after a delegate.checkServerTrusted(chain, authType) that stands outside of try and if;
    own authorities and pins go into a network security configuration.

    Cannot see: Whether the class is ever used, whether compared keys are the right ones, and
    whether the trust manager that is asked is itself sound.
    """
    for each in app.code.subclasses(TRUST_MANAGER):
        for method in each.methods("checkServerTrusted"):
            why = _gap(method) if method.returns else ""
            if why:
                yield Finding(
                    f"{each.name}.checkServerTrusted",
                    f"{each.name}.checkServerTrusted {why}.",
                    at=method.at,
                    origin=each.origin,
                )


def _gap(method: MethodCode) -> str:
    """What a trust manager lacks that refuses some certificates; '' where nothing, or all."""
    run = _run_by(method)
    calls = [call for each in run for call in each.calls]
    if len(run) > MAX_METHODS or any(call.name in PINS for call in calls):
        return ""
    if not any(_judges(call) for call in calls):
        tests = any(map(_refuses, run)) or set(method.thrown) - NULL_GUARDS
        return "tests details of a certificate and never validates the chain" if tests else ""
    judges = [call for call in method.calls if _judges(call)]
    asked = [*judges, *(call for call in method.calls if any(map(_refuses, call.targets())))]
    if not method.thrown and not any(call.lets_out(REFUSED) for call in asked):
        return ""  # accepts everything, which is another check's
    if any(call.forgiven(REFUSED, *asked) for call in judges):
        return "asks another trust manager and goes on after some of its refusals"
    around = any(call.decided_by(0) for call in judges) and method.returns_without(*asked)
    if around and not any(call.name in REMEMBERS for call in method.calls):
        return "does not ask the other trust manager about every chain"
    return ""


def _judges(call: Call) -> bool:
    """Whether a call validates a chain, and is not this method again."""
    asks = call.name in JUDGES and call.owner != call.method.owner
    return asks or (call.name in VALIDATES and call.owner.startswith(PLATFORM))


def _refuses(method: MethodCode) -> bool:
    """Whether a method throws for more than a missing object, by itself or for a date."""
    dates = (call for call in method.calls if call.name == "checkValidity")
    return not GUARDS.issuperset(method.thrown) or any(call.lets_out(REFUSED) for call in dates)


def _run_by(start: MethodCode) -> list[MethodCode]:
    """A method and those of the app it calls, where their exceptions get out of it."""
    run = [start]
    for method in run:
        if len(run) <= MAX_METHODS:
            calls = (call for call in method.calls if call.lets_out(REFUSED))
            targets = dict.fromkeys(each for call in calls for each in call.targets())
            run += [each for each in targets if each not in run]
    return run
