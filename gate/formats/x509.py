"""X.509 certificates: what they say of themselves, never whether it is true.

Sources: RFC 5280 section 4.1 (the shape), RFC 4514 (names as text). The shape is read by
`gate.formats.ber`, value by value, so that one odd field (a negative modulus, a date that does not
exist, text in the wrong alphabet) does not hide the others; the names of object identifiers,
alphabets and dates are of `gate.formats.x509_names`.
"""

import hashlib
import re
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Final

from gate.app.signing import Certificate
from gate.formats import ber, x509_names
from gate.formats.errors import Malformed, OverLimit

MAX_BYTES: Final = 64 << 10  # keeps asn1crypto's arithmetic on long identifiers short

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_KEY_ID: Final = bytes.fromhex("551d0e")  # 2.5.29.14, subject key identifier
_KEY_USAGE: Final = bytes.fromhex("551d0f")  # 2.5.29.15
_STANDARD_EXTENSIONS: Final = (  # 2.5.29 and the two that come before it in age
    bytes.fromhex("551d"),
    bytes.fromhex("6086480186f842"),  # Netscape's
    bytes.fromhex("2b06010505"),  # 1.3.6.1.5.5, PKIX
)
_MAY_SIGN: Final = 0xC0  # the first two bits: digitalSignature, nonRepudiation
_TIMES: Final = (0x17, 0x18)  # UTCTime, GeneralizedTime
_MAX_OID: Final = 64
_MAX_ATTRIBUTES: Final = 64  # of one name; real ones have about ten

# The strings that nearly all names are made of, read without asn1crypto, which takes its time.
_ALPHABETS: Final = {0x0C: "utf-8", 0x13: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}

# Short names of RFC 4514 section 3 and of the attributes that certificates use besides.
_SHORT: Final = {
    "common_name": "CN",
    "surname": "SN",
    "serial_number": "SERIALNUMBER",
    "country_name": "C",
    "locality_name": "L",
    "state_or_province_name": "ST",
    "street_address": "STREET",
    "organization_name": "O",
    "organizational_unit_name": "OU",
    "title": "T",
    "given_name": "GN",
    "email_address": "E",
    "user_id": "UID",
    "domain_component": "DC",
}


def certificate(der: bytes) -> Certificate:
    """Facts of a certificate in DER or BER; bytes behind it are tolerated. Raises Malformed."""
    fields = _tbs(der)
    serial, algorithm, issuer, validity, subject, key = fields[:6]
    dates = list(ber.children(der, validity))
    named = tuple(pair for rdn in _name(der, subject) for pair in rdn)
    key_algorithm, key_bits = _public_key(der, key)
    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        subject=named,
        subject_text=_name_text(_name(der, subject)),
        issuer_text=_name_text(_name(der, issuer)),
        serial=f"{_integer(der, serial):x}",
        not_before=_date(der, dates[0]) if dates else None,
        not_after=_date(der, dates[1]) if len(dates) > 1 else None,
        signature_algorithm=_algorithm(der, algorithm),
        key_algorithm=key_algorithm,
        key_bits=key_bits,
    )


def identifiers(der: bytes) -> Iterator[Hashable]:
    """What a CMS signer may name this certificate by, to be compared with `issuer_and_serial`.

    First issuer and serial number, then the bytes of the subject key identifier where it has one.
    Raises Malformed.
    """
    fields = _tbs(der)
    yield issuer_and_serial(der, fields[2], fields[0])
    for name, _, value in _extensions(der, fields):
        if name == _KEY_ID:
            wrapped = ber.octets(der, value)
            yield ber.octets(wrapped, ber.element(wrapped, 0, len(wrapped)))


