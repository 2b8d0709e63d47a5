"""Whether the CMS message of a code signature holds for its code directories.

Sources: RFC 5652 section 5 (signer infos, signed attributes), RFC 3370 and 5754 (algorithms);
Apple's Security framework, libsecurity_codesigning, StaticCode.cpp (`verifySignature`: the content
is the primary code directory, and two attributes of Apple's list the hashes of all directories).
Nothing is trusted here: a chain ends where the message does.
"""

from collections.abc import Sequence
from typing import Final

from gate.app.native import CmsSeal
from gate.app.signing import Certificate
from gate.formats import ber, cert_chain, cms, code_seal, plist, verify, x509
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

_ATTRIBUTES: Final = 0xA0
_MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")  # 1.2.840.113549.1.9.4
_LISTED_PLIST: Final = bytes.fromhex("2a864886f763640901")  # 1.2.840.113635.100.9.1
_LISTED_DER: Final = bytes.fromhex("2a864886f763640902")  # 1.2.840.113635.100.9.2

_DIGESTS: Final = {
    bytes.fromhex("2b0e03021a"): "SHA-1",
    bytes.fromhex("608648016503040201"): "SHA-256",
    bytes.fromhex("608648016503040202"): "SHA-384",
    bytes.fromhex("608648016503040203"): "SHA-512",
}
_HASH_TYPES: Final = {1: "SHA-1", 2: "SHA-256", 3: "SHA-256", 4: "SHA-384"}


@dataclass(frozen=True, slots=True)
class Directory:
    """A code directory's whole blob, the slot it lies in and its hash type."""

    slot: int
    hash_type: int
    blob: bytes


@dataclass(frozen=True, slots=True)
class _SignerInfo:
    """One SignerInfo; `digest` is "" for an unknown one, `signed` None where it is the content."""

    digest: str
    attributes: dict[bytes, tuple[bytes, ...]]
    signed: bytes | None
    algorithm: bytes
    signature: bytes


class _Broken(Exception):
    """The signature does not hold; the message says why."""


class _Unknown(Exception):
    """It cannot be told whether the signature holds; the message says why."""


def cms_seal(message: bytes, directories: Sequence[Directory]) -> CmsSeal:
    """Compare a CMS message with the code directories, the primary one first.

    Checked are the digest of the primary directory, the signature of the one signer with the key
    of its certificate in the message, and Apple's lists of the directories' hashes. What is wrong
    with the message is the `fault` of the answer; nothing is raised.
    """
    chain: tuple[Certificate, ...] = ()
    unvouched = tuple(each.slot for each in directories[1:])
    try:
        info = _signer_info(message)
        links = cert_chain.chain(message)
        chain = tuple(x509.certificate(der) for der in links)
        if not links:
            raise _Broken("the CMS does not carry its signer's certificate")
        _check_content(info, directories[0])
        _check_signature(info, links[0], directories[0])
        if _check_listed(info, directories):
            unvouched = ()
    except OverLimit as limit:
        return CmsSeal("", str(limit), chain, unvouched)
    except (Malformed, _Broken) as fault:
        return CmsSeal(str(fault), "", chain, unvouched)
    except _Unknown as unknown:
        return CmsSeal("", str(unknown), chain, unvouched)
    return CmsSeal("", "", chain, unvouched)


def _signer_info(message: bytes) -> _SignerInfo:
    """The only SignerInfo; several are refused, since a device and we might pick different ones."""
    cms.signer_certificates(message)  # keeps to the limits, and refuses what is no SignedData
    outer = ber.element(message, 0, len(message))
    content = ber.fields(message, outer, 2, "content info")[1]
    signed_data = ber.fields(message, content, 1, "content")[0]
    sets = [
        field
        for field in ber.fields(message, signed_data, 3, "signed data")[3:]
        if field.tag == ber.SET
    ]
    infos = [info for field in sets for info in ber.children(message, field)]
    if len(infos) != 1:
        raise _Broken(f"the CMS has {len(infos)} signers, not one")
    fields = ber.fields(message, infos[0], 5, "signer info")
    attributes = fields[3] if fields[3].tag == _ATTRIBUTES else None
    behind = fields[4:] if attributes else fields[3:]
    if len(behind) < 2:
        raise Malformed("CMS signer info without a signature", infos[0].start)
    return _SignerInfo(
        digest=_DIGESTS.get(_algorithm(message, fields[2]), ""),
        attributes=_attributes(message, attributes) if attributes else {},
        signed=_as_set(message[attributes.body : attributes.body_end]) if attributes else None,
        algorithm=_algorithm(message, behind[0]),
        signature=ber.octets(message, behind[1]),
    )


