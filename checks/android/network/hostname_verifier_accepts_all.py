"""android-hostname-verifier-accepts-all: a certificate for any name is taken for the server's."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Class, Code, FieldRead, Instance, MethodCode, Number, api
from gate.check import Finding, Severity, check

VERIFIER = "javax.net.ssl.HostnameVerifier"
SESSION = ("java.lang.String", "javax.net.ssl.SSLSession")
# Where a verifier is installed, and the parameter that it is.
INSTALLED = (
    api("javax.net.ssl.HttpsURLConnection", "setHostnameVerifier setDefaultHostnameVerifier"),
    api("okhttp3.OkHttpClient$Builder", "hostnameVerifier"),
    api("com.squareup.okhttp.OkHttpClient", "setHostnameVerifier"),
    api("org.apache.http.conn.ssl.SSLSocketFactory", "setHostnameVerifier <init>"),
    api("org.apache.http.conn.ssl.SSLConnectionSocketFactory", "<init>"),
    api("org.apache.http.impl.client.HttpClientBuilder", "setHostnameVerifier"),
    api("org.apache.http.impl.client.HttpClientBuilder", "setSSLHostnameVerifier"),
)
KNOWN = frozenset(("AllowAllHostnameVerifier", "NoopHostnameVerifier"))
KNOWN_FIELDS = frozenset(("ALLOW_ALL_HOSTNAME_VERIFIER",))


@check(AndroidApp, severity=Severity.CRITICAL, cwe=297, masvs="MASVS-NETWORK-1")
def hostname_verifier_accepts_all(app: AndroidApp) -> Iterator[Finding]:
    """
    A certificate for another name is accepted as the server's.

    Looks at: The verify method of every class below HostnameVerifier, lambdas too: whether it can
    only return true, its helper methods followed. Also whether Apache's
    ALLOW_ALL_HOSTNAME_VERIFIER, AllowAllHostnameVerifier or NoopHostnameVerifier gets to a
    connection, a client builder or a socket factory. A library's own class counts once some code
    creates it.

    Matters because: Anybody can get a valid certificate for a name of their own. With no check that
    it names this server, they use it between the device and the server, and read and change
    everything.

    Fix by: Deleting the verifier and the call that installs it; HttpsURLConnection and OkHttp check
    the name themselves. For a server whose certificate has another name get one with the right
    name, or call HttpsURLConnection.getDefaultHostnameVerifier().verify("name", session) for that
    one connection.

    Cannot see: Verifiers in native code, whether a verifier that compares something compares
    rightly, and verifiers chosen at run time from what a server says.
    """
    for kind in app.code.subclasses(VERIFIER):
        for method in kind.methods("verify"):
            if _accepts(method) and (kind.is_first_party or _is_used(app.code, kind)):
                yield _finding(method)
    for method in app.code.lambdas(VERIFIER):
        if _accepts(method):
            yield _finding(method)
    for call in app.code.calls(*INSTALLED):
        for index, kind_name in enumerate(call.parameters):
            if not kind_name.endswith("HostnameVerifier"):
                continue
            argument = call.argument(index)
            for value in argument.values:
                if name := _known(value):
                    yield Finding(
                        f"{call.method.name} {name}",
                        f"{call.method.name} installs {name}, which accepts every name.",
                        at=call.at,
                        origin=call.method.origin,
                        flow=argument.steps(value),
                    )


def _accepts(method: MethodCode) -> bool:
    """Whether a verifier can only say yes."""
    verifies = method.parameters[-2:] == SESSION and method.returns and not method.throws
    return verifies and method.returned.values == (Number(1),)


def _finding(method: MethodCode) -> Finding:
    message = f"{method.name} returns true for every name."
    return Finding(method.name, message, at=method.at, origin=method.origin)


def _is_used(code: Code, kind: Class) -> bool:
    """Whether a method creates the verifier; a constant that nobody asks for does not count."""
    return any(method.short_name != "<clinit>" for method, _ in code.uses(kind.name))


def _known(value: object) -> str:
    """The name of a library's verifier that accepts all; '' for any other value."""
    if isinstance(value, FieldRead):
        owner = value.owner.rpartition(".")[2]
        if value.name in KNOWN_FIELDS or owner in KNOWN:
            return f"{owner}.{value.name}"
    elif isinstance(value, Instance) and (name := value.type.rpartition(".")[2]) in KNOWN:
        return name
    return ""
