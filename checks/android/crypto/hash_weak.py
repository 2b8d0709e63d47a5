"""android-hash-weak: MD2, MD4, MD5 or SHA-1."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import FIRST_PARTY, Call, Text, api
from gate.check import Finding, Severity, Unresolved, check

DIGEST = api("java.security.MessageDigest", "getInstance")
NAMES = {
    "MD2": "MD2", "MD4": "MD4", "MD5": "MD5", "SHA": "SHA-1", "SHA1": "SHA-1", "SHA-1": "SHA-1",
    "1.2.840.113549.2.5": "MD5", "1.3.14.3.2.26": "SHA-1",
}  # fmt: skip
# Methods that say the algorithm by their name, of the hashing libraries that apps carry.
_COMMONS = (
    "md2 md2Hex getMd2Digest updateMd2 md5 md5Hex getMd5Digest sha shaHex getShaDigest sha1"
    " sha1Hex getSha1Digest"
)
SHORTHANDS = (
    api("org.apache.commons.codec.digest.DigestUtils", _COMMONS),
    api("com.google.common.hash.Hashing", "md5 sha1"),
    api("okio.ByteString", "md5 sha1"),
    api("okio.Buffer", "md5 sha1"),
    api("okio.HashingSink", "md5 sha1"),
    api("okio.HashingSource", "md5 sha1"),
)


@check(AndroidApp, severity=Severity.MEDIUM, cwe=328, masvs="MASVS-CRYPTO-1")
def hash_weak(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A weak hash function: MD2, MD4, MD5 or SHA-1.

    Looks at: Every value that the algorithm name of MessageDigest.getInstance may have in the app's
    own code, and what the app's code hands to a library's; and its calls of the shorthands of
    Commons Codec (DigestUtils.md5Hex), Guava (Hashing.sha1) and Okio.

    Matters because: Two documents with the same MD5 are made in seconds and with the same SHA-1 for
    some thousand dollars, and hashes of PINs and passwords of either are searched at billions a
    second. Who checks a file, a signature or a password by them can be fooled.

    Fix by: MessageDigest.getInstance("SHA-256") for integrity; for a password
    SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256") with a random salt and 600,000 rounds, or
    better the check on the server. A cache key that protects nothing may be waived.

    Cannot see: What a hash is for, hashes computed by code of one's own or native code, and names
    from a server or a file; the latter are told as unresolved. Libraries that hash for themselves
    (ETags, cache keys, protocol handshakes) are left out.
    """
    for call in app.code.calls(DIGEST):
        argument = call.argument(0)
        for value in argument.values:
            name = " ".join(value.text.split())[:80] if isinstance(value, Text) else ""
            weak, flow = NAMES.get(name.upper(), ""), argument.steps(value)
            at = asked_at(app, call, flow)
            if weak and at is not None:
                yield Finding(
                    f"{at.element} {name}",
                    f'{at.element} asks for "{name}": {weak} is no longer secure.',
                    at=at,
                    origin=call.method.origin if at == call.at else FIRST_PARTY,
                    flow=flow,
                )
        if not argument.complete and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the algorithm is {argument.why}", call.at)
    for call in app.code.calls(*SHORTHANDS):
        inside = call.method.owner.startswith(f"{call.owner.rpartition('.')[0]}.")
        if call.method.is_first_party and not inside:
            name = f"{call.owner.rpartition('.')[2]}.{call.name}"
            message = f"{call.method.name} calls {name}, whose hash is no longer secure."
            subject = f"{call.method.name} {name}"
            yield Finding(subject, message, at=call.at, origin=call.method.origin)


def asked_at(app: AndroidApp, call: Call, flow: tuple[Location, ...]) -> Location | None:
    """Where the app's own code asks for a hash; None where a library asks for itself."""
    if call.method.is_first_party:
        return call.at
    begins = app.code.find(flow[0].element.rpartition(".")[0]) if flow else None
    return flow[0] if begins is not None and begins.origin == FIRST_PARTY else None
