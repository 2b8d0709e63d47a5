"""ios-credential-stored-plain: a password, PIN or token is stored in plain."""

import re
from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.credentials import names_credential, written_columns
from gate.app.foundation import swift_texts, texts
from gate.app.machine import (
    ClassName,
    Instance,
    MachineCall,
    Number,
    Returned,
    Symbol,
    Text,
    imported,
    message,
)
from gate.check import Finding, Severity, Unresolved, check

SET = message("setObject:forKey: setValue:forKey: setObject:forKeyedSubscript: setURL:forKey:")
DEFAULTS = "NSUserDefaults"
ENTITY = "NSEntityDescription"
PREFERENCES = imported("CFPreferencesSetAppValue CFPreferencesSetValue")
APP_STORAGE = "$s7SwiftUI10AppStorageV"
TO_FILE = message("writeToFile:atomically: writeToURL:atomically: writeToURL:error:")
DICTIONARIES = ("NSDictionary", "NSMutableDictionary")
LITERAL = frozenset(
    message(
        "dictionaryWithObjects:forKeys:count: dictionaryWithObjectsAndKeys:"
        " initWithObjectsAndKeys: dictionaryWithObject:forKey:"
    ).selectors
)
SQL = imported("sqlite3_exec sqlite3_prepare sqlite3_prepare_v2 sqlite3_prepare_v3")
FMDB = message(
    "executeUpdate: executeStatements: executeUpdate:withArgumentsInArray:"
    " executeUpdate:withParameterDictionary: executeUpdate:withErrorAndBindings:"
)
REALM = ("RLMObject", "RealmSwiftObject", "RealmSwift.Object", "RLMObjectBase")
REALM_KEY = message("setEncryptionKey:")
# Keys of analytics and advertising frameworks, and settings about a token.
OTHERS = re.compile(
    r"(?i)mixpanel|amplitude|adjust|appsflyer|braze|segment|flurry|firebase|google/ads|admob"
    r"|lifespan|lifetime|ttl"
)
SETTER = re.compile(r"set([A-Z]\w*):")


@check(IosApp, severity=Severity.MEDIUM, cwe=312, masvs="MASVS-STORAGE-1")
def credential_stored_plain(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A password, PIN, token or secret is stored in plain.

    Looks at: In the app's own code: keys that name a credential (password, passwd, pin, token,
    secret, 密碼) in what NSUserDefaults, CFPreferences and SwiftUI's AppStorage store, in
    dictionaries that are written to a property list, in new Core Data objects, in CREATE TABLE and
    INSERT statements of SQLite, and as properties of Realm objects. Left out: the keychain,
    SQLCipher, Realm with a key, yes-or-no values, and names of something else (remember_password,
    password_hash, fcm_token).

    Matters because: These files lie in the app's folder in plain. They are in every backup of the
    device, and on a computer that it was synchronised with; people use one password in many
    places, and a token opens the session without it.

    Fix by: The keychain: SecItemAdd with kSecAttrAccessibleWhenUnlockedThisDeviceOnly for a token
    that the server can revoke. Do not store passwords and PINs at all.

    Cannot see: Credentials under names that do not say so, attributes that only a Core Data model
    names, stores of other makers, and whether the app encrypted the value by itself.
    """
    for call in app.code.sends(SET):
        if call.function.is_first_party:
            yield from _kept(call)
    for call in app.code.calls(PREFERENCES):
        for key in texts(call, call.argument(0)):
            yield from _found(call, key, "the app's preferences")
    names = [name for name in app.code.imports if name.startswith(APP_STORAGE)]
    for call in app.code.calls(imported(" ".join(sorted(names)))):
        for key in {key for index in range(4) for key in swift_texts(call, index)}:
            yield from _found(call, key, "AppStorage, which is NSUserDefaults")
    for call in app.code.sends(TO_FILE):
        for key in sorted(set(_written(call))):
            yield from _found(call, key, "a property list")
    if "sqlite3_key" not in app.code.imports:
        yield from _statements(app)
    yield from _realm(app)


def _kept(call: MachineCall) -> Iterator[Finding | Unresolved]:
    keys = [key for key in texts(call, call.argument(1)) if _names(key)]
    if not keys or _says_little(call):
        return
    owners = {each.owner for each in call.receiver.values if isinstance(each, Returned)}
    if DEFAULTS in {*owners, *call.receiver.classes} or _defaults(call):
        for key in keys:
            yield from _found(call, key, "NSUserDefaults")
    elif ENTITY in owners:
        for key in keys:
            yield from _found(call, key, "a Core Data object")
    elif not call.receiver.complete and not owners - {""}:
        function = call.function
        why = f'what "{keys[0]}" is put into is open: {call.receiver.why}'
        yield Unresolved(f"{function.name} {keys[0]}", why, call.at)


def _defaults(call: MachineCall) -> bool:
    """Whether the receiver is what a method of the app's own gives, which gives the defaults."""
    given = {each.name for each in call.receiver.values if isinstance(each, Returned)}
    makers = (each for each in call.function.calls if each.name in given)
    results = (value for each in makers for t in each.targets()[:4] for value in t.returned.values)
    return any(isinstance(each, Returned) and each.owner == DEFAULTS for each in results)