def public_key(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, as it is encoded.

    Raises Malformed, also where a verifier would not get as far as the key: for names and dates of
    another shape than RFC 5280 section 4.1.2 gives them.
    """
    _, _, issuer, validity, subject, key = _tbs(der)[:6]
    sets = [rdn for name in (issuer, subject) for rdn in ber.fields(der, name, 0, "name")]
    pairs = [pair for rdn in sets for pair in ber.fields(der, rdn, 1, "relative name")]
    dates = ber.fields(der, validity, 2, "validity")
    if (
        any(rdn.tag != ber.SET for rdn in sets)
        or any(pair.tag != ber.SEQUENCE for pair in pairs)
        or any(date.tag not in _TIMES for date in dates)
    ):
        raise Malformed("X.509 certificate with a name or date of another shape", issuer.start)
    return der[key.start : key.end]


def signing_objection(der: bytes) -> str:
    """Why a certificate may not sign data, or "".

    Its key usage (RFC 5280 section 4.2.1.3) allows neither digitalSignature nor nonRepudiation, or
    it has a critical extension that no verifier knows. Raises Malformed.
    """
    for name, critical, value in _extensions(der, _tbs(der)):
        if name == _KEY_USAGE:
            wrapped = ber.octets(der, value)
            bits = ber.element(wrapped, 0, len(wrapped))
            usage = wrapped[bits.body + 1 : bits.body_end]
            if not usage or not usage[0] & _MAY_SIGN:
                return "the key usage of its certificate does not allow signatures"
        elif critical and not name.startswith(_STANDARD_EXTENSIONS):
            return "its certificate has a critical extension that is not known"
    return ""


def issuer_and_serial(der: bytes, issuer: ber.Element, serial: ber.Element) -> Hashable:
    """An issuer's name and a serial number that are equal where RFC 5280 section 7.1 says so.

    Names are compared attribute by attribute, ignoring case and runs of white space.
    """
    if issuer.end - issuer.start > MAX_BYTES:
        raise OverLimit(f"issuer name of more than {MAX_BYTES} bytes", issuer.start)
    name = tuple(
        tuple((kind, " ".join(value.casefold().split())) for kind, value in rdn)
        for rdn in _name(der, issuer)
    )
    return name, _integer(der, serial)


def _tbs(der: bytes) -> list[ber.Element]:
    """Serial, signature, issuer, validity, subject, key, extensions (RFC 5280 section 4.1)."""
    if len(der) > MAX_BYTES:
        raise OverLimit(f"certificate of {len(der)} bytes, more than {MAX_BYTES}")
    outer = ber.element(der, 0, len(der))
    if outer.tag != ber.SEQUENCE:
        raise Malformed("not an X.509 certificate", 0)
    fields = ber.fields(der, ber.fields(der, outer, 3, "certificate")[0], 6, "certificate body")
    if fields[0].tag == _VERSION:  # the version, which version 1 leaves out
        del fields[0]
    tags = [field.tag for field in fields[:6]]
    if tags != [ber.INTEGER] + [ber.SEQUENCE] * 5:
        raise Malformed("X.509 certificate body with other fields than RFC 5280 has", outer.body)
    return fields


def _extensions(der: bytes, fields: list[ber.Element]) -> Iterator[tuple[bytes, bool, ber.Element]]:
    """Identifier, whether critical, and the OCTET STRING of each extension."""
    for field in fields[6:]:
        if field.tag != _EXTENSIONS:
            continue
        for extension in ber.children(der, ber.fields(der, field, 1, "extensions")[0]):
            oid, *flags, value = ber.fields(der, extension, 2, "extension")
            critical = any(any(der[flag.body : flag.body_end]) for flag in flags)
            yield der[oid.body : oid.body_end], critical, value


def _integer(der: bytes, value: ber.Element) -> int:
    return int.from_bytes(der[value.body : value.body_end], "big", signed=True)


def _name(der: bytes, name: ber.Element) -> list[list[tuple[str, str]]]:
    """A Name as its relative names in encoded order, each of one or more (type, value)."""
    relative_names = []
    count = 0
    for rdn in ber.fields(der, name, 0, "name"):
        pairs = [ber.fields(der, item, 2, "name attribute") for item in ber.children(der, rdn)]
        count += len(pairs)
        if count > _MAX_ATTRIBUTES:
            raise OverLimit(f"X.509 name of more than {_MAX_ATTRIBUTES} attributes", name.start)
        relative_names.append([(_attribute_type(der, p[0]), _text(der, p[1])) for p in pairs])
    return relative_names


def _attribute_type(der: bytes, oid: ber.Element) -> str:
    dotted = _dotted(der, oid)
    return _SHORT.get(x509_names.attribute_type(dotted), dotted)


def _text(der: bytes, value: ber.Element) -> str:
    """A name's value as text; what is no text is `#` and its encoding in hexadecimal."""
    body = der[value.body : value.body_end]
    try:
        if value.tag in _ALPHABETS:
            return body.decode(_ALPHABETS[value.tag])
        raw = der[value.start : value.end]
        text = x509_names.text(raw)
        return f"#{raw.hex()}" if text is None else text
    except x509_names.FAULTS:
        return body.decode("latin-1")


def _name_text(name: list[list[tuple[str, str]]]) -> str:
    return ",".join(
        "+".join(f"{kind}={_escaped(value)}" for kind, value in rdn) for rdn in reversed(name)
    )


def _escaped(value: str) -> str:
    """Backslashes where RFC 4514 section 2.4 wants them."""
    value = re.sub(r'([,+"\\<>;])', r"\\\1", value).replace("\0", r"\00")
    if value.startswith(("#", " ")):
        value = "\\" + value
    return value[:-1] + r"\ " if value.endswith(" ") and len(value) > 1 else value


def _dotted(der: bytes, oid: ber.Element) -> str:
    """An object identifier as 1.2.840...; "" where it is none or absurdly long."""
    if oid.tag != ber.OBJECT_IDENTIFIER or oid.body_end - oid.body > _MAX_OID:
        return ""
    return x509_names.dotted(der[oid.body : oid.body_end])


def _algorithm(der: bytes, algorithm: ber.Element) -> str:
    """The name of a signature algorithm, or its dotted identifier."""
    dotted = _dotted(der, ber.fields(der, algorithm, 1, "algorithm")[0])
    return x509_names.signature_algorithm(dotted)


def _date(der: bytes, value: ber.Element) -> datetime | None:
    body = der[value.body : value.body_end]
    return x509_names.time(der[value.start : value.end], value.tag, body)


def _public_key(der: bytes, key: ber.Element) -> tuple[str, int]:
    """Algorithm and length in bits of a SubjectPublicKeyInfo; 0 where the length is unknown."""
    algorithm, bits = ber.fields(der, key, 2, "public key")[:2]
    oid, *parameters = ber.fields(der, algorithm, 1, "key algorithm")
    name = x509_names.key_algorithm(_dotted(der, oid))
    try:
        return name, _key_bits(der, name, parameters, bits)
    except Malformed:
        return name, 0


def _key_bits(der: bytes, name: str, parameters: list[ber.Element], bits: ber.Element) -> int:
    body = bits.body + 1  # behind the count of unused bits
    if name in ("rsa", "rsaes_oaep", "rsassa_pss"):
        return _first_integer_bits(der, ber.element(der, body, bits.body_end))
    if name == "dsa" and parameters:
        return _first_integer_bits(der, parameters[0])
    if name == "ec":
        return _curve_bits(der, parameters) or max(0, bits.body_end - body - 1) // 2 * 8
    return max(0, bits.body_end - body) * 8 if name.startswith(("ed", "x")) else 0


def _first_integer_bits(der: bytes, sequence: ber.Element) -> int:
    """Length of a modulus or prime, read without a sign: some encoders forget the leading zero."""
    value = ber.fields(der, sequence, 1, "key numbers")[0]
    return int.from_bytes(der[value.body : value.body_end], "big").bit_length()


def _curve_bits(der: bytes, parameters: list[ber.Element]) -> int:
    """The number that a named curve carries in its name (`secp521r1`), or 0."""
    dotted = _dotted(der, parameters[0]) if parameters else ""
    digits = re.search(r"\d{3}", x509_names.curve(dotted))
    return int(digits.group()) if digits else 0
