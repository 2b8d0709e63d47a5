"""Writes Protocol Buffers field by field: XML, resource tables, and whatever lies about them."""

from struct import pack

from gate.formats.res_value import INT_BOOLEAN, INT_DEC, REFERENCE
from tests.formats.write_axml import Attr, Node

Value = tuple[int, int] | str


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def fixed32(field: int, value: int) -> bytes:
    return varint(field << 3 | 5) + pack("<I", value)


def part(field: int, payload: bytes | str) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(data)) + data


def item(value: Value) -> bytes:
    """An `Item`: a string, a reference, a decimal number or a boolean."""
    if isinstance(value, str):
        return part(2, part(1, value))
    kind, data = value
    if kind == REFERENCE:
        return part(1, number(2, data))
    if kind == INT_BOOLEAN:
        return part(7, number(8, 1 if data else 0))
    assert kind == INT_DEC
    return part(7, number(6, data))


def xml(node: Node) -> bytes:
    """The document that `write_axml.write` writes in binary form."""
    body = part(3, node.name) + b"".join(part(4, _attribute(each)) for each in node.attrs)
    if node.text is not None:
        body += part(5, part(2, node.text))
    body += b"".join(part(5, xml(child)) for child in node.children)
    return part(1, body) + part(3, number(1, node.line))


def _attribute(attr: Attr) -> bytes:
    body = part(1, attr.namespace or "") + part(2, attr.name)
    if attr.id:
        body += number(5, attr.id)
    if isinstance(attr.value, str):
        return body + part(3, attr.value)
    if isinstance(attr.value, bool):
        return body + part(6, item((INT_BOOLEAN, attr.value)))
    value = attr.value if isinstance(attr.value, tuple) else (INT_DEC, attr.value)
    return body + part(6, item(value))


def entry(index: int, *values: tuple[Value | bytes, bytes], name: str = "") -> bytes:
    """An `Entry` with a value, or a bag as bytes, in each configuration."""
    body = part(1, number(1, index) if index else b"") + part(2, name or f"entry{index}")
    for value, config in values:
        stored = part(5, value) if isinstance(value, bytes) else part(4, item(value))
        body += part(6, (part(1, config) if config else b"") + part(2, stored))
    return body


def table(*entries: bytes, kind: int = 1, package: int = 0x7F) -> bytes:
    """A `ResourceTable` with one type of one package."""
    types = part(1, number(1, kind)) + part(2, f"type{kind}")
    types += b"".join(part(3, each) for each in entries)
    return part(2, part(1, number(1, package)) + part(2, "org.example.app") + part(3, types))
