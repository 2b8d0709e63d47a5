"""android-receiver-registered-exported: code registers a receiver that any app can send to."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.broadcasts import PROTECTED
from gate.app.code import Argument, Call, Instance, Number, Text, api
from gate.check import Finding, Severity, Unresolved, check

CONTEXT = api("android.content.Context", "registerReceiver")
COMPAT = (
    api("androidx.core.content.ContextCompat", "registerReceiver"),
    api("android.support.v4.content.ContextCompat", "registerReceiver"),
)
FILTER = "android.content.IntentFilter"
RECEIVER_NOT_EXPORTED = 4
NULL = Number(0)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=925, masvs="MASVS-PLATFORM-1")
def receiver_registered_exported(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Code registers a broadcast receiver that any app can send to.

    Looks at: Context.registerReceiver and ContextCompat.registerReceiver: the actions of the
    filter, the permission that a sender needs, and the flags. A receiver is open when an action is
    not one that only the system may send, no permission is asked for and RECEIVER_NOT_EXPORTED is
    not set. Left out: a call beside another one in the same method that registers the same receiver
    closed, as a test of the Android version needs it.

    Matters because: Any app on the phone can send the receiver an intent with this action and any
    extras. Code that takes it for a message of the app itself or of a partner then acts on it:
    sends, deletes, unlocks, opens pages.

    Fix by: ContextCompat.registerReceiver(context, receiver, filter,
    ContextCompat.RECEIVER_NOT_EXPORTED) for messages of the app itself. For those of another app of
    yours, pass the permission of protectionLevel "signature" that the sender has to hold.

    Cannot see: Filters that come from a file, and whether onReceive tells senders apart. What a
    filter from outside of the method holds is told as unresolved where it cannot be followed.
    """
    for call in app.code.calls(CONTEXT, *COMPAT):
        if call.method.short_name == call.name or not _is_open(call) or _has_closed_twin(call):
            continue
        actions, why = _actions(_argument(call, FILTER))
        name = call.method.name
        for action in sorted(actions - PROTECTED):
            yield Finding(
                f"{name} {action}",
                f"{name} registers a receiver for {action}, which any app may send: neither a"
                " permission nor RECEIVER_NOT_EXPORTED keeps others out.",
                at=call.at,
                origin=call.method.origin,
            )
        if why and call.method.is_first_party:
            yield Unresolved(name, f"the actions of the receiver's filter: {why}", call.at)


def _argument(call: Call, kind: str) -> Argument | None:
    """The last argument of a type."""
    places = [index for index, each in enumerate(call.parameters) if each == kind]
    return call.argument(places[-1]) if places else None


def _is_open(call: Call) -> bool:
    receiver = _argument(call, "android.content.BroadcastReceiver")
    permission, flags = _argument(call, "java.lang.String"), _argument(call, "int")
    if receiver is None or receiver.values == (NULL,):
        return False
    if permission is not None and NULL not in permission.values:
        return False
    return flags is None or any(not n & RECEIVER_NOT_EXPORTED for n in flags.numbers)


def _has_closed_twin(call: Call) -> bool:
    """Whether the method registers the same receiver closed as well, on other versions."""
    receiver = _argument(call, "android.content.BroadcastReceiver")
    return any(
        other.name == call.name
        and (same := _argument(other, "android.content.BroadcastReceiver")) is not None
        and receiver is not None
        and same.values == receiver.values
        and not _is_open(other)
        for other in call.method.calls
    )


def _actions(filters: Argument | None) -> tuple[set[str], str]:
    """The actions that the filters name, and why some of them are not known."""
    actions: set[str] = set()
    why = ""
    for value in filters.values if filters else ():
        made = filters.made_by(value) if filters and isinstance(value, Instance) else None
        if made is None or made.parameters == (FILTER,):
            why = "it is made elsewhere"
            continue
        adding = [each for each in made.on_built() if each.name in ("addAction", "create")]
        for each in (made, *adding):
            if each.parameters[:1] == ("java.lang.String",):
                named = each.argument(0)
                actions.update(text.text for text in named.values if isinstance(text, Text))
                why = why or named.why
    return actions, why or ("" if actions else "none is seen")
