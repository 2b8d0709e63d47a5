"""The chunk header that every structure of binary XML and resources.arsc begins with.

Sources: AOSP frameworks/base libs/androidfw, ResourceTypes.cpp `validate_chunk` and
ChunkIterator.cpp; the chunk types are from ResourceTypes.h.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from gate.formats.errors import Malformed

STRING_POOL: Final = 0x0001
TABLE: Final = 0x0002
XML: Final = 0x0003
XML_FIRST_NODE: Final = 0x0100
XML_START_NAMESPACE: Final = 0x0100
XML_END_NAMESPACE: Final = 0x0101
XML_START_ELEMENT: Final = 0x0102
XML_END_ELEMENT: Final = 0x0103
XML_CDATA: Final = 0x0104
XML_LAST_NODE: Final = 0x017F
XML_RESOURCE_MAP: Final = 0x0180
TABLE_PACKAGE: Final = 0x0200
TABLE_TYPE: Final = 0x0201
TABLE_TYPE_SPEC: Final = 0x0202
TABLE_LIBRARY: Final = 0x0203
TABLE_STAGED_ALIAS: Final = 0x0206
TABLE_FLAGGED: Final = 0x0207

HEADER: Final = Struct("<HHI")


class Chunk(NamedTuple):
    """Where a chunk lies: `start` and `size` in bytes of the whole data, header included."""

    type: int
    header_size: int
    start: int
    size: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind the chunk."""
        return self.start + self.size

    @property
    def body(self) -> int:
        """Offset of the first byte behind the chunk's header."""
        return self.start + self.header_size


def read_chunk(data: bytes, start: int, end: int, smallest_header: int = HEADER.size) -> Chunk:
    """Read the header at `start` by the rules of `validate_chunk`; the chunk must end by `end`.

    Raises Malformed where the header does not fit, is smaller than `smallest_header`, or declares
    sizes that are unaligned, contradict each other or pass the end.
    """
    if start < 0 or end - start < HEADER.size:
        raise Malformed("no room for a chunk header", start)
    kind, header_size, size = HEADER.unpack_from(data, start)
    if header_size < smallest_header:
        raise Malformed(f"chunk header size {header_size} is below {smallest_header}", start)
    if header_size > size:
        raise Malformed(f"chunk size {size} is below its header size {header_size}", start)
    if (header_size | size) & 3:
        raise Malformed(f"chunk size {size} or header size {header_size} is not aligned", start)
    if size > end - start:
        raise Malformed(f"chunk size {size} passes the end of its container", start)
    return Chunk(kind, header_size, start, size)


def child_chunks(data: bytes, start: int, end: int) -> Iterator[Chunk]:
    """Yield the chunks between `start` and `end` the way androidfw's ChunkIterator does.

    A chunk too long for what is left ends the walk without an error, unless it is the first.
    """
    offset = start
    while offset < end:
        if offset != start and not _fits(data, offset, end):
            return
        if offset & 3:
            raise Malformed("chunk header is not aligned", offset)
        chunk = read_chunk(data, offset, end)
        yield chunk
        offset = chunk.end


def _fits(data: bytes, offset: int, end: int) -> bool:
    if end - offset < HEADER.size:
        return False
    size: int = HEADER.unpack_from(data, offset)[2]
    return size <= end - offset
