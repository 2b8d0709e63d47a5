"""android-credential-stored-plain: a password, PIN or token is stored in plain."""

from collections.abc import Iterator
from dataclasses import replace

from gate.app import AndroidApp
from gate.app.code import Argument, Call, Code, Instance, Joined, Number, Returned, Text, api
from gate.app.credentials import names_credential, written_columns
from gate.check import Confidence, Finding, Severity, Unresolved, check

PUT_STRING = api("android.content.SharedPreferences$Editor", "putString putStringSet")
KEY_MADE = api("androidx.datastore.preferences.core.PreferencesKeys", "stringKey byteArrayKey")
SQLITE = "android.database.sqlite.SQLiteDatabase"
SUPPORT = "androidx.sqlite.db.SupportSQLiteDatabase"
INSERT = api(
    SQLITE,
    "insert insertOrThrow insertWithOnConflict replace replaceOrThrow update updateWithOnConflict",
)
SQL = (api(SQLITE, "execSQL compileStatement"), api(SUPPORT, "execSQL compileStatement"))
SQLCIPHER = ("net.sqlcipher.database", "net.zetetic.database.sqlcipher")
CIPHERS = (
    api("javax.crypto.Cipher", "doFinal wrap"),
    api("javax.crypto.Mac", "doFinal"),
    api("java.security.MessageDigest", "digest"),
    api("javax.crypto.SecretKeyFactory", "generateSecret"),
    api("com.google.crypto.tink.Aead", "encrypt"),
)
PLAIN = ("getSharedPreferences", "getPreferences", "getDefaultSharedPreferences")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=312, masvs="MASVS-STORAGE-1")
def credential_stored_plain(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A password, PIN, token or card code is stored in plain.

    Looks at: In the app's own code: what is put under a credential's name (password, passwd, pwd,
    pin, token, secret, cvv, 密碼) into SharedPreferences that come from getSharedPreferences or
    its like, into a Preferences DataStore, and into the columns of android.database.sqlite by
    ContentValues, CREATE TABLE and INSERT. Left out: EncryptedSharedPreferences and SQLCipher,
    values that come out of a cipher or a hash, empty values, and names of something else
    (remember_password, password_hash, pinned, fcm_token).

    Matters because: The files lie readable in the app's folder: for anybody with a rooted phone, a
    backup, a debug build or a hole in the app that lets files out. People use one password in many
    places, and a token opens the session without it.

    Fix by: Not storing passwords, PINs and card codes at all; ask again, or keep a token that the
    server can revoke. Encrypt what has to stay with an AES key from the Android Keystore
    (KeyGenParameterSpec, AES/GCM/NoPadding) before putString or insert.

    Cannot see: Credentials under names that do not say so, files written by hand, and stores that
    libraries of other makers bring; encryption that a library does for the app, unless it is Tink.
    Whether a store is encrypted is unresolved where it comes from outside of the app's code.
    """
    code = app.code
    said = [*_preferences(code), *_keyed(code), *_inserted(code)]
    sealed = _sealed(code) if said else frozenset()
    for call, each in said:
        if call not in sealed:
            if isinstance(each, Finding) and not code.flows_complete:
                each = replace(each, confidence=Confidence.LOW)
            yield each
    yield from _statements(code)


def _sealed(code: Code) -> frozenset[Call]:
    """The calls whose second argument comes out of a cipher or a hash."""
    own = (call for call in code.calls(*CIPHERS) if call.method.is_first_party)
    return frozenset(flow.call for each in own for flow in each.flows() if flow.argument == 1)


def _preferences(code: Code) -> Iterator[tuple[Call, Finding | Unresolved]]:
    for call in code.calls(PUT_STRING):
        names = [name for name in call.argument(0).texts if names_credential(name)]
        if not names or not call.method.is_first_party or _is_empty(call.argument(1)):
            continue
        stores = set(_stores(call.receiver, 8))
        for name in names if "plain" in stores else ():
            yield call, _finding(call, name, "SharedPreferences that are not encrypted")
        if "unknown" in stores and "plain" not in stores:
            why = f'"{names[0]}" is put into preferences whose kind is not known'
            yield call, Unresolved(f"{call.method.name} {names[0]}", why, call.at)


def _keyed(code: Code) -> Iterator[tuple[Call, Finding]]:
    for made in code.calls(KEY_MADE):
        names = [name for name in made.argument(0).texts if names_credential(name)]
        for flow in made.flows() if names and made.method.is_first_party else ():
            if flow.argument == 0 and flow.call.name == "set":
                yield flow.call, _finding(flow.call, names[0], "a Preferences DataStore")


def _stores(held: Argument, depth: int) -> Iterator[str]:
    """What an editor or its preferences are: plain, own (an implementation of them) or unknown."""
    for value in held.values:
        made = held.made_by(value) if isinstance(value, Returned) and depth else None
        if isinstance(value, Returned) and value.name in PLAIN:
            yield "plain"
        elif made is not None and (made.name == "edit" or made.name.startswith("put")):
            yield from _stores(made.receiver, depth - 1)
        else:
            yield "own" if isinstance(value, (Instance, Returned)) else "unknown"


def _inserted(code: Code) -> Iterator[tuple[Call, Finding]]:
    for put in (put for insert in code.calls(INSERT) for put in _puts(insert)):
        is_text = put.parameters[1:] in (("java.lang.String",), ("byte[]",))
        if is_text and put.method.is_first_party and not _is_empty(put.argument(1)):
            for name in filter(names_credential, put.argument(0).texts):
                yield put, _finding(put, name, "a database that is not encrypted")


def _puts(insert: Call) -> Iterator[Call]:
    """The calls that put something into the values of an insert."""
    places = [i for i, each in enumerate(insert.parameters) if each.endswith(".ContentValues")]
    rows = insert.argument(places[0] if places else 0)
    for value in rows.values:
        made = rows.made_by(value) if isinstance(value, Instance) else None
        if made is not None:
            yield from (each for each in made.on_built() if each.name == "put")


def _is_empty(stored: Argument) -> bool:
    return set(stored.values) <= {Number(0), Text("")}


def _statements(code: Code) -> Iterator[Finding]:
    encrypted = any(each.startswith(SQLCIPHER) for each in code.packages())
    found = []
    for call in code.calls(*SQL):
        if call.method.is_first_party and not (encrypted and call.owner == SUPPORT):
            found += [(call, *written_columns(_text(v))) for v in call.argument(0).values]
    tables = {table: names for _, table, names in found if any(map(names_credential, names))}
    for call, table, names in found:
        for name in filter(names_credential, names if any(names) else tables.get(table, ())):
            yield _finding(call, f"{table}.{name}", "a database that is not encrypted")


def _text(value: object) -> str:
    """A text with a question mark for each part that is not known."""
    if isinstance(value, Joined):
        return "".join(map(_text, value.parts))
    return value.text if isinstance(value, Text) else "?"


def _finding(call: Call, name: str, store: str) -> Finding:
    method = call.method
    message = f'{method.name} stores "{name}" in {store}.'
    return Finding(f"{method.name} {name}", message, at=call.at, origin=method.origin)
