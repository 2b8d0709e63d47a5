"""android-iv-static: an initialisation vector that is the same in every message."""

from collections import defaultdict
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Array, Bytes, Number, Returned, Value, api
from gate.check import Confidence, Finding, Severity, Unresolved, check

SPECS = (
    api("javax.crypto.spec.IvParameterSpec", "<init>"),
    api("javax.crypto.spec.GCMParameterSpec", "<init>"),
)
INIT = api("javax.crypto.Cipher", "init")
DECRYPT = 2  # Cipher.DECRYPT_MODE
NULL = Number(0)
# What fills an array anew for every message, and whose results are such: the random numbers that
# encrypt, the parts of a message that decrypt.
FRESH = (
    "java.security.SecureRandom.", "java.util.Random.nextBytes", "java.lang.System.arraycopy",
    "java.nio.ByteBuffer.", "java.io.", "javax.crypto.Cipher.", "java.security.Algorithm",
    "java.util.Arrays.copyOfRange", "javax.crypto.spec.", "javax.crypto.CipherInputStream.",
)  # fmt: skip


@check(AndroidApp, severity=Severity.HIGH, cwe=329, masvs="MASVS-CRYPTO-1")
def iv_static(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    An initialisation vector that never changes.

    Looks at: The bytes given to IvParameterSpec and GCMParameterSpec: a literal array, the bytes of
    a literal text, a field that holds one, a copy of one, and a new array that nothing fills, also
    where they come through parameters and results. Where the vector only decrypts, the finding is
    marked less sure: the side that encrypts may be somewhere else.

    Matters because: With the same key and vector, equal beginnings of plaintexts give equal
    ciphertexts in CBC; in CTR and GCM two messages give away the difference of their plaintexts,
    and in GCM the key that authenticates them.

    Fix by: Let the cipher choose: cipher.init(Cipher.ENCRYPT_MODE, key), then keep cipher.getIV()
    in front of the ciphertext; to decrypt, new GCMParameterSpec(128, Arrays.copyOf(message, 12)).

    Cannot see: Vectors that repeat without being constant (a counter from 0, a hash of the key),
    and those of native code. Bytes from a method that the analysis does not know are told as
    unresolved.
    """
    modes = modes_of(app)
    for call in app.code.calls(*SPECS):
        given = call.argument(1 if call.owner.endswith("GCMParameterSpec") else 0)
        if fixed := constants(given):
            known = [modes[made] for made in call.receiver.values if made in modes]
            decrypts = bool(known) and all(each == {DECRYPT} for each in known)
            does = "decrypts with" if decrypts else "uses"
            yield Finding(
                call.method.name,
                f"{call.method.name} {does} an initialisation vector that is always the same.",
                at=call.at,
                origin=call.method.origin,
                confidence=Confidence.LOW if decrypts else Confidence.HIGH,
                flow=given.steps(fixed[0]),
            )
        elif (why := open_end(given)) and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the initialisation vector is {why}", call.at)


def modes_of(app: AndroidApp) -> dict[Value, set[int]]:
    """The modes that ciphers are set up in, by the specification they get."""
    modes: dict[Value, set[int]] = defaultdict(set)
    for call in app.code.calls(INIT):
        mode = call.argument(0)
        for value in call.argument(2).values:
            modes[value].update(mode.numbers if mode.complete else (0,))
    return modes


def constants(given: Argument) -> list[Value]:
    """The constant bytes among the values; zeros that nothing fills only if nothing else is."""
    known = [each for each in given.values if isinstance(each, Bytes) and each.data]
    blank = [each for each in given.values if isinstance(each, Array) and is_blank(each)]
    only = len(known) + len(blank) + (NULL in given.values) == len(given.values)
    return [*known, *(blank if only else ())]


def is_blank(array: Array) -> bool:
    """Whether an array holds the constants put into it, and nothing else may fill it."""
    put = array.items is not None and all(isinstance(each, Number) for each in array.items)
    return put and bool(array.size) and not array.given_to


def open_end(given: Argument) -> str:
    """Why it cannot be told what the bytes are; '' where they are new with every message."""
    for value in given.values:
        if isinstance(value, Array) and not is_blank(value):
            if not any(name.startswith(FRESH) for name in value.given_to):
                return f"an array that {(*value.given_to, 'the method')[0]} fills"
        elif isinstance(value, Returned) and not f"{value.owner}.{value.name}".startswith(FRESH):
            return f"the result of {value.owner}.{value.name}"
        elif not isinstance(value, (Array, Bytes, Number, Returned)):
            return given.why
    return ""
