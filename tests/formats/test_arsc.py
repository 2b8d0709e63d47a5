from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats import arsc, arsc_packages, resources
from gate.formats.arsc import ConfiguredValue, ResourceTable, Unresolvable, parse
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_config import qualifier
from gate.formats.res_value import (
    ATTRIBUTE,
    COMPLEX,
    DYNAMIC_REFERENCE,
    INT_BOOLEAN,
    INT_DEC,
    REFERENCE,
    STRING,
    TypedValue,
)
from tests.formats.write_arsc import (
    BAG,
    DEFAULT,
    FALSE,
    TRUE,
    Package,
    Type,
    Value,
    config,
    flagged,
    reference,
    write,
)
from tests.formats.write_axml import chunk, string_pool

FIRST = 0x7F010000
ON = TypedValue(INT_BOOLEAN, 0xFFFFFFFF)
OFF = TypedValue(INT_BOOLEAN, 0)


def table(*types: Type, lowest: int = 1, **package: int) -> ResourceTable:
    data = write(Package(types, **package))  # type: ignore[arg-type]
    return parse(data, lowest=lowest)


def chain(length: int, end: Value) -> dict[int, Value]:
    entries: dict[int, Value] = {n: reference(FIRST + n + 1) for n in range(length)}
    return entries | {length: end}


@pytest.mark.parametrize("layout", ["dense", "sparse", "offset16"])
@pytest.mark.parametrize("compact", [False, True])
def test_every_layout_of_entries_gives_the_same_values(layout: str, compact: bool) -> None:
    entries: dict[int, Value] = {0: TRUE, 2: "text", 5: (INT_DEC, 42)}
    read = table(Type(entries, layout=layout, compact=compact), lowest=34)
    assert read.values(FIRST) == (ConfiguredValue("default", ON),)
    (text,) = read.values(FIRST + 2)
    assert (text.value.type, text.value.text) == (STRING, "text")
    assert read.values(FIRST + 5)[0].value == TypedValue(INT_DEC, 42)
    assert [read.values(FIRST + absent) for absent in (1, 3, 4, 6, 0xFFFF)] == [()] * 5
    assert read.name(FIRST + 5) == "type1/entry5"


def test_the_value_is_given_for_each_configuration() -> None:
    read = table(
        Type({0: FALSE}),
        Type({1: TRUE}, config(night=True)),
        Type({0: TRUE}, config(language=b"en", region=b"TW", sdk=21)),
    )
    assert read.values(FIRST) == (
        ConfiguredValue("default", OFF),
        ConfiguredValue("en-rTW-v21", ON),
    )


def test_a_bag_is_a_value_without_a_simple_value() -> None:
    read = table(Type({0: BAG}))
    assert read.values(FIRST)[0].value.type == COMPLEX
    assert read.name(FIRST) == "type1/entry0"
    with pytest.raises(Unresolvable, match="0x7f010000 is a bag"):
        read.resolve(FIRST)


def test_names_are_empty_for_what_is_not_there() -> None:
    read = table(Type({0: TRUE}))
    assert [read.name(id) for id in (FIRST + 1, 0x7F020000, 0x01010000, 0, -1)] == [""] * 5


def test_the_type_offset_of_a_package_moves_its_type_ids() -> None:
    read = table(Type({0: TRUE}), type_offset=3)
    assert read.values(FIRST) == ()
    assert read.values(0x7F040000)[0].value == ON
    assert read.name(0x7F040000) == "type1/entry0"


def test_a_package_header_from_before_type_offsets_is_read() -> None:
    assert table(Type({0: TRUE}), header_size=284).values(FIRST)[0].value == ON


def test_several_packages_are_told_apart_by_their_id() -> None:
    read = parse(write(Package((Type({0: TRUE}),)), Package((Type({0: FALSE}),), id=0x80)))
    assert read.values(FIRST)[0].value == ON
    assert read.values(0x80010000)[0].value == OFF


def test_references_are_followed_to_the_end_in_every_configuration() -> None:
    read = table(
        Type({0: reference(FIRST + 1), 1: FALSE}),
        Type({1: TRUE}, config(sdk=26)),
        Type({0: reference(FIRST + 1)}, config(night=True)),
    )
    assert read.resolve(FIRST) == (
        ConfiguredValue("default", OFF),
        ConfiguredValue("v26", ON),
        ConfiguredValue("night", OFF),
        ConfiguredValue("night, v26", ON),
    )


