"""Chains among the certificates that a CMS message carries: who has signed whom.

Source: RFC 5280 section 4.1 (the parts of a certificate), RFC 3279, 4055 and 5758 (signature
algorithms). A link is a signature that verifies; validity, purpose and trust are not judged.
"""

from collections.abc import Iterator
from typing import Final

from gate.formats import ber, cms, verify, x509
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_CERTIFICATES: Final = 64  # carried; Apple's signatures have three

_BITS: Final = 0x03
# Signature algorithms: the kind of key, and the digest that each names ("" names none).
_ALGORITHMS: Final = {
    bytes.fromhex("2a864886f70d010101"): (verify.RSA, ""),
    bytes.fromhex("2a864886f70d010105"): (verify.RSA, "SHA-1"),
    bytes.fromhex("2a864886f70d01010b"): (verify.RSA, "SHA-256"),
    bytes.fromhex("2a864886f70d01010c"): (verify.RSA, "SHA-384"),
    bytes.fromhex("2a864886f70d01010d"): (verify.RSA, "SHA-512"),
    bytes.fromhex("2a8648ce3d0201"): (verify.ECDSA, ""),
    bytes.fromhex("2a8648ce3d0401"): (verify.ECDSA, "SHA-1"),
    bytes.fromhex("2a8648ce3d040302"): (verify.ECDSA, "SHA-256"),
    bytes.fromhex("2a8648ce3d040303"): (verify.ECDSA, "SHA-384"),
    bytes.fromhex("2a8648ce3d040304"): (verify.ECDSA, "SHA-512"),
}


@dataclass(frozen=True, slots=True)
class _Link:
    """The parts of a certificate that chaining takes; names as they are encoded."""

    der: bytes
    body: bytes
    issuer: bytes
    subject: bytes
    algorithm: bytes
    signature: bytes


def chain(message: bytes) -> tuple[bytes, ...]:
    """The first signer's certificate, then each carried one whose key has signed the one before.

    Empty where the signer's is not carried. Raises Malformed, and OverLimit past 64 certificates.
    """
    carried = cms.certificates(message)
    if len(carried) > MAX_CERTIFICATES:
        raise OverLimit(f"CMS of {len(carried)} certificates, more than {MAX_CERTIFICATES}")
    rest = {der: _link(der) for der in carried}
    signers = cms.signer_certificates(message)
    return tuple(link.der for link in _upward(rest, signers[0])) if signers else ()


def objection(
    certificate: bytes, algorithm: bytes, signed: bytes, signature: bytes, digest: str = ""
) -> str | None:
    """Why `signature` is none by a certificate's key over `signed`, or "".

    `algorithm` is the object identifier's contents; `digest` stands where it names none. None
    where the algorithm is not one that is verified here. Raises Malformed.
    """
    kind, named = _ALGORITHMS.get(algorithm, ("", ""))
    name = named or digest
    if not kind or not name:
        return None
    key = x509.public_key(certificate)
    return verify.refusal(key, kind, name, signature, verify.digest(name, signed))


def _upward(rest: dict[bytes, _Link], first: bytes) -> Iterator[_Link]:
    """Each certificate once, so that two that have signed each other end as well."""
    link: _Link | None = rest.pop(first)
    while link is not None:
        yield link
        below, link = link, None
        if below.issuer != below.subject:
            link = next((each for each in rest.values() if _has_signed(each, below)), None)
        if link is not None:
            del rest[link.der]


def _has_signed(issuer: _Link, link: _Link) -> bool:
    if issuer.subject != link.issuer:
        return False
    return objection(issuer.der, link.algorithm, link.body, link.signature) == ""


def _link(der: bytes) -> _Link:
    x509.public_key(der)  # refuses what has other fields than RFC 5280
    body, algorithm, signature = ber.fields(der, ber.element(der, 0, len(der)), 3, "certificate")[
        :3
    ]
    fields = ber.fields(der, body, 6, "certificate body")
    version = 0 if fields[0].tag == ber.INTEGER else 1
    issuer, subject = fields[version + 2], fields[version + 4]
    oid = ber.fields(der, algorithm, 1, "algorithm identifier")[0]
    if signature.tag != _BITS or signature.body == signature.body_end:
        raise Malformed("X.509 certificate without a signature", signature.start)
    return _Link(
        der=der,
        body=der[body.start : body.end],
        issuer=der[issuer.start : issuer.end],
        subject=der[subject.start : subject.end],
        algorithm=der[oid.body : oid.body_end],
        signature=der[signature.body + 1 : signature.body_end],
    )
