import functools
from struct import pack

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gate.formats import axml
from gate.formats.axml import Document, Element, parse
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_value import INT_BOOLEAN, REFERENCE, STRING, TypedValue
from tests.formats.write_axml import (
    ALLOW_BACKUP,
    ANDROID,
    DEBUGGABLE,
    HONEST,
    NAME,
    NAMESPACE,
    Attr,
    Lies,
    Node,
    chunk,
    string_pool,
    write,
)

DEBUG_ON = Attr("debuggable", True, DEBUGGABLE)
APPLICATION = Node(
    "application",
    (DEBUG_ON, Attr("allowBackup", False, ALLOW_BACKUP)),
    (Node("activity", (Attr("name", ".Main", NAME),), line=9),),
)
MANIFEST = Node("manifest", (Attr("package", "org.example", namespace=None),), (APPLICATION,))


def debuggable(document: Document) -> TypedValue | None:
    found = document.root.find_all("application")[0].attribute("debuggable", DEBUGGABLE)
    return found.value if found else None


def application(*attrs: Attr) -> Node:
    return Node("manifest", children=(Node("application", attrs),))


def with_string_broken(text: str, node: Node = MANIFEST) -> bytes:
    """Cut the terminator of one string of the UTF-16 pool."""
    data = write(node)
    stored = pack("<H", len(text)) + text.encode("utf-16-le")
    assert data.count(stored + b"\0\0") == 1
    return data.replace(stored + b"\0\0", stored + b"!!")


def test_elements_attributes_values_and_lines_are_read() -> None:
    document = parse(write(MANIFEST))
    assert document.anomalies == ()
    root = document.root
    assert (root.name, root.namespace, root.line) == ("manifest", "", 1)
    package = root.attribute("package")
    assert package is not None
    assert (package.namespace, package.resource_id, package.raw) == ("", 0, "org.example")
    assert package.value.type == STRING
    assert package.value.text == "org.example"
    (activity,) = root.find_all("application")[0].find_all("activity")
    assert activity.line == 9
    name = activity.attribute("name", NAME)
    assert name is not None
    assert (name.namespace, name.value.text) == (ANDROID, ".Main")
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)


def test_the_text_inside_an_element_is_joined_from_its_parts() -> None:
    parsed = parse(write(Node("domain", text="example.org")))
    assert parsed.root.text == "example.org"


def test_a_reference_keeps_its_type_and_id() -> None:
    parsed = parse(write(application(Attr("debuggable", (REFERENCE, 0x7F010000), DEBUGGABLE))))
    assert debuggable(parsed) == TypedValue(REFERENCE, 0x7F010000)


def test_a_second_application_element_is_kept_apart() -> None:
    clean = Node("application", (Attr("debuggable", False, DEBUGGABLE),))
    document = parse(write(Node("manifest", children=(APPLICATION, clean))))
    assert len(document.root.find_all("application")) == 2
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)


def test_the_resource_id_finds_an_attribute_whatever_its_name_and_namespace() -> None:
    disguised = Attr("", True, DEBUGGABLE, namespace=None)
    document = parse(write(application(disguised)))
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
    assert [sentence.split(" (")[0] for sentence in document.anomalies] == [
        "an attribute has no name or an empty one",
        "a framework attribute lies outside the android: namespace",
    ]


def test_an_attribute_without_a_resource_id_is_not_found_by_id() -> None:
    document = parse(write(application(Attr("debuggable", True))))
    assert debuggable(document) is None
    assert "has no resource id" in document.anomalies[0]
    assert document.root.children[0].attribute("debuggable") is not None


def test_an_id_of_zero_matches_nothing() -> None:
    document = parse(write(application(Attr("debuggable", True))))
    assert document.root.children[0].attribute("debuggable", 0) is None


def test_the_first_of_two_attributes_with_one_id_wins() -> None:
    document = parse(write(application(DEBUG_ON, Attr("debuggable", False, DEBUGGABLE))))
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
    assert "the same attribute twice" in document.anomalies[0]


