"""android-key-size-weak: RSA under 2048 bits, curves under 256, symmetric keys under 128."""

import re
from collections import defaultdict
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Call, Number, Text, api
from gate.check import Finding, Severity, Unresolved, check

PAIRS = api("java.security.KeyPairGenerator", "getInstance")
KEYS = api("javax.crypto.KeyGenerator", "getInstance")
SIZED = (
    api("java.security.KeyPairGenerator", "initialize", "int"),
    api("java.security.KeyPairGenerator", "initialize", "int java.security.SecureRandom"),
    api("javax.crypto.KeyGenerator", "init", "int"),
    api("javax.crypto.KeyGenerator", "init", "int java.security.SecureRandom"),
    api("android.security.keystore.KeyGenParameterSpec$Builder", "setKeySize"),
)
RSA_SIZED = (
    api("java.security.spec.RSAKeyGenParameterSpec", "<init>"),
    api("android.security.KeyPairGeneratorSpec$Builder", "setKeySize"),
)
CURVE = api("java.security.spec.ECGenParameterSpec", "<init>")
BITS = re.compile(r"(?:secp|sect|prime|p-|nist p-|b-|k-|brainpoolp|x9\.62 prime)(\d+)", re.I)
CURVE_IDS = {"1.2.840.10045.3.1.1": 192, "1.3.132.0.33": 224, "1.3.132.0.31": 192}
# The least size in bits (NIST SP 800-131A revision 2); an algorithm that is not here has its own.
LEAST = {
    **dict.fromkeys(("RSA", "DSA", "DH", "DIFFIEHELLMAN", "ELGAMAL"), 2048),
    **dict.fromkeys(("EC", "ECDSA", "ECDH"), 256),
    **dict.fromkeys(("AES", "BLOWFISH", "RC2", "RC4", "ARC4", "ARCFOUR", "CAMELLIA"), 128),
}


@check(AndroidApp, severity=Severity.HIGH, cwe=326, masvs="MASVS-CRYPTO-2")
def key_size_weak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A key that is too short: RSA under 2048 bits, a curve under 256, AES under 128.

    Looks at: The size that KeyPairGenerator.initialize, KeyGenerator.init, KeyGenParameterSpec
    .Builder.setKeySize and RSAKeyGenParameterSpec are given, with the algorithm of the generator
    that it is for; and the curve that ECGenParameterSpec names.

    Matters because: RSA and Diffie-Hellman of 1024 bits are within reach of a well-funded attacker,
    and of 512 of anybody with a cloud account; a stored message or a signature falls years later.

    Fix by: Writing generator.initialize(2048) or better 3072 for RSA; new
    ECGenParameterSpec("secp256r1") for elliptic curves; KeyGenerator.init(256) for AES.

    Cannot see: Keys that come from outside, are made by native code or by a library's own
    generator. A size whose algorithm or value cannot be told is told as unresolved.
    """
    algorithms = generators(app)
    for call in app.code.calls(*SIZED):
        names = algorithms.get(call, set()) | built_for(call, algorithms)
        size = call.argument(0)
        for number in size.numbers:
            for name in sorted(names):
                if number < LEAST.get(name, 0):
                    yield found(call, size, number, name, LEAST[name])
        small = [number for number in size.numbers if number < 2048]
        if call.method.is_first_party and (not size.complete or (small and not names)):
            why = "the algorithm cannot be told" if size.complete else f"the size is {size.why}"
            yield Unresolved(call.method.name, why, call.at)
    for call in app.code.calls(*RSA_SIZED):
        size = call.argument(0)
        for number in size.numbers:
            if number < LEAST["RSA"]:
                yield found(call, size, number, "RSA", LEAST["RSA"])
        if not size.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the size is {size.why}", call.at)
    for call in app.code.calls(CURVE):
        yield from curves(call)


def generators(app: AndroidApp) -> dict[Call, set[str]]:
    """The algorithms, in capitals, of the generators that a call sets up, by that call."""
    found: dict[Call, set[str]] = defaultdict(set)
    for made in app.code.calls(PAIRS, KEYS):
        for flow in made.flows():
            if flow.call.name in ("initialize", "init") and flow.argument == -1:
                found[flow.call].update(text.upper() for text in made.argument(0).texts)
    return found


def built_for(call: Call, algorithms: dict[Call, set[str]]) -> set[str]:
    """The algorithms of the generators that a specification's builder ends in."""
    if call.name != "setKeySize":
        return set()
    chain = [call, *call.on_receiver()]
    for each in chain:
        seen = set(chain)
        chain += [other for other in each.on_result() if other not in seen]
    built = [flow for each in chain if each.name == "build" for flow in each.flows()]
    ends = {flow.call for flow in built if flow.argument == 0}
    return {name for call in ends for name in algorithms.get(call, ())}


def found(call: Call, value: Argument, number: int, name: str, least: int) -> Finding:
    """The finding of one size."""
    return Finding(
        f"{call.method.name} {name} {number}",
        f"{call.method.name} makes {name} keys of {number} bits; {least} is the least.",
        at=call.at,
        origin=call.method.origin,
        flow=value.steps(Number(number)),
    )


def curves(call: Call) -> Iterator[Finding | Unresolved]:
    """What is wrong with the curve that a specification names."""
    name = call.argument(0)
    for text in name.texts:
        match = BITS.match(text)
        bits = int(match[1]) if match and len(match[1]) < 6 else CURVE_IDS.get(text, 256)
        if bits < LEAST["EC"]:
            message = f"{call.method.name} names the curve {text[:40]}, which has {bits} bits."
            yield Finding(
                f"{call.method.name} {text[:40]}",
                message,
                at=call.at,
                origin=call.method.origin,
                flow=name.steps(Text(text)),
            )
    if not name.complete and call.method.is_first_party:
        yield Unresolved(call.method.name, f"the curve is {name.why}", call.at)
