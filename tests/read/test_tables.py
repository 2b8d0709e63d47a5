"""Resource tables that cannot be read, or not whole, and what they say about ids."""

from pathlib import Path

import pytest

from gate.app import Attribute, Gap
from gate.app.anomaly import Anomaly
from gate.check import Outcome
from gate.formats.res_value import INT_DEC
from gate.read.tricks import hides
from tests.formats import write_arsc
from tests.formats.write_arsc import FALSE, TRUE, Package, Type, library, staged_aliases
from tests.formats.write_axml import Attr, Node
from tests.read.write_builds import (
    MIN_SDK,
    apk,
    archive,
    bundle,
    debuggable,
    judged,
    manifest,
    opened,
    written,
)

LABEL = 0x01010001
OTHERWISE = hides("a trick that nobody has heard of")
OWN = Package((Type({0: FALSE}),), name="org.example.app")
PLAIN = write_arsc.write(OWN)


def gaps(folder: Path, data: bytes) -> list[Gap]:
    with opened(written(folder, data)) as app:
        assert app.manifest.package == "org.example.app"
        return [each for each in app.journal.gaps if each.fact == "manifest"]


@pytest.mark.parametrize(
    "unreadable",
    [b"", b"\0" * 64, b"<resources/>", PLAIN[:-20]],
    ids=["empty", "zeros", "text", "cut"],
)
def test_a_table_that_cannot_be_read_is_a_gap_whoever_needs_it(
    unreadable: bytes, tmp_path: Path
) -> None:
    label = Attr("label", (1, 0x7F010000), LABEL)
    for root in (manifest(), manifest(label=label)):
        (gap,) = gaps(tmp_path, apk(root, resources_arsc=unreadable))
        assert gap.part == "resources.arsc"
        (counted,) = [
            each
            for each in coverage(tmp_path, apk(root, resources_arsc=unreadable))
            if each[0] == "files"
        ]
        assert counted == ("files", 1, 0)
    assert judged("android-debuggable", tmp_path / "build.bin").outcome is Outcome.UNDECIDED


def coverage(folder: Path, data: bytes) -> list[tuple[str, int, int]]:
    with opened(written(folder, data)) as app:
        _ = app.manifest
        rows = (each for each in app.journal.coverage if each.reader == "resource tables")
        return [(each.unit, each.declared, each.read) for each in rows]


def test_the_tables_of_every_split_and_module_are_read(tmp_path: Path) -> None:
    split = manifest(split="config.zh")
    base, broken = apk(manifest(), resources_arsc=PLAIN), apk(split, resources_arsc=b"?")
    (gap,) = gaps(tmp_path, archive({"base.apk": base, "zh.apk": broken}))
    assert gap.part == "zh.apk!/resources.arsc"
    data = bundle({"base": manifest()}, {"base/resources.pb": b"\xff"})
    assert [each.part for each in gaps(tmp_path, data)] == ["base/resources.pb"]


def test_a_table_that_is_read_or_not_there_is_no_gap(tmp_path: Path) -> None:
    assert gaps(tmp_path, apk(manifest())) == []
    assert gaps(tmp_path, apk(manifest(), resources_arsc=PLAIN)) == []
    assert coverage(tmp_path, apk(manifest())) == [("files", 0, 0), ("packages", 0, 0)]


def test_a_table_with_fewer_packages_than_it_declares_is_a_gap(tmp_path: Path) -> None:
    (gap,) = gaps(tmp_path, apk(manifest(), resources_arsc=write_arsc.write(OWN, count=2)))
    assert gap.reason == "it declares 2 packages and has 1"


def flag(folder: Path, table: bytes, value: tuple[int, int]) -> tuple[Attribute[bool], list[str]]:
    """What the manifest says of debuggable, and the tricks of the table."""
    data = apk(manifest(flag=debuggable(value)), resources_arsc=table)
    with opened(written(folder, data)) as app:
        return app.manifest.application.debuggable, told(app.anomalies)


def told(found: tuple[Anomaly, ...]) -> list[str]:
    return [each.trick for each in found if each.entry == "resources.arsc"]


