"""ResStringPool: the strings of a binary XML document or of a resource table.

Sources: AOSP frameworks/base libs/androidfw/ResourceTypes.cpp (`ResStringPool::setTo`, `stringAt`,
`string8At`, `stringDecodeAt`) and core/jni/android_util_StringBlock.cpp, which hands the strings
to Java. Strings are decoded one at a time when asked for: a broken one nobody asks for is harmless.
"""

from struct import Struct
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_chunk import Chunk

MAX_STRINGS: Final = 1_000_000

_FIELDS: Final = Struct("<IIIII")
_U32: Final = Struct("<I")
_SMALLEST_HEADER: Final = 28
_UTF8_FLAG: Final = 0x100
_STYLE_END: Final = b"\xff" * 12
# Strings of an honest pool do not overlap, so together they are no longer than the pool.
_OVERLAP_ALLOWED: Final = 4


class StringPool:
    """The strings of one pool chunk; `len()` is the declared number of strings."""

    __slots__ = (
        "_budget",
        "_count",
        "_data",
        "_decoded",
        "_entries",
        "_known",
        "_strings",
        "_units",
        "utf8",
    )

    def __init__(self, data: bytes, chunk: Chunk, max_strings: int = MAX_STRINGS) -> None:
        """Check the pool as a whole; `chunk` comes from `read_chunk` on the same `data`.

        Raises Malformed where androidfw refuses the pool, OverLimit past `max_strings`.
        """
        if chunk.header_size < _SMALLEST_HEADER:
            raise Malformed(f"string pool header size {chunk.header_size} is below 28", chunk.start)
        count, styles, flags, strings, style_data = _FIELDS.unpack_from(data, chunk.start + 8)
        self._data = data
        self._count: int = count
        self._entries = chunk.body
        self.utf8 = bool(flags & _UTF8_FLAG)
        self._strings: int = chunk.start + strings
        self._units = 0
        if count:
            self._units = _string_units(data, chunk, self.utf8)
        if count > max_strings:
            raise OverLimit(f"a pool of {count} strings, more than {max_strings}", chunk.start)
        if styles:
            _check_styles(data, chunk, count, style_data)
        self._known: dict[int, str] = {}  # by index
        self._decoded: dict[int, str] = {}  # by place: many indices may share one
        self._budget = _OVERLAP_ALLOWED * chunk.size

    def __len__(self) -> int:
        return self._count

    def string(self, index: int) -> str:
        """Return string `index`, lone surrogates kept; raise Malformed where it is not readable.

        A string that Android's own readers understand differently (a NUL inside UTF-8, a length
        that lies) is Malformed too. Raises OverLimit when the strings overlap many times over.
        """
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._read(index)
        return known

    def _read(self, index: int) -> str:
        if not 0 <= index < self._count:
            raise Malformed(f"string {index} is not among the {self._count} of the pool")
        entry: int = _U32.unpack_from(self._data, self._entries + 4 * index)[0]
        unit = entry if self.utf8 else entry // 2
        if unit >= self._units - 1:
            raise Malformed(f"string {index} starts behind the end of the pool")
        if unit not in self._decoded:
            decode = self._decode_utf8 if self.utf8 else self._decode_utf16
            self._decoded[unit] = decode(index, unit)
        return self._decoded[unit]

    def _take(self, index: int, offset: int, size: int) -> bytes:
        self._budget -= size
        if self._budget < 0:
            raise OverLimit(f"string {index} overlaps other strings beyond any honest pool", offset)
        return self._data[offset : offset + size]

    def _decode_utf16(self, index: int, unit: int) -> str:
        length = self._u16(unit)
        unit += 1
        if length & 0x8000:
            length = (length & 0x7FFF) << 16 | self._u16(unit)
            unit += 1
        offset = self._strings + 2 * unit
        if unit + length >= self._units:
            raise Malformed(f"string {index} passes the end of the pool", offset)
        if self._u16(unit + length):
            raise Malformed(f"string {index} is not terminated", offset)
        return self._take(index, offset, 2 * length).decode("utf-16-le", "surrogatepass")

    def _decode_utf8(self, index: int, unit: int) -> str:
        utf16_length, unit = self._utf8_length(index, unit)
        encoded_length, unit = self._utf8_length(index, unit)
        offset = self._strings + unit
        size = self._utf8_size(index, unit, encoded_length)
        raw = self._take(index, offset, size)
        if 0 in raw:
            raise Malformed(f"string {index} has a NUL inside, where readers disagree", offset)
        text = _from_utf8(raw)
        if text is None:
            raise Malformed(f"string {index} is not UTF-8", offset)
        actual = len(text) + sum(character > "\uffff" for character in text)
        if actual & 0x7FFF != utf16_length:
            raise Malformed(f"string {index} is {actual} units, not {utf16_length}", offset)
        return text

    def _utf8_size(self, index: int, unit: int, encoded: int) -> int:
        """Undo aapt's cut of lengths above 0x7fff: the first candidate that ends in NUL is it."""
        for size in range(encoded, self._units - unit, 0x8000):
            if self._data[self._strings + unit + size] == 0:
                return size
        raise Malformed(f"string {index} is not terminated", self._strings + unit)

    def _u16(self, unit: int) -> int:
        offset = self._strings + 2 * unit
        return int.from_bytes(self._data[offset : offset + 2], "little")

    def _utf8_length(self, index: int, unit: int) -> tuple[int, int]:
        if unit + 2 > self._units:
            raise Malformed(f"string {index} has no room for its length", self._strings + unit)
        first, second = self._data[self._strings + unit : self._strings + unit + 2]
        return ((first & 0x7F) << 8 | second, unit + 2) if first & 0x80 else (first, unit + 1)


def _string_units(data: bytes, chunk: Chunk, utf8: bool) -> int:
    """Check the string part of the header; return its length in code units."""
    count, styles, _, strings, style_data = _FIELDS.unpack_from(data, chunk.start + 8)
    if chunk.header_size + 4 * count > chunk.size:
        raise Malformed(f"the offsets of {count} strings pass the end of the pool", chunk.start)
    if strings >= chunk.size - 2:
        raise Malformed(f"strings at {strings} start behind the end of the pool", chunk.start)
    end = chunk.size
    if styles:
        if not strings < style_data < chunk.size - 2:
            raise Malformed(f"styles at {style_data} are not behind the strings", chunk.start)
        end = style_data
    width = 1 if utf8 else 2
    units: int = (end - strings) // width
    last = chunk.start + strings + (units - 1) * width
    if units == 0 or any(data[last : last + width]):
        raise Malformed("the last string of the pool is not terminated", chunk.start)
    return units


def _check_styles(data: bytes, chunk: Chunk, count: int, style_data: int) -> None:
    if chunk.header_size + 4 * count > chunk.size or style_data >= chunk.size:
        raise Malformed("the styles pass the end of the string pool", chunk.start)
    end = chunk.start + style_data + (chunk.size - style_data) // 4 * 4
    if end < len(_STYLE_END) or data[end - len(_STYLE_END) : end] != _STYLE_END:
        raise Malformed("the last style of the string pool is not terminated", chunk.start)


def _from_utf8(raw: bytes) -> str | None:
    """Decode UTF-8 that may hold surrogates one by one, as Java's modified UTF-8 does."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        pairs = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return pairs.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
