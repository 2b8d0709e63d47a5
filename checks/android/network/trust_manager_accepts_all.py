"""android-trust-manager-accepts-all: every certificate is taken for the server's."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Class, Code, MethodCode
from gate.check import Finding, Severity, check

TRUST_MANAGER = "javax.net.ssl.X509TrustManager"
EXTENDED = "javax.net.ssl.X509ExtendedTrustManager"
REFUSED = "java.security.cert.CertificateException"
MAX_METHODS = 60
# Methods that throw when a chain is wrong, whatever class a library gives them, and the platform's.
JUDGES = frozenset(("checkServerTrusted", "checkClientTrusted", "checkTrusted", "isServerTrusted"))
REFUSES = frozenset(("validate", "build", "verify", "checkValidity"))
PLATFORM = ("java.security.", "javax.security.", "javax.net.ssl.")
# What a guard against null throws; in a method that is called it says nothing of certificates.
NULL_GUARDS = frozenset(("java.lang.NullPointerException", "kotlin.KotlinNullPointerException"))
GUARDS = NULL_GUARDS | {"java.lang.IllegalArgumentException", "java.lang.IllegalStateException"}


@check(AndroidApp, severity=Severity.CRITICAL, cwe=295, masvs="MASVS-NETWORK-1")
def trust_manager_accepts_all(app: AndroidApp) -> Iterator[Finding]:
    """
    A trust manager accepts every certificate.

    Looks at: The checkServerTrusted method of every class below X509TrustManager: whether it can
    refuse anything at all, by a throw or by a call that throws for a bad certificate, in its own
    code or in the app's methods that it calls. What it catches and drops does not count. A
    library's class counts once a method creates it, or holds it for a class that others call.

    Matters because: TLS then protects against nobody. Whoever is between the device and the server
    shows a certificate of their own, and reads and changes everything: passwords, orders, sessions.

    Fix by: Deleting the class and the SSLContext.init that takes it; the platform's trust manager
    checks rightly. For a server with an authority of its own, or to pin, use a network security
    configuration (<trust-anchors>, <pin-set>); for a test server only inside <debug-overrides>.

    Cannot see: Whether the app's own class is ever used, trust managers in native code, and classes
    that are loaded at run time.
    """
    for each in app.code.subclasses(TRUST_MANAGER):
        for method in _judges(app.code, each):
            counts = each.is_first_party or _is_used(app.code, each)
            if counts and method.returns and not _can_refuse(method):
                subject = f"{each.name}.checkServerTrusted"
                message = f"{subject} accepts every certificate: it never throws."
                yield Finding(subject, message, at=method.at, origin=each.origin)


def _judges(code: Code, kind: Class) -> Iterator[MethodCode]:
    """The methods that the platform asks; an extended one's without a socket only if called."""
    owner: Class | None = kind
    while owner is not None:
        if found := owner.methods("checkServerTrusted"):
            for method in found:
                plain = len(method.parameters) == 2 and EXTENDED in kind.supertypes
                if not plain or any(call.owner == kind.name for call in method.callers()):
                    yield method
            return
        owner = code.find(owner.parent)
        if owner is not None and TRUST_MANAGER in owner.supertypes:
            return  # told for that class


def _is_used(code: Code, kind: Class) -> bool:
    """Whether a method makes it, or a class that others call holds it as a constant."""
    for method, _ in code.uses(kind.name):
        if method.short_name != "<clinit>":
            return True
        holder = code.find(method.owner)
        callers = (call for each in (holder.methods() if holder else ()) for call in each.callers())
        if any(call.owner == method.owner != call.method.owner for call in callers):
            return True
    return False


def _can_refuse(start: MethodCode) -> bool:
    """Whether the method may throw because of what it was shown; yes where that gets too much."""
    seen = {start}
    work = [start]
    while work:
        method = work.pop()
        harmless = NULL_GUARDS if method == start else GUARDS
        if any(each not in harmless for each in method.thrown) or len(seen) > MAX_METHODS:
            return True
        for call in method.calls:
            if not call.lets_out(REFUSED):
                continue
            judges = call.name in JUDGES and call.owner != method.owner
            if judges or (call.name in REFUSES and call.owner.startswith(PLATFORM)):
                return True
            following = [each for each in call.targets() if each not in seen]
            seen.update(following)
            work += following
    return False
