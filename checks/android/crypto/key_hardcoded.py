"""android-key-hardcoded: key material that stands in the app."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Argument, Array, Bytes, Call, Number, Returned, Text, Value, api
from gate.check import Finding, Severity, Unresolved, check

CIPHERS = "net.sqlcipher.database.SQLiteDatabase", "net.zetetic.database.sqlcipher.SQLiteDatabase"
FIRST = (
    api("javax.crypto.spec.SecretKeySpec", "<init>"),
    api("javax.crypto.spec.DESKeySpec", "<init>"),
    api("javax.crypto.spec.DESedeKeySpec", "<init>"),
    api("javax.crypto.spec.PBEKeySpec", "<init>"),
    api("java.security.spec.PKCS8EncodedKeySpec", "<init>"),
    api("net.sqlcipher.database.SQLiteOpenHelper", "getWritableDatabase getReadableDatabase"),
    api("net.sqlcipher.database.SupportFactory", "<init>"),
    api("net.zetetic.database.sqlcipher.SupportOpenHelperFactory", "<init>"),
    api("io.realm.RealmConfiguration$Builder", "encryptionKey"),
    api("com.tencent.mmkv.MMKV", "reKey checkReSetCryptKey"),
)
SECOND = (
    *(api(owner, "openOrCreateDatabase openDatabase") for owner in CIPHERS),
    api("com.tencent.mmkv.MMKV", "defaultMMKV", "int java.lang.String"),
)
THIRD = api("com.tencent.mmkv.MMKV", "mmkvWithID", "java.lang.String int java.lang.String")
STORE = api("java.security.KeyStore", "getInstance")
DIGEST = api("java.security.MessageDigest", "digest")
LOAD = api("java.security.KeyStore", "load", "java.io.InputStream char[]")
USES = ("getKey", "getEntry", "setKeyEntry", "setEntry", "init")
ROUNDS = 3  # of hashing a constant
HASH, NULL = Returned("java.security.MessageDigest", "digest"), Number(0)
# What gives bytes that do not stand in the app.
OUTSIDE = (
    "java.security.SecureRandom.", "java.security.Key", "javax.crypto.", "java.io.", "java.net.",
    "java.nio.", "java.lang.System.arraycopy", "java.util.Arrays.copyOfRange", "android.widget.",
)  # fmt: skip


@check(AndroidApp, severity=Severity.CRITICAL, cwe=321, masvs="MASVS-CRYPTO-2")
def key_hardcoded(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A key or passphrase that stands in the app.

    Looks at: The bytes of SecretKeySpec, DESKeySpec, DESedeKeySpec and PKCS8EncodedKeySpec, the
    password of PBEKeySpec, of key stores that hold private keys, and of SQLCipher, Realm and MMKV:
    literals, static fields, resource strings, and Base64, hex, reversed or hashed forms of them.

    Matters because: Everybody can unpack the app, so everybody has the key: what it encrypts on a
    device or signs for a server is open to all, and changing it takes an update of every phone.

    Fix by: KeyGenerator.getInstance("AES", "AndroidKeyStore") for data on the device; a key that
    the server hands out after login for what goes there; for a passphrase new byte[32] filled by
    SecureRandom once and kept encrypted under a Keystore key.

    Cannot see: Keys in native code and keys put together by arithmetic; libraries under names that
    an obfuscator changed. Bytes from a method it does not know are told as unresolved.
    """
    for place, wanted in enumerate((FIRST, SECOND, (THIRD,))):
        for call in app.code.calls(*wanted):
            yield from judged(app, call, call.argument(place))
    loads = [call for call in app.code.calls(LOAD) if constants(app, call.argument(1))]
    stores = app.code.calls(STORE) if loads else ()
    private = {load for made in stores for load in private_loads(made)}
    for call in loads:
        if call in private and call.argument(1).complete:
            yield from judged(app, call, call.argument(1))


def private_loads(made: Call) -> set[Call]:
    """The loads of a key store whose private keys are used: not one of certificates alone."""
    uses = [flow.call for flow in made.flows()]
    if any(
        use.name in USES and use.owner.endswith(("KeyStore", "KeyManagerFactory")) for use in uses
    ):
        return {use for use in uses if use.name == "load"}
    return set()


def judged(app: AndroidApp, call: Call, key: Argument) -> Iterator[Finding | Unresolved]:
    """What is wrong with one piece of key material."""
    # A key of zeros is what an authentication code may have by design (HKDF, RFC 5869, 2.2).
    zeros = not any(text.upper().startswith("HMAC") for text in call.argument(1).texts)
    if fixed := constants(app, key, zeros=zeros):
        yield Finding(
            f"{call.method.name} {call.owner.rpartition('.')[2]}",
            f"{call.method.name} takes a key or passphrase that stands in the app.",
            at=call.at,
            origin=call.method.origin,
            flow=key.steps(fixed[0]),
        )
    elif call.method.is_first_party and (why := open_end(key)):
        yield Unresolved(call.method.name, f"the key is {why}", call.at)


def constants(
    app: AndroidApp, key: Argument, zeros: bool = False, rounds: int = ROUNDS
) -> list[Value]:
    """The constants among the values; with `zeros` blank arrays too, if nothing else may be.

    The digest of a constant is one, and so is the digest of that, for so many `rounds`.
    """
    known: list[Value] = []
    for each in key.values:
        text = each.data if isinstance(each, Bytes) else isinstance(each, Text) and each.text
        if text or (each == HASH and is_fixed_hash(app, key.steps(each), rounds)):
            known.append(each)
    blank = [each for each in key.values if isinstance(each, Array) and is_blank(each)]
    only = len(known) + len(blank) + (NULL in key.values) == len(key.values)
    return [*known, *(blank if only and zeros else ())]


def is_fixed_hash(app: AndroidApp, steps: tuple[Location, ...], rounds: int) -> bool:
    """Whether a digest on the way of a key is one of constants only."""
    passed = {step.element for step in steps}
    for call in app.code.calls(DIGEST) if rounds else ():
        if call.method.name in passed and call.at in steps:
            fed = [call, *(each for each in call.on_receiver() if each.name == "update")]
            given = [each.argument(0) for each in fed if each.parameters]
            return bool(given) and all(constants(app, each, rounds=rounds - 1) for each in given)
    return False


def is_blank(array: Array) -> bool:
    """Whether an array holds the constants put into it, and nothing else may fill it."""
    put = array.items is not None and all(isinstance(each, Number) for each in array.items)
    return put and bool(array.size) and not array.given_to


def open_end(key: Argument) -> str:
    """Why it cannot be told what the key is; '' where it comes from outside of the app."""
    for value in key.values:
        if isinstance(value, Array) and not is_blank(value) and value.size != 0:
            if not any(name.startswith(OUTSIDE) for name in value.given_to):
                return f"an array that {(*value.given_to, 'the method')[0]} fills"
        elif isinstance(value, Returned) and not f"{value.owner}.{value.name}".startswith(OUTSIDE):
            return f"the result of {value.owner}.{value.name}"
        elif not isinstance(value, (Array, Bytes, Number, Returned, Text)):
            return key.why
    return ""
