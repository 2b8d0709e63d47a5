"""App Transport Security exceptions that allow plain HTTP to a domain."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.ats import AtsPolicy, DomainRule, policies
from gate.check import Finding, Severity, check

LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]", "10.0.2.2")


@check(IosApp, severity=Severity.MEDIUM, cwe=319, masvs="MASVS-NETWORK-1")
def ats_exception_http(app: IosApp) -> Iterator[Finding]:
    """
    An App Transport Security exception allows plain HTTP to a domain.

    Looks at: NSAppTransportSecurity, NSExceptionDomains in the Info.plist of the app, of every
    extension and of every watch app and app clip: each domain whose
    NSExceptionAllowsInsecureHTTPLoads is true, also in the spellings
    NSTemporaryExceptionAllowsInsecureHTTPLoads and NSThirdPartyExceptionAllowsInsecureHTTPLoads.
    Entries that only tighten the rules, such as NSExceptionMinimumTLSVersion, are silent.

    Matters because: What the app exchanges with that host, and with NSIncludesSubdomains with every
    host below it, can be read and changed on the way. An entry for localhost is harmless on the
    device but shows that a development server's settings went into the release build.

    Fix by: Serving the domain over HTTPS and deleting its entry from NSExceptionDomains (in Xcode:
    target, Info, App Transport Security Settings, Exception Domains). Keep an entry for a
    development server in the Info.plist of the Debug configuration alone, for instance by a
    separate INFOPLIST_FILE. For a domain that has to stay for a while, record a dated waiver that
    names it.

    Cannot see: Whether the app talks to the domain at all, whether the server redirects to HTTPS,
    and connections that App Transport Security does not govern.
    """
    for policy in policies(app):
        for rule in policy.domains:
            if rule.http_key:
                place = f"NSAppTransportSecurity.NSExceptionDomains.{rule.domain}.{rule.http_key}"
                yield Finding(
                    subject=rule.domain,
                    message=_message(policy, rule),
                    at=Location(policy.bundle.info_path, element=place, snippet="true"),
                )


def _message(policy: AtsPolicy, rule: DomainRule) -> str:
    domain, below = rule.domain, " and every subdomain" if rule.subdomains else ""
    trace = ""
    if domain.lower() in LOCAL or domain.lower().endswith(".localhost"):
        trace = " It is the trace of a development server."
    if policy.for_host(domain).pinned:
        trace += " The pins of the domain hold for TLS alone."
    return f"{rule.http_key} in {policy.bundle.path} allows plain HTTP to {domain}{below}.{trace}"
