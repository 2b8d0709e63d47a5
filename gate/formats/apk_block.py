"""
The APK Signing Block, cut into its parts: where it stands, its pairs, and what one signer holds.

Layout: source.android.com, APK Signature Scheme v2, v3 and v3.1; bounds: AOSP tools/apksig,
ApkUtils.findApkSigningBlock and ApkSigningBlockUtils. Nothing is verified here.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import Anomaly
from gate.formats.zip_records import read_at
from gate.frozen import dataclass

SCHEMES = {0x7109871A: "v2", 0xF05368C0: "v3", 0x1B93AD61: "v3.1"}  # in the order Android counts
STAMPS = {0x6DFF800D: "v2", 0x2B09189E: "v1"}  # source stamps, the one that counts first
MAX_SIGNERS = 10  # Android's own limit, for v1 and v2 (AOSP tools/apksig, Constants)
FOOTER_SIZE = 8 + 16
HEADER_SIZE = 8

_MAGIC = b"APK Sig Block 42"
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
    `signed_data` is what the signatures are over, and `signed_sdks` are the bounds inside it.
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
    signed_sdks: tuple[int, int] | None = None

    @property
    def algorithms(self) -> tuple[int, ...]:
        """Signature algorithm ids, in the order of the signatures."""
        return tuple(signature.id for signature in self.signatures)

    def covers(self, level: int) -> bool:
        """Whether the signer is for that API level."""
        return self.min_sdk is None or self.min_sdk <= level <= (self.max_sdk or 0)


def locate(file: BinaryIO, central_offset: int, max_size: int) -> tuple[int, "Slice"] | None:
    """
    Give the block's offset and its pairs, or None where its magic is not before the directory.

    Raises Malformed where the sizes before and after the pairs do not fit, OverLimit past
    `max_size` bytes.
    """
    if central_offset < HEADER_SIZE + FOOTER_SIZE:
        return None
    footer = read_at(file, central_offset - FOOTER_SIZE, FOOTER_SIZE)
    if not footer.endswith(_MAGIC):
        return None
    (size,) = struct.unpack_from("<Q", footer)
    offset = central_offset - size - HEADER_SIZE
    if size < FOOTER_SIZE or offset < 0:
        reason = f"APK Signing Block of {size} bytes does not fit before the ZIP directory"
        raise Malformed(reason, central_offset - FOOTER_SIZE)
    if size > max_size:
        raise OverLimit(f"APK Signing Block of {size} bytes, more than {max_size}")
    body = read_at(file, offset, HEADER_SIZE + size - FOOTER_SIZE)
    (size_before,) = struct.unpack_from("<Q", body)
    if size_before != size:
        reason = f"APK Signing Block gives its size as {size_before} before and {size} after it"
        raise Malformed(reason, offset)
    pairs = Slice(body, HEADER_SIZE, len(body), "APK Signing Block", offset)
    return offset, pairs


@dataclass(slots=True)
class Slice:
    """A part of the block that is read front to back; `data` lies at `base` in the file."""

    data: bytes
    at: int
    end: int
    what: str
    base: int

    def take(self, size: int) -> bytes:
        """Take that many bytes; Malformed where there are fewer."""
        start = self.at
        if size > self.end - start:
            reason = f"{self.what} ends inside {size} bytes that are needed"
            raise Malformed(reason, self.base + start)
        self.at += size
        return self.data[start : self.at]

    def number(self) -> int:
        """Take an unsigned number of four bytes."""
        return int.from_bytes(self.take(4), "little")

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.take(self.end - self.at)

    def part(self, what: str, size: int | None = None) -> "Slice":
        """Cut off the next part, by default of the length that is written before it."""
        length = self.number() if size is None else size
        start = self.at
        if length > self.end - start:
            raise Malformed(
                f"{what} of {length} bytes is longer than what holds it", self.base + start
            )
        self.at += length
        return Slice(self.data, start, self.at, what, self.base)

    def parts(self, what: str) -> Iterator["Slice"]:
        """Cut off length-prefixed parts to the end."""
        count = 0
        while self.at < self.end:
            count += 1
            if count > _MAX_RECORDS:
                raise OverLimit(f"{self.what} holds more than {_MAX_RECORDS} parts")
            yield self.part(what)


def read_pairs(body: Slice) -> Iterator[tuple[int, Slice]]:
    """Give each pair's id and value; Malformed at the first that does not add up."""
    count = 0
    while body.at < body.end:
        count += 1
        if count > _MAX_PAIRS:
            raise OverLimit(f"APK Signing Block of more than {_MAX_PAIRS} pairs")
        size = int.from_bytes(body.take(8), "little")
        pair = body.part("pair of the APK Signing Block", size)
        yield pair.number(), pair


def read_signer(scheme: str, signer: Slice, tricks: list[Anomaly]) -> BlockSigner:
    """Take one signer apart, and add to `tricks` what no signing tool writes; or Malformed."""
    signed = signer.part(f"{scheme} signed data")
    raw = signed.data[signed.at : signed.end]
    digests = _tagged(signed.part(f"{scheme} digests"), f"{scheme} digest")
    certificates = signed.part(f"{scheme} certificates").parts(f"{scheme} certificate")
    chain = tuple(certificate.rest() for certificate in certificates)
    sdks: tuple[int | None, int | None] = (None, None)
    signed_sdks = None
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
        signed_sdks=signed_sdks,
    )
    if made.algorithms != tuple(digest.id for digest in digests):
        tricks.append(Anomaly("", f"a {scheme} signer whose signatures and digests do not pair"))
    return made


def _tagged(sequence: Slice, what: str) -> tuple[Tagged, ...]:
    return tuple(Tagged(item.number(), item.part(what).rest()) for item in sequence.parts(what))
