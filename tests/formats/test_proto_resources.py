import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats import arsc, proto_resources
from gate.formats.errors import Malformed, OverLimit
from gate.formats.package_ids import Unresolvable
from gate.formats.proto_resources import ProtoTable, parse
from gate.formats.res_value import COMPLEX, INT_BOOLEAN, INT_DEC, REFERENCE, TypedValue
from gate.formats.resources import ConfiguredValue, JoinedResources
from tests.formats.compiled_by_aapt import compiled, converted
from tests.formats.write_proto import entry, number, part, table

FIRST = 0x7F010000
TRUE = (INT_BOOLEAN, 0xFFFFFFFF)
FALSE = (INT_BOOLEAN, 0)
NIGHT = number(17, 1)
BAG = part(4, b"")


def reference(index: int) -> tuple[int, int]:
    return (REFERENCE, FIRST + index)


def resolved(read: ProtoTable | JoinedResources, index: int = 0) -> list[tuple[str, int]]:
    return [(each.config, each.value.data) for each in read.resolve(FIRST + index)]


def test_values_have_their_configurations() -> None:
    read = parse(table(entry(0, (FALSE, b""), (TRUE, NIGHT)), entry(5, ("text", b""))))
    assert read.values(FIRST) == (
        ConfiguredValue("default", TypedValue(*FALSE)),
        ConfiguredValue("night", TypedValue(*TRUE)),
    )
    assert read.values(FIRST + 5)[0].value.text == "text"
    assert read.name(FIRST + 5) == "type1/entry5"
    for absent in (FIRST + 1, 0x7F020000, 0x7E010000, 0):
        assert read.values(absent) == ()
        assert read.name(absent) == ""


def test_a_reference_is_followed_with_its_configurations() -> None:
    read = parse(table(entry(0, (reference(1), b"")), entry(1, (FALSE, b""), (TRUE, NIGHT))))
    assert resolved(read) == [("default", 0), ("night", 0xFFFFFFFF)]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((entry(0, (reference(0), b"")),), "cycle"),
        ((entry(0, (reference(1), b"")), entry(1, (reference(0), b""))), "cycle"),
        ((entry(0, (reference(7), b"")),), "not in the table"),
        ((entry(0, ((REFERENCE, 0x01010000), b"")),), "framework"),
        ((entry(0, (BAG, b"")),), "bag"),
        ((entry(3, (TRUE, b"")),), "not in the table"),
    ],
)
def test_what_the_table_does_not_tell_is_unresolvable(
    entries: tuple[bytes, ...], words: str
) -> None:
    with pytest.raises(Unresolvable, match=words):
        parse(table(*entries)).resolve(FIRST)


def test_package_0_is_the_tables_own_for_a_dynamic_reference() -> None:
    read = parse(table(entry(0, (TRUE, b"")), package=0x80))
    assert read.own_package == 0x80
    assert read.resolve(0x00010000, dynamic=True)[0].value == TypedValue(*TRUE)


def test_a_package_of_the_framework_is_told_and_not_asked() -> None:
    read = parse(table(entry(0, (TRUE, b"")), package=1))
    assert read.anomalies == ("holds a package of id 1, which is the framework's",)
    with pytest.raises(Unresolvable, match="belongs to the Android framework"):
        read.resolve(0x01010000)


def test_an_entry_that_stands_twice_counts_twice() -> None:
    read = parse(table(entry(0, (FALSE, b"")), entry(0, (TRUE, b""))))
    assert [value for _, value in resolved(read)] == [0, 0xFFFFFFFF]


def test_a_value_behind_a_flag_that_a_device_decides_counts() -> None:
    flagged = part(9, part(2, part(4, part(7, number(8, 1)))))
    read = parse(table(entry(0, (FALSE, b"")) + flagged))
    assert [value for _, value in resolved(read)] == [0, 0xFFFFFFFF]


def test_types_and_entries_without_an_id_cannot_be_referred_to() -> None:
    nameless = part(2, "entry0") + part(6, part(2, part(4, part(7, number(8, 1)))))
    read = parse(table(nameless, entry(1, (TRUE, b""))))
    assert read.values(FIRST) == ()
    assert len(read.values(FIRST + 1)) == 1
    assert parse(part(2, part(3, part(3, entry(0, (TRUE, b"")))))).values(0) == ()


