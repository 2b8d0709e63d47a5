"""
The .idsig file of APK Signature Scheme v4, cut into its parts.

Layout: source.android.com, APK Signature Scheme v4, and AOSP tools/apksig, V4Signature. Nothing is
verified here.
"""

import hashlib
import struct
from typing import Final

from gate.formats.apk_block import Slice
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

VERSION: Final = 2

_MAX_SIGNERS: Final = 100  # more do not fit in what Android takes


@dataclass(frozen=True, slots=True)
class HashingInfo:
    """How the tree over the APK is made: `algorithm` 1 is SHA-256, `log2_page` 12 is 4 KiB."""

    algorithm: int
    log2_page: int
    salt: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class IdsigSigner:
    """
    One signature, as it is written.

    `block_id` is that of the signature block of the APK it goes with, None for the first one, which
    goes with v3 or v2. `apk_digest` is the digest by which that block signs the APK; `certificate`
    and `public_key` are DER; `algorithm` is an id of the APK Signing Block.
    """

    block_id: int | None
    apk_digest: bytes
    certificate: bytes
    additional_data: bytes
    public_key: bytes
    algorithm: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Idsig:
    """What the file holds; a `tree` of None stands for none.

    `head_size` are the bytes before the tree, `sha256` the digest of the whole in hexadecimal.
    """

    sha256: str
    hashing: HashingInfo
    signers: tuple[IdsigSigner, ...]
    tree: bytes | None
    head_size: int

    def signed_data(self, signer: IdsigSigner, size: int) -> bytes:
        """What the signature is over, for an APK of `size` bytes (V4Signature.getSignedData)."""
        hashing = self.hashing
        fields = b"".join(
            struct.pack("<L", len(field)) + field
            for field in (
                hashing.salt,
                hashing.root,
                signer.apk_digest,
                signer.certificate,
                signer.additional_data,
            )
        )
        head = struct.pack("<QLB", size, hashing.algorithm, hashing.log2_page)
        return struct.pack("<L", 4 + len(head) + len(fields)) + head + fields


def read_idsig(data: bytes) -> Idsig:
    """
    Take the file apart.

    Raises Malformed where a part is cut short or the version is not 2, the only one there is, and
    OverLimit for more signers than Android has room for. Bytes behind the tree are left alone.
    """
    file = Slice(data, 0, len(data), ".idsig file", 0)
    version = file.number()
    if version != VERSION:
        raise Malformed(f".idsig file of version {version}, where Android knows {VERSION} alone", 0)
    hashing = file.part("hashing info")
    info = HashingInfo(
        algorithm=hashing.number(),
        log2_page=hashing.take(1)[0],
        salt=hashing.part("salt").rest(),
        root=hashing.part("root hash").rest(),
    )
    infos = file.part("signing info")
    signers = [_signer(infos, None)]
    while infos.at < infos.end:
        if len(signers) == _MAX_SIGNERS:
            raise OverLimit(f".idsig file with more than {_MAX_SIGNERS} signers")
        block_id = infos.number()
        signers.append(_signer(infos.part("signing info of a further block"), block_id))
    head_size = file.at
    tree = file.part("hash tree").rest() if file.at < file.end else None
    return Idsig(hashlib.sha256(data).hexdigest(), info, tuple(signers), tree, head_size)


def _signer(info: Slice, block_id: int | None) -> IdsigSigner:
    return IdsigSigner(
        block_id=block_id,
        apk_digest=info.part("APK digest").rest(),
        certificate=info.part("certificate").rest(),
        additional_data=info.part("additional data").rest(),
        public_key=info.part("public key").rest(),
        algorithm=info.number(),
        signature=info.part("signature").rest(),
    )
