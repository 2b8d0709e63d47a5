"""android-broadcast-sticky: a sticky broadcast is sent or removed."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import api
from gate.check import Finding, Severity, check

STICKY = api(
    "android.content.Context",
    "sendStickyBroadcast sendStickyBroadcastAsUser sendStickyOrderedBroadcast"
    " sendStickyOrderedBroadcastAsUser removeStickyBroadcast removeStickyBroadcastAsUser",
)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=927, masvs="MASVS-PLATFORM-1")
def broadcast_sticky(app: AndroidApp) -> Iterator[Finding]:
    """
    The app sends or removes a sticky broadcast.

    Looks at: Every call of sendStickyBroadcast, sendStickyOrderedBroadcast, removeStickyBroadcast
    and their AsUser forms, on any Context. An override that hands on to the method of the same name
    is left out, since its callers are what counts.

    Matters because: The system keeps the intent of a sticky broadcast after it was delivered. Any
    app can read it later by registering a receiver, without a permission, and any app that holds
    the normal permission BROADCAST_STICKY can replace it with an intent of its own or remove it.
    Neither what is sent nor what is received can be trusted. Android deprecated them in version 5.

    Fix by: Keeping the state inside the app and sending an ordinary broadcast that is confined to
    it: intent.setPackage(getPackageName()); sendBroadcast(intent). A component that starts later
    asks for the state, in shared preferences or a database. For another app of yours, send with a
    receiver permission of protectionLevel "signature". Then take the permission
    android.permission.BROADCAST_STICKY out of the manifest.

    Cannot see: Calls by reflection and from native code, and what the intent carries.
    """
    for call in app.code.calls(STICKY):
        method = call.method
        if method.short_name == call.name:
            continue
        effect = (
            "removes a sticky broadcast, as any app may"
            if call.name.startswith("remove")
            else "sends a sticky broadcast, which any app can read later, replace and remove"
        )
        yield Finding(
            f"{method.name} {call.name}",
            f"{method.name} calls {call.name}: it {effect}.",
            at=call.at,
            origin=method.origin,
        )
