"""android-plain-socket: bytes go over a socket without TLS."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, Returned, Text, api
from gate.check import Finding, Severity, check

CLIENTS = (
    api("java.net.Socket", "<init>"),
    api("javax.net.SocketFactory", "createSocket"),
    api("java.net.DatagramSocket", "<init>"),
    api("java.nio.channels.SocketChannel", "open"),
)
SERVERS = (
    api("java.net.ServerSocket", "<init>"),
    api("fi.iki.elonen.NanoHTTPD", "<init>"),
    api("org.nanohttpd.protocols.http.NanoHTTPD", "<init>"),
)
TALKS = frozenset(("getOutputStream", "getInputStream", "send", "write", "read"))
ADDRESSES = re.compile(r"java\.(lang\.String|net\.(InetAddress|SocketAddress|DatagramPacket))")
DEFAULT_FACTORY = Returned("javax.net.SocketFactory", "getDefault")
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|\[::1\]|ip6-localhost", re.IGNORECASE)
WILDCARD = ("", "0.0.0.0", "::")  # noqa: S104  # to compare with


@check(AndroidApp, severity=Severity.MEDIUM, cwe=319, masvs="MASVS-NETWORK-1")
def plain_socket(app: AndroidApp) -> Iterator[Finding]:
    """
    The app talks over a socket without TLS, or listens to the network.

    Looks at: In the app's own code every Socket, DatagramSocket and SocketChannel that is read or
    written, unless its address is the device itself or it gets to SSLSocketFactory.createSocket;
    and every ServerSocket that accepts, and NanoHTTPD, on all addresses of the device.

    Matters because: What goes over a plain socket is read and changed by everybody on the way, and
    the platform's rule against cleartext does not hold for it. A port that is open on all addresses
    is reached by every device of the same network and by every app of this one.

    Fix by: SSLSocketFactory.getDefault().createSocket(host, port) with the host's name compared, or
    better HttpsURLConnection or OkHttp. For code on the same device android.net.LocalSocket or a
    bound service; a ServerSocket needs InetAddress.getLoopbackAddress() and a check of who calls.

    Cannot see: Sockets of native code and of libraries, what is encrypted before it is written, and
    whether an open port asks who is there.
    """
    servers = {each.owner for each in SERVERS}
    for call in app.code.calls(*CLIENTS, *SERVERS):
        kind, name = call.owner.rpartition(".")[2], call.method.name
        if call.owner in servers:
            judge, does = _listens, "listens on every address of the device, without TLS"
        else:
            judge, does = _talks_in_clear, f"talks over a {kind} without TLS"
        if call.method.is_first_party and judge(call):
            yield Finding(f"{name} {kind}", f"{name} {does}.", call.at, origin=call.method.origin)


def _talks_in_clear(made: Call) -> bool:
    """Whether a socket is read or written, goes to another host, and gets no TLS on top."""
    if made.name == "createSocket" and DEFAULT_FACTORY not in made.receiver.values:
        return False
    talks, hosts = False, list(_hosts(made))
    for flow in made.passes():
        if flow.argument >= 0 and flow.call.name == "createSocket":
            return False
        if flow.argument == -1 and flow.call.name in ("connect", "send"):
            hosts += _hosts(flow.call)
        talks |= flow.argument == -1 and flow.call.name in TALKS
    return talks and any(host is None or not LOOPBACK.fullmatch(host) for host in hosts)


def _listens(made: Call) -> bool:
    """Whether a server takes connections on all addresses."""
    hosts = list(_hosts(made))
    if made.owner == "java.net.ServerSocket":
        flows = [flow for flow in made.passes() if flow.argument == -1]
        hosts += [host for flow in flows if flow.call.name == "bind" for host in _hosts(flow.call)]
        if not any(flow.call.name == "accept" for flow in flows):
            return False
    return any(host in WILDCARD for host in hosts) if hosts else bool(made.parameters)


def _hosts(call: Call, inside: int = 3) -> Iterator[str | None]:
    """The hosts that a call is given as a name or an address; None for one that is not known."""
    index = next((i for i, each in enumerate(call.parameters) if ADDRESSES.fullmatch(each)), None)
    if call.name == "getLoopbackAddress":
        yield "localhost"
    elif index is None and inside < 3:
        yield WILDCARD[0] if call.parameters == ("int",) else None
    elif index is not None:
        argument = call.argument(index)
        for value in argument.values:
            maker = argument.made_by(value) if inside else None
            if isinstance(value, Text | Number):
                yield value.text if isinstance(value, Text) else WILDCARD[0]
            elif maker is not None:
                yield from _hosts(maker, inside - 1)
            else:
                yield None
