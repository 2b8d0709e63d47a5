"""android-caller-check-includes-self: a permission check that the app itself passes for others."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Code, MethodCode, Returned, api
from gate.check import Confidence, Finding, Severity, check

CONTEXT = "android.content.Context"
OR_SELF = (
    api(
        CONTEXT,
        "checkCallingOrSelfPermission enforceCallingOrSelfPermission"
        " checkCallingOrSelfUriPermission enforceCallingOrSelfUriPermission"
        " checkCallingOrSelfUriPermissions",
    ),
    api("androidx.core.content.PermissionChecker", "checkCallingOrSelfPermission"),
    api("android.support.v4.content.PermissionChecker", "checkCallingOrSelfPermission"),
)
BY_ID = api(CONTEXT, "checkPermission enforcePermission")
CHECKS = api(
    CONTEXT,
    "checkCallingPermission checkCallingUriPermission checkCallingUriPermissions"
    " checkUriPermission checkUriPermissions",
)
COMPONENTS = (
    "android.app.Activity", "android.app.Service", "android.app.Application",
    "android.content.BroadcastReceiver",
)  # fmt: skip
ENTRIES = frozenset((*COMPONENTS, "android.content.ContentProvider", "android.os.Binder"))
MAX_WAYS = 60


@check(AndroidApp, severity=Severity.MEDIUM, cwe=863, masvs="MASVS-PLATFORM-1")
def caller_check_includes_self(app: AndroidApp) -> Iterator[Finding]:
    """
    A check of the caller's permission is passed by the app itself.

    Looks at: In the app's own code: checkCallingOrSelfPermission and
    enforceCallingOrSelfPermission with their Uri forms; checkPermission and enforcePermission with
    Binder.getCallingPid() or getCallingUid() in a callback of an activity, service, receiver or
    application, or in what only such callbacks call; and permission checks whose result is thrown
    away.

    Matters because: Outside of a Binder transaction the "calling" process is the app itself, which
    holds the permission. onStartCommand, onReceive, onBind and onCreate always run so: the check
    succeeds for every app that sends the intent, and the caller borrows the app's permission.

    Fix by: Declaring the permission on the component: android:permission="com.example.permission.X"
    with protectionLevel "signature". In a Binder method or a ContentProvider's query, insert,
    update, delete, call and openFile use checkCallingPermission or enforceCallingPermission, which
    refuse outside of a transaction. To ask what the app itself may do, use
    ContextCompat.checkSelfPermission.

    Cannot see: Whether a check that is passed guards anything, and checks in native code. A class
    that is neither a component nor a Binder may use an "OrSelf" check to ask about the app itself,
    which is harmless; such findings are of low confidence.
    """
    for call in app.code.calls(*OR_SELF):
        if call.method.is_first_party and call.method.short_name != call.name:
            sure = bool(_supertypes(app.code, call.method) & ENTRIES)
            why = "it also succeeds when the app itself holds the permission"
            yield _finding(call, why, Confidence.HIGH if sure else Confidence.LOW)
    for call in app.code.calls(BY_ID):
        method = call.method
        if method.is_first_party and _asks_binder(call) and _in_callback(app.code, method):
            why = "no Binder transaction runs there, so that the calling process is the app itself"
            yield _finding(call, why)
    for call in app.code.calls(CHECKS, BY_ID):
        ignored = call.name.startswith("check") and not call.result_used
        if ignored and call.method.is_first_party:
            yield _finding(call, "its result is thrown away, so that it forbids nothing")


def _finding(call: Call, why: str, confidence: Confidence = Confidence.HIGH) -> Finding:
    name = call.method.name
    message = f"{name} calls {call.name}: {why}."
    return Finding(
        f"{name} {call.name}", message, call.at, origin=call.method.origin, confidence=confidence
    )


def _asks_binder(call: Call) -> bool:
    """Whether the process or user that is asked about comes from Binder's calling identity."""
    asked = (
        Returned("android.os.Binder", "getCallingPid"),
        Returned("android.os.Binder", "getCallingUid"),
    )
    return any(each in call.argument(index).values for index in (1, 2) for each in asked)


def _supertypes(code: Code, method: MethodCode) -> frozenset[str]:
    owner = code.find(method.owner)
    return owner.supertypes if owner else frozenset()


def _in_callback(code: Code, method: MethodCode) -> bool:
    """Whether every way to a method that is found begins in a component, outside of Binder."""
    seen, work = {method}, [method]
    while work:
        way = work.pop()
        callers = [caller.method for caller in way.callers()]
        if len(seen) > MAX_WAYS or not (callers or _supertypes(code, way) & set(COMPONENTS)):
            return False
        work += {caller for caller in callers if caller not in seen}
        seen.update(callers)
    return True
