"""Our `dataclass`: what the standard library's gives, held against it."""

import dataclasses

import msgspec
import pytest

from gate.frozen import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A value with a default, a made one, and one that does not count."""

    x: int
    y: int = 2
    tags: tuple[str, ...] = dataclasses.field(default_factory=tuple)
    note: str = dataclasses.field(default="", compare=False, repr=False)


@dataclass(slots=True)
class Count:
    """What may change."""

    number: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)


def test_a_value_is_equal_to_its_like_and_has_its_hash() -> None:
    assert Point(1) == Point(1, 2, (), "another note")
    assert hash(Point(1)) == hash(Point(1, note="x"))
    assert Point(1) != Point(2)
    alike: object = (1, 2, ())
    assert Point(1) != alike
    assert Point(1) < Point(1, 3) <= Point(1, 3)


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Point(1).x
    with pytest.raises(AttributeError):
        Count().other = 1  # type: ignore[attr-defined]


def test_what_may_change_shares_no_default_and_has_no_hash() -> None:
    one, other = Count(), Count()
    one.seen.append(1)
    one.number += 1
    assert (one, other) == (Count(1, [1]), Count())
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_the_standard_library_knows_the_fields() -> None:
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "tags", "note"]
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    assert repr(Point(1, tags=("a",))) == "Point(x=1, y=2, tags=('a',))"


def test_msgspec_writes_and_reads_a_value() -> None:
    data = msgspec.json.encode(Point(1, tags=("a",)))
    assert msgspec.json.decode(data, type=Point) == Point(1, tags=("a",))


def test_a_missing_or_unknown_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match="missing"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected"):
        Point(1, z=2)  # type: ignore[call-arg]


def test_a_class_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="standard library"):
        dataclass(slots=False)