def _says_little(call: MachineCall) -> bool:
    """Whether what is stored is nil, an empty text, or a number such as a yes or no."""
    for value in call.argument(0).values:
        match value:
            case Number() | Text("") | Instance("NSNumber") | ClassName():
                continue
            case Symbol(name) if "kCFBoolean" in name:
                continue
            case Returned(_, name) if "NSNumber" in name or name.startswith("numberWith"):
                continue
        return False
    return bool(call.argument(0).values)


def _written(call: MachineCall) -> Iterator[str]:
    """The keys of a dictionary that is written to a file, made in the same function."""
    function = call.function
    given = {v.owner for v in call.receiver.values if isinstance(v, Returned)}
    if not {*given, *call.receiver.classes}.intersection(DICTIONARIES):
        return
    for each in function.calls:
        if each.name in SET.selectors and {*_owners(each)}.intersection(DICTIONARIES):
            yield from texts(each, each.argument(1))
    if not function.mentions.selectors.isdisjoint(LITERAL):
        yield from function.mentions.texts


def _owners(call: MachineCall) -> Iterator[str]:
    yield from call.receiver.classes
    yield from (v.owner for v in call.receiver.values if isinstance(v, Returned))


def _statements(app: IosApp) -> Iterator[Finding]:
    placed = [(call, 1) for call in app.code.calls(SQL)] + [(c, 0) for c in app.code.sends(FMDB)]
    for call, index in placed:
        for text in call.argument(index).texts:
            table, columns = written_columns(text)
            for column in columns:
                yield from _found(call, f"{table}.{column}", "a database", column)


def _realm(app: IosApp) -> Iterator[Finding]:
    if any(app.code.sends(REALM_KEY)):
        return
    for each in app.code.classes():
        for method in each.methods if each.parent in REALM else ():
            named = SETTER.fullmatch(method.selector)
            name = named[1][:1].lower() + named[1][1:] if named else ""
            if _names(name) and method.is_first_party:
                message = f'{each.name} stores "{name}" in a Realm that no key encrypts.'
                at = Location(each.program, element=f"{each.name}.{name}")
                yield Finding(f"{each.name}.{name}", message, at=at, origin=method.origin)


def _found(call: MachineCall, key: str, store: str, name: str = "") -> Iterator[Finding]:
    function = call.function
    if function.is_first_party and _names(name or key):
        message = f'{function.name} stores "{key}" in {store} in plain.'
        yield Finding(f"{function.name} {key}", message, at=call.at, origin=function.origin)


def _names(name: str) -> bool:
    return names_credential(name) and not OTHERS.search(name) and " " not in name.strip()
