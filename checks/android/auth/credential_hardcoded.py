"""android-credential-hardcoded: a password or other credential is written into the code."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Array, Bytes, Call, Class, MethodCode, Text, Value, api
from gate.app.credentials import names_account, names_credential
from gate.check import Finding, Severity, check

# Calls that take a password, and which parameter it is.
GIVEN = {
    api("java.net.PasswordAuthentication", "<init>"): 1,
    api("javax.mail.PasswordAuthentication", "<init>"): 1,
    api("okhttp3.Credentials", "basic"): 1,
    api("com.squareup.okhttp.Credentials", "basic"): 1,
    api("java.sql.DriverManager", "getConnection"): 2,
    api("org.apache.http.auth.UsernamePasswordCredentials", "<init>"): 1,
    api("android.webkit.HttpAuthHandler", "proceed"): 1,
    api("android.accounts.AccountManager", "addAccountExplicitly setPassword"): 1,
    api("org.apache.commons.net.ftp.FTPClient", "login"): 1,
    api("com.jcraft.jsch.Session", "setPassword"): 0,
}
PASSWORDS = tuple(GIVEN)
NAMED = (
    api("java.util.Map", "put putIfAbsent"),
    api("org.json.JSONObject", "put putOpt"),
    api("org.apache.http.message.BasicNameValuePair", "<init>"),
    api("android.net.Uri$Builder", "appendQueryParameter"),
    api("okhttp3.FormBody$Builder", "add addEncoded"),
    api("okhttp3.HttpUrl$Builder", "addQueryParameter"),
)
SPEAKING = re.compile(r"credential|login|logon|signin|password|passwd", re.I)
PAIR = re.compile(r"[\w.@+-]{3,64}:\S{3,64}")
# A field of such a name holds the name of something, not a credential.
NAMES_A_KEY = re.compile(
    r"(^|_)(key|extra|pref|prefs|tag|arg|param|column|col|header|action|request|name|prop|table"
    r"|event|state|endpoint|api|prefix|suffix)(_|$)|(Key|Param|Name|Extra|Header|Column|Tag)s?$"
    r"|^k?(key|extra|pref)[A-Z]",
    re.I,
)
IDENTIFIER = re.compile(r"[a-z]+([._-][a-z]+)+|[A-Z]+(_[A-Z]+)+|[a-z]+[A-Z][A-Za-z]*")


@check(AndroidApp, severity=Severity.HIGH, cwe=798, masvs="MASVS-STORAGE-1")
def credential_hardcoded(app: AndroidApp) -> Iterator[Finding]:
    """
    A password or other credential is written into the code.

    Looks at: Constant texts given as the password to PasswordAuthentication, Credentials.basic,
    DriverManager.getConnection, HttpAuthHandler.proceed, AccountManager and others of the kind. In
    the app's own code also constant values under a credential's name (password, pin, token, secret)
    in maps, JSON, forms and queries; fields of such a name; and fields and arrays with user names
    and passwords in classes and methods that speak of credentials, login or password.
    Left out: empty texts, labels, and values that are the name of a key themselves.

    Matters because: Everybody can download the app and read its texts in a minute. A password in it
    is public, is the same for every user, and changes only with a release that all have installed.

    Fix by: Asking the user, or fetching a short-lived token from the server after a login, kept
    under a Keystore key. Change the credential that was shipped now: it is known.

    Cannot see: Credentials put together at run time, in native code and in files of the app, and
    keys of known providers, which other checks look for. It does not try whether a credential
    works.
    """
    for wanted, place in GIVEN.items():
        for call in app.code.calls(wanted):
            if len(call.parameters) > place:
                yield from _passed(call, f"{call.owner.rpartition('.')[2]}.{call.name}", place)
    for call in app.code.own_calls(*NAMED):
        if len(call.parameters) == 2:
            for name in filter(names_credential, call.literals(0)):
                yield from _passed(call, name, 1)
    for each in app.code.own_classes():
        yield from _fields(each)
        for method in each.methods():
            yield from _written(each, method)


def _passed(call: Call, name: str, place: int) -> Iterator[Finding]:
    given = call.argument(place)
    for value in given.values:
        if _is_credential(value, name):
            yield Finding(
                f"{call.method.name} {name}",
                f"{call.method.name} gives a constant text as the credential {name}.",
                at=call.at,
                origin=call.method.origin,
                flow=given.steps(value),
            )


def _fields(owner: Class) -> Iterator[Finding]:
    speaks = bool(SPEAKING.search(owner.name.rpartition(".")[2]))
    for field, value in owner.constants:
        if _holds(field, speaks) and _is_credential(value, field):
            message = f"{owner.name}.{field} holds a constant text as a credential."
            yield Finding(f"{owner.name}.{field}", message, at=owner.at, origin=owner.origin)


def _written(owner: Class, method: MethodCode) -> Iterator[Finding]:
    """Fields set to a constant text, or to an array of pairs of user and password."""
    speaks = bool(SPEAKING.search(f"{owner.name.rpartition('.')[2]} {method.short_name}"))
    for where, field, held in method.writes() if speaks else ():
        if _holds(field, speaks) and any(_is_credential(value, field) for value in held.values):
            message = f"{method.name} sets {field} to a constant text that is a credential."
            yield Finding(f"{where}.{field}", message, at=method.at, origin=owner.origin)
        elif any(map(_holds_pairs, held.values)):
            message = f"{method.name} fills {field} with constant users and passwords."
            yield Finding(f"{where}.{field}", message, at=method.at, origin=owner.origin)


def _holds(field: str, speaks: bool) -> bool:
    """Whether a field's name is that of a credential, or of a user beside one."""
    if NAMES_A_KEY.search(field):
        return False
    return names_credential(field) or (speaks and names_account(field))


def _holds_pairs(value: Value) -> bool:
    """Whether a value is an array with texts such as ``user:password``."""
    items = value.items or () if isinstance(value, Array) else ()
    return any(isinstance(item, Text) and PAIR.fullmatch(item.text) for item in items)


def _is_credential(value: Value, name: str) -> bool:
    """Whether a value may be a credential: no key, no label, not the name that it stands under."""
    if isinstance(value, Bytes):
        text = value.data.decode("utf-8", "replace")
    else:
        text = value.text if isinstance(value, Text) else ""
    if not 3 <= len(text) <= 200 or any(c.isspace() for c in text) or "://" in text:
        return False
    if text.lower() in ("null", "true", "false", "none") or "%" in text:
        return False
    return not (
        IDENTIFIER.fullmatch(text) or names_credential(text) or text.lower() == name.lower()
    )
