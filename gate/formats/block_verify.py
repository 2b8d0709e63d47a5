"""The signers of APK signature schemes v2, v3 and v3.1, verified one by one.

The rules are those of AOSP tools/apksig (V2SchemeVerifier, V3SchemeVerifier), which are the
platform's (frameworks/base, android.util.apk). Each reason is a plain sentence without a full stop.
"""

from dataclasses import field
from typing import Final

from gate.formats import lineage, verify, x509
from gate.formats.apk_algorithms import ALGORITHMS, best
from gate.formats.apk_block import BlockSigner
from gate.formats.apk_digest import Contents
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

ANNOUNCES_NEWER: Final = 0xBEEFF00D  # of v2: the scheme that must be there besides
ROTATION_FROM: Final = 0x559F8B02  # of v3: the API level from which a v3.1 block counts
MAX_LEVEL: Final = 0x7FFF_FFFF


class Refused(Exception):
    """A signer that Android refuses; the message says why."""


@dataclass(slots=True)
class SignerVerifier:
    """Verifies signers of one file; what was verified once is known afterwards."""

    contents: Contents
    _known: dict[tuple[int, tuple[int, ...]], str] = field(default_factory=dict)

    def reason(self, signer: BlockSigner, level: int) -> str:
        """Why Android of this API level refuses the signer, or ""; OverLimit where that is dear."""
        chosen = best(signer.algorithms, level)
        key = (id(signer), chosen)
        if key not in self._known:
            try:
                self._verify(signer, chosen)
                self._known[key] = ""
            except Refused as refused:
                self._known[key] = str(refused)
        return self._known[key]

    def _verify(self, signer: BlockSigner, chosen: tuple[int, ...]) -> None:
        what = f"the {signer.scheme} signer"
        if not signer.signatures:
            raise Refused(f"{what} has no signature")
        if not chosen:
            raise Refused(f"{what} has no signature by an algorithm that Android supports")
        signatures = {signature.id: signature.value for signature in reversed(signer.signatures)}
        for each in chosen:
            algorithm = ALGORITHMS[each]
            hashed = verify.digest(algorithm.digest, signer.signed_data)
            reason = verify.refusal(
                signer.public_key, algorithm.kind, algorithm.digest, signatures[each], hashed
            )
            if reason:
                raise Refused(f"{what} does not verify: {reason}")
        _check_bounds(signer, what)
        _check_certificates(signer, what)
        if signer.algorithms != tuple(digest.id for digest in signer.digests):
            raise Refused(f"{what} has signatures and digests by other algorithms")
        _check_attributes(signer, what)
        self._check_contents(signer, chosen, what)

    def _check_contents(self, signer: BlockSigner, chosen: tuple[int, ...], what: str) -> None:
        wanted = {ALGORITHMS[each].contents for each in chosen}
        for digest in signer.digests:
            algorithm = ALGORITHMS.get(digest.id)
            if algorithm is None or algorithm.contents not in wanted:
                continue
            try:
                actual = self.contents.digest(algorithm.contents)
            except Malformed as cause:
                raise Refused(f"{what} cannot be checked: {cause.reason}") from cause
            if actual != digest.value:
                raise Refused(
                    f"the {algorithm.contents} digest of the file is not the one that {what} signed"
                )


def rotation_from(signer: BlockSigner) -> int | None:
    """The API level from which the signer says that a v3.1 block counts, None where it does not."""
    found = [each.value for each in signer.attributes if each.id == ROTATION_FROM]
    return int.from_bytes(found[-1][:4], "little") if found else None


def announced(signer: BlockSigner) -> frozenset[int]:
    """The newer schemes that a v2 signer says the file is signed with."""
    return frozenset(
        int.from_bytes(each.value[:4], "little")
        for each in signer.attributes
        if each.id == ANNOUNCES_NEWER
    )


def proof_of_rotation(signer: BlockSigner) -> tuple[bytes, ...]:
    """The certificates of a proof that verifies, oldest first; () without one. Malformed."""
    proofs = [each.value for each in signer.attributes if each.id == lineage.ATTRIBUTE]
    return lineage.read_lineage(proofs[-1]) if proofs else ()


def _check_bounds(signer: BlockSigner, what: str) -> None:
    if signer.min_sdk is None or signer.max_sdk is None:
        return
    if signer.signed_sdks != (signer.min_sdk, signer.max_sdk):
        raise Refused(f"{what} is for other API levels than are signed")
    if not signer.min_sdk <= signer.max_sdk <= MAX_LEVEL:
        raise Refused(f"{what} is for the API levels {signer.min_sdk} to {signer.max_sdk}")


def _check_certificates(signer: BlockSigner, what: str) -> None:
    if not signer.certificates:
        raise Refused(f"{what} has no certificate")
    try:
        keys = [x509.public_key(certificate) for certificate in signer.certificates]
    except OverLimit:
        raise
    except Malformed as cause:
        raise Refused(f"{what} has a certificate that cannot be read: {cause.reason}") from cause
    if not verify.same_key(keys[0], signer.public_key):
        raise Refused(f"the certificate of {what} is of another key than the signature")


def _check_attributes(signer: BlockSigner, what: str) -> None:
    if _lacks_attributes(signer):
        raise Refused(f"{what} has no room for attributes")
    if any(
        each.id in (ANNOUNCES_NEWER, ROTATION_FROM) and len(each.value) < 4
        for each in signer.attributes
    ):
        raise Refused(f"{what} has an attribute that is cut short")
    if signer.scheme == "v2":
        return
    try:
        chain = proof_of_rotation(signer)
    except OverLimit:
        raise
    except Malformed as cause:
        raise Refused(f"{what} has a {cause.reason}") from cause
    has_proof = any(each.id == lineage.ATTRIBUTE for each in signer.attributes)
    if has_proof and chain[-1:] != signer.certificates[:1]:
        raise Refused(f"the proof of rotation of {what} does not end at its certificate")


def _lacks_attributes(signer: BlockSigner) -> bool:
    """Whether the signed data ends after the certificates, which newer platforms refuse."""
    data, at = signer.signed_data, 0
    for _ in range(2):
        at += 4 + int.from_bytes(data[at : at + 4], "little")
    return at + (0 if signer.scheme == "v2" else 8) >= len(data)