def test_attributes_out_of_order_are_an_anomaly() -> None:
    document = parse(write(application(Attr("allowBackup", True, ALLOW_BACKUP), DEBUG_ON)))
    assert "not sorted" in document.anomalies[0]


def test_a_text_that_differs_from_the_string_value_is_an_anomaly() -> None:
    document = parse(write(Node("activity", (Attr("name", ".Real", NAME, raw=".Shown"),))))
    found = document.root.attribute("name", NAME)
    assert found is not None
    assert (found.value.text, found.raw) == (".Real", ".Shown")
    assert "differs from its string value" in document.anomalies[0]


UNKNOWN = chunk(0x7777, b"junk", b"four")
NODE_LIKE = chunk(0x0142, b"", b"eightmor")


@pytest.mark.parametrize(
    ("lies", "anomaly"),
    [
        (Lies(root_type=0), "type 0x0 instead of 0x3"),
        (Lies(header_size=16), "XML header has 16 bytes"),
        (Lies(pool_header=32), "string pool header is longer"),
        (Lies(node_header=24), "node header is longer"),
        (Lies(attribute_start=36), "unusual place or size"),
        (Lies(attribute_size=28), "unusual place or size"),
        (Lies(before_pool=UNKNOWN), "unknown type is skipped"),
        (Lies(before_nodes=UNKNOWN), "unknown type is skipped"),
        (Lies(before_nodes=NODE_LIKE), "unknown type is skipped"),
        (Lies(before_pool=string_pool(["decoy"])), "another string pool"),
        (Lies(before_pool=chunk(0x180, pack("<I", NAME) * 4)), "another resource map"),
        (Lies(extra_ids=tuple(range(1, 40))), "longer than the string pool"),
        (Lies(trailing=b"tail"), "data follows the declared end"),
        (Lies(end_name="other"), "names another element"),
        (Lies(after_root=write(MANIFEST)[8:]), "broken nodes stand behind"),
        (Lies(after_root=chunk(0x101, b"", b"")), "broken nodes stand behind"),
        (Lies(after_root=chunk(0x104, b"\0" * 12, b"\0" * 8)), "nodes stand behind the root"),
        (Lies(after_root=b"\1\1\x10\0\0\0\0\0"), "broken nodes stand behind"),
    ],
)
@pytest.mark.parametrize("utf8", [False, True])
def test_a_lie_android_reads_through_is_read_through_and_noted(
    lies: Lies, anomaly: str, utf8: bool
) -> None:
    fields = {name: getattr(lies, name) for name in Lies.__slots__}
    document = parse(write(MANIFEST, Lies(**fields | {"utf8": utf8})))
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
    assert any(anomaly in sentence for sentence in document.anomalies), document.anomalies


@pytest.mark.parametrize("lies", [HONEST, Lies(utf8=True), Lies(namespaces=False)])
def test_an_honest_file_has_no_anomaly(lies: Lies) -> None:
    assert parse(write(MANIFEST, lies)).anomalies == ()


def test_one_attribute_of_declared_size_zero_is_read() -> None:
    node = application(DEBUG_ON)
    honest = write(node)
    header = pack("<HHHHHH", 20, 20, 1, 0, 0, 0)
    assert honest.count(header) == 1
    assert debuggable(parse(honest.replace(header, pack("<HHHHHH", 20, 0, 1, 0, 0, 0))))


def test_an_anomaly_that_comes_many_times_is_told_once() -> None:
    children = tuple(Node("activity", (Attr("name", ".A", 0),)) for _ in range(50))
    document = parse(write(Node("application", children=children)))
    assert len(document.anomalies) == 1
    assert "50 times" in document.anomalies[0]


