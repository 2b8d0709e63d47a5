"""What the manifest says where its form is not what a compiler writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gate.app import AndroidApp, Unread
from gate.app.network import NetworkRule
from gate.formats import axml
from gate.formats.axml import Element
from gate.read.rules import network_config
from tests.formats import write_arsc, write_axml
from tests.formats.write_arsc import Package, Type, library, staged_aliases
from tests.formats.write_axml import DEBUGGABLE, NAME, Attr, Node
from tests.formats.write_zip import Member, write_zip
from tests.read.write_builds import (
    EXPORTED,
    MIN_SDK,
    PERMISSION,
    TARGET_SDK,
    activity,
    apk,
    debuggable,
    manifest,
    opened,
    written,
)

MAIN, LAUNCHER = "android.intent.action.MAIN", "android.intent.category.LAUNCHER"
PACKAGE = Attr("package", "org.example.app", namespace=None)
OTHER = "http://example.org/other"


@contextmanager
def app_of(folder: Path, root: Node, **others: bytes) -> Iterator[AndroidApp]:
    with opened(written(folder, apk(root, **others))) as app:
        yield app


def with_applications(*children: Node) -> Node:
    return Node("manifest", (PACKAGE,), children)


def application(flag: bool, *children: Node) -> Node:
    return Node("application", (debuggable(flag),), children)


def inside(tag: str, *children: Node) -> Node:
    return Node(tag, (), children)


@pytest.mark.parametrize("tag", ["uses-feature", "protected-broadcast", "supports-screens"])
def test_an_application_inside_what_android_11_does_not_skip_counts(
    tag: str, tmp_path: Path
) -> None:
    hidden = inside(tag, application(True, activity(".Hidden")))
    with app_of(tmp_path, with_applications(hidden, application(False, activity(".Main")))) as app:
        assert True in app.manifest.application.debuggable.values
        names = [each.name for each in app.manifest.components]
        assert names == ["org.example.app.Hidden", "org.example.app.Main"]
        told = [anomaly.trick for anomaly in app.anomalies]
        assert "<application> inside an element that does not hold it" in told


def test_the_application_that_android_10_reads_counts_beside_a_nested_one(tmp_path: Path) -> None:
    hidden = inside("uses-feature", application(False))
    with app_of(tmp_path, with_applications(hidden, application(True))) as app:
        assert True in app.manifest.application.debuggable.values


def test_an_application_inside_what_every_version_skips_does_not_count(tmp_path: Path) -> None:
    skipped = inside("eat-comment", application(True))
    with app_of(tmp_path, with_applications(skipped, application(False))) as app:
        assert app.manifest.application.debuggable.values == (False,)


def test_a_second_application_adds_what_lies_in_it_to_the_manifest_alone(tmp_path: Path) -> None:
    asked = Node("uses-permission", (Attr("name", "android.permission.CAMERA", NAME),))
    second = application(True, asked, activity(".Second"))
    with app_of(tmp_path, with_applications(application(False, asked), second)) as app:
        assert app.manifest.application.debuggable.values == (False,)
        assert app.manifest.permissions_used == ("android.permission.CAMERA",)
        assert app.manifest.components == ()


def test_a_component_inside_meta_data_counts(tmp_path: Path) -> None:
    nested = inside("meta-data", inside("uses-library", activity(".Hidden")))
    with app_of(tmp_path, manifest(nested, inside("activity", activity(".Skipped")))) as app:
        hidden, plain = app.manifest.components
        assert (hidden.name, app.manifest.is_exported(hidden)) == ("org.example.app.Hidden", True)
        assert plain.name == "org.example.app."
        (trick,) = [each.trick for each in app.anomalies if "inside" in each.trick]
        assert trick == "<activity> inside an element that does not hold it"


def test_an_intent_filter_inside_meta_data_exports_by_default(tmp_path: Path) -> None:
    filters = inside("meta-data", inside("intent-filter"))
    service = Node("service", (Attr("name", ".S", NAME),), (filters,))
    with app_of(tmp_path, manifest(service, sdk=(21, 30))) as app:
        (found,) = app.manifest.components
        assert app.manifest.is_exported(found)


def named(tag: str, name: Attr) -> Node:
    return Node(tag, (name,))


@pytest.mark.parametrize(
    ("lie", "is_launcher"),
    [
        ({}, True),
        ({"name": "label"}, False),
        ({"namespace": None}, False),
        ({"raw": "android.intent.category.DEFAULT"}, False),
        ({"id": 0}, True),
    ],
)
def test_actions_and_categories_go_by_name_and_text(
    lie: dict[str, str | int | None], is_launcher: bool, tmp_path: Path
) -> None:
    category = replace(Attr("name", LAUNCHER, NAME), **lie)  # type: ignore[arg-type]
    start = inside(
        "intent-filter", named("action", Attr("name", MAIN, NAME)), named("category", category)
    )
    main = Node("activity", (Attr("name", ".Main", NAME),), (start,))
    with app_of(tmp_path, manifest(main)) as app:
        assert app.manifest.components[0].is_launcher is is_launcher


def test_the_package_is_the_attribute_without_a_namespace_by_its_text(tmp_path: Path) -> None:
    decoy = Attr("package", "org.example.decoy", namespace=OTHER)
    true = Attr("package", "org.example.value", namespace=None, raw="org.example.text")
    root = Node("manifest", (decoy, true), (application(False),))
    with app_of(tmp_path, root) as app:
        assert app.manifest.package == "org.example.text"


def levels(**written: int) -> Node:
    ids = {"minSdkVersion": MIN_SDK, "targetSdkVersion": TARGET_SDK}
    return Node("uses-sdk", tuple(Attr(name, value, ids[name]) for name, value in written.items()))


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ((levels(minSdkVersion=26, targetSdkVersion=35), levels()), (1, 1)),
        ((levels(minSdkVersion=26, targetSdkVersion=35), levels(minSdkVersion=21)), (21, 21)),
        ((levels(), levels(minSdkVersion=26, targetSdkVersion=35)), (26, 35)),
        ((levels(minSdkVersion=26, targetSdkVersion=-5),), (26, -5)),
    ],
)
def test_the_last_uses_sdk_takes_back_those_before(
    elements: tuple[Node, ...], expected: tuple[int, int], tmp_path: Path
) -> None:
    with app_of(tmp_path, with_applications(*elements, application(False))) as app:
        assert (app.manifest.min_sdk, app.manifest.target_sdk) == expected


def test_a_permission_that_a_configuration_changes_guards_nothing(tmp_path: Path) -> None:
    plain = Type({0: "org.example.GUARD"})
    german = Type({0: "org.example.GUARD"}, write_arsc.config(language=b"de"), spec=False)
    guarded = Node(
        "service",
        (
            Attr("name", ".S", NAME),
            Attr("permission", (1, 0x7F010000), PERMISSION),
            Attr("exported", True, EXPORTED),
        ),
    )
    for types, guards in (((plain,), ("org.example.GUARD",)), ((plain, german), ())):
        table = write_arsc.write(Package(types=types))
        with app_of(tmp_path, manifest(guarded), resources_arsc=table) as app:
            (service,) = app.manifest.components
            assert app.manifest.guards(service) == guards


RENAMED = Package((), extra=library((2, "android")))
ALIASES = Package((), extra=staged_aliases((0x7F01000F, DEBUGGABLE), (0x01FF000F, DEBUGGABLE)))
OTHERS = Package((), extra=library((2, "org.lib")))
FRAMEWORK = Package((), id=1)


@pytest.mark.parametrize(
    ("package", "alias", "is_read"),
    [
        (RENAMED, 0x0201000F, False),
        (ALIASES, 0x7F01000F, False),
        (ALIASES, 0x01FF000F, False),
        (FRAMEWORK, 0x0001000F, False),
        (OTHERS, 0x0201000F, True),
        (OTHERS, 0x0001000F, True),
        (RENAMED, 0x0101000F, True),
    ],
)
def test_a_table_that_renames_the_framework_leaves_foreign_attributes_open(
    package: Package, alias: int, is_read: bool, tmp_path: Path
) -> None:
    table = write_arsc.write(package)
    root = manifest(flag=Attr("x", True, alias))
    with app_of(tmp_path, root, resources_arsc=table) as app:
        if is_read:
            assert app.manifest.package == "org.example.app"
            return
        with pytest.raises(Unread, match="gives android: attributes other ids"):
            _ = app.manifest


def test_a_string_that_cannot_be_read_is_unknown_where_it_is_asked_for(tmp_path: Path) -> None:
    broken = Attr("permission", (3, 0x00FFFFFF), PERMISSION, raw="org.example.GUARD")
    guarded = Node("service", (Attr("name", ".S", NAME), broken, Attr("exported", True, EXPORTED)))
    with app_of(tmp_path, manifest(guarded, flag=debuggable(True))) as app:
        assert app.manifest.application.debuggable.values == (True,)
        with pytest.raises(Unread, match="a string that cannot be read"):
            app.manifest.guards(app.manifest.components[0])


def test_a_file_that_is_there_twice_leaves_open_which_one_counts(tmp_path: Path) -> None:
    both = [write_axml.write(manifest(flag=debuggable(value))) for value in (False, True)]
    data = write_zip(*(Member(b"AndroidManifest.xml", each) for each in both))
    with opened(written(tmp_path, data)) as app:
        assert app.manifest.application.debuggable.values == (False,)
        (gap,) = [each for each in app.journal.gaps if each.fact == "manifest"]
        assert gap.part == "AndroidManifest.xml"
        assert gap.reason == "it is there more than once; which one counts?"


def rules_of(*attributes: Attr) -> NetworkRule:
    base = Node("base-config", attributes, (Node("trust-anchors"),))
    data = write_axml.write(Node("network-security-config", (), (base,)))
    root: Element = axml.parse(data).root
    rule = network_config(root, "res/xml/rules.xml").base
    assert rule is not None
    return rule


def cleartext(value: bool | str, namespace: str | None = None) -> Attr:
    return Attr("cleartextTrafficPermitted", value, namespace=namespace)


@pytest.mark.parametrize(
    ("attributes", "permitted"),
    [
        ((), None),
        ((cleartext(False),), False),
        ((cleartext(False), cleartext(True)), True),
        ((cleartext(True), cleartext(False)), False),
        ((cleartext(False), cleartext(True, OTHER)), True),
        ((cleartext("false"),), True),
    ],
)
def test_the_last_word_on_cleartext_counts_whatever_its_namespace(
    attributes: tuple[Attr, ...], permitted: bool | None
) -> None:
    assert rules_of(*attributes).cleartext is permitted
