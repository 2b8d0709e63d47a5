"""
The source stamp of an APK: a signature by which a store tells that it handed the file out.

Layout and rules: AOSP tools/apksig, SourceStampVerifier for v2 and V1SourceStampVerifier.
No Android version reads it. Each reason is a plain sentence without a full stop.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Final

from gate.app.signing import SourceStamp
from gate.formats import lineage, verify, x509
from gate.formats.apk_algorithms import ALGORITHMS, best
from gate.formats.apk_block import STAMPS, BlockSigner, Slice
from gate.formats.apk_digest import SHA256, SHA512, VERITY
from gate.formats.errors import Malformed
from gate.formats.zip import ZipDirectory, read_entry

ENTRY: Final = "stamp-cert-sha256"

_SCHEME_IDS: Final = {"v1": 1, "v2": 2, "v3": 3, "v3.1": 31}
_DIGEST_IDS: Final = {SHA256: 1, SHA512: 2, VERITY: 3}  # ContentDigestAlgorithm of apksig
_MANIFEST_ID: Final = 4  # the SHA-256 of MANIFEST.MF stands for a JAR signature
_MAX_ENTRY: Final = 1024
_MAX_MANIFEST: Final = 64 << 20
_LEVEL: Final = 30  # below which apksig does not look for one
_TIME: Final = 0xE43C5946
_ROTATION: Final = 0x9D6303F7

Digests = Mapping[str, Mapping[int, bytes]]


def read_stamp(
    file: BinaryIO,
    directory: ZipDirectory,
    blocks: Mapping[int, Slice],
    schemes: Mapping[str, Iterable[BlockSigner]],
) -> SourceStamp | None:
    """
    Verify the stamp of an APK, None where it has none.

    `blocks` are the pairs of stamps in its signing block, `schemes` the signature schemes that some
    supported version reads, with their signers. Never raises Malformed: a stamp that cannot be read
    is one that does not verify.
    """
    if not blocks and directory.find(ENTRY) is None:
        return None
    entry, certificate, reason = b"", b"", ""
    scheme = next((name for number, name in STAMPS.items() if number in blocks), "")
    try:
        entry = _entry(file, directory, ENTRY, _MAX_ENTRY)
        if scheme:
            stamp = next(blocks[each] for each in STAMPS if each in blocks).part("source stamp")
            certificate = stamp.part("certificate of the stamp").rest()
            digests = {each: _digests(file, directory, schemes[each]) for each in schemes}
            reason = _refusal(scheme, stamp, certificate, entry, digests)
        else:
            reason = "there is no stamp in the APK Signing Block"
    except Malformed as cause:
        reason = f"it cannot be read: {cause.reason}"
    own = hashlib.sha256(certificate).hexdigest() if certificate else ""
    return SourceStamp(scheme, own, entry.hex(), reason)


def _entry(file: BinaryIO, directory: ZipDirectory, name: str, limit: int) -> bytes:
    """What an entry holds, b"" where it is not there."""
    entry = directory.find(name)
    return read_entry(file, entry, directory, limit).data if entry else b""


def _digests(
    file: BinaryIO, directory: ZipDirectory, signers: Iterable[BlockSigner]
) -> dict[int, bytes]:
    """The digests that a scheme signs, by the numbers that stamps give them."""
    found = {
        _DIGEST_IDS[ALGORITHMS[digest.id].contents]: digest.value
        for signer in signers
        for digest in signer.digests
        if digest.id in ALGORITHMS
    }
    if found:
        return found
    manifest = _entry(file, directory, "META-INF/MANIFEST.MF", _MAX_MANIFEST)
    return {_MANIFEST_ID: hashlib.sha256(manifest).digest()}


def _refusal(scheme: str, stamp: Slice, certificate: bytes, entry: bytes, digests: Digests) -> str:
    key = x509.public_key(certificate)
    if not entry:
        return f"there is no {ENTRY} in the APK"
    if hashlib.sha256(certificate).digest() != entry:
        return f"its certificate is not the one that {ENTRY} names"
    if not digests:
        return "the APK has no signature that it could be over"
    if scheme == "v1":
        newest = max(digests, key=lambda each: _SCHEME_IDS[each])
        signatures = stamp.part("signatures of the stamp")
        return _signed_by(key, signatures, _encoded(digests[newest]))
    return _scheme_refusal(key, stamp, digests) or _attribute_refusal(key, stamp, certificate)


def _scheme_refusal(key: bytes, stamp: Slice, digests: Digests) -> str:
    """Why the stamp is not over the digests of each signature scheme, or ""."""
    signed = {}
    for each in stamp.part("schemes of the stamp").parts("scheme of the stamp"):
        number = each.number()
        signed[number] = each.part("signatures of the stamp")
    for scheme, values in digests.items():
        signatures = signed.get(_SCHEME_IDS[scheme])
        if signatures is None and scheme == "v3.1":
            continue  # stamps did without it at first
        if signatures is None:
            return f"it is not over the {scheme} signature"
        if reason := _signed_by(key, signatures, _encoded(values)):
            return f"over the {scheme} signature {reason}"
    return ""


def _attribute_refusal(key: bytes, stamp: Slice, certificate: bytes) -> str:
    if stamp.at == stamp.end:
        return ""
    attributes = stamp.part("attributes of the stamp")
    data = attributes.data[attributes.at : attributes.end]
    if reason := _signed_by(key, stamp.part("signatures of the attributes"), data):
        return f"over its attributes {reason}"
    for each in attributes.part("list of attributes").parts("attribute of the stamp"):
        number, value = each.number(), each.rest()
        if number == _TIME:
            time = int.from_bytes(value[:8], "little", signed=True)
            if len(value) < 8 or time <= 0:
                return "its time is zero or less"
        elif number == _ROTATION and lineage.read_lineage(value)[-1:] != (certificate,):
            return "its proof of rotation does not end at its certificate"
    return ""


def _signed_by(key: bytes, signatures: Slice, data: bytes) -> str:
    """Why the signatures that count are not by `key` over `data`, or ""."""
    values: dict[int, bytes] = {}
    for each in signatures.parts("signature of the stamp"):
        number = each.number()
        if number not in ALGORITHMS:
            return f"a signature is by the unknown algorithm {number:#x}"
        values[number] = each.part("value of the signature").rest()
    chosen = best(values, _LEVEL)
    if not chosen:
        return "there is no signature"
    for number in chosen:
        algorithm = ALGORITHMS[number]
        hashed = verify.digest(algorithm.digest, data)
        reason = verify.refusal(key, algorithm.kind, algorithm.digest, values[number], hashed)
        if reason:
            return reason
    return ""


def _encoded(digests: Mapping[int, bytes]) -> bytes:
    """The digests as the stamp signs them (encodeAsSequenceOfLengthPrefixedPairs...)."""
    return b"".join(
        struct.pack("<LLL", 8 + len(value), number, len(value)) + value
        for number, value in sorted(digests.items())
    )