def test_a_theme_attribute_and_the_null_reference_are_ends() -> None:
    read = table(Type({0: (ATTRIBUTE, 0x7F030000), 1: reference(0)}))
    assert read.resolve(FIRST)[0].value == TypedValue(ATTRIBUTE, 0x7F030000)
    assert read.resolve(FIRST + 1)[0].value == TypedValue(REFERENCE, 0)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({0: reference(FIRST)}, "0x7f010000 refers to itself"),
        ({0: reference(FIRST + 1), 1: reference(FIRST)}, "0x7f010000 refers to itself"),
        ({0: reference(FIRST + 7)}, "0x7f010007 is not in the table"),
        ({0: reference(0x01040000)}, "0x01040000 belongs to the Android framework"),
        ({0: reference(0x00010001), 1: TRUE}, "0x00010001 is not in the table"),
        ({0: reference(FIRST + 1), 1: BAG}, "0x7f010001 is a bag"),
    ],
)
def test_a_reference_that_leads_nowhere_is_unresolvable(
    entries: dict[int, Value], reason: str
) -> None:
    with pytest.raises(Unresolvable, match=reason):
        table(Type(entries)).resolve(FIRST)


def test_one_broken_configuration_makes_the_resource_unresolvable() -> None:
    read = table(Type({0: TRUE}), Type({0: reference(FIRST)}, config(sdk=30)))
    with pytest.raises(Unresolvable):
        read.resolve(FIRST)


def test_nineteen_references_are_followed_and_twenty_are_not() -> None:
    assert table(Type(chain(19, TRUE))).resolve(FIRST)[0].value == ON
    with pytest.raises(Unresolvable, match="over 20 references away"):
        table(Type(chain(20, TRUE))).resolve(FIRST)


def test_package_zero_of_a_dynamic_reference_is_the_tables_own() -> None:
    read = table(Type({0: (DYNAMIC_REFERENCE, 0x00010001), 1: TRUE}))
    assert read.resolve(FIRST)[0].value == ON
    assert read.resolve(0x00010000, dynamic=True)[0].value == ON
    with pytest.raises(Unresolvable):
        read.resolve(0x00010000)


def test_configurations_that_multiply_are_over_the_limit() -> None:
    entries = chain(15, TRUE)
    read = table(Type(entries), Type(entries, config(sdk=21)))
    with pytest.raises(OverLimit, match="more than 1024 values"):
        read.resolve(FIRST)


def test_an_unsorted_sparse_list_hides_what_it_hides_on_a_device() -> None:
    read = table(Type({9: TRUE, 1: TRUE, 4: TRUE}, layout="sparse"), lowest=26)
    assert read.values(FIRST + 9) == ()
    assert read.values(FIRST + 4)[0].value == ON


BEFORE_14 = "has a type chunk that Android before 14 reads otherwise"
BEFORE_8 = "has a type chunk that Android before 8 reads otherwise"


def raw(flags: int, offsets: bytes, entries: bytes, lowest: int, count: int = 1) -> ResourceTable:
    """A table whose one type has those offsets and entries, byte by byte."""
    spec = chunk(0x202, b"\0" * 4 * count, pack("<BBHI", 1, 0, 0, count))
    start = 20 + len(DEFAULT) + len(offsets)
    header = pack("<BBHII", 1, flags, 0, count, start) + DEFAULT
    data = write(Package((), extra=spec + chunk(0x201, offsets + entries, header)))
    return parse(data, lowest=lowest)


def full(value: tuple[int, int]) -> bytes:
    return pack("<HHIHBBI", 8, 0, 0, 8, 0, *value)


# A compact entry of the key 8 whose value is false is, taken for a full one, 8 bytes of it.
COMPACT = pack("<HHI", 8, 8 | INT_BOOLEAN << 8, 0) + pack("<HBBI", 8, 0, *TRUE)
AMBIGUOUS = [
    (0, pack("<I", 0), COMPACT, 34, BEFORE_14),
    (2, pack("<I", 8), b"\0" * 8 + full(TRUE) + b"\0" * 8 + full(FALSE), 34, BEFORE_14),
    (2, pack("<I", 0x2000FFFF), b"", 34, BEFORE_14),
    (1, pack("<HH", 0, 4), full(FALSE) + full(TRUE), 26, BEFORE_8),
    (1, pack("<HH", 16, 0), full(FALSE) + full(TRUE), 26, BEFORE_8),
]


@pytest.mark.parametrize(("flags", "offsets", "entries", "level", "anomaly"), AMBIGUOUS)
def test_an_entry_that_an_earlier_android_reads_otherwise_is_unresolvable_and_noted(
    flags: int, offsets: bytes, entries: bytes, level: int, anomaly: str
) -> None:
    read = raw(flags, offsets, entries, level - 1)
    assert not read.anomalies
    for _ in range(2):
        with pytest.raises(Unresolvable, match="0x7f010000 depends on the Android version"):
            read.resolve(FIRST)
    assert list(read.anomalies) == [anomaly]


