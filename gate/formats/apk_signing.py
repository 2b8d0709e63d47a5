"""
The APK Signing Block before the ZIP directory, and the file names of a JAR signature.

Layout: source.android.com, APK Signature Scheme v2, v3 and v3.1; bounds: AOSP tools/apksig,
ApkUtils.findApkSigningBlock and ApkSigningBlockUtils. Nothing is verified here.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import Anomaly, ZipDirectory
from gate.formats.zip_records import read_at

SCHEMES = {0x7109871A: "v2", 0xF05368C0: "v3", 0x1B93AD61: "v3.1"}  # in the order Android counts

_MAGIC = b"APK Sig Block 42"
_FOOTER_SIZE = 8 + len(_MAGIC)
_HEADER_SIZE = 8
_BLOCK_FILE = re.compile(r"(META-INF/.*)\.(?:RSA|DSA|EC)", re.DOTALL)
_MAX_PAIRS = 10_000
_MAX_RECORDS = 1_000  # of one kind in a signer: Android itself stops at ten signers


@dataclass(frozen=True, slots=True)
class Tagged:
    """A digest or signature with its algorithm id, or an attribute with its attribute id."""

    id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class BlockSigner:
    """
    One signer of one scheme, as it is written; nothing in it has been verified.

    `certificates` are DER, the signer's own first. The SDK bounds are of v3 and v3.1, else None;
    `signed_data` is what the signatures are over.
    """

    scheme: str
    certificates: tuple[bytes, ...]
    digests: tuple[Tagged, ...]
    attributes: tuple[Tagged, ...]
    signatures: tuple[Tagged, ...]
    public_key: bytes
    signed_data: bytes
    min_sdk: int | None
    max_sdk: int | None

    @property
    def algorithms(self) -> tuple[int, ...]:
        """Signature algorithm ids, in the order of the signatures."""
        return tuple(signature.id for signature in self.signatures)


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


def read_signing_block(
    file: BinaryIO, directory: ZipDirectory, *, max_size: int = 64 * 1024 * 1024
) -> SigningBlock | None:
    """
    Read the signing block that ends where the ZIP directory begins, or None where there is none.

    Raises Malformed for a block or signer that does not add up, and OverLimit for one of more than
    `max_size` bytes or with more parts than any tool writes.
    """
    found = _locate(file, directory.central_offset, max_size)
    if found is None:
        return None
    offset, body = found
    tricks = list(_place_tricks(directory, offset))
    blocks: dict[str, _Slice] = {}
    other_ids = []
    for pair_id, value in _pairs(body):
        scheme = SCHEMES.get(pair_id)
        if scheme is None:
            other_ids.append(pair_id)
        elif blocks.setdefault(scheme, value) is not value:
            tricks.append(Anomaly("", f"a second {scheme} signature block, which Android ignores"))
    schemes = tuple(scheme for scheme in SCHEMES.values() if scheme in blocks)
    signers = [
        _signer(scheme, part, tricks)
        for scheme in schemes
        for part in blocks[scheme].part(f"{scheme} block").parts(f"{scheme} signer")
    ]
    signed = {signer.scheme for signer in signers}
    tricks += [Anomaly("", f"no signer in its {s} block") for s in schemes if s not in signed]
    size = directory.central_offset - offset
    return SigningBlock(offset, size, schemes, tuple(signers), tuple(other_ids), tuple(tricks))


def _locate(file: BinaryIO, central_offset: int, max_size: int) -> tuple[int, "_Slice"] | None:
    """Give the block's offset and its pairs; its size stands both before and after them."""
    if central_offset < _HEADER_SIZE + _FOOTER_SIZE:
        return None
    footer = read_at(file, central_offset - _FOOTER_SIZE, _FOOTER_SIZE)
    if not footer.endswith(_MAGIC):
        return None
    (size,) = struct.unpack_from("<Q", footer)
    offset = central_offset - size - _HEADER_SIZE
    if size < _FOOTER_SIZE or offset < 0:
        reason = f"APK Signing Block of {size} bytes does not fit before the ZIP directory"
        raise Malformed(reason, central_offset - _FOOTER_SIZE)
    if size > max_size:
        raise OverLimit(f"APK Signing Block of {size} bytes, more than {max_size}")
    body = read_at(file, offset, _HEADER_SIZE + size - _FOOTER_SIZE)
    (size_before,) = struct.unpack_from("<Q", body)
    if size_before != size:
        reason = f"APK Signing Block gives its size as {size_before} before and {size} after it"
        raise Malformed(reason, offset)
    pairs = _Slice(body, _HEADER_SIZE, len(body), "APK Signing Block", offset)
    return offset, pairs


