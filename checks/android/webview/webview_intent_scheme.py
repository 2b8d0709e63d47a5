"""android-webview-intent-scheme: a web page starts any component through an intent: address."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, api
from gate.check import Finding, Severity, check

PARSE = api("android.content.Intent", "parseUri parseIntent getIntent")
STARTS = {
    "startActivity", "startActivityForResult", "startActivityIfNeeded", "sendBroadcast",
    "startService",
}  # fmt: skip
TARGET = {"getPackage", "getComponent", "resolveActivity"}
COMPARES = {"equals", "contains", "areEqual", "equalsIgnoreCase"}
BROWSABLE = "android.intent.category.BROWSABLE"


@check(AndroidApp, severity=Severity.HIGH, cwe=939, masvs="MASVS-PLATFORM-2")
def webview_intent_scheme(app: AndroidApp) -> Iterator[Finding]:
    """
    A web page starts any component through an intent: address.

    Looks at: Intent.parseUri on what shouldOverrideUrlLoading or a JavaScript bridge gets, whose
    intent is then started. It is no finding where the code adds CATEGORY_BROWSABLE and clears both
    component and selector, sets a constant package, or compares the intent's package or component.

    Matters because: The page writes the whole intent: its component, action, data and extras. It
    reaches components of the app that are not exported, since the app itself starts them.

    Fix by: Writing intent.addCategory(Intent.CATEGORY_BROWSABLE); intent.setComponent(null);
    intent.setSelector(null); before startActivity(intent), or by opening only https addresses.

    Cannot see: Intents that a library parses for the app, and pages that native code loads.
    """
    if not any(True for _ in app.code.calls(PARSE)):
        return
    for source in app.code.inputs("web"):
        for flow in source.flows() if source.is_first_party else ():
            parse = flow.call
            parses = parse.owner == "android.content.Intent" and parse.name in PARSE.names
            if not parses or flow.argument != 0:
                continue
            inner = list(parse.passes())
            asked = [each.call for each in inner if each.argument == -1]
            if confined(asked) or any(map(compared, asked)):
                continue
            for after in inner:
                if after.call.name in STARTS and after.argument == 0:
                    yield Finding(
                        parse.method.name,
                        f"{parse.method.name} parses an address that a web page chooses, and"
                        f" {after.call.name} starts the intent as it is.",
                        at=parse.at,
                        origin=parse.method.origin,
                        flow=(source.at, *flow.steps, *after.steps),
                    )


def compared(asked: Call) -> bool:
    """Whether the package or the component that the intent names is compared with something."""
    return asked.name in TARGET and any(each.call.name in COMPARES for each in asked.flows())


def confined(calls: list[Call]) -> bool:
    """Whether an intent can only start what a browser may start, or one package's."""
    given = [(each.name, each.argument(0)) for each in calls if each.parameters]
    if any(name == "setPackage" and each.texts and each.complete for name, each in given):
        return True
    browsable = any(name == "addCategory" and BROWSABLE in each.texts for name, each in given)
    cleared = {name for name, argument in given if argument.values == (Number(0),)}
    return browsable and {"setComponent", "setSelector"} <= cleared
