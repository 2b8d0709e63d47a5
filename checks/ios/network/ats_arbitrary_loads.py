"""App Transport Security switched off for every host."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.ats import ARBITRARY, policies
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.HIGH, cwe=319, masvs="MASVS-NETWORK-1")
def ats_arbitrary_loads(app: IosApp) -> Iterator[Finding]:
    """
    App Transport Security is switched off for every host (NSAllowsArbitraryLoads).

    Looks at: NSAppTransportSecurity in the Info.plist of the app, of every extension and of every
    watch app and app clip. NSAllowsArbitraryLoads counts when it is true and in force: from iOS 10
    (watchOS 3) the system ignores it where NSAllowsArbitraryLoadsInWebContent,
    NSAllowsArbitraryLoadsForMedia or NSAllowsLocalNetworking is present, whatever its value. Where
    MinimumOSVersion is lower, or missing, an older system still obeys the key.

    Matters because: URLSession then talks plain HTTP and accepts TLS without forward secrecy to
    any host. Whoever is on the path, such as the owner of a Wi-Fi network, reads and changes what
    the app sends and receives, log-ins and orders included.

    Fix by: Removing NSAllowsArbitraryLoads from the Info.plist (in Xcode: target, Info, App
    Transport Security Settings, Allow Arbitrary Loads) and serving every host over HTTPS with TLS
    1.2 or later. Where one host cannot yet, name that host alone under NSExceptionDomains; for
    pages in web views alone use NSAllowsArbitraryLoadsInWebContent. Mind that a framework or a
    build script may write the key: look at the Info.plist of the exported archive.

    Cannot see: Connections that App Transport Security does not govern, such as Network.framework,
    CFStream and BSD sockets or a TLS library of the app's own; and whether the app sends anything
    over plain HTTP.
    """
    for policy in policies(app):
        if not policy.arbitrary:
            continue
        path, ignored = policy.bundle.path, policy.ignored_by
        old = f"; systems before iOS 10 do not know {ignored}" if ignored else ""
        place = f"NSAppTransportSecurity.{ARBITRARY}"
        yield Finding(
            subject=path,
            message=f"{ARBITRARY} is true: plain HTTP is allowed to every host{old}.",
            at=Location(policy.bundle.info_path, element=place, snippet="true"),
        )
