"""android-pending-intent-implicit: whoever gets a PendingIntent may choose its target."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.check import Finding, Severity, check

PENDING = api(
    "android.app.PendingIntent", "getActivity getBroadcast getService getForegroundService"
)
FLAG_IMMUTABLE, FLAG_NO_CREATE = 0x04000000, 0x20000000
OPEN = ((), ("java.lang.String",), ("java.lang.String", "android.net.Uri"))
AIMED = {"setClass", "setClassName", "setComponent", "setPackage"}


@check(AndroidApp, severity=Severity.HIGH, cwe=927, masvs="MASVS-PLATFORM-1")
def pending_intent_implicit(app: AndroidApp) -> Iterator[Finding]:
    """
    A mutable PendingIntent leaves its target open.

    Looks at: The intent of PendingIntent.getActivity, getBroadcast, getService and
    getForegroundService where it has no component, class or package and the flags can lack
    FLAG_IMMUTABLE. Intents from the constructor with a class, and those with setClass,
    setComponent or setPackage, are no finding.

    Matters because: Who receives the PendingIntent, in a notification, an alarm or an extra, fills
    in what is open: it chooses the component and adds data and flags, and the system starts that
    with this app's identity and permissions.

    Fix by: PendingIntent.getActivity(context, 0, new Intent(context, DetailActivity.class),
    PendingIntent.FLAG_IMMUTABLE | PendingIntent.FLAG_UPDATE_CURRENT).

    Cannot see: Who receives the PendingIntent, and intents that other apps or libraries hand in.
    """
    for call in app.code.calls(PENDING):
        if not call.result_used or not mutable(call):
            continue
        argument = call.argument(2)
        for value in argument.values:
            made = argument.made_by(value)
            if made is not None and made.owner == "android.content.Intent" and open_to_all(made):
                yield Finding(
                    call.method.name,
                    f"{call.method.name} makes a mutable PendingIntent ({call.name}) of an intent"
                    " that names neither a component nor a package.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=argument.steps(value),
                )


def mutable(call: Call) -> bool:
    """Whether some known value of the flags lacks FLAG_IMMUTABLE and makes a new one."""
    flags = call.argument(3).numbers
    return any(not each & FLAG_IMMUTABLE and not each & FLAG_NO_CREATE for each in flags)


def open_to_all(made: Call) -> bool:
    """Whether nothing aims the intent that a constructor call makes."""
    if made.name != "<init>" or made.parameters not in OPEN:
        return False
    if AIMED & {each.name for each in made.on_built()}:
        return False
    return not any(each.argument == -1 and each.call.name in AIMED for each in made.passes())
