"""android-ssl-socket-hostname-unchecked: a TLS socket whose server nobody compares by name."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Code, Flow, Instance, Returned, Value, api
from gate.check import Finding, Severity, check

INSECURE = api("android.net.SSLCertificateSocketFactory", "getInsecure")
FACTORIES = "javax.net.ssl.SSLSocketFactory"
SOCKETS = api("javax.net.SocketFactory", "createSocket")
ENGINES = api("javax.net.ssl.SSLContext", "createSSLEngine")
RULES = api("javax.net.ssl.SSLParameters", "setEndpointIdentificationAlgorithm")
MAKES_TLS = (
    Returned("javax.net.ssl.SSLContext", "getSocketFactory"),
    Returned(FACTORIES, "getDefault"),
    Returned("javax.net.ssl.HttpsURLConnection", "getDefaultSSLSocketFactory"),
)
# The documentation of SSLCertificateSocketFactory: these forms compare the name themselves.
CHECKS_ITSELF = ("java.lang.String", "java.net.Socket")
TELLS = frozenset(("getSession", "getHandshakeSession", "getSSLParameters"))
USES = frozenset(("getOutputStream", "getInputStream", "startHandshake", "wrap", "beginHandshake"))


@check(AndroidApp, severity=Severity.HIGH, cwe=297, masvs="MASVS-NETWORK-1")
def ssl_socket_hostname_unchecked(app: AndroidApp) -> Iterator[Finding]:
    """
    A TLS socket talks to a server without comparing its name.

    Looks at: SSLCertificateSocketFactory.getInsecure anywhere; and in the app's own code every
    SSLSocket and SSLEngine made by SSLSocketFactory.createSocket or SSLContext.createSSLEngine that
    is written to or shakes hands: whether it gets to HostnameVerifier.verify with a result that is
    used, or to SSLParameters with the algorithm HTTPS, followed through the whole program.

    Matters because: SSLSocket validates the certificate's chain and not whom it was issued to.
    Anybody with a valid certificate for any name can stand between the device and the server, and
    read and change everything.

    Fix by: Before the handshake SSLParameters p = socket.getSSLParameters();
    p.setEndpointIdentificationAlgorithm("HTTPS"); socket.setSSLParameters(p); (Android 7 and
    later), or after it if (!HttpsURLConnection.getDefaultHostnameVerifier().verify("name",
    socket.getSession())) socket.close(). Better: HttpsURLConnection or OkHttp, which do it.

    Cannot see: Whether the false branch of verify really ends the connection, sockets that a
    library makes for itself, and TLS in native code.
    """
    for call in app.code.calls(INSECURE):
        message = (
            f"{call.method.name} gets a socket factory that checks no certificate and no name."
        )
        yield Finding(
            f"{call.method.name} getInsecure", message, at=call.at, origin=call.method.origin
        )
    checked = _checked_rules(app.code)
    for call in app.code.calls(SOCKETS, ENGINES):
        if call.method.is_first_party and _is_tls(call) and _is_unchecked(call, checked):
            message = f"{call.method.name} uses a TLS socket and never compares the server's name."
            yield Finding(call.method.name, message, at=call.at, origin=call.method.origin)


def _is_tls(call: Call) -> bool:
    """Whether a call makes a TLS socket or engine that does not compare the name itself."""
    if call.owner == "android.net.SSLCertificateSocketFactory":
        return bool(call.parameters) and call.parameters[0] not in CHECKS_ITSELF
    if call.owner != "javax.net.SocketFactory":
        return True
    return any(value in MAKES_TLS for value in call.receiver.values)


def _checked_rules(code: Code) -> set[Value]:
    """The SSLParameters that ask for the comparison."""
    asked = (call for call in code.calls(RULES) if "HTTPS" in call.argument(0).texts)
    return {
        value for call in asked for value in call.receiver.values if isinstance(value, Instance)
    }


def _is_unchecked(made: Call, checked: set[Value]) -> bool:
    """Whether the socket is used, and nothing on its way compares the name."""
    used = False
    for flow in made.passes():
        call = flow.call
        used |= flow.argument == -1 and call.name in USES
        rules = call.name == "setSSLParameters" and call.argument(0).values
        if rules and any(value in checked for value in rules):
            return False
        if call.name in TELLS and any(_compares(each) for each in call.passes()):
            return False
    return used


def _compares(flow: Flow) -> bool:
    """Whether a session or its parameters get to the comparison."""
    if flow.call.name == RULES.names[0]:
        return "HTTPS" in flow.call.argument(0).texts
    return flow.call.name == "verify" and flow.argument >= 0 and flow.call.result_used
