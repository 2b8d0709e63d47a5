"""ios-cipher-weak: CommonCrypto with DES, 3DES, CAST, RC4, RC2, Blowfish or ECB."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import MachineCall, Values, imported, stable_name
from gate.check import Finding, Severity, Unresolved, check

PLAIN = imported("CCCrypt CCCryptorCreate CCCryptorCreateFromData")
MODAL = imported("CCCryptorCreateWithMode")
# CCAlgorithm, kCCOptionECBMode and kCCModeECB: CommonCrypto/CommonCryptor.h of Apple's SDK.
BROKEN = {1: "DES", 2: "3DES", 3: "CAST", 4: "RC4", 5: "RC2", 6: "Blowfish"}
STREAM = 4
ECB_OPTION = 2
ECB_MODE = 1


@check(IosApp, severity=Severity.HIGH, cwe=327, masvs="MASVS-CRYPTO-1")
def cipher_weak(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    CommonCrypto encrypts with a weak cipher or block by block (ECB).

    Looks at: Every call of CCCrypt, CCCryptorCreate, CCCryptorCreateFromData and
    CCCryptorCreateWithMode: the algorithm (1 DES, 2 3DES, 3 CAST, 4 RC4, 5 RC2, 6 Blowfish), the
    option kCCOptionECBMode (2) and the mode kCCModeECB (1), as the code sets them up before.

    Matters because: DES falls to trying all keys in hours, RC4 and RC2 leak what they protect, and
    the 64-bit blocks of 3DES, CAST and Blowfish repeat after some gigabytes. ECB turns equal blocks
    of text into equal blocks of ciphertext, so that patterns stay and blocks can be exchanged.

    Fix by: In Swift AES.GCM.seal(data, using: key) or ChaChaPoly.seal of CryptoKit with a
    SymmetricKey(size: .bits256) kept in the Keychain. Where CommonCrypto must stay: kCCAlgorithmAES
    with kCCOptionPKCS7Padding, a new random initialisation vector from SecRandomCopyBytes for every
    message, and an HMAC over both. Decrypt old data once and store it again.

    Cannot see: Ciphers that a library brings along (OpenSSL, CryptoSwift), and algorithms that
    arrive from a server; the latter are told as unresolved.
    """
    for call in app.code.calls(PLAIN):
        algorithm, options = call.argument(1), call.argument(2)
        yield from _algorithm(call, algorithm)
        if algorithm.numbers != (STREAM,):
            ecb = [number for number in options.numbers if number & ECB_OPTION]
            yield from _ecb(call, bool(ecb), options, f"options {ecb[0] if ecb else 0}")
    for call in app.code.calls(MODAL):
        mode, algorithm = call.argument(1), call.argument(2)
        yield from _algorithm(call, algorithm)
        if algorithm.numbers != (STREAM,):
            yield from _ecb(call, ECB_MODE in mode.numbers, mode, "mode 1")


def _algorithm(call: MachineCall, algorithm: Values) -> Iterator[Finding | Unresolved]:
    for number in algorithm.numbers:
        if cipher := BROKEN.get(number & 0xFFFFFFFF):
            yield Finding(
                f"{stable_name(call.function)} {cipher}",
                f"{call.function.name} gives {call.name} algorithm {number}, {cipher}, which is "
                "weak.",
                at=call.at,
                origin=call.function.origin,
            )
    yield from _open(call, algorithm, "algorithm")


def _ecb(call: MachineCall, is_ecb: bool, held: Values, how: str) -> Iterator[Finding | Unresolved]:
    if is_ecb:
        yield Finding(
            f"{stable_name(call.function)} ECB",
            f"{call.function.name} gives {call.name} {how}, ECB: equal blocks stay recognisable.",
            at=call.at,
            origin=call.function.origin,
        )
    yield from _open(call, held, how.split()[0])


def _open(call: MachineCall, held: Values, what: str) -> Iterator[Unresolved]:
    if not held.complete and call.function.is_first_party:
        reason = f"the {what} of {call.name}: {held.why}"
        yield Unresolved(stable_name(call.function), reason, call.at)
