"""ios-tls-weak: TLS 1.0, TLS 1.1, SSL or DTLS 1.0 allowed by code."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import MachineCall, Values, imported, message, stable_name
from gate.check import Finding, Severity, Unresolved, check

# tls_protocol_version_t of SecProtocolTypes.h, and SSLProtocol of SecureTransport.h: Apple's SDK.
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0xFEFF: "DTLS 1.0"}
PROTOCOLS = {
    1: "SSL 2.0", 2: "SSL 3.0", 3: "SSL 3.0", 4: "TLS 1.0", 5: "TLS 1.0", 6: "SSL and TLS of any "
    "version", 7: "TLS 1.1", 9: "DTLS 1.0",
}  # fmt: skip
SENDS = (
    (
        message("setTLSMinimumSupportedProtocolVersion: setTLSMaximumSupportedProtocolVersion:"),
        VERSIONS,
    ),
    (message("setTLSMinimumSupportedProtocol: setTLSMaximumSupportedProtocol:"), PROTOCOLS),
)
CALLS = (
    (
        imported(
            "sec_protocol_options_set_min_tls_protocol_version"
            " sec_protocol_options_set_max_tls_protocol_version"
        ),
        VERSIONS,
    ),
    (
        imported(
            "sec_protocol_options_set_tls_min_version sec_protocol_options_set_tls_max_version"
            " SSLSetProtocolVersionMin SSLSetProtocolVersionMax SSLSetProtocolVersion"
        ),
        PROTOCOLS,
    ),
)


@check(IosApp, severity=Severity.HIGH, cwe=326, masvs="MASVS-NETWORK-1")
def tls_weak(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    Code allows SSL, TLS 1.0, TLS 1.1 or DTLS 1.0.

    Looks at: The version that is given to NSURLSessionConfiguration's TLSMinimumSupportedProtocol
    and TLSMinimumSupportedProtocolVersion, to sec_protocol_options_set_min_tls_protocol_version of
    Network.framework and to SSLSetProtocolVersionMin, and likewise to the setters of the highest
    version. TLS 1.2, TLS 1.3 and DTLS 1.2 are in order.

    Matters because: TLS 1.0 and 1.1 rest on MD5 and SHA-1 and have known attacks; RFC 8996
    deprecates them. An attacker on the path steers a connection to the weakest version that both
    sides take, and can then read or change it.

    Fix by: Deleting the call, since the system's own minimum is TLS 1.2, or
    configuration.tlsMinimumSupportedProtocolVersion = .TLSv12. Enable TLS 1.2 or 1.3 on the server.

    Cannot see: What the server negotiates, and App Transport Security's own exceptions, which
    another check reads. Versions that are not constant are told as unresolved.
    """
    for wanted, weak in SENDS:
        for call in app.code.sends(wanted):
            yield from _judged(call, call.argument(0), weak)
    for functions, weak in CALLS:
        for call in app.code.calls(functions):
            yield from _judged(call, call.argument(1), weak)


def _judged(
    call: MachineCall, version: Values, weak: dict[int, str]
) -> Iterator[Finding | Unresolved]:
    limit = "at most" if "max" in call.name.lower() else "down to"
    for number in version.numbers:
        if name := weak.get(number & 0xFFFF):
            yield Finding(
                f"{stable_name(call.function)} {name}",
                f"{call.function.name} allows {limit} {name}: {number & 0xFFFF:#x} to {call.name}.",
                at=call.at,
                origin=call.function.origin,
            )
    if not version.complete and call.function.is_first_party:
        yield Unresolved(stable_name(call.function), f"the version: {version.why}", call.at)