@pytest.mark.parametrize(("layout", "compact"), [("offset16", False), ("dense", True)])
def test_what_an_earlier_android_cannot_read_at_all_is_unresolvable_too(
    layout: str, compact: bool
) -> None:
    entries: dict[int, Value] = {0: TRUE, 1: FALSE}
    with pytest.raises(Unresolvable, match="depends on the Android version"):
        table(Type(entries, layout=layout, compact=compact), lowest=33).values(FIRST)


@pytest.mark.parametrize(
    ("layout", "compact", "level"),
    [("sparse", False, 26), ("offset16", False, 34), ("dense", True, 34), ("dense", False, 1)],
)
def test_entries_that_every_android_of_the_app_reads_alike_are_not_noted(
    layout: str, compact: bool, level: int
) -> None:
    read = table(Type({0: TRUE, 2: FALSE}, layout=layout, compact=compact), lowest=level)
    assert [len(read.values(FIRST + index)) for index in range(4)] == [1, 0, 1, 0]
    assert read.anomalies == ()


@pytest.mark.parametrize(("sdk", "told"), [(26, False), (25, True), (0, True)])
def test_a_configuration_that_an_earlier_android_never_takes_is_not_noted(
    sdk: int, told: bool
) -> None:
    read = table(Type({0: FALSE}), Type({1: TRUE}, config(sdk=sdk), layout="sparse"), lowest=21)
    if told:
        with pytest.raises(Unresolvable, match="depends on the Android version"):
            read.values(FIRST)
    else:
        assert len(read.values(FIRST)) == 1
    assert bool(read.anomalies) is told


def test_short_offsets_that_mean_the_same_to_every_android_are_read() -> None:
    read = raw(2, pack("<HH", 0, 0), full(TRUE), 1)
    assert read.values(FIRST)[0].value == ON
    assert read.anomalies == ()


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (DEFAULT, "default"),
        (pack("<I", 28) + b"\0" * 24, "default"),
        (config(sdk=21), "v21"),
        (config(language=b"en", region=b"TW"), "en-rTW"),
        (config(language=b"\xad\x05"), "fil"),
        (config(night=True, land=True, density=480), "land-night-xxhdpi"),
        (config(density=300), "300dpi"),
        (config(language=b"\x1b["), "??"),
        (config()[:60] + b"\0\0\0\1", "unknown"),
        (config()[:36] + b"Latn" + config()[40:], "b+Latn"),
        (config() + b"later fields", "default"),
    ],
)
def test_a_configuration_is_put_into_words(stored: bytes, words: str) -> None:
    assert qualifier(stored) == words


@pytest.mark.parametrize(
    ("data", "anomaly"),
    [
        (write(Package((Type({0: TRUE}),)), count=2), "fewer packages"),
        (write(Package((Type({0: TRUE}),)), trailing=b"\0" * 5), "no whole chunk"),
        (write(Package((Type({0: TRUE}),), extra=flagged(Type({}, id=9)))), "feature flags"),
    ],
)
def test_an_oddity_android_reads_through_is_noted(data: bytes, anomaly: str) -> None:
    read = parse(data)
    assert read.values(FIRST)[0].value == ON
    assert [anomaly in sentence for sentence in read.anomalies] == [True]


def test_a_type_that_has_values_behind_feature_flags_is_unresolvable() -> None:
    types = (Type({0: TRUE}), Type({0: TRUE}, id=2))
    read = parse(write(Package(types, extra=flagged(Type({0: FALSE}, id=2)))))
    assert read.resolve(FIRST)[0].value == ON
    with pytest.raises(Unresolvable, match="0x7f020000 may depend on feature flags"):
        read.resolve(0x7F020000)


def test_chunks_that_hold_no_values_are_skipped() -> None:
    extra = b"".join(chunk(kind, b"\0" * 8, b"\0" * 4) for kind in (0x203, 0x204, 0x206, 0x7777))
    read = parse(write(Package((Type({0: TRUE}),), extra=extra + string_pool(["decoy"]))))
    assert read.values(FIRST)[0].value == ON
    assert read.name(FIRST) == "type1/entry0"
    assert read.anomalies == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no resource table"),
        (b"\2\0\x0c", "no room for a chunk header"),
        (chunk(1, b"", b""), "no resource table"),
        (chunk(2, b"", b""), "table header size 8 is too small"),
        (write(Package((Type({0: TRUE}),)), count=0), "more packages"),
        (write(Package((Type({0: TRUE}, spec=False),))), "no type spec in front"),
        (write(Package((Type({0: TRUE}, id=0),))), "invalid id 0"),
        (write(Package((Type({0: TRUE}, count=0x3FFFFFFF),))), "overlaps its entries"),
        (write(Package((Type({0: TRUE}, count=9),))), "overlaps its entries"),
        (write(Package((Type({0: TRUE}),), id=0x17F)), "above 255"),
        (write(Package((Type({0: TRUE}),), type_offset=0x100)), "above 255"),
        (write(Package((Type({0: TRUE}),), header_size=280)), "too small"),
        (write(Package((), extra=pack("<HHI", 0x201, 8, 8))), "too small"),
        (write(Package((), extra=pack("<HHI", 0x201, 8, 0))), "below its header size"),
    ],
)
def test_a_table_android_refuses_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(data)


