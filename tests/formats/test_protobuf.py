import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats import protobuf
from gate.formats.errors import Malformed, OverLimit
from gate.formats.protobuf import FIXED32, LENGTH_DELIMITED, VARINT, Budget, Field
from tests.formats.write_proto import fixed32, number, part, varint


def fields(data: bytes) -> list[Field]:
    return [*protobuf.fields(data, 0, len(data), Budget(1_000))]


def message(data: bytes) -> protobuf.Message:
    return protobuf.Message(data, Budget(1_000))


@given(st.integers(0, (1 << 64) - 1))
def test_a_varint_reads_as_it_was_written(value: int) -> None:
    data = varint(value)
    assert protobuf.varint(data, 0, len(data)) == (value, len(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x80", "cut off"),
        (b"\x80" * 9, "cut off"),
        (b"\x80" * 10 + b"\x01", "more than 10 bytes"),
        (b"\xff" * 1000, "more than 10 bytes"),
    ],
)
def test_a_varint_without_an_end_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        protobuf.varint(data, 0, len(data))


def test_bits_beyond_64_are_dropped_as_protobuf_drops_them() -> None:
    assert protobuf.varint(b"\x81" + b"\x80" * 8 + b"\x7e", 0, 10) == (1, 10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x01", "number 0"),
        (varint(1 << 33), "number"),
        (b"\x0a\x05abcd", "passes its message"),
        (b"\x0d\x01\x02\x03", "passes the end"),
        (b"\x09" + b"\0" * 7, "passes the end"),
        (b"\x0e", "wire type 6"),
        (b"\x0f", "wire type 7"),
        (b"\x0c", "has not begun"),
        (b"\x0b\x14", "has not begun"),
        (b"\x0b\x08\x01", "does not end"),
        (b"\x0b", "does not end"),
        (b"\x0a", "cut off"),
        (b"\x08", "cut off"),
    ],
)
def test_a_field_that_does_not_add_up_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        fields(data)


def test_unknown_fields_and_groups_are_stepped_over() -> None:
    group = b"\x53" + number(1, 5) + b"\x63" + part(2, b"\x64") + b"\x64" + b"\x54"
    data = number(900, 7) + group + fixed32(8, 1) + b"\x49" + bytes(8) + part(1, "text")
    assert message(data).text(1) == "text"


def test_groups_may_nest_no_deeper_than_the_limit() -> None:
    limit = protobuf.MAX_GROUPS
    assert fields(b"\x0b" * limit + b"\x0c" * limit) == []
    with pytest.raises(OverLimit):
        fields(b"\x0b" * (limit + 1) + b"\x0c" * (limit + 1))


def test_every_field_of_a_file_is_counted_wherever_it_nests() -> None:
    data = part(1, number(1, 1)) + b"\x13" + number(3, 1) + b"\x14"
    for budget in range(6):
        whole = None
        try:
            whole = protobuf.Message(data, Budget(budget))
            assert whole.message(1) is not None
        except OverLimit:
            assert budget < 5
            assert (whole is not None) == (budget == 4)
        else:
            assert budget == 5


def test_a_field_of_another_wire_type_is_not_the_one_asked_for() -> None:
    read = message(part(1, "a") + number(2, 5) + part(2, "b") + fixed32(3, 9))
    assert read.unsigned(1) == 0
    assert (read.unsigned(2), read.text(2)) == (5, "b")
    assert read.one_of({3: VARINT}) is None
    assert read.one_of({3: FIXED32}) == (3, 9)
    assert 1 in read
    assert 3 not in read


def test_a_field_that_may_occur_once_and_does_twice_is_refused() -> None:
    read = message(part(1, "safe") + part(1, "danger") + number(2, 0) + number(2, 1))
    for ask in (read.text, read.message, read.unsigned, read.is_true):
        with pytest.raises(Malformed, match="occurs twice"):
            ask(1 if ask in (read.text, read.message) else 2)
    assert [each.start for each in read.messages(2)] == []


def test_two_fields_of_a_oneof_are_refused() -> None:
    read = message(part(1, "") + part(2, ""))
    with pytest.raises(Malformed, match="fields 1 and 2 exclude each other"):
        read.one_of({1: LENGTH_DELIMITED, 2: LENGTH_DELIMITED})


def test_numbers_keep_their_low_32_bits_and_a_bool_keeps_all() -> None:
    read = message(number(1, (1 << 40) + 7) + number(2, 1 << 40))
    assert read.unsigned(1) == 7
    assert read.is_true(2)


def test_text_that_is_not_utf_8_is_refused_when_it_is_asked_for() -> None:
    read = message(part(1, b"\xff") + part(2, "fine"))
    assert read.text(2) == "fine"
    with pytest.raises(Malformed, match="not UTF-8"):
        read.text(1)


@given(st.binary(max_size=400))
def test_any_bytes_give_fields_or_malformed(data: bytes) -> None:
    try:
        found = fields(data)
    except Malformed:
        return
    ends = [field.end for field in found]
    assert ends == sorted(ends)
    assert all(end <= len(data) for end in ends)
