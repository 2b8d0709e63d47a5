"""Resource tables that cannot be read, or not whole, and what they say about ids."""

from pathlib import Path

import pytest

from gate.app import Attribute, Gap
from gate.app.anomaly import Anomaly
from gate.check import Outcome
from gate.read.tricks import hides
from tests.formats import write_arsc
from tests.formats.write_arsc import FALSE, TRUE, Package, Type, library, staged_aliases
from tests.formats.write_axml import Attr
from tests.read.write_builds import (
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
