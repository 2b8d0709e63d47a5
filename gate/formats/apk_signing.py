"""
The APK Signing Block before the ZIP directory, and the file names of a JAR signature.

Layout: source.android.com, APK Signature Scheme v2, v3 and v3.1; bounds: AOSP tools/apksig,
ApkUtils.findApkSigningBlock and ApkSigningBlockUtils. Nothing is verified here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import BinaryIO

from gate.formats.apk_block import (
    FOOTER_SIZE,
    HEADER_SIZE,
    MAX_SIGNERS,
    SCHEMES,
    STAMPS,
    BlockSigner,
    Slice,
    Tagged,
    locate,
    read_pairs,
    read_signer,
)
from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import Anomaly, ZipDirectory
from gate.formats.zip_records import read_at
from gate.frozen import dataclass

__all__ = [
    "BlockSigner",
    "FoundSigners",
    "SigningBlock",
    "Tagged",
    "find_signers",
    "jar_signature_files",
    "read_signing_block",
]

_BLOCK_FILE = re.compile(r"(META-INF/.*)\.(?:RSA|DSA|EC)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SigningBlock:
    """
    What stands between the last entry and the ZIP directory; `offset` and `size` in bytes.

    `schemes` are those of which there is a block, whatever it holds; `other_ids` are the ids of
    further pairs, such as padding, dependency lists or source stamps.
    """

    offset: int
    size: int
    schemes: tuple[str, ...]
    signers: tuple[BlockSigner, ...]
    other_ids: tuple[int, ...]
    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True, slots=True)
class FoundSigners:
    """
    The signing block as one finds it who verifies: what is not in its place does not exist.

    `offset` is that of the block, None where none is found; `damage` then says why, if there is
    something that once was one. `schemes` gives, by scheme, its signers or the reason why they
    cannot be read; more than `MAX_SIGNERS` of v2 are not read at all. `stamps` are the pairs of
    source stamps by their id, unread.
    """

    offset: int | None
    schemes: dict[str, tuple[BlockSigner, ...] | str]
    stamps: dict[int, Slice] = field(default_factory=dict)
    damage: str = ""


def find_signers(
    file: BinaryIO, directory: ZipDirectory, *, max_size: int = 64 * 1024 * 1024
) -> FoundSigners:
    """
    Find the signers of each scheme as AOSP's tools/apksig does (ApkSigningBlockUtilsLite).

    Raises OverLimit where `read_signing_block` would, and never another Malformed.
    """
    try:
        found = locate(file, directory.central_offset, max_size)
    except OverLimit:
        raise
    except Malformed as cause:
        return FoundSigners(None, {}, damage=cause.reason)
    if found is None:
        return FoundSigners(None, {}, damage=_lost_magic(file, directory))
    offset, body = found
    if directory.central_offset + directory.central_size != directory.eocd_offset:
        return FoundSigners(None, {}, damage="the ZIP directory does not end at its end record")
    schemes: dict[str, tuple[BlockSigner, ...] | str] = {}
    stamps: dict[int, Slice] = {}
    damage = ""
    try:
        for pair_id, value in read_pairs(body):
            scheme = SCHEMES.get(pair_id)
            if pair_id in STAMPS:
                stamps.setdefault(pair_id, value)
            elif scheme and scheme not in schemes:
                schemes[scheme] = _signers_or_reason(scheme, value)
    except OverLimit:
        raise
    except Malformed as cause:
        damage = cause.reason  # the pairs before it were found
    return FoundSigners(offset, schemes, stamps, damage)


def _signers_or_reason(scheme: str, block: Slice) -> tuple[BlockSigner, ...] | str:
    try:
        parts = list(block.part(f"{scheme} block").parts(f"{scheme} signer"))
        if scheme == "v2" and len(parts) > MAX_SIGNERS:
            return f"the {scheme} block has {len(parts)} signers, more than {MAX_SIGNERS}"
        return tuple(read_signer(scheme, part, []) for part in parts)
    except OverLimit:
        raise
    except Malformed as cause:
        return f"the {scheme} block cannot be read: {cause.reason}"


def _lost_magic(file: BinaryIO, directory: ZipDirectory) -> str:
    """Whether a block stands behind the entries that has all but its magic."""
    central_offset = directory.central_offset
    if central_offset < HEADER_SIZE + FOOTER_SIZE:
        return ""
    footer = read_at(file, central_offset - FOOTER_SIZE, HEADER_SIZE)
    offset = central_offset - int.from_bytes(footer, "little") - HEADER_SIZE
    behind = max((each.data_offset + each.stored_size for each in directory.entries), default=0)
    if not behind <= offset <= central_offset - HEADER_SIZE - FOOTER_SIZE:
        return ""
    lost = read_at(file, offset, HEADER_SIZE) == footer
    return "the APK Signing Block is there without its magic" if lost else ""


def read_signing_block(
    file: BinaryIO, directory: ZipDirectory, *, max_size: int = 64 * 1024 * 1024
) -> SigningBlock | None:
    """
    Read the signing block that ends where the ZIP directory begins, or None where there is none.

    Raises Malformed for a block or signer that does not add up, and OverLimit for one of more than
    `max_size` bytes or with more parts than any tool writes.
    """
    found = locate(file, directory.central_offset, max_size)
    if found is None:
        return None
    offset, body = found
    tricks = list(_place_tricks(directory, offset))
    blocks: dict[str, Slice] = {}
    other_ids = []
    for pair_id, value in read_pairs(body):
        scheme = SCHEMES.get(pair_id)
        if scheme is None:
            other_ids.append(pair_id)
        elif blocks.setdefault(scheme, value) is not value:
            tricks.append(Anomaly("", f"a second {scheme} signature block, which Android ignores"))
    schemes = tuple(scheme for scheme in SCHEMES.values() if scheme in blocks)
    signers = [
        read_signer(scheme, part, tricks)
        for scheme in schemes
        for part in blocks[scheme].part(f"{scheme} block").parts(f"{scheme} signer")
    ]
    signed = {signer.scheme for signer in signers}
    tricks += [Anomaly("", f"no signer in its {s} block") for s in schemes if s not in signed]
    size = directory.central_offset - offset
    return SigningBlock(offset, size, schemes, tuple(signers), tuple(other_ids), tuple(tricks))


def _place_tricks(directory: ZipDirectory, offset: int) -> Iterator[Anomaly]:
    if directory.central_offset + directory.central_size != directory.eocd_offset:
        trick = "a signing block Android does not see: its ZIP directory has no end record after it"
        yield Anomaly("", trick)
    for entry in directory.entries:
        if entry.data_offset and entry.data_offset + entry.stored_size > offset:
            yield Anomaly(entry.name, "lies in the APK Signing Block, which no signature covers")


def jar_signature_files(names: Iterable[str]) -> tuple[str, ...]:
    """
    Give the signature block files of a JAR signature (v1) among entry names, in their order.

    As AOSP's StrictJarFile and StrictJarVerifier find them: below META-INF/ in exactly this case,
    the rest of the name in any case, beside the manifest and a .SF file of the same name.
    """
    listed = tuple(name for name in names if name.startswith("META-INF/"))
    upper = {name.upper() for name in listed}
    if "META-INF/MANIFEST.MF" not in upper:
        return ()
    return tuple(
        name
        for name in listed
        if (match := _BLOCK_FILE.fullmatch(name.upper())) and f"{match[1]}.SF" in upper
    )