def test_end_tags_before_the_root_and_a_root_left_open_are_read_through() -> None:
    stray = chunk(0x103, pack("<ii", -1, 0), pack("<Ii", 1, -1))
    head, end = Lies(before_nodes=stray, after_root=b"", namespaces=False), 24
    data = write(MANIFEST, head)[:-end]
    document = parse(data[:4] + pack("<I", len(data)) + data[8:])
    assert debuggable(document)
    assert "before the root" in document.anomalies[0]
    assert "before its root element does" in document.anomalies[1]


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        (Lies(declared_size=0x7FFFFFFF), "passes its"),
        (Lies(declared_size=4), "passes its"),
        (Lies(before_nodes=pack("<HHI", 0x7777, 8, 0)), "below its header size"),
        (Lies(before_nodes=pack("<HHI", 0x7777, 8, 13)), "not aligned"),
        (Lies(before_nodes=pack("<HHI", 0x7777, 4, 8)), "below 8"),
        (Lies(before_nodes=pack("<HHI", 0x7777, 8, 0x7FFFFFFC)), "no node stands"),
        (Lies(before_pool=chunk(0x100, b"\0" * 8, b"\0" * 8)), "no string pool"),
        (Lies(attribute_count=2000), "pass the end of their element"),
        (Lies(node_header=12), "below 16"),
        (Lies(before_nodes=chunk(0x102, b"\0" * 8, b"\0" * 8)), "too short"),
    ],
)
def test_what_android_refuses_is_malformed(lies: Lies, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(write(MANIFEST, lies))


@pytest.mark.parametrize(
    "text",
    [
        b"<manifest package='org.example'/>",
        b"<?xml version='1.0'?>\n<manifest/>",
        b"\xef\xbb\xbf<?xml version='1.0'?><manifest/>",
        b"\n\n  <manifest/>",
        "\ufeff<manifest/>".encode("utf-16-le"),
        "\ufeff<manifest/>".encode("utf-16-be"),
    ],
)
def test_text_xml_is_named_as_such(text: bytes) -> None:
    with pytest.raises(Malformed, match="text XML, not binary"):
        parse(text)


@pytest.mark.parametrize("data", [b"", b"\3\0\x08\0", b"\3\0\x08\0\x08\0\0\0"])
def test_a_file_with_nothing_in_it_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_a_document_without_an_element_is_malformed() -> None:
    data = write(MANIFEST)
    start = data.index(pack("<HHI", 0x102, 16, 36 + 20))
    space = chunk(0x100, b"\0" * 8, b"\0" * 8)
    cut = data[:start] + space + space
    with pytest.raises(Malformed, match="no root element"):
        parse(cut[:4] + pack("<I", len(cut)) + cut[8:])


def nested(depth: int) -> Node:
    return functools.reduce(
        lambda inner, _: Node("a", children=(inner,)), range(1, depth), Node("a")
    )


def test_512_nested_elements_are_read_and_513_are_over_the_limit() -> None:
    deepest: Element = parse(write(nested(512))).root
    depth = 1
    while deepest.children:
        (deepest,) = deepest.children
        depth += 1
    assert depth == 512
    with pytest.raises(OverLimit, match="deeper than 512"):
        parse(write(nested(513)))


def test_the_element_limit_holds_at_n_and_not_at_n_plus_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(axml, "MAX_ELEMENTS", 3)
    assert parse(write(MANIFEST)).root.name == "manifest"
    monkeypatch.setattr(axml, "MAX_ELEMENTS", 2)
    with pytest.raises(OverLimit, match="more than 2 elements"):
        parse(write(MANIFEST))


@pytest.mark.parametrize(("limit", "fits"), [(12, True), (11, False)])
def test_attributes_that_share_one_place_count_for_the_attribute_limit(
    limit: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    element = Node("a", (Attr("b", 1, namespace=None),))
    data = write(Node("root", children=(element,) * 3))
    shared = data.replace(pack("<HHHH", 20, 20, 1, 0), pack("<HHHH", 20, 0, 4, 0))
    monkeypatch.setattr(axml, "MAX_ATTRIBUTES", limit)
    if fits:
        assert [len(child.attributes) for child in parse(shared).root.children] == [4, 4, 4]
        return
    with pytest.raises(OverLimit, match="more than 11 attributes"):
        parse(shared)


def test_a_broken_string_nobody_uses_does_no_harm() -> None:
    assert debuggable(parse(with_string_broken("android")))


@pytest.mark.parametrize("text", ["application", "package", "org.example", ".Main"])
def test_a_broken_string_that_is_used_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not terminated"):
        parse(with_string_broken(text))


@pytest.mark.parametrize(("place", "what"), [(0, "namespace"), (8, "text")])
def test_an_unreadable_ornament_of_an_attribute_with_an_id_is_noted(place: int, what: str) -> None:
    data = bytearray(write(application(DEBUG_ON)))
    record = data.index(pack("<HHI", 0x102, 16, 56)) + 36
    data[record + place : record + place + 4] = pack("<I", 999)
    document = parse(bytes(data))
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
    assert f"the {what} of an attribute with a resource id cannot" in document.anomalies[0]


def test_the_unreadable_name_of_an_attribute_with_an_id_is_noted() -> None:
    document = parse(with_string_broken("debuggable", application(DEBUG_ON)))
    assert debuggable(document) == TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
    assert "the name of an attribute with a resource id cannot" in document.anomalies[0]


def test_an_attribute_whose_name_is_no_string_is_kept_without_a_name() -> None:
    document = parse(write(application(Attr("debuggable", True, name_index=-1))))
    assert document.root.children[0].attributes[0].name == ""
    assert "has no name or" in document.anomalies[0]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_parsed_or_malformed(data: bytes) -> None:
    try:
        assert parse(data).root.name is not None
    except Malformed as error:
        assert error.reason


MUTATIONS = st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), max_size=6)


