"""android-intent-redirection: an intent from outside is started with the app's own rights."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Call, Flow, Instance, Returned
from gate.check import Finding, Severity, check

INTENT = "android.content.Intent"
TAKES = {"getParcelableExtra", "getParcelable", "getParcelableArrayListExtra", "getSelector"}
STARTS = {
    "startActivity": 0, "startActivityForResult": 0, "startActivityIfNeeded": 0,
    "startService": 0, "startForegroundService": 0, "bindService": 0, "sendBroadcast": 0,
    "sendOrderedBroadcast": 0, "sendBroadcastAsUser": 0, "setResult": 1,
}  # fmt: skip
CLEANS = {"removeFlags", "setFlags"}
CONFINES = {"setPackage", "removeFlags", "sanitizeByThrowing", "sanitizeByFiltering"}
TARGET = {"getPackage", "getComponent", "resolveActivity", "resolveActivityInfo"}
COMPARES = {"equals", "contains", "areEqual", "equalsIgnoreCase"}
AIMS = {"setClassName": (0, 1), "setComponent": (0,), "setClass": (1,), "<init>": (1,)}
PARSES = {"parseUri", "getIntent", "getIntentOld"}


@check(AndroidApp, severity=Severity.HIGH, cwe=940, masvs="MASVS-PLATFORM-1")
def intent_redirection(app: AndroidApp) -> Iterator[Finding]:
    """
    An intent from outside is started with the app's own rights.

    Looks at: In exported components an Intent taken out of the extras of the starting intent, or
    parsed from its text, followed to startActivity, startService, bindService, sendBroadcast and
    setResult; class and component names from extras that aim an intent; and getIntent() itself
    given to setResult. No finding where the inner intent's component or package is compared, or
    setPackage, removeFlags or IntentSanitizer is called.

    Matters because: The other app chooses what is started, and it is started as this app: its
    components that are not exported, and its content providers through URI permission flags.

    Fix by: Taking names instead of intents: map an extra such as "help" to a fixed class. Where an
    intent must be passed on, new IntentSanitizer.Builder().allowPackage(getPackageName())
    .build().sanitizeByThrowing(inner), which also drops the URI permission flags.

    Cannot see: Whether the look at the component refuses what it should, and intents that pass
    through files, servers or native code.
    """
    for source in app.code.inputs("intent"):
        if not (source.exposed and source.is_first_party):
            continue
        flows = list(source.flows())
        for flow in flows:
            for end, way in ends(flow, flows):
                yield Finding(
                    end.method.name,
                    f"{source.said} decides which component {end.method.name} gives to {end.name}.",
                    at=end.at,
                    origin=end.method.origin,
                    flow=(source.at, *flow.steps, *way),
                )


def ends(flow: Flow, flows: list[Flow]) -> Iterator[tuple[Call, tuple[Location, ...]]]:
    """The calls that start what others chose, of those that the data gets to."""
    call = flow.call
    if call.name == "setResult" and flow.argument == 1 and is_own_intent(call):
        if not any(each.call.name in CLEANS and each.argument == -1 for each in flows):
            yield call, ()
    elif aims(call, flow.argument):
        for made in makers(call):
            for each in made.flows():
                if STARTS.get(each.call.name) == each.argument:
                    yield each.call, each.steps
    elif takes_intent(call, flow.argument):
        inner = list(call.passes())
        if any(checks(each.call) for each in inner):
            return
        for each in inner:
            starts = STARTS.get(each.call.name) == each.argument and not made_here(each.call)
            if starts and (is_compat(call) or gets_to(flows, each.call)):
                yield each.call, each.steps


def gets_to(flows: list[Flow], call: Call) -> bool:
    """Whether one of the flows gets to a call."""
    return any(flow.call.name == call.name and flow.call.at == call.at for flow in flows)


def is_compat(call: Call) -> bool:
    """Whether a method of the support library takes something out of an intent that it is given."""
    return call.owner.endswith(("IntentCompat", "BundleCompat"))


def checks(call: Call) -> bool:
    """Whether a call confines an intent, or asks for its target, which is then compared."""
    if call.name in TARGET:
        return any(each.call.name in COMPARES for each in call.flows())
    return call.name in CONFINES


def takes_intent(call: Call, argument: int) -> bool:
    """Whether a call takes an intent out of the one from outside."""
    if call.owner == INTENT and call.name in PARSES:
        return argument == 0
    return call.name in TAKES and argument == (0 if is_compat(call) else -1)


def aims(call: Call, argument: int) -> bool:
    """Whether a call names the class or the package that an intent is for."""
    if call.owner != INTENT or argument not in AIMS.get(call.name, ()):
        return False
    return call.name != "<init>" or call.parameters[argument] == "java.lang.Class"


def makers(call: Call) -> Iterator[Call]:
    """The constructor calls of the intents that a call aims."""
    if call.name == "<init>":
        yield call
        return
    for value in call.receiver.values:
        made = call.receiver.made_by(value)
        if made is not None:
            yield made


def made_here(call: Call) -> bool:
    """Whether what is started is an intent that the app makes itself."""
    values = call.argument(STARTS[call.name]).values
    return all(isinstance(each, Instance) and each.made_in != "this" for each in values)


def is_own_intent(call: Call) -> bool:
    """Whether the starting intent itself is handed back, with its flags."""
    values = call.argument(1).values
    return any(isinstance(each, Returned) and each.name == "getIntent" for each in values)
