"""App Transport Security switched off for every host."""

import re
from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location
from gate.check import Finding, Severity, check

KEY = "NSAllowsArbitraryLoads"
NARROWER = (
    "NSAllowsArbitraryLoadsInWebContent",
    "NSAllowsArbitraryLoadsForMedia",
    "NSAllowsLocalNetworking",
)


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
    for bundle in app.bundles:
        ats = bundle.info.get("NSAppTransportSecurity")
        if not isinstance(ats, dict) or ats.get(KEY) is not True or not _is_governing(bundle):
            continue
        present = [key for key in NARROWER if key in ats]
        if present and _oldest(bundle, app) >= (3 if _is_for_watch(bundle) else 10):
            continue
        old = f"; systems before iOS 10 do not know {present[0]}" if present else ""
        yield Finding(
            subject=bundle.path,
            message=f"{KEY} is true: plain HTTP is allowed to every host{old}.",
            at=Location(bundle.info_path, element=f"NSAppTransportSecurity.{KEY}", snippet="true"),
        )


def _is_governing(bundle: Bundle) -> bool:
    """Whether the bundle is a process of its own; a framework lives under its app's rules."""
    return bundle.kind not in ("framework", "bundle")


def _is_for_watch(bundle: Bundle) -> bool:
    """Whether it runs on watchOS, whose version 3 is of the same year as iOS 10."""
    platforms = bundle.info.get("CFBundleSupportedPlatforms")
    return isinstance(platforms, list) and "WatchOS" in platforms


def _oldest(bundle: Bundle, app: IosApp) -> int:
    """The major version of the oldest system that runs the bundle; 0 where nothing says."""
    for info in (bundle.info, app.main.info):
        written = info.get("MinimumOSVersion")
        if isinstance(written, str) and (match := re.match(r"\d{1,4}(?=\.|\Z)", written)):
            return int(match[0])
    return 0
