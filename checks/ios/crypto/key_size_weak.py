"""ios-key-size-weak: RSA keys below 2,048 bits and keys of curves below 256."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.key_attributes import values_of
from gate.app.machine import MachineFunction, stable_name
from gate.check import Confidence, Finding, Severity, Unresolved, check

SIZE = "kSecAttrKeySizeInBits"
RSA = "kSecAttrKeyTypeRSA"
CURVES = ("kSecAttrKeyTypeEC", "kSecAttrKeyTypeECSECPrimeRandom")
MAKING = frozenset(("SecKeyCreateRandomKey", "SecKeyGeneratePair", "SecKeyGeneratePairAsync"))
LEAST = {"RSA": 2048, "EC": 256}
CALLS = 1000  # of one function that are followed
# What is taken for a size among all that a Swift function writes, which has no call for an entry.
USUAL = {
    "RSA": (384, 512, 768, 1024, 1280, 1536, 2048, 3072, 4096),
    "EC": (112, 128, 160, 192, 224, 256, 384, 521),
}


@check(IosApp, severity=Severity.HIGH, cwe=326, masvs="MASVS-CRYPTO-2")
def key_size_weak(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A key is made that is too short: RSA below 2048 bits, or a curve below 256.

    Looks at: The attribute kSecAttrKeySizeInBits in the functions that call SecKeyCreateRandomKey
    or SecKeyGeneratePair, or are called by or call such: the value in dictionary literals, of
    setObject:forKey:, CFDictionarySetValue and CFDictionaryCreate; in Swift the usual sizes among
    the numbers that the function writes. Sizes in queries of the Keychain do not count.

    Matters because: RSA of 1024 bits is within reach of those who can spend much, 512 bits of
    everybody; NIST has disallowed both since 2014. Who factors the key reads and signs as the app.

    Fix by: Setting kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom with kSecAttrKeySizeInBits:
    256, best in the Secure Enclave (kSecAttrTokenID: kSecAttrTokenIDSecureEnclave); for RSA 3072.
    Make a new key for every user, re-encrypt or re-register, and delete the old one.

    Cannot see: Keys that are made on a server or imported, and sizes that are computed; the latter
    are told as unresolved.
    """
    seen = set()
    for function, at in app.code.symbol_uses(SIZE):
        place = (function.program, function.address)
        if place not in seen and any(map(_makes_key, _around(function))):
            seen.add(place)
            yield from _judged(function, at)


def _makes_key(function: MachineFunction) -> bool:
    return not MAKING.isdisjoint(function.mentions.imports)


def _around(function: MachineFunction) -> Iterator[MachineFunction]:
    yield function
    yield from (call.function for call in function.callers())
    for call in function.calls[:CALLS]:
        yield from () if call.is_message else call.targets()


def _judged(function: MachineFunction, at: Location) -> Iterator[Finding | Unresolved]:
    said = function.mentions.imports
    curves = not said.isdisjoint(CURVES)
    kind = "RSA" if RSA in said and not curves else "EC"  # with both the lower limit
    sizes = values_of(function, SIZE)
    found = {size for entry in sizes for size in entry}
    sure = Confidence.HIGH if found or kind == "RSA" else Confidence.LOW
    found = found or {n for n in function.written.numbers if n in USUAL[kind]}
    for size in sorted(size for size in found if 0 < size < LEAST[kind]):
        name = kind if (RSA in said) is not curves else "RSA or EC"
        yield Finding(
            f"{stable_name(function)} {name} {size}",
            f"{function.name} makes {name} keys of {size} bits; {LEAST[kind]} is the least.",
            at=at,
            origin=function.origin,
            confidence=sure,
        )
    if not found and function.is_first_party:
        yield Unresolved(stable_name(function), "the key's size is not known", at)
