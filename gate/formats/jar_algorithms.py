"""Which digest and signature algorithms a JAR signature may pair, on which API levels.

Source: AOSP tools/apksig, OidConstants, which was measured on devices. Android 5.0 to 6.0 takes
nearly every pair, and means the digest that the signature algorithm names.
"""

from typing import Final

from gate.formats.verify import DSA, ECDSA, RSA

DIGEST_OIDS: Final = {
    bytes.fromhex("2a864886f70d0205"): "MD5",  # 1.2.840.113549.2.5
    bytes.fromhex("2b0e03021a"): "SHA-1",  # 1.3.14.3.2.26
    bytes.fromhex("608648016503040204"): "SHA-224",  # 2.16.840.1.101.3.4.2.4
    bytes.fromhex("608648016503040201"): "SHA-256",
    bytes.fromhex("608648016503040202"): "SHA-384",
    bytes.fromhex("608648016503040203"): "SHA-512",
}
# The digest is "" where the signature algorithm leaves it to the digest algorithm beside it.
SIGNATURE_OIDS: Final = {
    bytes.fromhex("2a864886f70d010101"): (RSA, ""),  # 1.2.840.113549.1.1.1
    bytes.fromhex("2a864886f70d010104"): (RSA, "MD5"),
    bytes.fromhex("2a864886f70d010105"): (RSA, "SHA-1"),
    bytes.fromhex("2a864886f70d01010e"): (RSA, "SHA-224"),
    bytes.fromhex("2a864886f70d01010b"): (RSA, "SHA-256"),
    bytes.fromhex("2a864886f70d01010c"): (RSA, "SHA-384"),
    bytes.fromhex("2a864886f70d01010d"): (RSA, "SHA-512"),
    bytes.fromhex("2a8648ce380401"): (DSA, ""),  # 1.2.840.10040.4.1
    bytes.fromhex("2a8648ce380403"): (DSA, "SHA-1"),
    bytes.fromhex("608648016503040301"): (DSA, "SHA-224"),  # 2.16.840.1.101.3.4.3.1
    bytes.fromhex("608648016503040302"): (DSA, "SHA-256"),
    bytes.fromhex("2a8648ce3d0201"): (ECDSA, ""),  # 1.2.840.10045.2.1
    bytes.fromhex("2a8648ce3d0401"): (ECDSA, "SHA-1"),
    bytes.fromhex("2a8648ce3d040301"): (ECDSA, "SHA-224"),
    bytes.fromhex("2a8648ce3d040302"): (ECDSA, "SHA-256"),
    bytes.fromhex("2a8648ce3d040303"): (ECDSA, "SHA-384"),
    bytes.fromhex("2a8648ce3d040304"): (ECDSA, "SHA-512"),
}

# In place of an API level: who verifies by the JAR File Specification, as the JDK does.
JDK: Final = 1 << 16

_LATEST: Final = 0x7FFF_FFFF
_ALL: Final = ((0, _LATEST),)
_OLD_AND_18: Final = ((0, 8), (18, _LATEST))
_OLD_AND_21: Final = ((0, 8), (21, _LATEST))
_FROM_18: Final = ((18, _LATEST),)
_FROM_21: Final = ((21, _LATEST),)
_FROM_22: Final = ((22, _LATEST),)
_LOLLIPOP_TO_M: Final = ((21, 23),)
_LOLLIPOP: Final = ((21, 21),)

# By kind, digest algorithm, and the digest of the signature algorithm.
_LEVELS: Final = {
    (RSA, "MD5", ""): _ALL,
    (RSA, "MD5", "MD5"): _OLD_AND_21,
    (RSA, "SHA-1", ""): _ALL,
    (RSA, "SHA-1", "SHA-1"): _ALL,
    (RSA, "SHA-224", ""): _OLD_AND_21,
    (RSA, "SHA-224", "SHA-224"): _OLD_AND_21,
    (RSA, "SHA-224", "SHA-256"): _LOLLIPOP,
    (RSA, "SHA-256", ""): _OLD_AND_18,
    (RSA, "SHA-256", "SHA-1"): _LOLLIPOP,
    (RSA, "SHA-256", "SHA-256"): _OLD_AND_18,
    (RSA, "SHA-384", ""): _FROM_18,
    (RSA, "SHA-384", "SHA-384"): _FROM_21,
    (RSA, "SHA-512", ""): _FROM_18,
    (RSA, "SHA-512", "SHA-384"): _LOLLIPOP,
    (RSA, "SHA-512", "SHA-512"): _FROM_21,
    (DSA, "SHA-1", ""): _ALL,
    (DSA, "SHA-1", "SHA-1"): ((9, _LATEST),),
    (DSA, "SHA-224", ""): _FROM_22,
    (DSA, "SHA-224", "SHA-224"): _FROM_21,
    (DSA, "SHA-256", ""): _FROM_22,
    (DSA, "SHA-256", "SHA-256"): _FROM_21,
    (DSA, "MD5", ""): (),
    (DSA, "SHA-384", ""): (),
    (DSA, "SHA-512", ""): (),
    (ECDSA, "MD5", ""): (),
    (ECDSA, "SHA-1", ""): _FROM_18,
    (ECDSA, "SHA-1", "SHA-1"): _FROM_18,
    (ECDSA, "SHA-224", ""): _FROM_21,
    (ECDSA, "SHA-224", "SHA-224"): _FROM_21,
    (ECDSA, "SHA-256", ""): _FROM_18,
    (ECDSA, "SHA-256", "SHA-256"): _FROM_21,
    (ECDSA, "SHA-384", ""): _FROM_18,
    (ECDSA, "SHA-384", "SHA-384"): _FROM_21,
    (ECDSA, "SHA-512", ""): _FROM_18,
    (ECDSA, "SHA-512", "SHA-512"): _FROM_21,
}


def is_supported(kind: str, digest: str, signature_digest: str, level: int) -> bool:
    """Whether Android of this API level, or the JDK, takes a pair of algorithms."""
    if level == JDK and digest == "MD5":  # java.security, jdk.jar.disabledAlgorithms
        return False
    levels = _LEVELS.get((kind, digest, signature_digest), _LOLLIPOP_TO_M)
    return any(first <= level <= last for first, last in levels)
