import time
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats import axml, proto_xml
from gate.formats.axml import Element
from gate.formats.errors import Malformed, OverLimit
from gate.formats.proto_xml import parse
from gate.formats.res_value import (
    ATTRIBUTE,
    DYNAMIC_ATTRIBUTE,
    DYNAMIC_REFERENCE,
    FLOAT,
    INT_BOOLEAN,
    INT_DEC,
    NULL,
    REFERENCE,
    STRING,
    TypedValue,
)
from tests.formats.compiled_by_aapt import compiled, converted
from tests.formats.write_axml import ALLOW_BACKUP, ANDROID, DEBUGGABLE, Attr, Node, write
from tests.formats.write_proto import fixed32, number, part, xml

MANIFEST = Node(
    "manifest",
    (Attr("package", "org.example.app", namespace=None),),
    (
        Node(
            "application",
            (
                Attr("debuggable", True, DEBUGGABLE),
                Attr("allowBackup", (REFERENCE, 0x7F010000), ALLOW_BACKUP),
            ),
            (Node("activity", text="Kontof\u00fchrung", line=9),),
            line=7,
        ),
        Node("queries"),
    ),
)
Shape = tuple[object, ...]


def shape(element: Element) -> Shape:
    """What both forms of a document have in common."""
    attributes = sorted(
        (each.name, each.namespace, each.resource_id, each.value.type, each.value.text)
        + (() if each.value.type == STRING else (each.value.data,))
        for each in element.attributes
    )
    children = [shape(child) for child in element.children]
    return (element.name, element.namespace, element.line, attributes, element.text, children)


def attribute(*parts: bytes) -> TypedValue:
    """The value of an attribute whose `Item` holds these parts."""
    body = part(3, "a") + part(4, part(2, "b") + part(6, b"".join(parts)))
    return parse(part(1, body)).root.attributes[0].value


def nested(depth: int) -> bytes:
    data = part(1, part(3, "a"))
    for _ in range(depth - 1):
        data = part(1, part(3, "a") + part(5, data))
    return data


def test_a_document_reads_as_its_binary_form_does() -> None:
    assert shape(parse(xml(MANIFEST)).root) == shape(axml.parse(write(MANIFEST)).root)


def test_an_attribute_without_a_compiled_value_keeps_its_text() -> None:
    root = parse(xml(Node("a", (Attr("debuggable", "true", DEBUGGABLE),)))).root
    found = root.attribute("", DEBUGGABLE)
    assert found is not None
    assert (found.value, found.raw) == (TypedValue(STRING, 0, "true"), "true")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\u0074rue", "true"),
        (r"\t\n\'\"\\\@\z", "\t\n'\"\\@z"),
        (r"end\u41", "endA"),
        ("end\\", "end"),
        (r"\ud83d", "\ufffd"),
    ],
)
def test_an_attribute_that_is_not_compiled_has_its_escapes_resolved(
    written: str, text: str
) -> None:
    root = parse(xml(Node("a", (Attr("b", written),), text=written))).root
    assert (root.attributes[0].value.text, root.attributes[0].raw) == (text, written)
    assert root.text == written


