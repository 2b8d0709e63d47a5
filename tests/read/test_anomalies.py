from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app import Location
from gate.app.anomaly import Anomaly
from gate.formats import axml
from gate.formats.axml import ANDROID_NAMESPACE, Attribute, Element
from gate.formats.errors import Malformed
from gate.formats.res_value import INT_BOOLEAN, STRING, TypedValue
from gate.read.anomalies import MAX_OF_A_KIND
from gate.read.manifest_tricks import MAX_TRICKS, manifest_tricks
from gate.read.tricks import hides
from tests.formats import write_arsc, write_axml
from tests.formats.write_arsc import TRUE, Package, Type
from tests.formats.write_axml import DEBUGGABLE, NAME, Attr, Lies, Node
from tests.formats.write_zip import Member, deflated, write_zip
from tests.read.write_builds import (
    CONFIG,
    activity,
    apk,
    archive,
    bundle,
    debuggable,
    manifest,
    opened,
    written,
)

MANIFEST = "AndroidManifest.xml"
PLAIN = write_axml.write(manifest(activity(".Main")))
OTHERWISE = hides("a trick that nobody has heard of")
SYMLINK = {"made_by": 3 << 8, "external": 0o120777 << 16}


def found(folder: Path, data: bytes) -> tuple[Anomaly, ...]:
    with opened(written(folder, data)) as app:
        return app.anomalies


def tricks(folder: Path, data: bytes) -> list[tuple[str, str]]:
    return [(each.entry, each.trick) for each in found(folder, data)]


def plain(**lies: object) -> Member:
    return Member(MANIFEST.encode(), PLAIN, **lies)  # type: ignore[arg-type]  # a field each


LIES: dict[str, Callable[[], bytes]] = {
    "data before the first entry: a DEX file (Janus, CVE-2017-13156)": lambda: write_zip(
        plain(), prefix=b"dex\n035\0"
    ),
    "data before the first entry": lambda: write_zip(plain(), prefix=b"#!/bin/sh"),
    "9 bytes after the end of the archive": lambda: write_zip(plain(), trailing=b"123456789"),
    "only 0 of 9 bytes of the archive comment": lambda: write_zip(plain(), comment_size=9),
    "the end record counts both 2 and 1 entries": lambda: write_zip(plain(), on_disk=2),
    "bytes between the central directory and its end record": lambda: write_zip(
        plain(), after_directory=b"x"
    ),
    "7 bytes in the central directory after the last counted entry": lambda: write_zip(
        plain(), directory_tail=b"1234567"
    ),
    "its name is an absolute path": lambda: write_zip(plain(), Member(b"/etc/x")),
    "its name leads out of the archive": lambda: write_zip(plain(), Member(b"a/../../x")),
    "its name holds a backslash": lambda: write_zip(plain(), Member(b"a\\b", b"x")),
    "its name holds a NUL": lambda: write_zip(plain(), Member(b"a\0b")),
    "its name holds a control character": lambda: write_zip(plain(), Member(b"a\nb")),
    "its name holds a character that turns the direction of writing": lambda: write_zip(
        plain(), Member("a\u202eb".encode())
    ),
    "its name is not UTF-8": lambda: write_zip(plain(), Member(b"\xff")),
    "has no name": lambda: write_zip(plain(), Member(b"")),
    "its local header says method 8, the directory 0": lambda: write_zip(
        plain(local={"method": 8})
    ),
    "its local header gives other sizes than the directory": lambda: write_zip(
        plain(local={"size": 1})
    ),
    "its local header gives another CRC than the directory": lambda: write_zip(
        plain(local={"crc32": 1})
    ),
    "its local header bears another name": lambda: write_zip(
        plain(local_name=b"AndroidManifesT.xml")
    ),
    "has no local header": lambda: write_zip(plain(local={"magic": b"PK\7\7"})),
    "its data runs into the central directory": lambda: write_zip(
        plain(central={"size": 99_999, "compressed_size": 99_999})
    ),
    "is marked as encrypted, which Android ignores": lambda: write_zip(plain(central={"flags": 1})),
    "has the unknown compression method 99, stored to Android 9 and later": lambda: write_zip(
        plain(local={"method": 99}, central={"method": 99})
    ),
    "is stored, yet takes 5 bytes for 3": lambda: write_zip(
        plain(), Member(b"a", b"abcde", central={"size": 3})
    ),
    "needs version 200 of the format, which does not exist": lambda: write_zip(
        plain(central={"needed": 200})
    ),
    "is named as a folder, yet holds data": lambda: write_zip(plain(), Member(b"a/", b"x")),
    "occurs more than once": lambda: write_zip(plain(), plain()),
    "its data overlaps that of 'AndroidManifest.xml'": lambda: write_zip(
        plain(), Member(b"a", b"x", central={"offset": 0})
    ),
    "is a symbolic link": lambda: write_zip(plain(), Member(b"a", b"b", central=SYMLINK)),
    "has a wrong CRC": lambda: write_zip(plain(local={"crc32": 1}, central={"crc32": 1})),
    "holds 4 bytes behind its deflate stream": lambda: write_zip(
        plain(deflate=True, raw=deflated(PLAIN) + b"more")
    ),
}


