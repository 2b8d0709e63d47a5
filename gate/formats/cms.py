"""CMS (PKCS#7) signed data: its content, certificates and signers; nothing is verified.

Source: RFC 5652 section 5. Read by `gate.formats.ber`, since streaming writers use indefinite
lengths and cut content into chunks.
"""

from collections.abc import Hashable, Iterator
from typing import Final

from gate.formats import ber, x509
from gate.formats.errors import Malformed, OverLimit
from gate.formats.x509 import certificate
from gate.frozen import dataclass

__all__ = [
    "SignerInfo",
    "certificate",
    "certificates",
    "content",
    "signer_certificates",
    "signers",
]

MAX_BYTES: Final = 16 << 20
MAX_SIGNING: Final = 1 << 20  # all certificates together, and all SignerInfos together
MAX_PARTS: Final = 256  # certificates, and SignerInfos

_SIGNED_ATTRIBUTES: Final = 0xA0
_CERTIFICATES, _EXPLICIT_0, _SUBJECT_KEY_ID = 0xA0, 0xA0, 0x80
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer of a SignedData (RFC 5652 section 5.3); identifiers are the octets of the OID.

    `certificate` is the carried one that issuer and serial number name, None where there is none
    or the signer is named by a key identifier. `attributes` are the signed ones, None where the
    signature is over the content itself: pairs of an identifier and the encoded values.
    `attribute_bytes` is what is then signed. `content_type` is that of the SignedData.
    """

    certificate: bytes | None
    digest_algorithm: bytes
    signature_algorithm: bytes
    attributes: tuple[tuple[bytes, tuple[bytes, ...]], ...] | None
    attribute_bytes: bytes
    signature: bytes
    content_type: bytes


def signers(der: bytes) -> tuple[SignerInfo, ...]:
    """The SignerInfos of a SignedData, in order. Raises Malformed.

    Signed attributes are signed as they are encoded, not as DER would have them: Android sorts
    nothing (AOSP tools/apksig, V1SchemeVerifier).
    """
    known: dict[Hashable, bytes] = {}
    for certificate_der in certificates(der):
        known.setdefault(next(x509.identifiers(certificate_der)), certificate_der)
    encapsulated = ber.fields(der, _signed_data(der)[2], 1, "encapsulated content")
    content_type = _body(der, encapsulated[0])
    return tuple(_signer_info(der, info, known, content_type) for info in _signer_infos(der))


def _signer_info(
    der: bytes, info: ber.Element, known: dict[Hashable, bytes], content_type: bytes
) -> SignerInfo:
    _, _, digest, *rest = ber.fields(der, info, 5, "signer info")
    attributes, signed = None, b""
    if rest[0].tag == _SIGNED_ATTRIBUTES:
        attributes = tuple(_attribute(der, each) for each in ber.children(der, rest[0]))
        signed = bytes([ber.SET]) + der[rest[0].start + 1 : rest[0].end]
        del rest[0]
    if len(rest) < 2:
        raise Malformed("CMS signer info without a signature", info.start)
    return SignerInfo(
        certificate=known.get(_signer(der, info)),
        digest_algorithm=_algorithm(der, digest),
        signature_algorithm=_algorithm(der, rest[0]),
        attributes=attributes,
        attribute_bytes=signed,
        signature=ber.octets(der, rest[1]),
        content_type=content_type,
    )


def _attribute(der: bytes, attribute: ber.Element) -> tuple[bytes, tuple[bytes, ...]]:
    oid, values = ber.fields(der, attribute, 2, "signed attribute")[:2]
    found = ber.fields(der, values, 0, "signed attribute values")
    return _body(der, oid), tuple(der[value.start : value.end] for value in found)


def _algorithm(der: bytes, algorithm: ber.Element) -> bytes:
    return _body(der, ber.fields(der, algorithm, 1, "algorithm")[0])


def _body(der: bytes, value: ber.Element) -> bytes:
    return der[value.body : value.body_end]


def certificates(der: bytes) -> tuple[bytes, ...]:
    """The X.509 certificates that a SignedData carries, each as its own encoding, in order.

    BER is accepted. Attribute certificates and other choices are left out. Raises Malformed, and
    OverLimit past 16 MiB in all, 1 MiB or 256 of certificates.
    """
    return tuple(
        der[item.start : item.end]
        for item in _parts(der, _CERTIFICATES)
        if item.tag == ber.SEQUENCE
    )


def content(der: bytes, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The content that a SignedData encapsulates; Malformed where it is detached or no data.

    OverLimit where the message is larger than `max_bytes`.
    """
    encapsulated = _signed_data(der, max_bytes)[2]
    fields = ber.fields(der, encapsulated, 1, "encapsulated content")
    if len(fields) < 2 or fields[1].tag != _EXPLICIT_0:
        raise Malformed("CMS signed data without content (detached signature)", encapsulated.start)
    return ber.octets(der, ber.fields(der, fields[1], 1, "encapsulated content")[0])


def signer_certificates(der: bytes) -> tuple[bytes, ...]:
    """The certificates, among those carried, that the SignerInfos name, in SignerInfo order.

    A signer is named by issuer and serial number, or by subject key identifier. A signer whose
    certificate is not carried adds nothing. Raises Malformed.
    """
    known: dict[Hashable, bytes] = {}
    for certificate_der in certificates(der):
        for key in x509.identifiers(certificate_der):
            known.setdefault(key, certificate_der)
    signers = [known.get(_signer(der, info)) for info in _signer_infos(der)]
    return tuple(dict.fromkeys(found for found in signers if found is not None))


def _signed_data(der: bytes, max_bytes: int = MAX_BYTES) -> list[ber.Element]:
    """Version, digest algorithms, encapsulated content, then what follows (RFC 5652 5.1)."""
    if len(der) > max_bytes:
        raise OverLimit(f"CMS message of {len(der)} bytes, more than {max_bytes}")
    outer = ber.element(der, 0, len(der))
    if outer.tag != ber.SEQUENCE:
        raise Malformed("not a CMS message", 0)
    kind, *rest = ber.fields(der, outer, 2, "content info")
    if der[kind.body : kind.body_end] != _SIGNED_DATA or rest[0].tag != _EXPLICIT_0:
        raise Malformed("CMS message that is not signed data", kind.start)
    fields = ber.fields(der, ber.fields(der, rest[0], 1, "content")[0], 3, "signed data")
    for field in fields[3:]:
        if field.end - field.start > MAX_SIGNING:
            raise OverLimit(
                f"CMS certificates or signers of more than {MAX_SIGNING} bytes", field.start
            )
    return fields


def _signer_infos(der: bytes) -> Iterator[ber.Element]:
    return _parts(der, ber.SET)


def _parts(der: bytes, tag: int) -> Iterator[ber.Element]:
    """The elements of the sets of this tag behind the content."""
    count = 0
    for field in _signed_data(der)[3:]:
        for part in ber.children(der, field) if field.tag == tag else ():
            count += 1
            if count > MAX_PARTS:
                raise OverLimit(f"CMS of more than {MAX_PARTS} certificates or signers", part.start)
            yield part


def _signer(der: bytes, info: ber.Element) -> Hashable:
    """What a SignerInfo names its certificate by, as `x509.identifiers` gives it."""
    _, sid, *_ = ber.fields(der, info, 2, "signer info")
    if sid.tag == _SUBJECT_KEY_ID:
        return der[sid.body : sid.body_end]
    issuer, serial, *_ = ber.fields(der, sid, 2, "signer identifier")
    return x509.issuer_and_serial(der, issuer, serial)
