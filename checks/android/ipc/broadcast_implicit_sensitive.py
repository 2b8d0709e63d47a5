"""android-broadcast-implicit-sensitive: any app may receive data about the user."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Instance, Number, Text, api
from gate.app.personal import is_personal
from gate.check import Finding, Severity, check

SENDS = (api("android.content.Context", "sendBroadcast sendOrderedBroadcast sendBroadcastAsUser"),)
PUTS = ("putExtra", "putExtras", "putStringArrayListExtra", "putCharSequenceArrayListExtra")
PERMISSION = {"sendBroadcast": 1, "sendOrderedBroadcast": 1, "sendBroadcastAsUser": 2}


@check(AndroidApp, severity=Severity.MEDIUM, cwe=927, masvs="MASVS-PLATFORM-1")
def broadcast_implicit_sensitive(app: AndroidApp) -> Iterator[Finding]:
    """
    A broadcast that any app receives carries data about the user.

    Looks at: Calls of sendBroadcast and sendOrderedBroadcast without a permission for the
    receivers, in the app's own code, with an intent that names neither a component nor a package,
    to which extras are put whose key or value is named after a credential, an account or personal
    data. Broadcasts without extras and those of LocalBroadcastManager are no finding.

    Matters because: Every app that registers a receiver for the action gets a copy, without a word
    to the user, and an ordered broadcast may be changed on its way.

    Fix by: Calling intent.setPackage(getPackageName()) before sendBroadcast, or a callback or a
    Flow inside the process; for another app of yours, sendBroadcast(intent,
    "com.example.permission.RECEIVE") with a permission of protectionLevel signature.

    Cannot see: Extras under names that do not say what they are, and whether a permission that is
    given is a signature permission.
    """
    for call in app.code.calls(*SENDS):
        if call.method.is_first_party and call.method.reachable and not _guarded(call):
            aim = call.aim(0)
            named = next(_personal(call), "")
            if named and aim.known and not aim.explicit:
                actions = ", ".join(sorted(aim.actions)) or "no constant action"
                yield Finding(
                    f"{call.method.name} {named}",
                    f'{call.method.name} sends "{named}" to every receiver of {actions}.',
                    at=call.at,
                    origin=call.method.origin,
                )


def _guarded(call: Call) -> bool:
    """Whether receivers need a permission."""
    index = PERMISSION[call.name]
    if len(call.parameters) <= index or call.parameters[index] != "java.lang.String":
        return False
    return set(call.argument(index).values) != {Number(0)}


def _personal(call: Call) -> Iterator[str]:
    """The names of extras that speak of the user."""
    intent = call.argument(0)
    for value in intent.values:
        made = intent.made_by(value) if isinstance(value, Instance) else None
        for put in made.on_built() if made else ():
            if put.name in PUTS and len(put.parameters) == 2 and not _is_constant(put):
                names = (*put.argument(0).texts, *put.names(1))
                yield from filter(is_personal, names)


def _is_constant(put: Call) -> bool:
    return all(isinstance(value, (Number, Text)) for value in put.argument(1).values)
