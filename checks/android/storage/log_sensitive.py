"""android-log-sensitive: a password, device id or location in the log."""

from collections.abc import Iterator
from itertools import pairwise

from gate.app import AndroidApp
from gate.app.code import (
    FIRST_PARTY,
    Code,
    FieldRead,
    Joined,
    Parameter,
    Returned,
    Text,
    Unknown,
    Value,
    api,
)
from gate.app.outlets import is_logged
from gate.app.personal import (
    SOURCES,
    Source,
    device_sources,
    labels_secret,
    secret_sources,
)
from gate.check import Finding, Severity, check

ASKS = SOURCES
OPEN = (Returned, FieldRead, Parameter, Unknown)
LOG = (api("android.util.Log", "v d i w e wtf"), api("timber.log.Timber", "v d i w e wtf"))


@check(AndroidApp, severity=Severity.MEDIUM, cwe=532, masvs="MASVS-STORAGE-2")
def log_sensitive(app: AndroidApp) -> Iterator[Finding]:
    """
    A password, a device id or the location is written to the log.

    Looks at: Where device and subscriber ids, the location, account data, contacts and messages go,
    and in the app's own code what the user types into views that are named after a password, PIN,
    token or card, what is asked for under such a name (an extra, a preference, a JSON key), and
    what text fields of such a name hold; besides, what a log message puts behind
    words such as "password: ". It is a finding where the value itself gets to Log,
    Timber, a Logger, System.out, System.err or printStackTrace, through calls, fields, objects,
    collections, intents to the app's own components, tasks and messages. Length and comparisons
    of the value, its hash and its ciphertext are no finding.

    Matters because: The log is kept in memory for all processes of the system; bug reports, crash
    reporters and anybody with adb read it, and apps that came with the device may. What stands
    there outlives the session and the password's owner does not know.

    Fix by: Removing the log call, or the value in it. Strip debug calls from release builds (R8:
    -assumenosideeffects class android.util.Log { static int d(...); static int v(...); }); a
    message needs at most a constant, such as "login failed".

    Cannot see: Values chosen by an if on the secret (implicit flows), reflection with computed
    names, native code, and secrets under names that do not say so, as an obfuscator leaves them.
    Code of other makers is followed two calls deep, and its own sources as far as the work allowed
    goes.
    """
    seen: set[str] = set()
    sources = [*secret_sources(app.code), *device_sources(app.code, own=True)]
    for source in sources:
        yield from _logged(source, seen)
    yield from _labelled(app.code, seen)
    for source in device_sources(app.code, own=False):
        yield from _logged(source, seen)


def _labelled(code: Code, seen: set[str]) -> Iterator[Finding]:
    """Messages that name a secret and go on with a value that is not constant."""
    for call in code.calls(*LOG):
        if call.method.origin != FIRST_PARTY or not call.method.reachable:
            continue
        tags = call.argument(0).texts if len(call.parameters) > 1 else ()
        tag = next(filter(labels_secret, tags), "")
        for index in range(bool(tag), min(len(call.parameters), 2)):
            argument = call.argument(index)
            for value in argument.values:
                label = tag if isinstance(value, OPEN) else _label(value)
                told = any(each.startswith(f"{call.method.name} ") for each in seen)
                if label and not told:
                    subject = f'{call.method.name} what it calls "{label}"'
                    seen.add(subject)
                    message = f'{call.method.name} logs a value behind the words "{label}".'
                    yield Finding(subject, message, at=call.at, origin=call.method.origin,
                                  flow=argument.steps(value))  # fmt: skip


def _label(value: Value) -> str:
    parts = value.parts if isinstance(value, Joined) else ()
    for part, following in pairwise(parts):
        if isinstance(part, Text) and isinstance(following, OPEN) and labels_secret(part.text):
            return part.text.strip(" :=([{'\"").rpartition(",")[2].strip()[-40:]
    return ""


def _logged(source: Source, seen: set[str]) -> Iterator[Finding]:
    for flow in source.flows() if source.reachable else ():
        call = flow.call
        if not is_logged(flow) or not call.method.reachable:
            continue
        subject = f"{call.method.name} {source.what}"
        if subject not in seen:
            seen.add(subject)
            yield Finding(
                subject,
                f"{call.method.name} logs {source.what}, which comes from {source.method}.",
                at=call.at,
                origin=call.method.origin,
                flow=(source.at, *flow.steps),
            )