@pytest.mark.parametrize("trick", [each for each in LIES if "overlaps" not in each])
def test_a_trick_of_the_archive_is_told_with_what_it_hides(tmp_path: Path, trick: str) -> None:
    each = next(each for each in found(tmp_path, LIES[trick]()) if each.trick == trick)
    assert each.hides != OTHERWISE
    assert each.at.path == each.entry
    assert each.at.path or each.at.element


def test_entries_that_share_bytes_are_told(tmp_path: Path) -> None:
    member = Member(b"a", PLAIN, central={"offset": 0}, local_name=MANIFEST.encode())
    shared = write_zip(plain(), replace(member, name=MANIFEST.encode()))
    kinds = {each.kind for each in found(tmp_path, shared)}
    assert "its data overlaps that of 'AndroidManifest.xml'" in kinds
    assert hides("its data overlaps that of 'has the key, inflates'").startswith("the same bytes")


@pytest.mark.parametrize(
    "data",
    [
        archive({MANIFEST: PLAIN, "assets/" + "long" * 200: b"x", "assets/名稱": b""}),
        archive({MANIFEST: PLAIN, "classes.dex": b"x"}, deflate=True),
        write_zip(plain(deflate=True, local={"flags": 8, "size": 0, "compressed_size": 0})),
        write_zip(plain(), Member(b"z"), Member(b"a"), comment=b"built by hand"),
        write_zip(plain(local_extra=b"\x35\xd9\x06\0\x04\0\0\0\0\0"), before_directory=b"block"),
        write_zip(Member(MANIFEST.encode(), write_axml.write(manifest(), Lies(utf8=True)))),
        bundle({"base": manifest(activity(".Main"))}),
    ],
    ids=["names", "deflate", "descriptor", "comment", "aligned", "utf-8", "bundle"],
)
def test_what_honest_tools_write_is_no_anomaly(tmp_path: Path, data: bytes) -> None:
    assert found(tmp_path, data) == ()


@pytest.mark.parametrize(
    ("lies", "trick"),
    [
        (Lies(root_type=0), "the root chunk has type 0x0 instead of 0x3"),
        (Lies(header_size=16), "the XML header has 16 bytes instead of 8"),
        (Lies(node_header=24), "a node header is longer than 16 bytes"),
        (Lies(attribute_size=28), "an element declares attributes of an unusual place or size"),
        (Lies(trailing=b"text"), "data follows the declared end of the document"),
    ],
)
def test_a_trick_of_binary_xml_is_told_by_its_offset(
    tmp_path: Path, lies: Lies, trick: str
) -> None:
    each = found(tmp_path, archive({MANIFEST: write_axml.write(manifest(), lies)}))[0]
    assert (each.entry, each.trick) == (MANIFEST, trick)
    assert each.at.offset is not None


def test_numbers_are_no_part_of_the_kind_and_names_are() -> None:
    for trick, kind in (
        ("12 bytes of 0x1f after", "N bytes of N after"),
        ("Janus, CVE-2017-13156", "Janus, CVE-2017-13156"),
        ("its data overlaps that of 'res/a1.png'", "its data overlaps that of 'res/a1.png'"),
    ):
        assert Anomaly("a", trick, "", Location("a")).kind == kind


def test_of_a_kind_the_first_are_told_and_the_rest_is_counted(tmp_path: Path) -> None:
    members = [Member(f"../{number}".encode()) for number in range(MAX_OF_A_KIND + 7)]
    told = found(tmp_path, write_zip(plain(), *members))
    assert len(told) == MAX_OF_A_KIND + 1
    assert (told[-1].entry, told[-1].trick) == (
        "",
        "7 more entries: its name leads out of the archive",
    )


def test_a_manifest_with_an_attribute_without_id_is_read_by_a_second_reader(tmp_path: Path) -> None:
    flag = replace(debuggable(True), id=0)
    assert tricks(tmp_path, apk(manifest(flag=flag))) == [
        (MANIFEST, "android:debuggable has no resource id on <application>"),
        (MANIFEST, "two readers disagree: debuggable not set or true"),
    ]


def test_the_first_of_two_attributes_counts_and_both_readings_are_told(tmp_path: Path) -> None:
    both = manifest(first=debuggable(True), last=debuggable(False))
    assert tricks(tmp_path, apk(both)) == [
        (MANIFEST, "android:debuggable is there twice on <application>"),
        (MANIFEST, "two readers disagree: debuggable true or false"),
    ]


def test_a_second_application_is_told_by_its_line(tmp_path: Path) -> None:
    one = manifest()
    two = replace(one, children=(*one.children, Node("application", line=9)))
    each = found(tmp_path, apk(two))[0]
    assert (each.trick, each.at.line) == ("a second <application>", 9)


