"""android-credential-compared: what the user types is compared with a secret in the code."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import FIRST_PARTY, Call, Code, api
from gate.app.credentials import names_account
from gate.app.personal import is_secret
from gate.check import Finding, Severity, check

COMPARES = (
    api("java.lang.String", "equals equalsIgnoreCase contentEquals compareTo"),
    api("java.lang.Object", "equals"),
    api("android.text.TextUtils", "equals"),
    api("kotlin.jvm.internal.Intrinsics", "areEqual"),
    api("kotlin.text.StringsKt", "equals contentEquals"),
    api("java.util.Objects", "equals"),
)
OPENS = {"startActivity", "setText", "makeText", "loadUrl", "show", "setVisibility", "finish",
         "startService", "startActivityForResult", "<init>", "navigate", "replace", "putBoolean",
         "setMessage"}  # fmt: skip
_WORDS = frozenset(
    ("true", "false", "null", "none", "yes", "cancel", "error", "success", "fail", "failed",
     "admin", "user", "guest", "test", "default", "unknown", "enabled", "disabled", "male",
     "female", "other", "name", "text", "value", "http", "https", "file", "content", "home",
     "back", "next", "done", "search", "settings", "about", "help", "exit", "quit", "start",
     "stop", "open", "close")
)  # fmt: skip
# Addresses, paths, dotted names, up to three letters, file endings, numbers, MIME types.
_PLAIN = re.compile(
    r"[\w.+-]*://.*|/.*|[\w-]+(\.[\w-]+){2,}|\W*\w{0,3}\W*|\.\w+|[\d.,:/ -]+"
    r"|[a-z]+/[\w.+*-]+"
)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=798, masvs="MASVS-AUTH-1")
def credential_compared(app: AndroidApp) -> Iterator[Finding]:
    """
    What the user types, or an intent brings, is compared with a secret that stands in the code.

    Looks at: In the app's own code, equals, equalsIgnoreCase, contentEquals, compareTo,
    TextUtils.equals and Kotlin's == of a string constant with text from a TextView or EditText, or
    with an extra that is named after a credential or an account, where the outcome decides about
    what is shown or started. Empty texts, numbers, web addresses, action names, MIME types, file
    endings and common words are no finding.

    Matters because: Whoever unpacks the app reads the constant and types it: the password of a
    back door, an unlock code or a hidden mode for everybody, which cannot be changed in the field.

    Fix by: Checking the input on the server, and answering with a session for what it opens. Remove
    developer accounts and hidden modes from release builds (if (BuildConfig.DEBUG), which R8
    drops).

    Cannot see: Constants that are decrypted at run time, comparisons in native code, comparisons
    of hashes with a constant hash, and text that takes more than a few fields and calls to the
    comparison.
    """
    told: set[str] = set()
    for call in _candidates(app.code):
        where, text = _comes(call), next(_constants(call))
        if where and call.method.name not in told and call.method.reachable:
            told.add(call.method.name)
            yield Finding(
                call.method.name,
                f"{call.method.name} compares {where} with the constant {text[:4]}..."
                f" ({len(text)} characters), which decides what happens next.",
                at=call.at,
                origin=call.method.origin,
            )


def _comes(call: Call) -> str:
    """Where the text comes from that is compared; '' where nobody sends it."""
    sides = (-1, *range(len(call.parameters)))
    names = {name for side in sides for name in call.names(side)}
    if names & {"getText", "getEditableText"}:
        return "what the user types"
    asked = next((name for name in sorted(names) if is_secret(name) or names_account(name)), "")
    return f'"{asked}" of an intent' if asked and "getStringExtra" in names else ""


def _candidates(code: Code) -> Iterator[Call]:
    for call in code.own_calls(*COMPARES):
        own = call.method.origin == FIRST_PARTY
        if not own or not call.result_used or not next(_constants(call), ""):
            continue
        if any(each.name in OPENS and call.decides(each) for each in call.method.calls):
            yield call


def _constants(call: Call) -> Iterator[str]:
    """The constants of a comparison that may be secrets."""
    sides = [call.argument(index) for index in range(min(len(call.parameters), 2))]
    sides += [] if len(sides) > 1 else [call.receiver]
    for side in sides:
        if side.complete:
            yield from (text for text in side.texts if _may_be_secret(text))


def _may_be_secret(text: str) -> bool:
    return text.strip().lower() not in _WORDS and _PLAIN.fullmatch(text) is None
