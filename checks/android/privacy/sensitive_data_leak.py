"""android-sensitive-data-leak: personal data leaves the app."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.outlets import NETWORK, outlet
from gate.app.personal import (
    SOURCES,
    Source,
    device_sources,
    secret_sources,
)
from gate.check import Finding, Severity, check

ASKS = SOURCES


@check(AndroidApp, severity=Severity.MEDIUM, cwe=359, masvs="MASVS-PRIVACY-1")
def sensitive_data_leak(app: AndroidApp) -> Iterator[Finding]:
    """
    Device ids, the location, accounts, contacts or messages leave the app.

    Looks at: Where these values go, through calls, fields, objects, collections, intents to the
    app's own components, tasks and messages. It is a finding where one gets to a text message, a
    network connection, an intent that names no component, a file on shared storage, or a command;
    typed passwords, where they get to any of these but the network.

    Matters because: Who sells or steals such data ties it to a person for years: a device id cannot
    be changed, a location tells a home. The law asks for a purpose, consent and a notice, and what
    lies on shared storage or in an implicit intent goes to other apps besides.

    Fix by: Not asking for the data; an installation id (UUID.randomUUID() kept in private
    preferences) replaces a device id. What has to go out: to your own server over HTTPS with the
    user's consent, and inside the app by new Intent(this, Target.class).

    Cannot see: Values chosen by an if on the data (implicit flows), reflection with computed names,
    native code and other apps. Code of other makers is followed two calls deep, and its own sources
    as far as the work allowed goes. Whether the user agreed.
    """
    seen: set[str] = set()
    for source in device_sources(app.code, own=True):
        yield from _leaked(source, seen)
    for source in secret_sources(app.code):
        yield from _leaked(source, seen)
    for source in device_sources(app.code, own=False):
        yield from _leaked(source, seen)


def _leaked(source: Source, seen: set[str]) -> Iterator[Finding]:
    for flow in source.flows() if source.reachable else ():
        sink = outlet(flow)
        if not sink or (source.secret and sink == NETWORK):
            continue
        call = flow.call
        subject = f"{call.method.name} {source.what} to {sink}"
        if subject not in seen and call.method.reachable:
            seen.add(subject)
            yield Finding(
                subject,
                f"{call.method.name} gives {source.what}, from {source.method}, to {sink}.",
                at=call.at,
                origin=call.method.origin,
                flow=(source.at, *flow.steps),
            )
