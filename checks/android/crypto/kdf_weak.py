"""android-kdf-weak: keys derived from passwords with a constant salt or too few rounds."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Array, Bytes, Call, Number, Returned, Value, api
from gate.check import Finding, Severity, Unresolved, check

FLOOR = 10_000  # rounds
KEY_SPEC = (
    api("javax.crypto.spec.PBEKeySpec", "<init>", "char[] byte[] int"),
    api("javax.crypto.spec.PBEKeySpec", "<init>", "char[] byte[] int int"),
)
PARAMETERS = api("javax.crypto.spec.PBEParameterSpec", "<init>")
GENERATORS = tuple(
    api(f"org.{castle}.crypto.PBEParametersGenerator", "init")
    for castle in ("bouncycastle", "spongycastle")
)
SCRYPT = (
    api("org.bouncycastle.crypto.generators.SCrypt", "generate"),
    api("org.spongycastle.crypto.generators.SCrypt", "generate"),
    api("com.lambdaworks.crypto.SCrypt", "scrypt"),
)
NULL = Number(0)
# What fills an array anew, or out of what is stored.
FRESH = (
    "java.security.SecureRandom.", "java.util.Random.nextBytes", "java.lang.System.arraycopy",
    "java.nio.ByteBuffer.", "java.io.", "java.util.Arrays.copyOfRange",
)  # fmt: skip


@check(AndroidApp, severity=Severity.MEDIUM, cwe=(916, 760), masvs="MASVS-CRYPTO-2")
def kdf_weak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A key derived from a password with a constant salt or too few rounds.

    Looks at: Salt and iteration count of PBEKeySpec, PBEParameterSpec, Bouncy Castle's password
    based generators and scrypt: a salt that is a literal, a constant text's bytes or an array that
    nothing fills, and counts below 10,000, also through fields, parameters and results.

    Matters because: Somebody with a copy of the data tries passwords until one fits. A constant
    salt lets one table serve for every user and every device, and few rounds make each try cheap: a
    graphics card tests millions of six-digit PINs a second against 1,000 rounds.

    Fix by: Writing byte[] salt = new byte[16]; new SecureRandom().nextBytes(salt); keep it beside
    the data; new PBEKeySpec(password, salt, 600_000, 256) with "PBKDF2WithHmacSHA256". What the
    user need not type is better kept under a key of the Android Keystore.

    Cannot see: Derivations written by hand or in native code, and the cost parameters of scrypt and
    Argon2. Salts and counts from a method that the analysis does not know are told as unresolved.
    """
    for call in app.code.calls(*KEY_SPEC, *GENERATORS):
        yield from judged(call, 1, 2)
    for call in app.code.calls(PARAMETERS):
        yield from judged(call, 0, 1)
    for call in app.code.calls(*SCRYPT):
        yield from judged(call, 1, None)


def judged(call: Call, salt_at: int, rounds_at: int | None) -> Iterator[Finding | Unresolved]:
    """What is wrong with one derivation, whose salt and rounds are these parameters."""
    name, own = call.method.name, call.method.is_first_party
    salt = call.argument(salt_at)
    if fixed := constants(salt):
        yield found(call, "salt", "with a salt that is always the same", salt, fixed[0])
    elif own and (why := open_end(salt)):
        yield Unresolved(f"{name} salt", f"the salt is {why}", call.at)
    if rounds_at is None:
        return
    rounds = call.argument(rounds_at)
    for number in rounds.numbers:
        if 0 <= number < FLOOR:
            words = f"in {number} rounds; {FLOOR} is the least"
            yield found(call, f"{number} rounds", words, rounds, Number(number))
    if own and not rounds.complete:
        yield Unresolved(f"{name} rounds", f"the iteration count is {rounds.why}", call.at)


def found(call: Call, what: str, words: str, argument: Argument, value: Value) -> Finding:
    """The finding about one parameter."""
    name = call.method.name
    return Finding(
        f"{name} {what}",
        f"{name} derives a key from a password {words}.",
        at=call.at,
        origin=call.method.origin,
        flow=argument.steps(value),
    )


def constants(salt: Argument) -> list[Value]:
    """The constant bytes among the values; zeros that nothing fills only if nothing else is."""
    known = [each for each in salt.values if isinstance(each, Bytes)]
    blank = [each for each in salt.values if isinstance(each, Array) and is_blank(each)]
    only = len(known) + len(blank) + (NULL in salt.values) == len(salt.values)
    return [*known, *(blank if only else ())]


def is_blank(array: Array) -> bool:
    """Whether an array holds the constants put into it, and nothing else may fill it."""
    put = array.items is not None and all(isinstance(each, Number) for each in array.items)
    return put and not array.given_to


def open_end(salt: Argument) -> str:
    """Why it cannot be told what the salt is; '' where it is random or stored."""
    for value in salt.values:
        if isinstance(value, Array) and not is_blank(value):
            if not any(name.startswith(FRESH) for name in value.given_to):
                return f"an array that {(*value.given_to, 'the method')[0]} fills"
        elif isinstance(value, Returned) and not f"{value.owner}.{value.name}".startswith(FRESH):
            return f"the result of {value.owner}.{value.name}"
        elif not isinstance(value, (Array, Bytes, Number, Returned)):
            return salt.why
    return ""
