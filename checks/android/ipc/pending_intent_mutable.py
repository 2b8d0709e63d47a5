"""android-pending-intent-mutable: the receiver of a pending intent can fill in what it does."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Call, Instance, Number, Value, api
from gate.check import Finding, Severity, Unresolved, check

MADE = api(
    "android.app.PendingIntent", "getActivity getActivities getBroadcast getService"
    " getForegroundService"
)  # fmt: skip
FLAG_IMMUTABLE, FLAG_MUTABLE = 0x0400_0000, 0x0200_0000
FLAGS = 3
FIRST_STRICT = 31
SDK = ("android.os.Build$VERSION", "SDK_INT")


@check(AndroidApp, severity=Severity.LOW, cwe=927, masvs="MASVS-PLATFORM-1")
def pending_intent_mutable(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A pending intent is mutable.

    Looks at: The flags of PendingIntent.getActivity, getActivities, getBroadcast, getService and
    getForegroundService: FLAG_MUTABLE, or, with targetSdk 30 or lower, no FLAG_IMMUTABLE, which
    makes it mutable too. FLAG_MUTABLE is accepted where every intent names its component, as a
    direct reply or a bubble needs it; with targetSdk 31 the platform demands one of the two flags.

    Matters because: Whoever gets hold of a pending intent acts with the identity and permissions of
    this app. While it is mutable they also fill in what the intent leaves open: the action, the
    data, the package, extras, grants of access to content URIs.

    Fix by: Adding PendingIntent.FLAG_IMMUTABLE to the flags:
    PendingIntent.getActivity(context, 0, intent,
    PendingIntent.FLAG_UPDATE_CURRENT | PendingIntent.FLAG_IMMUTABLE). Where the system has to add
    something (RemoteInput, a bubble, a location update), keep FLAG_MUTABLE and name the component:
    new Intent(context, ReplyReceiver.class).

    Cannot see: Who receives the pending intent, and flags that come from outside of the app's code;
    the latter are told as unresolved.
    """
    old = app.manifest.target_sdk < FIRST_STRICT
    for call in app.code.calls(MADE):
        flags = call.argument(FLAGS)
        for value in flags.values:
            why = _mutable(flags, value, call, old)
            if why:
                yield Finding(
                    f"{call.method.name} {call.name}",
                    f"{call.method.name} calls PendingIntent.{call.name} {why}: whoever gets it"
                    " can fill in what the intent leaves open.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=flags.steps(value),
                )
        if not flags.complete and call.method.is_first_party:
            yield Unresolved(f"{call.method.name} {call.name}", f"flags: {flags.why}", call.at)


def _mutable(flags: Argument, value: Value, call: Call, old: bool) -> str:
    if not isinstance(value, Number):
        return ""
    if value.number & FLAG_MUTABLE:
        return "" if _explicit(call.argument(2)) else "with FLAG_MUTABLE"
    if not old or value.number & FLAG_IMMUTABLE:
        return ""
    # Below Android 6 the flag does not exist, and careful code leaves it out there.
    strict = Number(value.number | FLAG_IMMUTABLE)
    chosen = any(flags.rests_on(each, SDK) for each in (value, strict))
    by_version = chosen or SDK in call.method.reads()
    return "" if strict in flags.values and by_version else "without FLAG_IMMUTABLE"


def _explicit(intents: Argument) -> bool:
    """Whether every intent names the component that it is for."""
    return bool(intents.values) and all(_names_component(intents, v) for v in intents.values)


def _names_component(intents: Argument, value: Value) -> bool:
    made = intents.made_by(value) if isinstance(value, Instance) else None
    if made is None:
        return False
    if made.parameters[-1:] == ("java.lang.Class",):
        return True
    return any(
        each.name in ("setClass", "setClassName")
        or (each.name == "setComponent" and Number(0) not in each.argument(0).values)
        for each in made.on_built()
    )