def test_every_manifest_and_archive_of_a_set_is_looked_at(tmp_path: Path) -> None:
    base = archive({MANIFEST: PLAIN})
    lying = write_axml.write(manifest(split="config.zh"), Lies(root_type=0))
    split = write_zip(Member(MANIFEST.encode(), lying), Member(b"../x"))
    told = tricks(tmp_path, archive({"base.apk": base, "zh.apk": split, "../y": b""}))
    assert told == [
        ("../y", "its name leads out of the archive"),
        ("zh.apk!/../x", "its name leads out of the archive"),
        ("zh.apk!/AndroidManifest.xml", "the root chunk has type 0x0 instead of 0x3"),
    ]


def test_a_rule_file_and_a_resource_table_are_looked_at(tmp_path: Path) -> None:
    rules = write_axml.write(Node("network-security-config"), Lies(header_size=16))
    config = Attr("networkSecurityConfig", "res/xml/a.xml", CONFIG)
    table = write_arsc.write(Package((Type({0: TRUE}),)))
    assert table.count(b"entry0") == 1
    entries = {
        MANIFEST: write_axml.write(manifest(config=config)),
        "res/xml/a.xml": rules,
        "resources.arsc": table.replace(b"entry0", b"../../"),
    }
    assert tricks(tmp_path, archive(entries)) == [
        ("resources.arsc", "names a resource '../../'"),
        ("res/xml/a.xml", "the XML header has 16 bytes instead of 8"),
    ]


def test_the_crc_of_a_file_that_the_system_need_not_read_is_not_asked_for(tmp_path: Path) -> None:
    wrong = {"crc32": 1}
    other = Member(b"assets/a", b"x", local=wrong, central=wrong)
    assert found(tmp_path, write_zip(plain(), other)) == ()


def test_an_unreadable_manifest_leaves_the_archive_to_be_looked_at(tmp_path: Path) -> None:
    broken = write_zip(Member(MANIFEST.encode(), b"<manifest/>"), Member(b"../x"))
    with opened(written(tmp_path, broken)) as app:
        assert [each.entry for each in app.anomalies] == ["../x"]
        assert "manifest" in {gap.fact for gap in app.journal.gaps}


NAMED = TypedValue(STRING, 1, ".Main")
TRUE_VALUE = TypedValue(INT_BOOLEAN, 1, None)


def element(name: str, *attributes: Attribute, namespace: str = "") -> Element:
    return Element(name, namespace, attributes, (), 3, "")


def attribute(name: str, id: int, namespace: str = ANDROID_NAMESPACE) -> Attribute:
    value = NAMED if name == "name" else TRUE_VALUE
    return Attribute(name, namespace, id, value, value.text)


def in_manifest(*children: Element, attributes: tuple[Attribute, ...] = ()) -> list[str]:
    root = Element("manifest", "", attributes, children, 1, "")
    return [trick for trick, _ in manifest_tricks(root)]


def test_elements_and_the_package_stand_in_no_namespace() -> None:
    package = Attribute("package", "urn:x", 0, NAMED, NAMED.text)
    odd = element("application", namespace="urn:x")
    other = element("module", namespace="http://schemas.android.com/apk/distribution")
    assert in_manifest(odd, other, attributes=(package,)) == [
        "the package in a namespace",
        "<application> element in a namespace",
    ]


@pytest.mark.parametrize(
    ("attributes", "trick"),
    [
        ([attribute("debuggable", 0x01010280)], "android:debuggable has another resource id"),
        ([attribute("exported", 0, "")], "android:exported has no resource id"),
        (
            [attribute("theme", DEBUGGABLE)],
            "'theme' has the resource id of another attribute, debuggable",
        ),
        ([replace(attribute("name", NAME), raw=None)], "android:name has a value without its text"),
        ([attribute("name", NAME), attribute("", NAME)], "android:name is there twice"),
    ],
)
def test_a_name_that_contradicts_its_id_is_a_trick(attributes: list[Attribute], trick: str) -> None:
    assert in_manifest(element("application", *attributes)) == [f"{trick} on <application>"]
    assert hides(trick) != OTHERWISE


@pytest.mark.parametrize(
    "honest",
    [
        attribute("debuggable", DEBUGGABLE),
        attribute("name", 0, "http://schemas.android.com/apk/res-auto"),
        attribute("ownFlag", 0x7F010001, "http://schemas.android.com/apk/res-auto"),
        attribute("theme", 0x01010000),
        attribute("ignore", 0, "http://schemas.android.com/tools"),
        attribute("appComponentFactory", 0x0101057A),
    ],
)
def test_attributes_of_other_namespaces_and_ids_are_no_trick(honest: Attribute) -> None:
    assert in_manifest(element("application", honest)) == []


def test_a_manifest_full_of_tricks_is_cut_short() -> None:
    many = [element("activity", attribute("exported", 0)) for _ in range(MAX_TRICKS + 50)]
    application = Element("application", "", (), tuple(many), 1, "")
    assert len(in_manifest(application)) == MAX_TRICKS


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_document_that_parses_has_its_tricks_told(data: st.DataObject) -> None:
    mutant = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 4))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    try:
        document = axml.parse(bytes(mutant))
    except Malformed:
        return
    assert all(trick for trick, _ in manifest_tricks(document.root))
