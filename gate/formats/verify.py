"""Signatures verified with a public key: RSA, RSA-PSS, ECDSA and DSA.

One of two doors to `cryptography`, imported when there is a signature to verify. Sources: RFC 5280
4.1.2.7 and RFC 3279 (keys), RFC 8017 (RSA), FIPS 186-4 (DSA, ECDSA).
"""

import hashlib
from typing import TYPE_CHECKING, Final

from gate.formats import ber
from gate.formats.errors import Malformed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

RSA: Final = "RSA"
RSA_PSS: Final = "RSA-PSS"
ECDSA: Final = "ECDSA"
DSA: Final = "DSA"
DIGESTS: Final = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}

_BIT_STRING: Final = 0x03
_RSA_ENCRYPTION: Final = bytes.fromhex("06092a864886f70d010101")  # 1.2.840.113549.1.1.1
_MAX_KEY: Final = 16 << 10
_MAX_RSA_BITS: Final = 16_384  # where BoringSSL stops, and OpenSSL


def digest(algorithm: str, data: bytes) -> bytes:
    """The digest of `data`; `algorithm` is a key of `DIGESTS`."""
    return hashlib.new(DIGESTS[algorithm], data, usedforsecurity=False).digest()


def refusal(key: bytes, kind: str, algorithm: str, signature: bytes, hashed: bytes) -> str:
    """Why `signature` is none by `key` over the data whose digest is `hashed`, or "".

    `key` is a SubjectPublicKeyInfo in DER, `kind` one of the names above, `algorithm` a key of
    `DIGESTS`. The salt of RSA-PSS is as long as the digest, which also is the one of its mask.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    loaded = _load(key)
    if loaded is None:
        return "the public key is not one that can be read"
    try:
        if not _check(loaded, kind, algorithm, signature, hashed):
            return f"the public key is of another kind than {kind}"
    except InvalidSignature:
        return "the signature does not match what it is over"
    except (UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return f"the signature is not one that {kind} with {algorithm} makes"
    return ""


def same_key(certified: bytes, given: bytes) -> bool:
    """Whether `given` is the key that a certificate certifies, as it stands there or in strict DER.

    A modulus that was written without its leading zero, and so as a negative number, is taken for
    what was meant, as AOSP's tools/apksig does (ApkSigningBlockUtils.encodePublicKey).
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if certified == given:
        return True
    key = _load(certified)
    if key is None:
        return False
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == given


def _check(
    key: "PublicKeyTypes", kind: str, algorithm: str, signature: bytes, hashed: bytes
) -> bool:
    """Verify, or raise InvalidSignature; False where the key is of another kind."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa, utils

    function = _hash(algorithm)
    prehashed = utils.Prehashed(function)
    if kind == RSA and isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, hashed, padding.PKCS1v15(), prehashed)
    elif kind == RSA_PSS and isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(function), function.digest_size)
        key.verify(signature, hashed, pss, prehashed)
    elif kind == ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, hashed, ec.ECDSA(prehashed))
    elif kind == DSA and isinstance(key, dsa.DSAPublicKey):
        key.verify(signature, hashed, prehashed)
    else:
        return False
    return True


def _hash(algorithm: str) -> "HashAlgorithm":
    from cryptography.hazmat.primitives import hashes

    functions: dict[str, type[HashAlgorithm]] = {
        "MD5": hashes.MD5,
        "SHA-1": hashes.SHA1,
        "SHA-224": hashes.SHA224,
        "SHA-256": hashes.SHA256,
        "SHA-384": hashes.SHA384,
        "SHA-512": hashes.SHA512,
    }
    return functions[algorithm]()


def _load(key: bytes) -> "PublicKeyTypes | None":
    """The key of a SubjectPublicKeyInfo, None where it cannot be used."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if len(key) > _MAX_KEY:
        return None
    try:
        numbers = _rsa_numbers(key)
        if numbers is None:
            return load_der_public_key(key)
        modulus, exponent = numbers
        if modulus.bit_length() > _MAX_RSA_BITS:
            return None
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (Malformed, UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return None


def _rsa_numbers(key: bytes) -> tuple[int, int] | None:
    """Modulus and public exponent, read without a sign; None for a key of another algorithm."""
    info = ber.element(key, 0, len(key))
    algorithm, bits = ber.fields(key, info, 2, "public key")[:2]
    oid = ber.fields(key, algorithm, 1, "key algorithm")[0]
    if key[oid.start : oid.end] != _RSA_ENCRYPTION:
        return None
    inner = ber.element(key, bits.body + 1, bits.body_end)
    numbers = ber.fields(key, inner, 2, "RSA public key")[:2]
    tags = (info.tag, algorithm.tag, bits.tag, inner.tag, *(number.tag for number in numbers))
    wanted = (ber.SEQUENCE, ber.SEQUENCE, _BIT_STRING, ber.SEQUENCE, ber.INTEGER, ber.INTEGER)
    if tags != wanted or key[bits.body]:  # which counts unused bits
        raise Malformed("RSA public key with other fields than RFC 8017 has", info.start)
    modulus, exponent = (
        int.from_bytes(key[number.body : number.body_end], "big") for number in numbers
    )
    return modulus, exponent
