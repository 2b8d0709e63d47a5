"""ios-log-sensitive: a password, token, PIN, account or card in the log."""

import re
from collections.abc import Iterator

from gate.app import IosApp
from gate.app.foundation import swift_texts
from gate.app.machine import MachineCall, imported
from gate.app.personal import labels_secret
from gate.check import Finding, Severity, check

# Which argument is the format, and what comes in place of "..." behind it.
FORMATS = {"NSLog": 0, "NSLogv": 0, "syslog": 1, "asl_log": 3, "CFLog": 1}
VARIADIC = ("NSLog", "syslog", "asl_log")
C = imported(" ".join(FORMATS))
UNIFIED = imported("_os_log_impl _os_log_debug_impl _os_log_error_impl _os_log_fault_impl")
# os_log of Swift: the message is the first argument or the fourth, as the version has it.
SWIFT_OS_LOG = imported(
    "$s2os0A4_log_3dso0B04type_ys12StaticStringV_SVSgSo03OS_a1_B0CSo0a1_b1_D2_tas7CVarArg_pdtF"
    " $s2os0A4_log_3dso0B0__ySo0a1_B7_type_ta_SVSo03OS_a1_B0Cs12StaticStringVs7CVarArg_pdtF"
)
SWIFT_NSLOG = imported("$s10Foundation5NSLogyySS_s7CVarArg_pdtF")
SWIFT_PRINT = imported(
    "$ss5print_9separator10terminatoryypd_S2StF $ss10debugPrint_9separator10terminatoryypd_S2StF"
)
APPENDED = "$ss26DefaultStringInterpolationV13appendLiteralyySSF"
INSERTED = "$ss26DefaultStringInterpolationV06appendC"
PLACEHOLDER = re.compile(
    r"%(?:\{(?P<how>[^{}]{0,80})\})?[-+ #0-9.*$]{0,12}(?:hh|ll|[hlqjztL])?[@dDiuUxXscCSfgp]"
)
ACCOUNT = re.compile(
    r"(?i)(?:^|[^a-z])(?:(?:bank |user )?account(?:[ _]?(?:number|no|id|name))?|iban)"
    r"(?: is)?\s*[:=#(\[{'\"»>-]*\s*$"
)


@check(IosApp, severity=Severity.MEDIUM, cwe=532, masvs="MASVS-STORAGE-2")
def log_sensitive(app: IosApp) -> Iterator[Finding]:
    """
    A password, token, PIN, account or card number is written to the log.

    Looks at: In the app's own code: formats of NSLog, syslog and asl_log in which a placeholder
    stands right behind words such as "password:", "token =", "PIN", "account" or "card number";
    the same for os_log and Logger where the placeholder is marked public; and Swift's print and
    debugPrint of a text in which such words come before an inserted value. A value that is a
    constant text is left out.

    Matters because: The system keeps the log and puts it into sysdiagnose archives that users send
    around; a computer that the device trusts reads it live. What stands there outlives the session,
    and its owner does not know.

    Fix by: Removing the value from the message. os_log and Logger hide texts by default: leave
    privacy at .private, never .public, for data about a user, and build NSLog and print out of
    release builds with #if DEBUG.

    Cannot see: Values under names that do not say so, messages put together before they are logged,
    and logging libraries that the app brings along.
    """
    told: set[str] = set()
    for call, message, names in _logged(app):
        subject = f"{call.function.name} {names}"
        if call.function.is_first_party and subject not in told:
            told.add(subject)
            yield Finding(subject, message, at=call.at, origin=call.function.origin)


def _logged(app: IosApp) -> Iterator[tuple[MachineCall, str, str]]:
    """The calls that log such a value, what to say of them, and the words before the value."""
    for call in app.code.calls(C):
        for text in call.argument(FORMATS[call.name]).texts:
            yield from _said(call, text, public=False)
    for call in app.code.calls(UNIFIED):
        for text in call.argument(3).texts:
            yield from _said(call, text, public=True)
    for call in app.code.calls(SWIFT_OS_LOG):
        for text in {*call.argument(0).texts, *call.argument(3).texts}:
            yield from _said(call, text, public=True)
    for call in app.code.calls(SWIFT_NSLOG):
        for text in swift_texts(call, 0):
            yield from _said(call, text, public=False)
    for call in {each.function: each for each in app.code.calls(SWIFT_PRINT)}.values():
        yield from _printed(call)


def _said(call: MachineCall, text: str, *, public: bool) -> Iterator[tuple[MachineCall, str, str]]:
    text, begin = text[:2000].replace("%%", ""), 0
    for number, found in enumerate(PLACEHOLDER.finditer(text)):
        words = text[max(begin, found.start() - 60) : found.start()]
        begin = found.end()
        if public and "public" not in (found["how"] or ""):
            continue
        rest = call.extra(number) if call.name in VARIADIC else None  # noqa: S610  # no database
        if rest and rest.complete and len(rest.texts) == len(rest.values):
            continue
        if labels_secret(words) or ACCOUNT.search(words):
            how = "os_log, in public," if public else "the log"
            said = " ".join(text.split())[:120]
            message = f'{call.function.name} gives {how} "{said}" with a value for {found[0]}.'
            yield call, message, _label(words)


def _printed(call: MachineCall) -> Iterator[tuple[MachineCall, str, str]]:
    """What a function of Swift prints: literals, each followed by an inserted value or not."""
    words = ""
    for each in call.function.calls:
        if each.name == APPENDED:
            words = next(iter(swift_texts(each, 0)), "")
        elif each.name.startswith(INSERTED) and words:
            if labels_secret(words) or ACCOUNT.search(words[-60:]):
                message = f'{call.function.name} prints a value behind "{words[-60:].strip()}".'
                yield each, message, _label(words)
            words = ""


def _label(words: str) -> str:
    """The words as they stand in a subject."""
    return " ".join(words.split()).strip(" :=#([{'\"»>-,;.")[-40:]
