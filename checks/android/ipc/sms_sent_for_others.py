"""android-sms-sent-for-others: another app decides whom the app calls or writes to."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.check import Finding, Severity, check

SMS = {
    "sendTextMessage": (0, 2), "sendMultipartTextMessage": (0, 2), "sendDataMessage": (0, 3),
    "sendTextMessageWithoutPersisting": (0, 2),
}  # fmt: skip
MANAGERS = ("android.telephony.SmsManager", "android.telephony.gsm.SmsManager")
PLACES = ("android.telecom.TelecomManager", "placeCall", 0)
SENDS = (*(api(each, " ".join(SMS)) for each in MANAGERS), api(*PLACES[:2]))
CALLS = "android.intent.action.CALL"


@check(AndroidApp, severity=Severity.HIGH, cwe=927, masvs="MASVS-PLATFORM-1")
def sms_sent_for_others(app: AndroidApp) -> Iterator[Finding]:
    """
    Another app decides whom this app writes to or calls.

    Looks at: The intent of an exported component without a permission, followed to the number and
    the text of SmsManager's send methods, and to the address of an ACTION_CALL intent. Numbers
    that the user types, and ACTION_DIAL and SENDTO, where the user confirms, are no finding.

    Matters because: An app without any permission makes this one spend the user's money, send
    texts in the user's name, or pass what it knows to a number of the attacker's.

    Fix by: Writing android:exported="false" on the component, or a permission with protectionLevel
    "signature"; and numbers from the app's own settings, never from the intent.

    Cannot see: Numbers that come through files, servers or native code, and questions that the app
    asks the user before it sends.
    """
    sends_texts = any(True for _ in app.code.calls(*SENDS))
    if not (sends_texts or any(True for _ in app.code.text_uses(CALLS))):
        return
    for source in app.code.inputs("intent"):
        for flow in source.flows() if source.exposed and source.is_first_party else ():
            call = flow.call
            sends = call.owner in MANAGERS and flow.argument in SMS.get(call.name, ())
            calls = (call.owner, call.name, flow.argument) == PLACES
            if sends or calls or dials(call, flow.argument):
                does = f"{call.owner.rpartition('.')[2]}.{call.name}"
                yield Finding(
                    call.method.name,
                    f"What {source.component or 'a component'} is started with reaches {does} in"
                    f" {call.method.name}.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=(source.at, *flow.steps),
                )


def dials(call: Call, argument: int) -> bool:
    """Whether a call gives an address to an intent that calls a number at once."""
    if call.owner != "android.content.Intent":
        return False
    if call.name == "<init>":
        return argument == 1 and CALLS in call.argument(0).texts
    if call.name not in ("setData", "setDataAndNormalize", "setDataAndType") or argument != 0:
        return False
    return any(CALLS in action for action in map(actions, makers(call)))


def makers(call: Call) -> Iterator[Call]:
    """The constructor calls of the intents that a call may be made on."""
    for value in call.receiver.values:
        made = call.receiver.made_by(value)
        if made is not None:
            yield made


def actions(made: Call) -> set[str]:
    """The constant actions of an intent."""
    calls = (made, *(each for each in made.on_built() if each.name == "setAction"))
    return {text for each in calls if each.parameters for text in each.argument(0).texts}
