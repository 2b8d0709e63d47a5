"""What X.509's object identifiers and dates mean; the one door to asn1crypto.

What nearly every certificate holds stands here, as the import of asn1crypto takes longer than all
that a signature takes to verify: it answers for the rest. Sources: RFC 5280, RFC 3279, RFC 5480,
RFC 5758 (identifiers), X.690 section 8.19 (their encoding), 11.7 and 11.8 (dates).
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
FAULTS: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

_ATTRIBUTES: Final = {
    "2.5.4.3": "common_name",
    "2.5.4.6": "country_name",
    "2.5.4.7": "locality_name",
    "2.5.4.8": "state_or_province_name",
    "2.5.4.10": "organization_name",
    "2.5.4.11": "organizational_unit_name",
    "1.2.840.113549.1.9.1": "email_address",
    "0.9.2342.19200300.100.1.1": "user_id",
}
_SIGNATURES: Final = {
    "1.2.840.113549.1.1.4": "md5_rsa",
    "1.2.840.113549.1.1.5": "sha1_rsa",
    "1.2.840.113549.1.1.11": "sha256_rsa",
    "1.2.840.113549.1.1.12": "sha384_rsa",
    "1.2.840.113549.1.1.13": "sha512_rsa",
    "1.2.840.10040.4.3": "sha1_dsa",
    "1.2.840.10045.4.3.2": "sha256_ecdsa",
    "1.2.840.10045.4.3.3": "sha384_ecdsa",
}
_KEYS: Final = {
    "1.2.840.113549.1.1.1": "rsa",
    "1.2.840.10040.4.1": "dsa",
    "1.2.840.10045.2.1": "ec",
}
_CURVES: Final = {
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
}
_TIME: Final = re.compile(rb"(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")


@lru_cache(maxsize=1024)
def dotted(body: bytes) -> str:
    """The contents of an OBJECT IDENTIFIER as 1.2.840...; "" where they are none."""
    if not body or body[-1] & 0x80:
        return ""
    numbers, number = list[int](), 0
    for byte in body:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def attribute_type(identifier: str) -> str:
    """The name of a name's attribute (`common_name`), or its identifier."""
    if identifier in _ATTRIBUTES:
        return _ATTRIBUTES[identifier]
    from asn1crypto.x509 import NameType

    return str(NameType.map(identifier)) if identifier in NameType._map else identifier


def signature_algorithm(identifier: str) -> str:
    """The name of a signature algorithm (`sha256_rsa`), or its identifier."""
    if identifier in _SIGNATURES:
        return _SIGNATURES[identifier]
    from asn1crypto.algos import SignedDigestAlgorithmId

    return str(SignedDigestAlgorithmId._map.get(identifier, identifier))


def key_algorithm(identifier: str) -> str:
    """The name of a public key's algorithm (`rsa`), or its identifier."""
    if identifier in _KEYS:
        return _KEYS[identifier]
    from asn1crypto.keys import PublicKeyAlgorithmId

    return str(PublicKeyAlgorithmId._map.get(identifier, identifier))


def curve(identifier: str) -> str:
    """The name of an elliptic curve, or ""."""
    if identifier in _CURVES:
        return _CURVES[identifier]
    from asn1crypto.keys import NamedCurve

    return str(NamedCurve._map.get(identifier, ""))


def text(encoded: bytes) -> str | None:
    """An encoded string of any ASN.1 kind; None for what is no string. Raises one of `FAULTS`."""
    from asn1crypto.core import AbstractString, load

    string = load(encoded)
    return str(string.native) if isinstance(string, AbstractString) else None


def time(encoded: bytes, tag: int, body: bytes) -> datetime | None:
    """An encoded UTCTime or GeneralizedTime in UTC; None for a date that does not exist."""
    found = _TIME.fullmatch(body)
    if found is None or bool(found[1]) != (tag == GENERALIZED_TIME):
        return _odd_time(encoded)
    century, year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if tag == UTC_TIME:
        century = 19 if year >= 50 else 20
    try:
        return datetime(100 * century + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _odd_time(encoded: bytes) -> datetime | None:
    from asn1crypto.x509 import Time

    try:
        when = Time.load(encoded).native
        if not isinstance(when, datetime):  # the year 0, which datetime cannot hold
            return None
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except FAULTS:
        return None