def test_an_entry_outside_its_chunk_is_malformed_only_when_asked_for() -> None:
    data = write(Package((Type({0: TRUE, 1: FALSE}),)))
    offsets = pack("<II", 0, 16)
    assert data.count(offsets) == 1
    read = parse(data.replace(offsets, pack("<II", 0, 0x10000)))
    assert read.values(FIRST)[0].value == ON
    with pytest.raises(Malformed, match="outside its chunk"):
        read.values(FIRST + 1)
    assert read.name(FIRST + 1) == ""


def test_a_string_value_outside_the_pool_is_malformed_only_when_asked_for() -> None:
    read = table(Type({0: TRUE, 1: (STRING, 99)}))
    assert read.values(FIRST)[0].value == ON
    with pytest.raises(Malformed, match="string 99 is not among"):
        read.values(FIRST + 1)


def test_the_limits_on_chunks_and_configurations_hold_at_n_and_not_at_n_plus_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = write(Package((Type({0: TRUE}), Type({0: TRUE}, config(sdk=21)))))
    monkeypatch.setattr(arsc_packages, "MAX_CONFIGURATIONS", 2)
    monkeypatch.setattr(arsc_packages, "MAX_CHUNKS", 8)
    assert len(parse(data).values(FIRST)) == 2
    monkeypatch.setattr(arsc_packages, "MAX_CHUNKS", 7)
    with pytest.raises(OverLimit, match="more than 7 chunks"):
        parse(data)
    monkeypatch.setattr(arsc_packages, "MAX_CHUNKS", 8)
    monkeypatch.setattr(arsc_packages, "MAX_CONFIGURATIONS", 1)
    with pytest.raises(OverLimit, match="over 1 configurations"):
        parse(data)


def test_the_limit_on_values_holds_at_n_and_not_at_n_plus_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = table(Type({0: TRUE}), Type({0: TRUE}, config(sdk=21)))
    monkeypatch.setattr(resources, "MAX_VALUES", 2)
    assert len(read.resolve(FIRST)) == 2
    monkeypatch.setattr(resources, "MAX_VALUES", 1)
    with pytest.raises(OverLimit):
        read.resolve(FIRST)


def ask_everything(data: bytes, lowest: int = 1) -> None:
    read = parse(data, lowest=lowest)
    for resource_id in (FIRST, FIRST + 1, FIRST + 2, FIRST + 3, 0x7F020000):
        try:
            for configured in read.resolve(resource_id):
                assert configured.config
        except Malformed as error:
            assert error.reason
        assert read.name(resource_id) is not None


def test_references_that_fan_out_over_countless_configurations_are_over_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arsc, "MAX_LOOKED_AT", 10_000)
    ways: dict[int, Value] = {index: reference(FIRST + index + 1) for index in range(9)}
    ways[9] = TRUE
    empty = (Type({}),) * 20
    data = write(Package((Type(ways), Type(ways), *empty)), Package(empty))
    assert len(parse(data).resolve(FIRST + 3)) == 1 << 7
    with pytest.raises(OverLimit, match="too long to look up"):
        parse(data).resolve(FIRST)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_parsed_or_malformed(data: bytes) -> None:
    try:
        ask_everything(data)
    except Malformed as error:
        assert error.reason


MUTATIONS = st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), max_size=6)


@settings(deadline=None)
@given(
    st.sampled_from(["dense", "sparse", "offset16"]),
    st.booleans(),
    MUTATIONS,
    st.sampled_from([1, 26, 34]),
)
def test_mutated_tables_are_parsed_or_malformed(
    layout: str, compact: bool, mutations: list[tuple[int, bytes]], lowest: int
) -> None:
    entries: dict[int, Value] = {0: reference(FIRST + 1), 1: TRUE, 2: "text"}
    types = (
        Type(entries, layout=layout, compact=compact),
        Type({1: FALSE, 3: BAG}, config(sdk=21)),
    )
    mutant = bytearray(write(Package(types)))
    for place, replacement in mutations:
        start = place % len(mutant)
        mutant[start : start + len(replacement)] = replacement
    try:
        ask_everything(bytes(mutant), lowest)
    except Malformed as error:
        assert error.reason
