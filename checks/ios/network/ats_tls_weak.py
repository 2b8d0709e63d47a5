"""App Transport Security exceptions that weaken TLS for a domain."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.ats import TLS_VERSIONS, AtsPolicy, DomainRule, policies
from gate.check import Finding, Severity, Unresolved, check


@check(IosApp, severity=Severity.HIGH, cwe=326, masvs="MASVS-NETWORK-1")
def ats_tls_weak(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    An App Transport Security exception allows TLS 1.0 or 1.1, or no forward secrecy, for a domain.

    Looks at: NSAppTransportSecurity, NSExceptionDomains in the Info.plist of the app, of every
    extension and of every watch app and app clip: for each domain NSExceptionMinimumTLSVersion
    below TLSv1.2 and NSExceptionRequiresForwardSecrecy set to false, also in the spellings that
    begin with NSTemporaryException and NSThirdPartyException. Where several spellings are written,
    the loosest counts. Without the keys the system demands TLS 1.2 and forward secrecy.

    Matters because: TLS 1.0 and 1.1 rest on MD5 and SHA-1 and have known attacks; RFC 8996
    deprecates them, and regulators no longer accept them. Without forward secrecy, whoever records
    the traffic today and gets the server's key later reads all of it. An attacker on the path can
    steer a connection to the weakest version that both sides take.

    Fix by: Enabling TLS 1.2 or 1.3 with ECDHE suites on the server and deleting
    NSExceptionMinimumTLSVersion and NSExceptionRequiresForwardSecrecy from the domain's entry (in
    Xcode: target, Info, App Transport Security Settings, Exception Domains). See what a server
    offers with nscurl --ats-diagnostics https://host. An entry with TLSv1.3 makes the rule
    stricter and may stay.

    Cannot see: What the server really negotiates, and connections that App Transport Security does
    not govern. Where NSAllowsArbitraryLoads is in force, hosts without an entry of their own are
    free of these demands as well, which is another check's finding.
    """
    for policy in policies(app):
        for rule in policy.domains:
            yield from _weak(policy, rule)


def _weak(policy: AtsPolicy, rule: DomainRule) -> Iterator[Finding | Unresolved]:
    """What is looser than the default in one domain's entry."""
    below = " and every subdomain" if rule.subdomains else ""
    who = f"{rule.domain}{below} in {policy.bundle.path}"
    if rule.tls_key and rule.minimum_tls not in TLS_VERSIONS:
        reason = f"{rule.tls_key} for {who} is no version that the system knows"
        yield Unresolved(rule.domain, reason, _place(policy, rule, rule.tls_key, rule.minimum_tls))
    elif rule.tls_key:
        yield Finding(
            subject=f"{rule.domain} {rule.minimum_tls}",
            message=f"{rule.tls_key} allows {rule.minimum_tls} to {who}.",
            at=_place(policy, rule, rule.tls_key, rule.minimum_tls),
        )
    if rule.secrecy_key:
        yield Finding(
            subject=f"{rule.domain} no forward secrecy",
            message=f"{rule.secrecy_key} is false: TLS without forward secrecy is allowed to "
            f"{who}.",
            at=_place(policy, rule, rule.secrecy_key, "false"),
        )


def _place(policy: AtsPolicy, rule: DomainRule, key: str, value: str) -> Location:
    element = f"NSAppTransportSecurity.NSExceptionDomains.{rule.domain}.{key}"
    return Location(policy.bundle.info_path, element=element, snippet=value)
