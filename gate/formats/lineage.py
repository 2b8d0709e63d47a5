"""The proof of rotation of APK Signature Scheme v3: each key signs for the one that follows it.

Layout and rules: source.android.com, APK Signature Scheme v3, "Proof-of-rotation"; AOSP
tools/apksig, V3SigningCertificateLineage and SigningCertificateLineage.
"""

from typing import Final

from gate.formats import verify, x509
from gate.formats.apk_algorithms import ALGORITHMS
from gate.formats.apk_block import Slice
from gate.formats.errors import Malformed

ATTRIBUTE: Final = 0x3BA06F8C

_VERSION: Final = 1


def read_lineage(value: bytes) -> tuple[bytes, ...]:
    """
    Give the certificates, oldest first, of a proof whose every signature verifies.

    `value` is what the attribute holds. Raises Malformed where it cannot be read or one key did
    not sign for the next.
    """
    proof = Slice(value, 0, len(value), "proof of rotation", 0)
    version = proof.number()
    if version != _VERSION:
        raise Malformed(f"proof of rotation of the unknown version {version}")
    chain: list[bytes] = []
    signed_with = 0
    for node in proof.parts("node of the proof of rotation"):
        signed = node.part("signed data of the node")
        data = signed.data[signed.at : signed.end]
        _flags, next_algorithm = node.number(), node.number()
        signature = node.part("signature of the node").rest()
        if chain:
            _check(chain[-1], signed_with, signature, data)
        certificate = signed.part("certificate of the node").rest()
        named = signed.number()
        if chain and named != signed_with:
            raise Malformed("proof of rotation that names another algorithm than it is signed with")
        chain.append(certificate)
        signed_with = next_algorithm
    if len(set(chain)) < len(chain):
        raise Malformed("proof of rotation in which a certificate occurs twice")
    return tuple(chain)


def _check(parent: bytes, algorithm_id: int, signature: bytes, data: bytes) -> None:
    algorithm = ALGORITHMS.get(algorithm_id)
    if algorithm is None:
        raise Malformed(f"proof of rotation signed with the unknown algorithm {algorithm_id:#x}")
    hashed = verify.digest(algorithm.digest, data)
    reason = verify.refusal(
        x509.public_key(parent), algorithm.kind, algorithm.digest, signature, hashed
    )
    if reason:
        raise Malformed(f"proof of rotation in which {reason}")
