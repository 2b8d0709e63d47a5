"""XML of an Android App Bundle to the same document that `gate.formats.axml` gives for an APK.

Sources: AOSP frameworks/base tools/aapt2/Resources.proto (`XmlNode`, `XmlElement`, `XmlAttribute`),
format/proto/ProtoDeserialize.cpp (`DeserializeXmlFromPb`), format/binary/XmlFlattener.cpp and
ResourceUtils.cpp (`StringBuilder::AppendText`), all below tools/aapt2. A device never reads this
form: a store converts it first. What the conversion would have to guess is refused here.
"""

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from gate.formats.axml import ANDROID_NAMESPACE, MAX_DEPTH, Attribute, Document, Element
from gate.formats.axml_nodes import Anomalies
from gate.formats.errors import Malformed, OverLimit
from gate.formats.proto_items import typed_value
from gate.formats.protobuf import LENGTH_DELIMITED, Budget, Message
from gate.formats.res_value import STRING, TypedValue
from gate.frozen import dataclass

MAX_FIELDS: Final = 1_000_000

# The fields of XmlNode, of XmlElement and of XmlAttribute.
_ELEMENT, _TEXT, _SOURCE = 1, 2, 3
_NAMESPACE, _NAME, _ATTRIBUTE, _CHILD = 2, 3, 4, 5
_URI, _ATTRIBUTE_NAME, _VALUE, _RESOURCE_ID, _COMPILED = 1, 2, 3, 5, 6
_NODE_KINDS: Final = {_ELEMENT: LENGTH_DELIMITED, _TEXT: LENGTH_DELIMITED}

_ESCAPE: Final = re.compile(r"\\(?:u(?P<code>.{0,4})|(?P<other>.?))", re.DOTALL)
_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]*")
_LETTERS: Final = {"t": "\t", "n": "\n"}


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> Document:
    """Parse one document, such as base/manifest/AndroidManifest.xml.

    An attribute without a compiled value has its text as STRING, escapes resolved. Raises
    Malformed where the bytes are no such document, and OverLimit past MAX_FIELDS of Protocol
    Buffers or `max_depth`.
    """
    return _Tree(max_depth).document(Message(data, Budget(MAX_FIELDS)))


@dataclass(slots=True)
class _Open:
    """An element whose children have not all been read."""

    name: str
    namespace: str
    attributes: tuple[Attribute, ...]
    line: int
    nodes: Iterator[Message]
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def close(self) -> Element:
        text, children = "".join(self.text), tuple(self.children)
        return Element(self.name, self.namespace, self.attributes, children, self.line, text)


class _Tree:
    """Builds the elements out of the nodes."""

    def __init__(self, max_depth: int) -> None:
        self._anomalies = Anomalies()
        self._max_depth = max_depth

    def document(self, root: Message) -> Document:
        """Walk the nodes depth first, with the open elements on a bounded stack."""
        if not _is_element(root):
            raise Malformed("the root of the document is no element", root.start)
        opened = [self._open(root)]
        while True:
            node = next(opened[-1].nodes, None)
            if node is None:
                element = opened.pop().close()
                if not opened:
                    return Document(element, self._anomalies.sentences())
                opened[-1].children.append(element)
            elif _is_element(node):
                if len(opened) >= self._max_depth:
                    raise OverLimit(f"elements nest deeper than {self._max_depth}", node.start)
                opened.append(self._open(node))
            else:
                opened[-1].text.append(node.text(_TEXT))

    def _open(self, node: Message) -> _Open:
        element = node.message(_ELEMENT)
        assert element is not None  # _is_element has seen it
        name = element.text(_NAME)
        if not name:
            raise Malformed("an element has no name", element.start)
        source = node.message(_SOURCE)
        attributes = tuple(self._attribute(each) for each in element.messages(_ATTRIBUTE))
        keys = {each.resource_id or (each.namespace, each.name) for each in attributes}
        if len(keys) < len(attributes):
            # Which of them the conversion puts first, and so the device reads, is not defined.
            raise Malformed("an element has the same attribute twice", element.start)
        line = source.unsigned(1) if source else 0
        return _Open(name, element.text(_NAMESPACE), attributes, line, element.messages(_CHILD))

    def _attribute(self, attribute: Message) -> Attribute:
        namespace, name = attribute.text(_URI), attribute.text(_ATTRIBUTE_NAME)
        resource_id, raw = attribute.unsigned(_RESOURCE_ID), attribute.text(_VALUE)
        if not name:
            self._anomalies.add("an attribute has no name or an empty one", attribute.start)
        if namespace == ANDROID_NAMESPACE and not resource_id:
            self._anomalies.add(
                "an android: attribute has no resource id, so it is ignored", attribute.start
            )
        if resource_id >> 24 == 1 and namespace != ANDROID_NAMESPACE:
            self._anomalies.add(
                "a framework attribute lies outside the android: namespace", attribute.start
            )
        item = attribute.message(_COMPILED)
        if item:
            value = typed_value(item)
        else:
            value = TypedValue(STRING, 0, _unescaped(raw, attribute.start))
        return Attribute(name, namespace, resource_id, value, raw or None)


def _is_element(node: Message) -> bool:
    kind = node.one_of(_NODE_KINDS)
    if kind is None:
        raise Malformed("a node is neither an element nor text", node.start)
    return kind[0] == _ELEMENT


def _unescaped(text: str, offset: int) -> str:
    """Resolve backslashes, as the conversion does in attributes without a compiled value."""
    return _ESCAPE.sub(lambda found: _character(found, offset), text)


def _character(escape: re.Match[str], offset: int) -> str:
    code = escape["code"]
    if code is None:
        return _LETTERS.get(escape["other"], escape["other"])
    if not _HEXADECIMAL.fullmatch(code):
        raise Malformed("an attribute has an escape that does not exist", offset)
    number = int(code or "0", 16)
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)  # half a pair is no character
