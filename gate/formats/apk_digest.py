"""The digests that APK signature schemes v2 and v3 take over a whole APK but its signing block.

Layout: source.android.com, APK Signature Scheme v2, "Integrity-protected contents"; the hash tree:
AOSP tools/apksig, VerityTreeBuilder, and the kernel's fs-verity. The file is streamed.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import field
from typing import BinaryIO, Final

from gate.formats.errors import Malformed
from gate.formats.hash_tree import PAGE, hash_tree
from gate.formats.zip import ZipDirectory
from gate.formats.zip_records import read_at
from gate.frozen import dataclass

SHA256: Final = "SHA-256"
SHA512: Final = "SHA-512"
VERITY: Final = "SHA-256 (verity)"

_CHUNK: Final = 1 << 20
_HASHES: Final = {SHA256: "sha256", SHA512: "sha512"}
_SALT: Final = bytes(8)
_END_START: Final = 16  # of the directory's offset in the end record (APPNOTE.TXT 4.3.16)


@dataclass(slots=True)
class Contents:
    """What the signatures protect: `[0, block_offset)`, the ZIP directory and its end record.

    The end record counts as if the directory began where the signing block does. All offsets in
    bytes; the ZIP directory must reach to its end record.
    """

    file: BinaryIO
    directory: ZipDirectory
    block_offset: int
    _known: dict[str, bytes] = field(default_factory=dict)

    def digest(self, algorithm: str) -> bytes:
        """The digest by `SHA256`, `SHA512` or `VERITY`; computed once.

        Raises Malformed where a hash tree is asked for that cannot be: Android maps the file, and
        wants the signing block to begin and end on a page.
        """
        if algorithm not in self._known:
            make = self._verity if algorithm == VERITY else self._chunked
            self._known[algorithm] = make(algorithm)
        return self._known[algorithm]

    @property
    def _parts(self) -> tuple[tuple[int, int], ...]:
        """Offset and size of what is read from the file as it is."""
        directory = self.directory
        size = directory.eocd_offset - directory.central_offset
        return (0, self.block_offset), (directory.central_offset, size)

    def _end_record(self) -> bytes:
        record = read_at(self.file, self.directory.eocd_offset, 22 + len(self.directory.comment))
        start = struct.pack("<L", self.block_offset)
        return record[:_END_START] + start + record[_END_START + 4 :]

    def _blocks(self, size: int) -> Iterator[bytes]:
        """Every part in pieces of `size` bytes; a part's last one is shorter."""
        for offset, length in self._parts:
            for at in range(0, length, size):
                yield read_at(self.file, offset + at, min(size, length - at))
        end = self._end_record()
        yield from (end[at : at + size] for at in range(0, len(end), size))

    def _chunked(self, algorithm: str) -> bytes:
        name = _HASHES[algorithm]
        digests = []
        for chunk in self._blocks(_CHUNK):
            made = hashlib.new(name, b"\xa5" + struct.pack("<L", len(chunk)))
            made.update(chunk)
            digests.append(made.digest())
        head = b"\x5a" + struct.pack("<L", len(digests))
        return hashlib.new(name, head + b"".join(digests)).digest()

    def _verity(self, _: str) -> bytes:
        if self.block_offset % PAGE or (self.directory.central_offset - self.block_offset) % PAGE:
            raise Malformed(
                "signing block that a hash tree needs on whole pages", self.block_offset
            )
        size = sum(length for _, length in self._parts) + len(self._end_record())
        return hash_tree(self._joined(), _SALT).root + struct.pack("<Q", size)

    def _joined(self) -> Iterator[bytes]:
        """The parts without a seam, in blocks of whole pages but for the last."""
        rest = b""
        for block in self._blocks(_CHUNK):
            joined = rest + block
            whole = len(joined) - len(joined) % PAGE
            rest = joined[whole:]
            yield joined[:whole]
        yield rest
