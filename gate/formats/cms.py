"""CMS (PKCS#7) signed data: its content, certificates and signers; nothing is verified.

Source: RFC 5652 section 5. Read by `gate.formats.ber`, since streaming writers use indefinite
lengths and cut content into chunks.
"""

from collections.abc import Hashable, Iterator
from typing import Final

from gate.formats import ber, x509
from gate.formats.errors import Malformed, OverLimit
from gate.formats.x509 import certificate

__all__ = ["certificate", "certificates", "content", "signer_certificates"]

MAX_BYTES: Final = 16 << 20
MAX_SIGNING: Final = 1 << 20  # all certificates together, and all SignerInfos together

_CERTIFICATES, _EXPLICIT_0, _SUBJECT_KEY_ID = 0xA0, 0xA0, 0x80
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2


def certificates(der: bytes) -> tuple[bytes, ...]:
    """The X.509 certificates that a SignedData carries, each as its own encoding, in order.

    BER is accepted. Attribute certificates and other choices are left out. Raises Malformed, and
    OverLimit past 16 MiB in all or 1 MiB of certificates.
    """
    return tuple(
        der[item.start : item.end]
        for field in _signed_data(der)[3:]
        if field.tag == _CERTIFICATES
        for item in ber.children(der, field)
        if item.tag == ber.SEQUENCE
    )


def content(der: bytes) -> bytes:
    """The content that a SignedData encapsulates; Malformed where it is detached or no data."""
    encapsulated = _signed_data(der)[2]
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


def _signed_data(der: bytes) -> list[ber.Element]:
    """Version, digest algorithms, encapsulated content, then what follows (RFC 5652 5.1)."""
    if len(der) > MAX_BYTES:
        raise OverLimit(f"CMS message of {len(der)} bytes, more than {MAX_BYTES}")
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
    for field in _signed_data(der)[3:]:
        if field.tag == ber.SET:
            yield from ber.children(der, field)


def _signer(der: bytes, info: ber.Element) -> Hashable:
    """What a SignerInfo names its certificate by, as `x509.identifiers` gives it."""
    _, sid, *_ = ber.fields(der, info, 2, "signer info")
    if sid.tag == _SUBJECT_KEY_ID:
        return der[sid.body : sid.body_end]
    issuer, serial, *_ = ber.fields(der, sid, 2, "signer identifier")
    return x509.issuer_and_serial(der, issuer, serial)
