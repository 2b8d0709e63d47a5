"""Binary XML (AndroidManifest.xml and res/xml of an APK), read as a device reads it.

Sources: AOSP frameworks/base libs/androidfw/ResourceTypes.cpp (`ResXMLParser`), ResourceTypes.h,
and AttributeFinder.h for the order of attributes. What a device tolerates and no honest compiler
writes becomes an anomaly of the document.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from gate.formats import res_chunk
from gate.formats.axml_nodes import CDATA, ELEMENT, END_ELEMENT, NodeReader
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_chunk import Chunk
from gate.formats.res_value import STRING, TypedValue
from gate.formats.stringpool import MAX_STRINGS

ANDROID_NAMESPACE: Final = "http://schemas.android.com/apk/res/android"
MAX_DEPTH: Final = 512
MAX_ELEMENTS: Final = 1_000_000
MAX_ATTRIBUTES: Final = 1_000_000

_ATTRIBUTE: Final = Struct("<iiiHBBI")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as stored; `resource_id` 0 means that it has none.

    Android finds framework attributes by `resource_id` alone: `name` and `namespace` are
    decoration then. `raw` is the text the compiler kept beside the typed `value`, None if none.
    """

    name: str
    namespace: str
    resource_id: int
    value: TypedValue
    raw: str | None

    @property
    def text(self) -> str | None:
        """What AOSP XmlBlock.Parser.getAttributeValue gives: the raw text before the value."""
        return self.value.text if self.raw is None else self.raw


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Element:
    """One element: attributes in file order, children, and the text directly inside it.

    `line` is the line of the source file that the compiler recorded; the file may lie about it.
    """

    name: str
    namespace: str
    attributes: tuple[Attribute, ...]
    children: tuple["Element", ...]
    line: int
    text: str

    def walk(self) -> "Iterator[Element]":
        """Yield the element and every one below it, in no certain order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            waiting += element.children
            yield element

    def find_all(self, name: str) -> tuple["Element", ...]:
        """Return the direct children of that local name, in file order."""
        return tuple(child for child in self.children if child.name == name)

    def named(self, name: str, namespace: str = "") -> Attribute | None:
        """Return the first attribute of that name and namespace, whatever its id.

        Android looks so for what has no id, and for the name of an action or a category.
        """
        found = (a for a in self.attributes if (a.name, a.namespace) == (name, namespace))
        return next(found, None)

    def reached(self, through: Container[str]) -> Iterator["Element"]:
        """Yield the children, and behind each that `through` names what this yields of it."""
        waiting = [iter(self.children)]
        while waiting:
            child = next(waiting[-1], None)
            if child is None:
                waiting.pop()
                continue
            yield child
            if child.name in through:
                waiting.append(iter(child.children))

    def attribute(self, name: str, resource_id: int | None = None) -> Attribute | None:
        """Return the first attribute with `resource_id`, or of that local name if None is given.

        With an id the name does not matter, and an attribute without an id never matches.
        """
        for attribute in self.attributes:
            if resource_id is None:
                if attribute.name == name:
                    return attribute
            elif resource_id and attribute.resource_id == resource_id:
                return attribute
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """A document, how often it declares a namespace, and its anomalies in plain sentences."""

    root: Element
    anomalies: tuple[str, ...]
    namespaces: int = 0


def parse(data: bytes, *, max_depth: int = MAX_DEPTH, max_strings: int = MAX_STRINGS) -> Document:
    """Parse one binary XML document; nothing behind the end of its root element is read.

    Raises Malformed where Android refuses the document or its own readers disagree (text XML
    included), OverLimit past `max_depth`, `max_strings` and the limits of the two modules.
    """
    reader = NodeReader(data, max_strings)
    root = _Tree(data, reader, max_depth).root()
    return Document(root, reader.anomalies.sentences(), reader.namespaces)


@dataclass(slots=True)
class _Open:
    """An element whose end tag has not come yet."""

    name_index: int
    name: str
    namespace: str
    attributes: tuple[Attribute, ...]
    line: int
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def close(self) -> Element:
        text, children = "".join(self.text), tuple(self.children)
        return Element(self.name, self.namespace, self.attributes, children, self.line, text)


class _Tree:
    """Builds the elements out of the nodes."""

    def __init__(self, data: bytes, reader: NodeReader, max_depth: int) -> None:
        self._data = data
        self._max_depth = max_depth
        self._reader = reader
        self._note = reader.anomalies.add
        self._open: list[_Open] = []
        self._element_count = 0
        self._attribute_count = 0

    def root(self) -> Element:
        for chunk in self._reader.nodes(self._reader.first_node):
            if chunk.type == res_chunk.XML_START_ELEMENT:
                self._start(chunk)
            elif chunk.type == res_chunk.XML_CDATA:
                self._text(chunk)
            elif chunk.type == res_chunk.XML_END_ELEMENT:
                root = self._ended(chunk)
                if root is not None:
                    self._look_behind(chunk.end)
                    return root
        return self._unfinished()

    def _start(self, chunk: Chunk) -> None:
        self._element_count += 1
        if self._element_count > MAX_ELEMENTS:
            raise OverLimit(f"there are more than {MAX_ELEMENTS} elements", chunk.start)
        if len(self._open) >= self._max_depth:
            raise OverLimit(f"elements nest deeper than {self._max_depth}", chunk.start)
        namespace, name, start, size, count, *_ = ELEMENT.unpack_from(self._data, chunk.body)
        if name < 0:
            raise Malformed("an element has no name", chunk.start)
        self._check_attributes(chunk, start, size, count)
        attributes = tuple(
            self._attribute(chunk.body + start + size * index) for index in range(count)
        )
        self._note_order(attributes, chunk.start)
        line = int.from_bytes(self._data[chunk.start + 8 : chunk.start + 12], "little")
        text = self._reader.pool.string(name)
        place = self._unasked(namespace, "the namespace of an element", chunk.start) or ""
        self._open.append(_Open(name, text, place, attributes, line))

    def _check_attributes(self, chunk: Chunk, start: int, size: int, count: int) -> None:
        if start + size * count > chunk.size - chunk.header_size:
            raise Malformed(f"{count} attributes pass the end of their element", chunk.start)
        if count and (start != ELEMENT.size or size != _ATTRIBUTE.size):
            self._note("an element declares attributes of an unusual place or size", chunk.start)
        self._attribute_count += count
        if self._attribute_count > MAX_ATTRIBUTES:
            raise OverLimit(f"there are more than {MAX_ATTRIBUTES} attributes", chunk.start)

    def _attribute(self, offset: int) -> Attribute:
        # Records declared shorter than 20 bytes overlap what follows, which may be the end.
        if offset + _ATTRIBUTE.size > self._reader.end:
            raise Malformed("an attribute passes the end of the document", offset)
        namespace, name, raw, _, _, kind, data = _ATTRIBUTE.unpack_from(self._data, offset)
        resource_id = self._reader.resource_id(name)
        raw_text = self._beside(raw, "text", resource_id, offset)
        text = self._value(data, raw_text, offset) if kind == STRING else None
        if text is not None and raw_text is not None and text != raw_text:
            self._note("an attribute's text differs from its string value", offset)
        name_text = self._beside(name, "name", resource_id, offset)
        if not name_text:
            self._note("an attribute has no name or an empty one", offset)
        return Attribute(
            name_text or "",
            self._beside(namespace, "namespace", resource_id, offset) or "",
            resource_id,
            TypedValue(kind, data, text),
            raw_text,
        )

    def _value(self, index: int, beside: str | None, offset: int) -> str | None:
        """Read a string value, which must be readable unless there is a text beside it."""
        if beside is None:
            return self._optional(index)
        return self._unasked(index, "a string value", offset)

    def _beside(self, index: int, what: str, resource_id: int, offset: int) -> str | None:
        """Read what Android reads only of attributes without a resource id."""
        if resource_id == 0:
            return self._optional(index)
        return self._unasked(index, f"the {what} of an attribute with a resource id", offset)

    def _unasked(self, index: int, what: str, offset: int) -> str | None:
        """Read what Android reads only when it is asked for; None where it cannot be read."""
        try:
            return self._optional(index)
        except OverLimit:
            raise
        except Malformed:
            self._note(f"{what} cannot be read", offset)
            return None

    def _optional(self, index: int) -> str | None:
        return self._reader.pool.string(index) if index >= 0 else None

    def _note_order(self, attributes: tuple[Attribute, ...], offset: int) -> None:
        """Note what makes look-up by id depend on the order: AttributeFinder.h wants it sorted."""
        last: dict[int, int] = {}
        seen: set[object] = set()
        for attribute in attributes:
            key = attribute.resource_id
            seen.add(key or (attribute.namespace, attribute.name))
            if key:
                if key < last.get(key >> 24, 0):
                    self._note("attributes are not sorted by resource id", offset)
                last[key >> 24] = key
            elif attribute.namespace == ANDROID_NAMESPACE:
                self._note("an android: attribute has no resource id, so it is ignored", offset)
            if key >> 24 == 1 and attribute.namespace != ANDROID_NAMESPACE:
                self._note("a framework attribute lies outside the android: namespace", offset)
        if len(seen) < len(attributes):
            self._note("an element has the same attribute twice", offset)

    def _text(self, chunk: Chunk) -> None:
        index = CDATA.unpack_from(self._data, chunk.body)[0]
        if self._open and index >= 0:
            self._open[-1].text.append(self._reader.pool.string(index))

    def _ended(self, chunk: Chunk) -> Element | None:
        """Close the innermost element, whatever the end tag's name; return it if it is the root."""
        if not self._open:
            self._note("an end tag stands before the root element", chunk.start)
            return None
        innermost = self._open.pop()
        if END_ELEMENT.unpack_from(self._data, chunk.body)[1] != innermost.name_index:
            self._note("an end tag names another element than it ends", chunk.start)
        element = innermost.close()
        if not self._open:
            return element
        self._open[-1].children.append(element)
        return None

    def _unfinished(self) -> Element:
        """Close what the end of the document left open: Android reads such a document."""
        if not self._open:
            raise Malformed("no root element was found", self._reader.end)
        self._note("the document ends before its root element does", self._reader.end)
        while len(self._open) > 1:
            element = self._open.pop().close()
            self._open[-1].children.append(element)
        return self._open.pop().close()

    def _look_behind(self, offset: int) -> None:
        """Note what stands behind the root element beside the ends of its namespaces."""
        try:
            for chunk in self._reader.nodes(offset):
                if chunk.type != res_chunk.XML_END_NAMESPACE:
                    self._note("nodes stand behind the root element", chunk.start)
                    return
        except Malformed:
            self._note("broken nodes stand behind the root element", offset)
