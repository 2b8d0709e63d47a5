"""android-cipher-ecb: a block cipher in the mode that keeps equal blocks equal."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Text, api
from gate.check import Finding, Severity, Unresolved, check

CHOSEN = api("javax.crypto.Cipher", "getInstance")
# Ciphers whose bare name the providers complete with ECB (Java Cryptography Architecture, "Cipher
# Transformations"; the same in Bouncy Castle and Conscrypt).
BLOCK_CIPHERS = frozenset(
    ("AES", "AES_128", "AES_192", "AES_256", "RIJNDAEL", "DES", "DESEDE", "TRIPLEDES", "3DES",
     "BLOWFISH", "TWOFISH", "SERPENT", "CAMELLIA", "ARIA", "SEED", "SM4", "IDEA", "RC2", "ARC2",
     "RC5", "RC5-64", "RC6", "CAST5", "CAST6", "TEA", "XTEA", "SKIPJACK", "NOEKEON", "GOST28147")
)  # fmt: skip
ASYMMETRIC = frozenset(("RSA", "ELGAMAL", "EC", "ECIES", "IES", "DHIES"))
NO_CHAINING = ("ECB", "NONE", "")


@check(AndroidApp, severity=Severity.HIGH, cwe=327, masvs="MASVS-CRYPTO-1")
def cipher_ecb(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A block cipher in ECB mode.

    Looks at: Every value that the transformation given to Cipher.getInstance may have, followed
    through fields, parameters and string operations: one that names the mode ECB, and a block
    cipher named alone ("AES"), which the providers complete with ECB.

    Matters because: ECB encrypts every block on its own, so equal parts of the plaintext stay equal
    in the ciphertext: it shows which records, amounts or passwords are the same, and blocks can be
    cut out, swapped and replayed without the key.

    Fix by: Name mode and padding: Cipher.getInstance("AES/GCM/NoPadding"), let init choose the
    initialisation vector, keep cipher.getIV() beside the ciphertext, and give it back in a
    GCMParameterSpec(128, iv) to decrypt.

    Cannot see: Ciphers in native code, modes put together by hand out of single blocks, and names
    that come from a server or a file; the latter are told as unresolved. RSA/ECB/... is left out:
    ECB is only a word there.
    """
    for call in app.code.calls(CHOSEN):
        argument = call.argument(0)
        for value in argument.values:
            name = " ".join(value.text.split())[:80] if isinstance(value, Text) else ""
            if why := is_ecb(name):
                yield Finding(
                    f"{call.method.name} {name}",
                    f'{call.method.name} asks for "{name}": {why}.',
                    at=call.at,
                    origin=call.method.origin,
                    flow=argument.steps(value),
                )
        if not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the transformation is {argument.why}", call.at)


def is_ecb(name: str) -> str:
    """Why a transformation encrypts every block on its own, '' where it does not."""
    algorithm, *rest = (part.strip().upper() for part in name.split("/"))
    if not rest:
        alone = algorithm in BLOCK_CIPHERS
        return "without a mode it is ECB, which keeps equal blocks equal" if alone else ""
    if rest[0] == "ECB" and algorithm not in ASYMMETRIC:
        return "ECB keeps equal blocks equal"
    if rest[0] in NO_CHAINING and algorithm in BLOCK_CIPHERS:
        return "the mode is none, which keeps equal blocks equal"
    return ""
