"""The chunk level of binary XML: its strings, its resource ids, and its nodes one after another.

Source: AOSP frameworks/base libs/androidfw/ResourceTypes.cpp, `ResXMLTree::setTo`, `validateNode`
and `ResXMLParser::nextNode`. Every declared size is honoured, as there.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from gate.formats import res_chunk
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_chunk import Chunk, read_chunk
from gate.formats.stringpool import StringPool

MAX_NAMESPACES: Final = 10_000
ODD_NAMESPACES: Final = 1_000
ELEMENT: Final = Struct("<iiHHHHHH")
"""`ResXMLTree_attrExt`: namespace, name, attributeStart, -Size, -Count and three indices."""
END_ELEMENT: Final = Struct("<ii")
CDATA: Final = Struct("<iHBBI")

_NODE_HEADER: Final = 16
_POOL_HEADER: Final = 28
_BODY_SIZES: Final = {
    res_chunk.XML_START_NAMESPACE: 8,
    res_chunk.XML_END_NAMESPACE: 8,
    res_chunk.XML_START_ELEMENT: ELEMENT.size,
    res_chunk.XML_END_ELEMENT: END_ELEMENT.size,
    res_chunk.XML_CDATA: CDATA.size,
}
_TEXT_STARTS: Final = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\0<")


class Anomalies:
    """Counts each kind of anomaly with its first place, so that the list stays short."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        self._kinds: dict[str, list[int]] = {}

    def add(self, sentence: str, offset: int) -> None:
        """Note one occurrence; `sentence` must not hold anything the file may vary at will."""
        self._kinds.setdefault(sentence, [offset, 0])[1] += 1

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence a kind, in the order they were first met."""
        return tuple(
            f"{sentence} (at offset {offset:#x}{f', {count} times' if count > 1 else ''})"
            for sentence, (offset, count) in self._kinds.items()
        )


class NodeReader:
    """A document opened as far as its first node; raises Malformed where Android would not open it.

    `pool` has its strings, `anomalies` what no honest compiler would have written, `end` is the
    declared end of the document in bytes, `namespaces` counts the declarations that were read.
    """

    def __init__(self, data: bytes, max_strings: int) -> None:
        self.anomalies = Anomalies()
        self._data = data
        self._max_strings = max_strings
        self._resource_map = 0
        self._resource_count = 0
        self.namespaces = 0
        start, self.end = self._header()
        self.pool, self.first_node = self._before_nodes(start)

    def resource_id(self, name_index: int) -> int:
        """Return the resource id of an attribute whose name is that string; 0 when it has none."""
        if not 0 <= name_index < self._resource_count:
            return 0
        offset = self._resource_map + 4 * name_index
        return int.from_bytes(self._data[offset : offset + 4], "little")

    def nodes(self, offset: int) -> Iterator[Chunk]:
        """Yield the known nodes from `offset` on; raise Malformed at the first that is broken.

        Raises OverLimit past MAX_NAMESPACES.
        """
        while offset < self.end:
            chunk = read_chunk(self._data, offset, self.end, _NODE_HEADER)
            offset = chunk.end
            if chunk.type not in _BODY_SIZES:
                self._skipped(chunk)
                continue
            if chunk.size - chunk.header_size < _BODY_SIZES[chunk.type]:
                raise Malformed(f"node of type {chunk.type:#x} is too short", chunk.start)
            if chunk.type == res_chunk.XML_START_NAMESPACE:
                self._namespace(chunk)
            if chunk.header_size != _NODE_HEADER:
                self.anomalies.add("a node header is longer than 16 bytes", chunk.start)
            yield chunk

    def _namespace(self, chunk: Chunk) -> None:
        """Count a declaration: androidfw skips it, others keep a list that they search."""
        self.namespaces += 1
        if self.namespaces > MAX_NAMESPACES:
            raise OverLimit(f"there are more than {MAX_NAMESPACES} namespaces", chunk.start)
        if self.namespaces == ODD_NAMESPACES + 1:
            self.anomalies.add(f"there are more than {ODD_NAMESPACES} namespaces", chunk.start)

    def _header(self) -> tuple[int, int]:
        """Return where the chunks start and end; Android 10 does not ask for the root's type."""
        data = self._data
        if len(data) < res_chunk.HEADER.size:
            raise Malformed(f"{len(data)} bytes are too few for binary XML", 0)
        kind, header_size, size = res_chunk.HEADER.unpack_from(data)
        if header_size > size or size > len(data):
            if data[:64].lstrip(b" \t\r\n").startswith(_TEXT_STARTS):
                raise Malformed("the file is text XML, not binary XML", 0)
            sizes = f"header size {header_size} or size {size}"
            raise Malformed(f"the XML's {sizes} passes its {len(data)} bytes", 0)
        if kind != res_chunk.XML:
            self.anomalies.add(f"the root chunk has type {kind:#x} instead of 0x3", 0)
        if header_size != res_chunk.HEADER.size:
            self.anomalies.add(f"the XML header has {header_size} bytes instead of 8", 0)
        if size < len(data):
            self.anomalies.add("data follows the declared end of the document", size)
        return header_size, size

    def _before_nodes(self, offset: int) -> tuple[StringPool, int]:
        """Find the first node, and the last string pool and resource map in front of it."""
        pool: Chunk | None = None
        while not self._is_last(offset):
            chunk = read_chunk(self._data, offset, self.end)
            if chunk.type == res_chunk.STRING_POOL:
                self._note(chunk, _POOL_HEADER, "string pool", pool is not None)
                pool = chunk
            elif chunk.type == res_chunk.XML_RESOURCE_MAP:
                self._note(chunk, 8, "resource map", self._resource_map > 0)
                self._resource_map = chunk.body
                self._resource_count = (chunk.size - chunk.header_size) // 4
            elif res_chunk.XML_FIRST_NODE <= chunk.type <= res_chunk.XML_LAST_NODE:
                if pool is None:
                    raise Malformed("no string pool stands before the first node", offset)
                strings = StringPool(self._data, pool, self._max_strings)
                if self._resource_count > len(strings):
                    self.anomalies.add("the resource map is longer than the string pool", offset)
                return strings, offset
            else:
                self._skipped(chunk)
            offset = chunk.end
        raise Malformed("no node stands behind the string pool", offset)

    def _is_last(self, offset: int) -> bool:
        """Whether androidfw stops here: it does not look at a chunk that reaches the end."""
        if offset >= self.end - res_chunk.HEADER.size:
            return True
        size: int = res_chunk.HEADER.unpack_from(self._data, offset)[2]
        return offset >= self.end - size

    def _note(self, chunk: Chunk, header_size: int, what: str, again: bool) -> None:
        if again:
            self.anomalies.add(f"another {what} replaces the first", chunk.start)
        if chunk.header_size > header_size:
            self.anomalies.add(f"the {what} header is longer than {header_size} bytes", chunk.start)

    def _skipped(self, chunk: Chunk) -> None:
        self.anomalies.add("a chunk of unknown type is skipped", chunk.start)
