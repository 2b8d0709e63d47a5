"""ASN.1 basic encoding (BER, and so DER): where elements begin and end, no more.

Source: ITU-T X.690 (2021) section 8.1. Indefinite lengths and constructed strings are read, as CMS
writers that stream produce them. Whole values are never decoded here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
INTEGER: Final = 0x02
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20

_MAX_INDEFINITE: Final = 32  # indefinite lengths around one element; real files have 5
_MAX_INSIDE: Final = 262_144  # elements in one of indefinite length: as many as chunks, below
_MAX_CHILDREN: Final = 65_536
_MAX_CHUNKS: Final = 262_144  # of one constructed string: 64-byte chunks still carry 16 MiB


@dataclass(frozen=True, slots=True)
class Element:
    """One encoded value: `data[start:end]`, its contents `data[body:body_end]`.

    `tag` is the identifier octet with class and constructed bits (0x30 a sequence, 0xa0 a context
    tag 0 that holds elements); all tag numbers that the formats here use are below 31. `ends` are
    the ends of the elements of indefinite length inside, by their beginnings.
    """

    tag: int
    start: int
    body: int
    body_end: int
    end: int
    ends: Mapping[int, int] | None = field(default=None, compare=False, repr=False)


def element(data: bytes, start: int, limit: int, ends: Mapping[int, int] | None = None) -> Element:
    """The element at `start`, which must end at or before `limit`; Malformed otherwise.

    `ends` are those that the element around it knows, which saves looking for them again.
    """
    tag, body, length = _header(data, start, limit)
    if length is not None:
        return Element(tag, start, body, body + length, body + length, ends)
    if ends is None or start not in ends:
        ends = _ends_of_indefinite(data, start, body, limit)
    return Element(tag, start, body, ends[start] - 2, ends[start], ends)


def children(data: bytes, parent: Element) -> Iterator[Element]:
    """The elements inside a constructed one, in order; OverLimit past 65,536."""
    at, count = parent.body, 0
    while at < parent.body_end:
        count += 1
        if count > _MAX_CHILDREN:
            raise OverLimit(f"ASN.1 value of more than {_MAX_CHILDREN} elements", at)
        child = element(data, at, parent.body_end, parent.ends)
        yield child
        at = child.end


def fields(der: bytes, parent: Element, least: int, what: str) -> list[Element]:
    """The elements of a constructed value; Malformed where there are fewer than `least`."""
    if not parent.tag & CONSTRUCTED:
        raise Malformed(f"ASN.1 {what} is not constructed", parent.start)
    found = list(children(der, parent))
    if len(found) < least:
        raise Malformed(f"ASN.1 {what} with {len(found)} of {least} fields", parent.start)
    return found


def octets(data: bytes, string: Element) -> bytes:
    """The bytes of an OCTET STRING, also one that is cut into chunks (X.690 section 8.7)."""
    if string.tag == OCTET_STRING:
        return data[string.body : string.body_end]
    if string.tag != OCTET_STRING | CONSTRUCTED:
        raise Malformed(f"ASN.1 tag {string.tag:#x} where an octet string belongs", string.start)
    chunks: list[bytes] = []
    at = string.body
    for _ in range(_MAX_CHUNKS):
        if at >= string.body_end:
            return b"".join(chunks)
        tag, body, length = _header(data, at, string.body_end)
        at = body
        if tag == OCTET_STRING and length is not None:
            chunks.append(data[body : body + length])
            at += length
        elif tag not in (0, OCTET_STRING | CONSTRUCTED):  # 0 ends a nested indefinite length
            raise Malformed(f"ASN.1 tag {tag:#x} inside an octet string", at)
    raise OverLimit(f"ASN.1 octet string of more than {_MAX_CHUNKS} chunks", string.start)


def _header(data: bytes, start: int, limit: int) -> tuple[int, int, int | None]:
    """Tag, offset of the contents, and their length (None where it is indefinite)."""
    if start + 2 > limit:
        raise Malformed("ASN.1 element cut short", start)
    tag, first = data[start], data[start + 1]
    body = start + 2
    if tag & 0x1F == 0x1F:
        raise Malformed("ASN.1 tag number above 30", start)
    if first == 0x80:
        if not tag & CONSTRUCTED:
            raise Malformed("ASN.1 indefinite length of a primitive value", start)
        return tag, body, None
    length = first
    if first > 0x80:
        width = first & 0x7F
        if width > 8 or body + width > limit:
            raise Malformed("ASN.1 length that is cut short or absurd", start)
        length = int.from_bytes(data[body : body + width], "big")
        body += width
    if length > limit - body:
        raise Malformed("ASN.1 element longer than what holds it", start)
    return tag, body, length


def _ends_of_indefinite(data: bytes, start: int, body: int, limit: int) -> dict[int, int]:
    """Where the value at `start`, whose contents are at `body`, ends, and all such inside it.

    The end is behind the end-of-contents octets. One pass without recursion: values of known length
    are stepped over.
    """
    at, opened = body, [start]
    ends: dict[int, int] = {}
    for _ in range(_MAX_INSIDE):
        tag, inner, length = _header(data, at, limit)
        if length is None:
            opened.append(at)
            if len(opened) > _MAX_INDEFINITE:
                raise OverLimit(f"ASN.1 nested deeper than {_MAX_INDEFINITE}", at)
            at = inner
        elif tag == 0 and length == 0:
            at = inner
            ends[opened.pop()] = at
            if not opened:
                return ends
        else:
            at = inner + length
    raise OverLimit(f"ASN.1 value of more than {_MAX_INSIDE} elements", start)
