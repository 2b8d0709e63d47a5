"""The data of one ZIP entry, stored or deflated (RFC 1951), read in bounded memory.

By zlib and nothing faster: it is what Android inflates with, and others (ISA-L) accept streams that
it refuses.
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from gate.formats.errors import Malformed
from gate.formats.zip_records import read_at

_BLOCK = 1024 * 1024
_CHUNK = 64 * 1024  # of deflated bytes: they may hold a thousand times as many


class EntryStream:
    """
    An entry's data in blocks of at most 1 MiB, to be walked once.

    After the last block `crc_ok` says whether the CRC was right, and `unused` how many bytes were
    left over after the end of the deflate stream, which Android does not look at.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        offset: int,
        stored_size: int,
        size: int,
        crc32: int,
        deflated: bool,
        what: str,
    ) -> None:
        self.crc_ok = False
        self.unused = 0
        self._file = file
        self._offset = offset
        self._stored_size = stored_size
        self._size = size
        self._crc32 = crc32
        self._deflated = deflated
        self._what = what

    def __iter__(self) -> Iterator[bytes]:
        crc = total = 0
        for block in self._inflated() if self._deflated else self._stored(_BLOCK):
            total += len(block)
            if total > self._size:
                raise self._malformed(f"inflates to more than its {self._size} bytes")
            crc = zlib.crc32(block, crc)
            yield block
        if total != self._size:
            raise self._malformed(f"inflates to {total} of its {self._size} bytes")
        self.crc_ok = crc == self._crc32

    def _stored(self, step: int) -> Iterator[bytes]:
        for at in range(0, self._stored_size, step):
            size = min(step, self._stored_size - at)
            yield read_at(self._file, self._offset + at, size)

    def _inflated(self) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        taken = 0
        for chunk in self._stored(_CHUNK):
            taken += len(chunk)
            while not inflater.eof:
                try:
                    block = inflater.decompress(chunk, _BLOCK)
                except zlib.error as cause:
                    raise self._malformed("holds a broken deflate stream") from cause
                if block:
                    yield block
                chunk = inflater.unconsumed_tail
                if not chunk and len(block) < _BLOCK:  # a full block may leave output behind
                    break
            if inflater.eof:
                break
        if not inflater.eof:
            raise self._malformed("ends inside its deflate stream")
        self.unused = self._stored_size - taken + len(inflater.unused_data)

    def _malformed(self, reason: str) -> Malformed:
        return Malformed(f"{self._what} {reason}", self._offset)
