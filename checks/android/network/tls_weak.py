"""android-tls-weak: SSL 3.0, TLS 1.0 and 1.1, and cipher suites that protect too little."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Array, Call, Number, Returned, Text, Value, api
from gate.check import Finding, Severity, Unresolved, check

CONTEXT = api("javax.net.ssl.SSLContext", "getInstance")
LISTS = (
    api("javax.net.ssl.SSLSocket", "setEnabledProtocols setEnabledCipherSuites"),
    api("javax.net.ssl.SSLServerSocket", "setEnabledProtocols setEnabledCipherSuites"),
    api("javax.net.ssl.SSLEngine", "setEnabledProtocols setEnabledCipherSuites"),
    api("javax.net.ssl.SSLParameters", "<init> setProtocols setCipherSuites"),
    api("okhttp3.ConnectionSpec$Builder", "tlsVersions cipherSuites"),
    api("com.squareup.okhttp.ConnectionSpec$Builder", "tlsVersions cipherSuites"),
)
OKHTTP = ("okhttp3", "com.squareup.okhttp")
EVERYTHING = ("getSupportedProtocols", "getSupportedCipherSuites")
LIBRARIES = (
    "okhttp3.", "com.squareup.okhttp.", "org.conscrypt.", "com.google.android.gms.org.conscrypt.",
    "com.android.org.conscrypt.", "sun.security.", "javax.net.", "org.bouncycastle.",
)  # fmt: skip
OLD = re.compile(r"SSLv[23](?:Hello)?|SSL_3_0|TLSv1(?:\.[01])?|TLS_1_[01]|DTLSv1(?:\.0)?")
WEAK_SUITE = re.compile(
    r"(?:TLS|SSL)_(?:RSA_(?!PSK)\w+|\w+_(?:NULL|anon|EXPORT|RC4|DES|DES40|3DES)(?:_\w+)?)"
)


@check(AndroidApp, severity=Severity.HIGH, cwe=326, masvs="MASVS-NETWORK-1")
def tls_weak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Old protocol versions or weak cipher suites for TLS.

    Looks at: The protocol that SSLContext.getInstance names; the lists that setEnabledProtocols,
    setEnabledCipherSuites, SSLParameters and OkHttp's ConnectionSpec.Builder are given; and uses of
    COMPATIBLE_TLS. Told are SSL 3.0, TLS 1.0 and 1.1, a list of all that the device supports, and
    suites with NULL, anon, EXPORT, RC4, DES, 3DES or an RSA key exchange.

    Matters because: Who sits between the app and its server chooses the worst that both accept, and
    reads or changes what is sent: the old versions fall to known attacks (RFC 8996), and without
    forward secrecy one stolen server key opens all that was recorded.

    Fix by: SSLContext.getInstance("TLS") and no lists at all: Android offers TLS 1.2 and 1.3 with
    good suites. For OkHttp ConnectionSpec.MODERN_TLS or RESTRICTED_TLS.

    Cannot see: What the server accepts, native TLS code, and OkHttp's names after an obfuscator
    changed them. Lists that the analysis cannot tell are told as unresolved.
    """
    for call in app.code.calls(CONTEXT, *LISTS):
        if not call.method.owner.startswith(LIBRARIES):
            yield from judged(app, call)
    for package in OKHTTP:
        for method, at in app.code.field_reads(f"{package}.ConnectionSpec", "COMPATIBLE_TLS"):
            if not method.owner.startswith(LIBRARIES):
                message = f"{method.name} uses COMPATIBLE_TLS, which accepts TLS 1.0."
                subject = f"{method.name} COMPATIBLE_TLS"
                yield Finding(subject, message, at=at, origin=method.origin)


def judged(app: AndroidApp, call: Call) -> Iterator[Finding | Unresolved]:
    """What is wrong with the protocols and suites that one call is given."""
    weak: dict[str, tuple[Location, ...]] = {}
    why = ""
    chosen = okhttp_names(app, call) if call.owner.startswith(OKHTTP) else []
    last = 1 if call.name == "getInstance" else len(call.parameters)  # without the provider
    for argument in map(call.argument, range(last)):
        for value in argument.values:
            each = names(value)
            why = why or ("" if each is not None or chosen else argument.why or "a list with gaps")
            weak |= {name: argument.steps(value) for name in each or () if is_weak(name)}
    for name in sorted(weak.keys() | {name for name in chosen if is_weak(name)}):
        yield Finding(
            f"{call.method.name} {name}",
            f"{call.method.name} allows {name} on its connections.",
            at=call.at,
            origin=call.method.origin,
            flow=weak.get(name, ()),
        )
    if why and not weak and call.method.is_first_party:
        yield Unresolved(call.method.name, f"the protocols or suites are {why}", call.at)


def okhttp_names(app: AndroidApp, call: Call) -> list[str]:
    """OkHttp's constants that a method, or its class at its start, names."""
    owner = app.code.find(call.method.owner)
    read = [*call.method.reads()]
    for method in owner.methods("<clinit>") if owner else ():
        read += method.reads()
    return [name for kind, name in read if kind.startswith(OKHTTP)]


def names(value: Value) -> list[str] | None:
    """The protocols or suites that a value stands for; None where they cannot be told."""
    if isinstance(value, Text):
        return [" ".join(value.text.split())[:80]]
    if isinstance(value, Returned) and value.name in EVERYTHING:
        return [value.name]
    if isinstance(value, Array) and value.items is not None and not value.given_to:
        each = [names(item) for item in value.items]
        return None if None in each else [name for part in each for name in part or ()]
    return [] if value == Number(0) else None


def is_weak(name: str) -> bool:
    """Whether a name is that of an old protocol, a weak suite, or of everything there is."""
    return name in EVERYTHING or bool(OLD.fullmatch(name) or WEAK_SUITE.fullmatch(name))