def _place_tricks(directory: ZipDirectory, offset: int) -> Iterator[Anomaly]:
    if directory.central_offset + directory.central_size != directory.eocd_offset:
        trick = "a signing block Android does not see: its ZIP directory has no end record after it"
        yield Anomaly("", trick)
    for entry in directory.entries:
        if entry.data_offset and entry.data_offset + entry.stored_size > offset:
            yield Anomaly(entry.name, "lies in the APK Signing Block, which no signature covers")


@dataclass(slots=True)
class _Slice:
    """A part of the block that is read front to back; `data` lies at `base` in the file."""

    data: bytes
    at: int
    end: int
    what: str
    base: int

    def take(self, size: int) -> bytes:
        start = self.at
        if size > self.end - start:
            reason = f"{self.what} ends inside {size} bytes that are needed"
            raise Malformed(reason, self.base + start)
        self.at += size
        return self.data[start : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def rest(self) -> bytes:
        return self.take(self.end - self.at)

    def part(self, what: str, size: int | None = None) -> "_Slice":
        """Cut off the next part, by default of the length that is written before it."""
        length = self.number() if size is None else size
        start = self.at
        if length > self.end - start:
            raise Malformed(
                f"{what} of {length} bytes is longer than what holds it", self.base + start
            )
        self.at += length
        return _Slice(self.data, start, self.at, what, self.base)

    def parts(self, what: str) -> Iterator["_Slice"]:
        """Cut off length-prefixed parts to the end."""
        count = 0
        while self.at < self.end:
            count += 1
            if count > _MAX_RECORDS:
                raise OverLimit(f"{self.what} holds more than {_MAX_RECORDS} parts")
            yield self.part(what)


def _pairs(body: _Slice) -> Iterator[tuple[int, _Slice]]:
    count = 0
    while body.at < body.end:
        count += 1
        if count > _MAX_PAIRS:
            raise OverLimit(f"APK Signing Block of more than {_MAX_PAIRS} pairs")
        size = int.from_bytes(body.take(8), "little")
        pair = body.part("pair of the APK Signing Block", size)
        yield pair.number(), pair


def _signer(scheme: str, signer: _Slice, tricks: list[Anomaly]) -> BlockSigner:
    signed = signer.part(f"{scheme} signed data")
    raw = signed.data[signed.at : signed.end]
    digests = _tagged(signed.part(f"{scheme} digests"), f"{scheme} digest")
    certificates = signed.part(f"{scheme} certificates").parts(f"{scheme} certificate")
    chain = tuple(certificate.rest() for certificate in certificates)
    sdks: tuple[int | None, int | None] = (None, None)
    if scheme != "v2":
        signed_sdks = (signed.number(), signed.number())
        sdks = (signer.number(), signer.number())
        if signed_sdks != sdks:
            tricks.append(Anomaly("", f"a {scheme} signer for other SDK versions than are signed"))
    # The first Android with v2 did not look for attributes after the certificates.
    attributes = signed.part(f"{scheme} attributes") if signed.at < signed.end else signed
    made = BlockSigner(
        scheme=scheme,
        certificates=chain,
        digests=digests,
        attributes=tuple(
            Tagged(attribute.number(), attribute.rest())
            for attribute in attributes.parts(f"{scheme} attribute")
        ),
        signatures=_tagged(signer.part(f"{scheme} signatures"), f"{scheme} signature"),
        public_key=signer.part(f"{scheme} public key").rest(),
        signed_data=raw,
        min_sdk=sdks[0],
        max_sdk=sdks[1],
    )
    if made.algorithms != tuple(digest.id for digest in digests):
        tricks.append(Anomaly("", f"a {scheme} signer whose signatures and digests do not pair"))
    return made


def _tagged(sequence: _Slice, what: str) -> tuple[Tagged, ...]:
    return tuple(Tagged(item.number(), item.part(what).rest()) for item in sequence.parts(what))


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
