"""Writes binary XML byte by byte, with a knob for each lie a file can tell about itself."""

from dataclasses import dataclass, field
from struct import pack

from gate.formats.res_value import FIRST_INT, INT_BOOLEAN, STRING

ANDROID = "http://schemas.android.com/apk/res/android"
DEBUGGABLE = 0x0101000F
NAME = 0x01010003
ALLOW_BACKUP = 0x01010280


@dataclass(frozen=True, slots=True)
class Attr:
    """An attribute; a str, bool or int value, or (type, data) as is. No `id`: no resource id."""

    name: str
    value: str | bool | int | tuple[int, int]
    id: int = 0
    namespace: str | None = ANDROID
    raw: str | None = None
    name_index: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    attrs: tuple[Attr, ...] = ()
    children: tuple["Node", ...] = ()
    text: str | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class Lies:
    """What differs from an honest compiler's file."""

    root_type: int = 3
    header_size: int = 8
    declared_size: int | None = None
    pool_header: int = 28
    node_header: int = 16
    attribute_start: int = 20
    attribute_size: int = 20
    attribute_count: int | None = None
    utf8: bool = False
    before_pool: bytes = b""
    before_nodes: bytes = b""
    end_name: str | None = None
    after_root: bytes | None = None
    extra_ids: tuple[int, ...] = ()
    namespaces: bool = True
    trailing: bytes = b""


HONEST = Lies()


def chunk(kind: int, body: bytes, header: bytes = b"") -> bytes:
    body += b"\0" * (-len(body) % 4)
    return pack("<HHI", kind, 8 + len(header), 8 + len(header) + len(body)) + header + body


def string_pool(strings: list[str], utf8: bool = False, header_size: int = 28) -> bytes:
    encoded = [_utf8(text) if utf8 else _utf16(text) for text in strings]
    offsets, data = b"", b""
    for one in encoded:
        offsets += pack("<I", len(data))
        data += one
    data += b"\0" * (-len(data) % 4)
    flags = 0x100 if utf8 else 0
    header = pack("<IIIII", len(strings), 0, flags, header_size + len(offsets), 0)
    return chunk(1, offsets + data, header.ljust(header_size - 8, b"\0"))


def _utf16(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")
    units = len(data) // 2
    length = pack("<H", units & 0x7FFF)
    if units >= 0x8000:
        length = pack("<HH", units >> 16 | 0x8000, units & 0xFFFF)
    return length + data + b"\0\0"


def _utf8(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return _short(units) + _short(len(data)) + data + b"\0"


def _short(length: int) -> bytes:
    return bytes([length]) if length < 0x80 else bytes([length >> 8 & 0x7F | 0x80, length & 0xFF])


NAMESPACE = chunk(0x100, pack("<ii", 0, 0), pack("<Ii", 1, -1))
"""A declaration that the first string is the prefix and the address of a namespace."""


@dataclass
class _Strings:
    """Names with an id come first, as the resource map wants it; the rest follows."""

    named: list[tuple[str, int]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def collect(self, root: Node) -> None:
        pending = [root]
        while pending:
            node = pending.pop()
            pending.extend(node.children)
            self._plain(node.name)
            self._plain(node.text)
            for attr in node.attrs:
                if attr.id and (attr.name, attr.id) not in self.named:
                    self.named.append((attr.name, attr.id))
                if not attr.id:
                    self._plain(attr.name)
                for text in (attr.namespace, attr.raw, attr.value):
                    self._plain(text if isinstance(text, str) else None)

    def _plain(self, text: str | None) -> None:
        if text is not None and text not in self.plain:
            self.plain.append(text)

    def index(self, text: str | None, id: int = 0) -> int:
        if text is None:
            return -1
        return self.named.index((text, id)) if id else len(self.named) + self.plain.index(text)

    def all(self) -> list[str]:
        return [name for name, _ in self.named] + self.plain


def write(root: Node, lies: Lies = HONEST) -> bytes:
    """The bytes of a document with that root element."""
    strings = _Strings()
    strings.collect(root)
    for extra in (ANDROID, "android", lies.end_name, "the last string"):
        strings._plain(extra)
    ids = [id for _, id in strings.named] + list(lies.extra_ids)
    body = lies.before_pool + string_pool(strings.all(), lies.utf8, lies.pool_header)
    body += chunk(0x180, b"".join(pack("<I", id) for id in ids)) + lies.before_nodes
    space = pack("<ii", strings.index("android"), strings.index(ANDROID))
    body += _node(0x100, space, 1, lies) if lies.namespaces else b""
    body += _elements(root, strings, lies)
    if lies.after_root is not None:
        body += lies.after_root
    elif lies.namespaces:
        body += _node(0x101, space, 1, lies)
    size = lies.header_size + len(body) if lies.declared_size is None else lies.declared_size
    header = pack("<HHI", lies.root_type, lies.header_size, size)
    return header.ljust(lies.header_size, b"\0") + body + lies.trailing


def _node(kind: int, body: bytes, line: int, lies: Lies) -> bytes:
    rest = lies.node_header - 8
    return chunk(kind, body, pack("<Ii", line, -1)[:rest].ljust(rest, b"\0"))


def _elements(root: Node, strings: _Strings, lies: Lies) -> bytes:
    out = b""
    pending: list[Node | bytes] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, bytes):
            out += node
            continue
        out += _start(node, strings, lies)
        name = node.name if lies.end_name is None else lies.end_name
        end = pack("<ii", -1, strings.index(name))
        pending += [_node(0x103, end, node.line, lies), *reversed(node.children)]
    return out


def _start(node: Node, strings: _Strings, lies: Lies) -> bytes:
    count = len(node.attrs) if lies.attribute_count is None else lies.attribute_count
    body = pack("<ii", -1, strings.index(node.name))
    body += pack("<HHHHHH", lies.attribute_start, lies.attribute_size, count, 0, 0, 0)
    body = body.ljust(lies.attribute_start, b"\0")
    for attr in node.attrs:
        body += _attribute(attr, strings).ljust(lies.attribute_size, b"\0")
    out = _node(0x102, body, node.line, lies)
    if node.text is not None:
        text = strings.index(node.text)
        out += _node(0x104, pack("<iHBBI", text, 8, 0, STRING, text), node.line, lies)
    return out


def _attribute(attr: Attr, strings: _Strings) -> bytes:
    raw, kind, data = strings.index(attr.raw), FIRST_INT, 0
    match attr.value:
        case str(text):
            kind, data = STRING, strings.index(text)
            raw = data if attr.raw is None else raw
        case bool(flag):
            kind, data = INT_BOOLEAN, 0xFFFFFFFF if flag else 0
        case int(number):
            data = number & 0xFFFFFFFF
        case (kind, data):
            pass
    name = strings.index(attr.name, attr.id) if attr.name_index is None else attr.name_index
    space = strings.index(attr.namespace)
    return pack("<iiiHBBI", space, name, raw, 8, 0, kind, data)
