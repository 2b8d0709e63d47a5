"""ios-key-hardcoded: keys, passwords and start vectors that stand in the program."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.key_material import KEY, ZEROES, constants, is_from_outside, swift_constants
from gate.app.machine import Import, MachineCall, MachineFunction, imported, stable_name
from gate.check import Confidence, Finding, Severity, Unresolved, check

DERIVE = imported("CCKeyDerivationPBKDF")
# The functions of CommonCrypto, with the place of the key or password and of the vector.
TAKING = (
    (imported("CCCrypt CCCryptorCreate CCCryptorCreateFromData"), 3, 5),
    (imported("CCCryptorCreateWithMode"), 5, 4),
    (imported("CCHmac"), 1, None),
    (imported("CCHmacInit"), 2, None),
    (DERIVE, 1, None),
)
CREATE = imported("SecKeyCreateWithData")
PRIVATE = "kSecAttrKeyClassPrivate"


@check(IosApp, severity=Severity.CRITICAL, cwe=321, masvs="MASVS-CRYPTO-2")
def key_hardcoded(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A key, password or initialisation vector stands in the program.

    Looks at: The key and vector of CCCrypt and CCCryptorCreate, the key of CCHmac, the password of
    CCKeyDerivationPBKDF: texts, constant bytes and buffers of zeroes, through NSString, NSData and
    the app's own functions. The data of SecKeyCreateWithData for a private key, and of CryptoKit's
    SymmetricKey and PrivateKey: constant arrays and Base64 texts of the same function. A vector,
    and a Swift array that is no private key by its form, are told with low confidence.

    Matters because: Everybody can unpack the app, so everybody has the key: what it encrypts on a
    device or signs for a server is open to all, and changing it takes an update of every phone. A
    vector that never changes shows which messages begin alike.

    Fix by: SymmetricKey(size: .bits256) made once and kept in the Keychain, or
    SecureEnclave.P256.Signing.PrivateKey() for signatures; a key that the server hands out after
    login for what goes there; a vector from SecRandomCopyBytes for every message.

    Cannot see: Keys put together by arithmetic, keys that Swift reads from a property or makes of
    a text's UTF-8. Keys of C calls whose source is not known are told as unresolved.
    """
    for wanted, key, vector in TAKING:
        for call in app.code.calls(wanted):
            yield from _key(call, key)
            if vector is not None and (made := constants(call, vector)):
                yield _finding(call, "vector", made, Confidence.LOW)
    for call in app.code.calls(CREATE):
        made = constants(call, 0) or swift_constants(call)
        named = any(PRIVATE in each.mentions.imports for each in _around(call))
        if KEY in made or (made and named):
            sure = Confidence.HIGH if KEY in made else Confidence.LOW
            yield _finding(call, "private key", made, sure)
    names = tuple(sorted(name for name in app.code.imports if _takes_key(name)))
    for call in app.code.calls(Import(names)):
        if made := swift_constants(call):
            yield _finding(call, "key", made, Confidence.LOW)


def _takes_key(name: str) -> bool:
    """Whether it makes CryptoKit's key of bytes; those of the Secure Enclave are sealed."""
    private = "10PrivateKeyV" in name and "epresentation" in name and "SecureEnclave" not in name
    return name.startswith("$s9CryptoKit") and (private or "12SymmetricKeyV4data" in name)


def _key(call: MachineCall, index: int) -> Iterator[Finding | Unresolved]:
    made = constants(call, index)
    if call.name.startswith("CCHmac"):  # zeroes are its key by design in HKDF (RFC 5869, 2.2)
        made = tuple(each for each in made if each != ZEROES)
    held = call.argument(index)
    if made:
        what = "password" if call.name in DERIVE.names else "key"
        yield _finding(call, what, made, Confidence.HIGH)
    elif call.function.is_first_party and not held.complete and not is_from_outside(call, index):
        yield Unresolved(stable_name(call.function), f"the key: {held.why}", call.at)


def _around(call: MachineCall) -> tuple[MachineFunction, ...]:
    return (call.function, *(each.function for each in call.function.callers()))


def _finding(
    call: MachineCall, what: str, made: tuple[str, ...], confidence: Confidence
) -> Finding:
    taker = "CryptoKit" if call.name.startswith("$s") else call.name
    return Finding(
        f"{stable_name(call.function)} {what}",
        f"{call.function.name} gives {taker} a {what} that stands in the program, as "
        f"{' or '.join(made)}.",
        at=call.at,
        origin=call.function.origin,
        confidence=confidence,
    )