def _algorithm(data: bytes, identifier: ber.Element) -> bytes:
    """The object identifier of an AlgorithmIdentifier, as it is encoded."""
    oid = ber.fields(data, identifier, 1, "algorithm identifier")[0]
    return data[oid.body : oid.body_end]


def _attributes(data: bytes, attributes: ber.Element) -> dict[bytes, tuple[bytes, ...]]:
    """Each attribute's values as encoded; RFC 5652 5.3 lets no attribute be there twice."""
    found: dict[bytes, tuple[bytes, ...]] = {}
    for attribute in ber.children(data, attributes):
        kind, values = ber.fields(data, attribute, 2, "signed attribute")[:2]
        oid = data[kind.body : kind.body_end]
        if oid in found:
            raise Malformed("CMS signed attribute that is there twice", attribute.start)
        found[oid] = tuple(data[v.start : v.end] for v in ber.children(data, values))
    return found


def _as_set(body: bytes) -> bytes:
    """The attributes under the tag that the signature covers them with (RFC 5652 5.4)."""
    if len(body) < 0x80:
        return bytes((ber.SET, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((ber.SET, 0x80 | len(length))) + length + body


def _check_content(info: _SignerInfo, primary: Directory) -> None:
    """The message digest is that of the primary directory."""
    if not info.digest:
        raise _Unknown("the CMS digests with an algorithm that Apple does not sign with")
    if info.signed is None:
        return  # then the signature covers the directory itself
    values = info.attributes.get(_MESSAGE_DIGEST, ())
    if len(values) != 1:
        raise _Broken(f"the CMS has {len(values)} message digests, not one")
    if _octets(values[0]) != verify.digest(info.digest, primary.blob):
        raise _Broken("the CMS was made for another code directory")


def _check_signature(info: _SignerInfo, signer: bytes, primary: Directory) -> None:
    """The signature is by the key of the signer's certificate."""
    signed = primary.blob if info.signed is None else info.signed
    objection = cert_chain.objection(signer, info.algorithm, signed, info.signature, info.digest)
    if objection is None:
        raise _Unknown("the signature has an algorithm that Apple does not sign with")
    if objection:
        raise _Broken(objection)


def _check_listed(info: _SignerInfo, directories: Sequence[Directory]) -> bool:
    """Whether an attribute lists the directories; one that lists others does not hold."""
    listed = False
    for value in info.attributes.get(_LISTED_PLIST, ())[:1]:
        listed = True
        ours = sorted(code_seal.digest(d.hash_type, d.blob)[:20] for d in directories)
        if _plist_hashes(_octets(value)) != ours:
            raise _Broken("the CMS lists the hashes of other code directories (plist)")
    values = info.attributes.get(_LISTED_DER, ())
    if values:
        listed = True
        pairs = sorted(_pair(value) for value in values)
        if pairs != sorted((_oid(d), code_seal.digest(d.hash_type, d.blob)) for d in directories):
            raise _Broken("the CMS lists the hashes of other code directories (DER)")
    return listed


def _plist_hashes(data: bytes) -> list[bytes]:
    root = plist.parse(data)
    hashes = root.get("cdhashes") if isinstance(root, dict) else None
    if not isinstance(hashes, list):
        raise Malformed("CMS attribute without a list of code directory hashes")
    return sorted(each for each in hashes if isinstance(each, bytes))


def _pair(value: bytes) -> tuple[bytes, bytes]:
    """SEQUENCE { algorithm OBJECT IDENTIFIER, digest OCTET STRING }."""
    oid, octets = ber.fields(value, ber.element(value, 0, len(value)), 2, "directory hash")[:2]
    return value[oid.body : oid.body_end], ber.octets(value, octets)


def _oid(directory: Directory) -> bytes:
    name = _HASH_TYPES.get(directory.hash_type)
    return next((oid for oid, digest in _DIGESTS.items() if digest == name), b"")


def _octets(value: bytes) -> bytes:
    return ber.octets(value, ber.element(value, 0, len(value)))