def test_an_escape_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Malformed, match="escape"):
        parse(xml(Node("a", (Attr("b", r"\u00zz"),))))


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (part(1, b""), TypedValue(REFERENCE, 0)),
        (part(1, number(2, 0x7F010001)), TypedValue(REFERENCE, 0x7F010001)),
        (part(1, number(1, 1) + number(2, 5)), TypedValue(ATTRIBUTE, 5)),
        (part(1, number(2, 5) + part(5, number(1, 1))), TypedValue(DYNAMIC_REFERENCE, 5)),
        (
            part(1, number(1, 1) + number(2, 5) + part(5, number(1, 1))),
            TypedValue(DYNAMIC_ATTRIBUTE, 5),
        ),
        (part(2, part(1, "text")), TypedValue(STRING, 0, "text")),
        (part(3, part(1, "raw")), TypedValue(STRING, 0, "raw")),
        (part(4, part(1, "bold")), TypedValue(STRING, 0, "bold")),
        (part(5, part(1, "res/a.xml")), TypedValue(STRING, 0, "res/a.xml")),
        (part(6, b""), TypedValue(INT_BOOLEAN, 0)),
        (part(7, part(1, b"")), TypedValue(NULL, 0)),
        (part(7, part(2, b"")), TypedValue(NULL, 1)),
        (part(7, fixed32(3, 0x3F800000)), TypedValue(FLOAT, 0x3F800000)),
        (part(7, number(6, (1 << 64) - 2)), TypedValue(INT_DEC, 0xFFFFFFFE)),
        (part(7, number(7, 0xFFFFFFFF)), TypedValue(0x11, 0xFFFFFFFF)),
        (part(7, number(8, 1)), TypedValue(INT_BOOLEAN, 0xFFFFFFFF)),
        (part(7, number(8, 1 << 40)), TypedValue(INT_BOOLEAN, 0xFFFFFFFF)),
        (part(7, number(8, 0)), TypedValue(INT_BOOLEAN, 0)),
        (part(7, number(9, 0x80FF0000)), TypedValue(0x1C, 0x80FF0000)),
        (part(7, number(12, 1)), TypedValue(0x1F, 1)),
        (part(7, number(13, 0xC001)), TypedValue(5, 0xC001)),
        (part(7, fixed32(5, 3)), TypedValue(6, 3)),
    ],
)
def test_each_kind_of_value_becomes_what_the_binary_form_has(
    stored: bytes, value: TypedValue
) -> None:
    assert attribute(stored) == value


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (b"", "no kind that is known"),
        (number(7, 1), "no kind that is known"),
        (part(7, b""), "no type that is known"),
        (part(7, number(1, 0x12)), "no type that is known"),
        (part(7, number(8, 0) + number(6, 1)), "exclude each other"),
        (part(7, number(8, 0) + number(8, 1)), "occurs twice"),
        (part(2, part(1, "false")) + part(7, number(8, 1)), "exclude each other"),
        (part(2, part(1, "a")) + part(2, part(1, "b")), "occurs twice"),
        (part(1, part(3, "bool/debug")), "a name and no id"),
    ],
)
def test_a_value_that_the_conversion_would_have_to_guess_is_refused(
    stored: bytes, words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        attribute(stored)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither an element nor text"),
        (part(2, "text"), "root of the document is no element"),
        (part(1, part(3, "a")) * 2, "occurs twice"),
        (part(1, part(3, "a")) + part(2, "t"), "exclude each other"),
        (part(1, b""), "an element has no name"),
        (part(1, part(3, "a") + part(5, b"")), "neither an element nor text"),
        (part(1, part(3, "a") + part(4, b"\x80")), "cut off"),
        (xml(MANIFEST)[:-3], "passes|cut off"),
        (b"\x0a" + b"\xff" * 100, "more than 10 bytes"),
        (write(MANIFEST), "field|varint|group|neither"),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        parse(data)


@pytest.mark.parametrize(
    "twice",
    [
        (Attr("debuggable", False, DEBUGGABLE), Attr("other", True, DEBUGGABLE)),
        (Attr("package", "a", namespace=None), Attr("package", "b", namespace=None)),
    ],
)
def test_an_attribute_that_stands_twice_is_refused(twice: tuple[Attr, ...]) -> None:
    with pytest.raises(Malformed, match="the same attribute twice"):
        parse(xml(Node("a", twice)))


def test_what_the_device_would_overlook_becomes_an_anomaly() -> None:
    decoy = Attr("debuggable", True)
    outside = Attr("debuggable", True, DEBUGGABLE, namespace="https://example.com")
    document = parse(xml(Node("a", (decoy, outside, Attr("", "x", namespace=None)))))
    words = " ".join(document.anomalies)
    assert "no resource id" in words
    assert "outside the android: namespace" in words
    assert "no name" in words


def test_elements_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    assert parse(nested(axml.MAX_DEPTH)).root.name == "a"
    with pytest.raises(OverLimit, match="nest deeper"):
        parse(nested(axml.MAX_DEPTH + 1))


def test_a_document_of_a_thousand_levels_ends_quickly() -> None:
    data, start = nested(3_000), time.process_time()
    with pytest.raises(OverLimit):
        parse(data)
    assert time.process_time() - start < 5


def test_fields_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proto_xml, "MAX_FIELDS", 100)
    assert len(parse(xml(MANIFEST)).root.children) == 2
    wide = Node("a", children=(Node("b"),) * 100)
    with pytest.raises(OverLimit, match="more fields"):
        parse(xml(wide))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert parse(data).root.name


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_document_gives_a_document_or_malformed(draws: st.DataObject) -> None:
    data = bytearray(xml(MANIFEST))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    with suppress(Malformed):
        assert parse(bytes(data)).root.name


SOURCE = f"""<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="{ANDROID}" package="org.example.app"
    android:versionCode="7" android:versionName="1.0">
  <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="29" />
  <application android:debuggable="true" android:allowBackup="@bool/backup" android:icon="@null"
      android:theme="?android:attr/textColor"
      android:label="Kontof\u00fchrung &amp; \\u0041\\n\\'\\x&quot; \\\\">
    <activity android:name=".Main" android:exported="@bool/alias"
        android:configChanges="orientation|keyboard">
      <intent-filter android:priority="-5">
        <action android:name="android.intent.action.MAIN" />
      </intent-filter>
      <meta-data android:name="ratio" android:value="1.5" />
      <meta-data android:name="gap" android:value="12.5dp" />
      <meta-data android:name="tint" android:value="#80ff0000" />
    </activity>
  </application>
</manifest>
"""


@pytest.mark.oracle
def test_a_manifest_reads_as_aapt2_converts_it(tmp_path: Path) -> None:
    proto = compiled(tmp_path, SOURCE, "--proto-format")
    binary = converted(proto)
    ours = parse(proto.read("AndroidManifest.xml"))
    assert ours.anomalies == ()
    theirs = axml.parse(binary.read("AndroidManifest.xml"))
    assert stripped(shape(ours.root)) == stripped(shape(theirs.root))


def stripped(shaped: Shape) -> Shape:
    """Without the white space between elements, which the conversion drops."""
    *rest, text, children = shaped
    assert isinstance(text, str) and isinstance(children, list)
    return (*rest, text.strip(), [stripped(child) for child in children])


def test_the_walk_is_in_document_order() -> None:
    def names(element: Element) -> list[str]:
        return [element.name, *chain.from_iterable(names(child) for child in element.children)]

    assert names(parse(xml(MANIFEST)).root) == ["manifest", "application", "activity", "queries"]
