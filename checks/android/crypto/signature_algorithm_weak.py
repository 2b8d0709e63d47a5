"""android-signature-algorithm-weak: signatures and authentication codes over MD5 or SHA-1."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Text, api
from gate.check import Finding, Severity, Unresolved, check

CHOSEN = (api("java.security.Signature", "getInstance"), api("javax.crypto.Mac", "getInstance"))
DIGESTS = {"MD2": "MD2", "MD4": "MD4", "MD5": "MD5", "SHA": "SHA-1", "SHA1": "SHA-1"}
# Names without a digest that stand for SHA-1: the JDK's and Bouncy Castle's aliases.
ALONE = ("DSA", "DSS", "ECDSA", "DSAWITHSHA1", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1")
SIGNATURE = re.compile(r"(MD[245]|SHA-?1?)(?:WITH|/)[\w/-]+")
MAC = re.compile(r"(?:HMAC[-/]?|PBEWITHHMAC|HMACPBE)(MD[245]|SHA-?1?)")


@check(AndroidApp, severity=Severity.HIGH, cwe=328, masvs="MASVS-CRYPTO-1")
def signature_algorithm_weak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A signature or message authentication code over MD5 or SHA-1.

    Looks at: Every value that the algorithm name of Signature.getInstance and Mac.getInstance may
    have, followed through fields, parameters and string operations: MD5withRSA, SHA1withRSA,
    SHA1withDSA, SHA1withECDSA, HmacMD5, HmacSHA1 and their other spellings.

    Matters because: Two messages with the same MD5 or SHA-1 can be made on purpose, and a signature
    over the harmless one is then good for the other. HMAC resists that for now, but the standards
    have set dates by which HMAC-SHA-1 goes.

    Fix by: Signature.getInstance("SHA256withECDSA") or "SHA256withRSA", Mac.getInstance(
    "HmacSHA256"); accept both while old messages or servers still need the old one, and send only
    the new one.

    Cannot see: The digest of RSASSA-PSS, which stands in its parameters; signatures made by native
    code or checked by a server; names from outside, which are told as unresolved. One-time password
    algorithms prescribe HmacSHA1 (RFC 6238); such a place may be waived.
    """
    for call in app.code.calls(*CHOSEN):
        argument = call.argument(0)
        for value in argument.values:
            name = " ".join(value.text.split())[:80] if isinstance(value, Text) else ""
            if digest := weak_digest(name):
                yield Finding(
                    f"{call.method.name} {name}",
                    f'{call.method.name} asks for "{name}", which rests on {digest}.',
                    at=call.at,
                    origin=call.method.origin,
                    flow=argument.steps(value),
                )
        if not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the algorithm is {argument.why}", call.at)


def weak_digest(name: str) -> str:
    """The weak digest that an algorithm name rests on, '' where it has none."""
    algorithm = name.upper()
    if algorithm in ALONE:
        return "SHA-1"
    found = SIGNATURE.fullmatch(algorithm) or MAC.fullmatch(algorithm)
    return DIGESTS[found[1].replace("-", "")] if found else ""
