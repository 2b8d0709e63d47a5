"""Ids of packages that a device and a reader may understand differently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats.arsc import ResourceTable, parse
from gate.formats.errors import Malformed
from gate.formats.package_ids import MAX_ODD, Mapping, PackageIds, Unresolvable
from gate.formats.res_value import DYNAMIC_REFERENCE
from gate.formats.resources import JoinedResources, Resources
from tests.formats.write_arsc import (
    FALSE,
    TRUE,
    Package,
    Type,
    Value,
    library,
    reference,
    staged_aliases,
    write,
)

NAME = "org.example.app"
ON = (Type({0: TRUE}),)
OFF = (Type({0: FALSE}),)


def table(*packages: Package) -> ResourceTable:
    return parse(write(*packages))


def own(*types: Type, id: int = 0x7F, extra: bytes = b"") -> Package:
    return Package(types, id=id, name=NAME, extra=extra)


def other(*types: Type, id: int) -> Package:
    return Package(types, id=id, name=f"org.example.other{id}")


def answer(read: Resources, id: int, *, dynamic: bool = False) -> bool | None:
    """The one value, None where it is not certain."""
    try:
        (found,) = read.resolve(id, dynamic=dynamic)
    except Unresolvable:
        return None
    return found.value.data != 0


def test_a_package_that_is_mapped_to_another_id_is_not_looked_up_by_that_id() -> None:
    read = table(own(*ON, extra=library((5, NAME))), other(*OFF, id=5))
    assert answer(read, 0x05010000, dynamic=True) is None
    assert answer(read, 0x05010000) is False
    assert answer(read, 0x7F010000, dynamic=True) is True
    assert read.anomalies == (f"maps package id 0x05 to '{NAME}', which has another id",)


def test_beside_a_package_that_gets_its_id_at_run_time_no_id_is_certain() -> None:
    read = table(own(*OFF), other(*ON, id=0), other(*OFF, id=2))
    asked = [answer(read, id) for id in (0x00010000, 0x02010000, 0x7F010000)]
    assert asked == [None] * 3
    assert [answer(read, id, dynamic=True) for id in (0x00010000, 0x7F010000)] == [None] * 2
    assert read.anomalies == ("holds a package of id 0 beside others",)


def test_a_run_time_id_in_one_table_makes_those_of_the_others_uncertain() -> None:
    base, split = table(own(*OFF)), table(other(*ON, id=0))
    assert answer(base, 0x7F010000) is False
    assert answer(JoinedResources([base, split]), 0x7F010000) is None


def test_the_framework_of_the_device_comes_before_one_in_the_file() -> None:
    read = table(
        own(Type({0: FALSE, 1: reference(0x010E0000)})), other(Type({0: FALSE}, id=14), id=1)
    )
    assert len(read.values(0x010E0000)) == 1
    assert answer(read, 0x010E0000) is None
    assert answer(read, 0x010E0000, dynamic=True) is None
    assert answer(read, 0x7F010001) is None
    assert answer(read, 0x7F010000) is False
    assert read.anomalies == ("holds a package of id 1, which is the framework's",)


def test_package_zero_is_nobodys_where_a_table_has_packages_of_several_ids() -> None:
    framework = other(Type({0: TRUE}, id=14), id=1)
    for packages in ((own(Type({0: FALSE}, id=14)), framework), (framework, own(*OFF))):
        read = table(*packages)
        assert read.own_package is None
        assert answer(read, 0x000E0000, dynamic=True) is None


def test_in_a_value_package_zero_is_the_package_that_holds_the_value() -> None:
    inside: dict[int, Value] = {0: (DYNAMIC_REFERENCE, 0x00010001), 1: TRUE}
    read = table(own(*OFF), other(Type(inside), id=0x80))
    assert answer(read, 0x80010000) is True
    assert read.anomalies == ()


def test_a_shared_library_refers_to_itself_as_package_zero() -> None:
    inside: dict[int, Value] = {0: (DYNAMIC_REFERENCE, 0x00010001), 1: TRUE}
    read = table(own(Type(inside), id=0, extra=library((0, NAME))))
    assert answer(read, 0x00010000, dynamic=True) is True
    assert answer(read, 0x00010000) is None  # which Android 9 and before look up nowhere
    assert read.anomalies == ()


def test_an_app_of_another_id_that_maps_it_to_itself_is_read() -> None:
    read = table(own(*ON, id=0x80, extra=library((2, "org.lib"), (0x80, NAME))))
    assert answer(read, 0x80010000, dynamic=True) is True
    assert answer(read, 0x02010000, dynamic=True) is None
    assert read.anomalies == ()


@pytest.mark.parametrize(
    "packages",
    [
        (own(*ON, id=0x80),),
        (own(*ON, id=0x80, extra=library((0x80, "org.lib"))),),
        (own(*ON, id=0x80, extra=library((0x80, NAME), (0x80, "org.lib"))),),
        (own(*ON, id=0x80, extra=library((0x80, NAME))), own(*OFF, id=0x81)),
        (own(*ON, id=0x80), other(*OFF, id=0x81)),
    ],
)
def test_an_id_that_is_not_mapped_to_itself_alone_is_unresolvable_where_it_is_dynamic(
    packages: tuple[Package, ...],
) -> None:
    read = table(*packages)
    assert answer(read, 0x80010000) is True
    assert answer(read, 0x80010000, dynamic=True) is None


def test_a_resource_that_goes_by_another_id_is_unresolvable_where_it_is_dynamic() -> None:
    alias = staged_aliases((0x7F010000, 0x7F010001))
    read = table(own(Type({0: FALSE, 1: TRUE}), extra=alias))
    assert answer(read, 0x7F010000) is False
    assert answer(read, 0x7F010000, dynamic=True) is None
    assert answer(read, 0x7F010001, dynamic=True) is True
    assert read.anomalies == ("gives resources other ids, as the framework alone does",)


def test_records_that_pass_their_chunk_are_refused_and_those_beyond_the_count_ignored() -> None:
    with pytest.raises(Malformed, match="2 records pass the end"):
        table(own(*ON, extra=library((5, NAME), count=2)))
    assert table(own(*ON, extra=library((5, NAME), count=0))).anomalies == ()


def test_which_attributes_may_become_ones_of_the_framework() -> None:
    renamed = PackageIds([(0x7F, NAME)], [Mapping(0x7F, 2, "android")])
    brought = PackageIds([(0x7F, NAME), (1, "x")])
    aliased = PackageIds([(0x7F, NAME)], aliases=[0x01FF0001])
    asked = (0, 0x0001000F, 0x0101000F, 0x01FF0001, 0x0201000F)
    assert [renamed.may_become_framework(id) for id in asked] == [False, True, False, False, True]
    assert [brought.may_become_framework(id) for id in asked] == [False, True, False, False, True]
    assert [aliased.may_become_framework(id) for id in asked] == [False, False, False, True, False]
    assert [each for each in renamed.oddities() if "'android'" in each]


def test_a_table_full_of_odd_mappings_is_told_in_few_words() -> None:
    many = PackageIds([(0x7F, NAME)], [Mapping(0x7F, id, NAME) for id in range(0x7F)])
    assert len([*many.oddities()]) == MAX_ODD


NUMBERS = st.sampled_from([0, 1, 2, 0x7F, 0x80])
PACKAGES = st.lists(st.tuples(NUMBERS, st.sampled_from("ab")), max_size=3)
MAPPINGS = st.lists(st.builds(Mapping, NUMBERS, NUMBERS, st.sampled_from("abc")), max_size=4)


@given(PACKAGES, MAPPINGS, NUMBERS, st.none() | NUMBERS)
def test_a_reference_means_the_id_itself_or_its_home_or_nothing_certain(
    packages: list[tuple[int, str]], mappings: list[Mapping], package: int, home: int | None
) -> None:
    ids = PackageIds(packages, mappings)
    try:
        meant = ids.dynamic(package << 24 | 0x10000, home)
    except Unresolvable:
        return
    assert meant >> 24 == (home if package == 0 else package)
    assert not {0}.issubset(dict(packages)) or len(dict(packages)) == 1
