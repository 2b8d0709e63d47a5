"""
An .idsig file verified against the APK it lies beside.

Rules: AOSP tools/apksig, V4SchemeVerifier and ApkVerifier; frameworks/base, ApkSignatureVerifier
(verifyV4Signature) and ApkSignatureSchemeV4Verifier; what adb takes: packages/modules/adb,
incremental_utils. Each reason is a plain sentence without a full stop.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from gate.formats import verify, x509
from gate.formats.apk_algorithms import ALGORITHMS, strongest
from gate.formats.apk_block import SCHEMES, BlockSigner
from gate.formats.errors import Malformed, OverLimit
from gate.formats.hash_tree import PAGE, hash_tree
from gate.formats.idsig import Idsig, IdsigSigner
from gate.formats.zip_records import read_at

SINCE: Final = 30  # the API level that brought it

_SHA256: Final = 1
_MAX_HEAD: Final = 8096  # INCFS_MAX_SIGNATURE_SIZE of the kernel's incremental file system
_MAX_SALT: Final = 32
_HASH_BLOCK: Final = 64  # fs-verity fills a salt up to a block of the hash function
_CHUNK: Final = 256 * PAGE
_V31: Final = next(number for number, scheme in SCHEMES.items() if scheme == "v3.1")


Reading = tuple[str, tuple[BlockSigner, ...]]


def refusals(idsig: Idsig, file: BinaryIO, readings: Iterable[Reading]) -> tuple[str, ...]:
    """Why the .idsig does not go with the APK, () where it does.

    `readings` are the schemes that the API levels from `SINCE` on read, each with its signers for
    them; what these sign is taken as it stands. The file is read once if nothing else is wrong.
    Raises OverLimit for a certificate that is too large to be judged.
    """
    reasons = [_file_refusal(idsig, file), *(_block_refusal(idsig, *each) for each in readings)]
    return tuple(dict.fromkeys(filter(None, reasons)))


def _file_refusal(idsig: Idsig, file: BinaryIO) -> str:
    """Why the .idsig is none of this file, or ""."""
    size = file.seek(0, 2)
    if reason := _form_refusal(idsig):
        return reason
    for signer in idsig.signers:
        if reason := _signature_refusal(idsig, signer, size):
            return reason
    salt = idsig.hashing.salt
    tree = hash_tree(
        _pages(file, size), salt.ljust(-(-len(salt) // _HASH_BLOCK) * _HASH_BLOCK, b"\0")
    )
    if tree.root != idsig.hashing.root:
        return "its root hash is not that of the file"
    if idsig.tree is not None and not tree.stored_as(idsig.tree):
        return "its hash tree is not that of the file"
    return ""


def _block_refusal(idsig: Idsig, scheme: str, signers: tuple[BlockSigner, ...]) -> str:
    """Why the .idsig does not go with what a level reads in the APK, or ""."""
    if scheme not in ("v2", "v3", "v3.1"):
        return "the APK has no v2 or v3 signature, without which it does not count"
    if len(signers) != 1 or not signers[0].certificates:
        return f"the APK has {len(signers)} signers of {scheme}, where it goes with one alone"
    wanted = _V31 if scheme == "v3.1" else None
    mine = next((each for each in idsig.signers if each.block_id == wanted), None)
    if mine is None:
        return f"it has no signature that goes with the {scheme} signature of the APK"
    if mine.certificate != signers[0].certificates[0]:
        return f"it is by another certificate than the {scheme} signature of the APK"
    digests = {each.id: each.value for each in signers[0].digests}
    best = strongest(digests)
    if best is None or digests[best] != mine.apk_digest:
        return f"its APK digest is not the one in the {scheme} signature of the APK"
    return ""


def _form_refusal(idsig: Idsig) -> str:
    hashing = idsig.hashing
    if hashing.algorithm != _SHA256:
        return f"it is hashed by the algorithm {hashing.algorithm}, where Android knows SHA-256"
    if 1 << min(hashing.log2_page, 63) != PAGE:
        return f"it is hashed in pages of 2^{hashing.log2_page} bytes, where Android knows {PAGE}"
    if len(hashing.salt) > _MAX_SALT:
        return f"its salt has {len(hashing.salt)} bytes, more than {_MAX_SALT}"
    if idsig.head_size > _MAX_HEAD:
        return f"its signatures take {idsig.head_size} bytes, more than {_MAX_HEAD}"
    return ""


def _signature_refusal(idsig: Idsig, signer: IdsigSigner, size: int) -> str:
    algorithm = ALGORITHMS.get(signer.algorithm)
    if algorithm is None:
        return f"it is signed with the unknown algorithm {signer.algorithm:#x}"
    hashed = verify.digest(algorithm.digest, idsig.signed_data(signer, size))
    reason = verify.refusal(
        signer.public_key, algorithm.kind, algorithm.digest, signer.signature, hashed
    )
    if reason:
        return reason
    try:
        key = x509.public_key(signer.certificate)
    except OverLimit:
        raise
    except Malformed as cause:
        return f"its certificate cannot be read: {cause.reason}"
    if not verify.same_key(key, signer.public_key):
        return "its certificate is of another key than the signature"
    return ""


def _pages(file: BinaryIO, size: int) -> Iterator[bytes]:
    for at in range(0, size, _CHUNK):
        yield read_at(file, at, min(_CHUNK, size - at))
