"""android-cipher-broken: DES, Triple DES, RC2, RC4 or Blowfish."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Text, api
from gate.check import Finding, Severity, Unresolved, check

CHOSEN = (
    api("javax.crypto.Cipher", "getInstance"),
    api("javax.crypto.KeyGenerator", "getInstance"),
    api("javax.crypto.SecretKeyFactory", "getInstance"),
)
NULL_CIPHER = api("javax.crypto.NullCipher", "<init>")
BROKEN = {
    "DES": "DES", "DESEDE": "Triple DES", "TRIPLEDES": "Triple DES", "3DES": "Triple DES",
    "DESEDEWRAP": "Triple DES", "RC2": "RC2", "ARC2": "RC2", "RC4": "RC4", "ARCFOUR": "RC4",
    "ARC4": "RC4", "BLOWFISH": "Blowfish",
}  # fmt: skip
LONGEST_FIRST = sorted(BROKEN, key=len, reverse=True)  # TRIPLEDES ends with DES


@check(AndroidApp, severity=Severity.HIGH, cwe=327, masvs="MASVS-CRYPTO-1")
def cipher_broken(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A broken cipher: DES, Triple DES, RC2, RC4 or Blowfish.

    Looks at: Every value that the algorithm name of Cipher, KeyGenerator and SecretKeyFactory
    .getInstance may have, followed through fields, parameters and string operations, password-based
    names such as PBEWithMD5AndDES included; and every new NullCipher.

    Matters because: DES falls to trying all keys in hours, RC4 and RC2 leak what they protect, and
    the 64-bit blocks of Triple DES and Blowfish repeat after some gigabytes. What the app keeps or
    sends under them is not confidential against somebody who has the ciphertext.

    Fix by: Cipher.getInstance("AES/GCM/NoPadding") with a key of 128 bits or more from the Android
    Keystore, and a new random initialisation vector for every message. Decrypt what is stored under
    the old cipher once, and store it again under the new one.

    Cannot see: Ciphers in native code, and names that come from a server or a file; the latter are
    told as unresolved.
    """
    for call in app.code.calls(*CHOSEN):
        argument = call.argument(0)
        for value in argument.values:
            name = " ".join(value.text.split())[:80] if isinstance(value, Text) else ""
            if cipher := broken(name):
                yield Finding(
                    f"{call.method.name} {name}",
                    f'{call.method.name} asks for "{name}": {cipher} is broken.',
                    at=call.at,
                    origin=call.method.origin,
                    flow=argument.steps(value),
                )
        if not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the algorithm is {argument.why}", call.at)
    for call in app.code.calls(NULL_CIPHER):
        message = f"{call.method.name} makes a NullCipher, which encrypts nothing."
        yield Finding(
            f"{call.method.name} NullCipher", message, at=call.at, origin=call.method.origin
        )


def broken(name: str) -> str:
    """The broken cipher that an algorithm name means, '' where it means none."""
    algorithm = name.split("/")[0].strip().upper()
    if algorithm.startswith("PBEWITH"):
        parts = algorithm.removeprefix("PBEWITH").replace("-", "AND").split("AND")
        hits = (BROKEN[known] for part in parts for known in LONGEST_FIRST if part.endswith(known))
        return next(hits, "")
    return BROKEN.get(algorithm, "")
