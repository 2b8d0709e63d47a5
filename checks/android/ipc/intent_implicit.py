"""android-intent-implicit: an intent for the app itself may be taken by another app."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.check import Finding, Severity, check

SERVICES = api("android.content.Context", "startService startForegroundService bindService")
ACTIVITIES = api("android.content.Context", "startActivity")
FOR_RESULT = api("android.app.Activity", "startActivityForResult startActivityIfNeeded")
OPEN = ((), ("java.lang.String",), ("java.lang.String", "android.net.Uri"))
AIMED = {"setClass", "setClassName", "setComponent", "setPackage", "setSelector"}


@check(AndroidApp, severity=Severity.MEDIUM, cwe=927, masvs="MASVS-PLATFORM-1")
def intent_implicit(app: AndroidApp) -> Iterator[Finding]:
    """
    An intent that is meant for the app itself names no component.

    Looks at: The intents of startService and bindService that have neither a component nor a
    package, and those of startActivity whose constant action only the app's own intent filters
    declare. Intents whose action is the platform's, and those with setPackage, are no finding.

    Matters because: Any app may declare a filter for that action. The system then asks the user, or
    takes the other app, which gets the extras and answers in this app's place. Since Android 5 an
    implicit bindService throws, and startService is no better.

    Fix by: Writing new Intent(this, SyncService.class), or intent.setPackage(getPackageName())
    before the call.

    Cannot see: Intents that come from other apps or libraries, and actions that are put together at
    run time.
    """
    own = {
        action
        for component in app.manifest.components
        for action in component.actions
        if not action.startswith(("android.", "com.android.", "com.google.android."))
    }
    for call in app.code.calls(SERVICES):
        yield from judge(call, None)
    for call in app.code.calls(ACTIVITIES, FOR_RESULT):
        yield from judge(call, own)


def judge(call: Call, own: set[str] | None) -> Iterator[Finding]:
    """What is wrong with the intent of one call; `own` are the actions of the app's filters."""
    argument = call.argument(0)
    for value in argument.values:
        made = argument.made_by(value)
        if made is None or made.owner != "android.content.Intent" or not implicit(made):
            continue
        actions = actions_of(made)
        if own is None or own & actions:
            named = ", ".join(sorted(actions)) or "no action"
            yield Finding(
                call.method.name,
                f"{call.method.name} gives {call.name} an intent ({named}) that names neither a"
                " component nor a package.",
                at=call.at,
                origin=call.method.origin,
                flow=argument.steps(value),
            )


def implicit(made: Call) -> bool:
    """Whether nothing aims the intent that a constructor call makes."""
    if made.name != "<init>" or made.parameters not in OPEN:
        return False
    if AIMED & {each.name for each in made.on_built()}:
        return False
    return not any(each.argument == -1 and each.call.name in AIMED for each in made.passes())


def actions_of(made: Call) -> set[str]:
    """The constant actions of an intent."""
    calls = [made] if made.parameters else []
    calls += [each for each in made.on_built() if each.name == "setAction"]
    return {text for each in calls for text in each.argument(0).texts}