@settings(deadline=None)
@given(st.sampled_from([HONEST, Lies(utf8=True), Lies(node_header=24)]), MUTATIONS, st.data())
def test_mutated_documents_are_parsed_or_malformed(
    lies: Lies, mutations: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    mutant = bytearray(write(MANIFEST, lies))
    for place, replacement in mutations:
        start = place % len(mutant)
        mutant[start : start + len(replacement)] = replacement
    cut = data.draw(st.integers(0, 8))
    try:
        assert parse(bytes(mutant[: len(mutant) - cut])).root is not None
    except Malformed as error:
        assert error.reason


TEXT = st.text(max_size=8)
ATTRS = st.lists(
    st.builds(Attr, TEXT, st.one_of(TEXT, st.booleans(), st.integers(0, 2**31))), max_size=3
).map(tuple)
NODES = st.recursive(
    st.builds(Node, TEXT, ATTRS, line=st.integers(0, 2**31)),
    lambda inner: st.builds(
        Node, TEXT, ATTRS, st.lists(inner, max_size=3).map(tuple), st.none() | TEXT
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(NODES, st.booleans())
def test_what_was_written_is_read(node: Node, utf8: bool) -> None:
    assume(not utf8 or "\0" not in texts(node))
    assert shape(parse(write(node, Lies(utf8=utf8))).root) == expected(node)


def texts(node: Node) -> str:
    values = [text for attr in node.attrs for text in (attr.name, attr.value)]
    own = "".join(str(value) for value in [node.name, node.text, *values])
    return own + "".join(texts(child) for child in node.children)


def shape(element: Element) -> object:
    attributes = [(a.name, a.value.text, a.value.data) for a in element.attributes]
    values = [(name, data if text is None else text) for name, text, data in attributes]
    children = [shape(child) for child in element.children]
    return (element.name, element.line, element.text, values, children)


def expected(node: Node) -> object:
    numbers = {True: 0xFFFFFFFF, False: 0}
    values = [
        (a.name, numbers[a.value] if isinstance(a.value, bool) else a.value) for a in node.attrs
    ]
    return (node.name, node.line, node.text or "", values, [expected(c) for c in node.children])


@pytest.mark.parametrize(("count", "odd"), [(999, False), (1000, True)])
def test_more_namespaces_than_anybody_needs_are_noted(count: int, odd: bool) -> None:
    document = parse(write(Node("manifest"), Lies(before_nodes=NAMESPACE * count)))
    assert document.namespaces == count + 1
    assert any("more than 1000 namespaces" in each for each in document.anomalies) is odd


def test_namespaces_without_number_are_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="more than 10000 namespaces"):
        parse(write(Node("manifest"), Lies(before_nodes=NAMESPACE * 10_000)))