@pytest.mark.parametrize(
    "broken",
    [
        part(6, b""),
        part(6, part(2, b"")),
        part(6, part(2, part(4, b""))),
        part(6, part(2, part(4, part(6, b"")) + part(5, b""))),
        part(6, b"\x0a\x80"),
    ],
)
def test_an_entry_without_a_readable_value_is_refused_when_asked_for(broken: bytes) -> None:
    read = parse(table(part(1, b"") + broken, entry(1, (TRUE, b""))))
    assert resolved(read, 1) == [("default", 0xFFFFFFFF)]
    with pytest.raises(Malformed):
        read.resolve(FIRST)


def test_an_entry_with_two_ids_is_refused() -> None:
    two = part(1, number(1, 0)) + part(1, number(1, 1)) + entry(0, (TRUE, b""))
    with pytest.raises(Malformed, match="two ids"):
        parse(table(two)).values(FIRST)


def test_fields_are_counted_over_all_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(entry(0, (TRUE, b"")))
    monkeypatch.setattr(proto_resources, "MAX_FIELDS", 60)
    read = parse(data)
    assert len(read.values(FIRST)) == 1
    with pytest.raises(OverLimit, match="more fields"):
        for _ in range(10):
            read.values(FIRST)
    monkeypatch.setattr(proto_resources, "MAX_FIELDS", 3)
    with pytest.raises(OverLimit, match="more fields"):
        parse(data)


def test_a_package_id_has_one_byte() -> None:
    with pytest.raises(Malformed, match="above 255"):
        parse(table(package=256))


def test_joined_tables_give_the_values_of_all() -> None:
    base = parse(table(entry(0, (FALSE, b"")), entry(2, (reference(0), b""), name="alias")))
    split = parse(table(entry(0, (TRUE, NIGHT))))
    read = JoinedResources([base, split])
    assert resolved(read, 2) == [("default", 0), ("night", 0xFFFFFFFF)]
    assert read.name(FIRST + 2) == "type1/alias"
    assert read.own_package == 0x7F
    assert JoinedResources([]).own_package is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (part(3, "zh-TW"), "zh-rTW"),
        (part(3, "fil"), "fil"),
        (part(3, "es-419"), "es-r419"),
        (part(3, "sr-Latn"), "b+sr+Latn"),
        (part(3, "\u4f60"), "b+?"),
        (number(1, 466) + number(2, 92) + number(24, 26), "mcc466-mnc92-v26"),
        (number(10, 3) + number(11, 1) + number(4, 2), "ldrtl-large-long"),
        (number(16, 3) + number(17, 2) + number(18, 480), "car-notnight-xxhdpi"),
        (number(17, 77), "default"),
        (b"", "default"),
    ],
)
def test_a_configuration_has_the_words_of_its_folder(config: bytes, words: str) -> None:
    read = parse(table(entry(0, (TRUE, config))))
    assert read.values(FIRST)[0].config == words


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_malformed(data: bytes) -> None:
    try:
        read = parse(data)
        read.resolve(FIRST)
    except Malformed:
        pass


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_table_gives_values_or_malformed(draws: st.DataObject) -> None:
    entries = (entry(0, (reference(1), NIGHT)), entry(1, (FALSE, b""), ("text", part(3, "zh-TW"))))
    data = bytearray(table(*entries))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    try:
        read = parse(bytes(data))
        read.name(FIRST)
        read.resolve(FIRST)
    except Malformed:
        pass


@pytest.mark.oracle
def test_a_table_reads_as_aapt2_converts_it(tmp_path: Path) -> None:
    manifest = '<manifest package="org.example.app"/>'
    proto = compiled(tmp_path, manifest, "--proto-format")
    ours = parse(proto.read("resources.pb"))
    theirs = arsc.parse(converted(proto).read("resources.arsc"))
    seen: dict[str, int] = defaultdict(int)
    for resource_id in (kind << 16 | index for kind in range(0x7F01, 0x7F10) for index in range(9)):
        expected = [simple(value) for value in theirs.values(resource_id)]
        assert sorted(simple(value) for value in ours.values(resource_id)) == sorted(expected)
        assert ours.name(resource_id) == theirs.name(resource_id)
        seen[re.sub("/.*", "", ours.name(resource_id))] += len(expected)
    assert {"bool", "string", "integer", "dimen", "color", "array", "style"} <= set(seen)
    assert seen["integer"] >= 4


def simple(configured: ConfiguredValue) -> tuple[str, int, str]:
    value = configured.value
    kind = value.type if value.type != COMPLEX else -1
    return configured.config, kind, value.text if value.text is not None else str(value.data)


def test_a_number_reads_as_it_was_written() -> None:
    assert parse(table(entry(0, ((INT_DEC, 42), b"")))).values(FIRST)[0].value.data == 42