DECOY = (Type({0: FALSE}, id=1), Type({0: FALSE}, id=14))
TRUTH = (Type({0: TRUE}),)
TABLES = {
    "mapped to the app": (
        (7, 0x05010000),
        write_arsc.write(
            Package(TRUTH, name="org.example.app", extra=library((5, "org.example.app"))),
            Package(DECOY, id=5, name="org.example.decoy"),
        ),
    ),
    "an id at run time": (
        (1, 0x02010000),
        write_arsc.write(OWN, Package(TRUTH, id=0, name="x"), Package(DECOY, id=2, name="y")),
    ),
    "another framework": ((1, 0x010E0000), write_arsc.write(OWN, Package(DECOY, id=1, name="x"))),
    "package zero": (
        (7, 0x000E0000),
        write_arsc.write(Package(DECOY, name="org.example.app"), Package(DECOY, id=1, name="x")),
    ),
    "an alias": (
        (7, 0x7F010000),
        write_arsc.write(
            Package((Type({0: FALSE, 1: TRUE}),), extra=staged_aliases((0x7F010000, 0x7F010001)))
        ),
    ),
    "a feature flag": (
        (1, 0x7F010000),
        write_arsc.write(Package(DECOY, extra=write_arsc.flagged(*TRUTH))),
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_what_a_device_may_look_up_elsewhere_is_left_open_and_told(
    case: str, tmp_path: Path
) -> None:
    value, table = TABLES[case]
    found, tricks = flag(tmp_path, table, value)
    assert found.values == ()
    assert found.unresolved
    assert tricks
    assert all(hides(trick) != OTHERWISE for trick in tricks)
    assert judged("android-debuggable", tmp_path / "build.bin").outcome is Outcome.UNDECIDED


def test_data_that_belongs_to_no_chunk_is_told(tmp_path: Path) -> None:
    found, tricks = flag(tmp_path, PLAIN + b"\2\0\x0c\0\xff\xff\xff\0", (1, 0x7F010000))
    assert found.values == (False,)
    assert tricks == ["holds data that belongs to no whole chunk"]


@pytest.mark.parametrize(
    ("package", "value"),
    [
        (Package(TRUTH, name="org.example.app"), (1, 0x7F010000)),
        (Package(TRUTH, name="org.example.app"), (7, 0x7F010000)),
        (Package(TRUTH, extra=library((2, "org.example.lib"))), (1, 0x7F010000)),
        (Package(TRUTH, id=0x80, name="f", extra=library((0x80, "f"))), (7, 0x80010000)),
        (Package(TRUTH, id=0x80, name="f", extra=library((0x80, "f"))), (1, 0x80010000)),
        (Package(TRUTH, id=0, name="lib", extra=library((0, "lib"))), (7, 0x00010000)),
    ],
)
def test_the_tables_that_build_tools_write_are_read_and_not_told(
    package: Package, value: tuple[int, int], tmp_path: Path
) -> None:
    found, tricks = flag(tmp_path, write_arsc.write(package), value)
    assert (found.values, tricks) == ((True,), [])


LEVEL = Type({0: (INT_DEC, 34)}, id=2)
COMPACT = write_arsc.write(Package((Type({0: FALSE}, compact=True), LEVEL)))
SPARSE = write_arsc.write(Package((Type({1: TRUE}, layout="sparse"), Type({0: FALSE}))))
FLAG = debuggable((1, 0x7F010000))


def at_level(folder: Path, root: Node, table: bytes) -> tuple[Attribute[bool], list[str]]:
    with opened(written(folder, apk(root, resources_arsc=table))) as app:
        return app.manifest.application.debuggable, told(app.anomalies)


@pytest.mark.parametrize(("table", "level"), [(COMPACT, 34), (SPARSE, 26)])
def test_a_table_for_the_versions_of_android_that_the_app_runs_on_is_read(
    table: bytes, level: int, tmp_path: Path
) -> None:
    found, tricks = at_level(tmp_path, manifest(sdk=(level, 35), flag=FLAG), table)
    assert (found.values, tricks) == ((False,), [])


@pytest.mark.parametrize(("table", "level"), [(COMPACT, 33), (SPARSE, 25)])
def test_a_value_that_an_earlier_version_reads_otherwise_is_left_open_and_told(
    table: bytes, level: int, tmp_path: Path
) -> None:
    found, (trick,) = at_level(tmp_path, manifest(sdk=(level, 35), flag=FLAG), table)
    assert "depends on the Android version" in found.unresolved
    assert hides(trick) != OTHERWISE
    assert judged("android-debuggable", tmp_path / "build.bin").outcome is Outcome.UNDECIDED


def levels(*values: object) -> tuple[Node, ...]:
    return tuple(Node("uses-sdk", (Attr("minSdkVersion", each, MIN_SDK),)) for each in values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "every",
    [
        (),
        levels((1, 0x7F020000)),
        levels("34"),
        levels(34, 33),
        levels(33, 34),
        (Node("uses-sdk"), *levels(34)),
        (Node("uses-feature", (), levels(34)),),
        (*levels(34), Node("uses-feature", (), levels(21))),
    ],
    ids=["none", "reference", "text", "last", "first", "empty", "nested", "nested lower"],
)
def test_the_lowest_level_that_any_android_may_see_counts(
    every: tuple[Node, ...], tmp_path: Path
) -> None:
    package = Attr("package", "org.example.app", namespace=None)
    root = Node("manifest", (package,), (*every, Node("application", (FLAG,))))
    found, _ = at_level(tmp_path, root, COMPACT)
    assert "depends on the Android version" in found.unresolved


@pytest.mark.parametrize(("split_says", "base_says", "open"), [(1, 34, False), (34, 33, True)])
def test_the_level_of_a_set_is_that_of_its_base(
    split_says: int, base_says: int, open: bool, tmp_path: Path
) -> None:
    base = apk(manifest(sdk=(base_says, 35), flag=FLAG), resources_arsc=COMPACT)
    split = apk(manifest(sdk=(split_says, 35), split="config.zh"))
    data = archive({"base.apk": base, "zh.apk": split})
    with opened(written(tmp_path, data)) as app:
        assert bool(app.manifest.application.debuggable.unresolved) is open
