"""App Transport Security switched off for web views or for media."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.ats import LOCAL, MEDIA, WEB_CONTENT, AtsPolicy, policies
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.MEDIUM, cwe=319, masvs="MASVS-NETWORK-1")
def ats_web_content(app: IosApp) -> Iterator[Finding]:
    """
    App Transport Security is switched off for web views or for media.

    Looks at: NSAllowsArbitraryLoadsInWebContent and NSAllowsArbitraryLoadsForMedia under
    NSAppTransportSecurity in the Info.plist of the app, of every extension and of every watch app
    and app clip; either counts when it is true. NSAllowsLocalNetworking, which frees hosts of the
    local network alone, is told beside one of them and is no finding by itself.

    Matters because: Web views then load pages, scripts and frames over plain HTTP from any host.
    Whoever is on the path changes what the page shows and asks for, inside the app and with its
    name on it; where JavaScript reaches native code, the attacker's script does as well. Media over
    plain HTTP can be exchanged and tells what the user watches.

    Fix by: Removing both keys (in Xcode: target, Info, App Transport Security Settings) and loading
    pages and media over HTTPS. Where one host cannot yet, name that host alone under
    NSExceptionDomains. Open pages of others in SFSafariViewController, which runs outside the app
    and needs no exception.

    Cannot see: Whether the app has a web view or a player that loads anything over plain HTTP, and
    which hosts it loads from.
    """
    for policy in policies(app):
        for key, on, what in (
            (WEB_CONTENT, policy.web_content, "web views may load plain HTTP from every host"),
            (MEDIA, policy.media, "media may be loaded over plain HTTP from every host"),
        ):
            if on:
                yield Finding(
                    subject=f"{policy.bundle.path} {key}",
                    message=f"{key} is true: {what}{_beside(policy)}.",
                    at=Location(
                        policy.bundle.info_path,
                        element=f"NSAppTransportSecurity.{key}",
                        snippet="true",
                    ),
                )


def _beside(policy: AtsPolicy) -> str:
    return f"; {LOCAL} frees the hosts of the local network too" if policy.local else ""
