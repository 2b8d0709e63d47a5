"""Writes CMS signatures (RFC 5652) whose bytes are the same on every run.

The signing time is fixed and the signature is PKCS#1 v1.5, so nothing varies.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from fixture_keys import Signer

SIGNING_TIME = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def seal(
    content: bytes,
    signer: Signer,
    *,
    detached: bool,
    attributes: tuple[tuple[str, core.Asn1Value], ...] = (),
) -> bytes:
    """A DER ContentInfo with one signature by `signer`, SHA-256, its whole chain enclosed.

    `detached` leaves `content` out. `attributes` are further signed attributes, each an object
    identifier and its value.
    """
    certificates = [
        asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
        for certificate in signer.chain
    ]
    signed = _signed_attributes(content, attributes)
    information = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            name="issuer_and_serial_number",
            value={
                "issuer": certificates[0].issuer,
                "serial_number": certificates[0].serial_number,
            },
        ),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": signed,
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
        # The signature covers the attributes under their universal tag (RFC 5652, 5.4).
        "signature": signer.sign(signed.untag().dump()),
    }
    enclosed = None if detached else content
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "data", "content": enclosed},
            "certificates": certificates,
            "signer_infos": [information],
        }
    )
    info = cms.ContentInfo({"content_type": "signed_data", "content": signed_data})
    return bytes(info.dump())


def _signed_attributes(
    content: bytes, further: tuple[tuple[str, core.Asn1Value], ...]
) -> cms.CMSAttributes:
    """The attributes that the signature covers, in DER's order of a set."""
    time = cms.Time(name="utc_time", value=SIGNING_TIME)
    attributes = [
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "signing_time", "values": [time]}),
        cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
    ]
    attributes += [
        cms.CMSAttribute({"type": identifier, "values": [value]}) for identifier, value in further
    ]
    return cms.CMSAttributes(sorted(attributes, key=lambda attribute: bytes(attribute.dump())))
