"""Numbers in a manifest that are none: unknown, and never a crash."""

import pytest

from gate.app import Unread
from gate.formats import res_value
from gate.formats.res_value import TypedValue
from gate.read.values import to_boolean, to_number


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "0x" + "f" * 5000, "9" * 5000, "99999999999", "-99999999999"]
)
def test_a_text_that_is_no_32_bit_number_is_unknown(text: str) -> None:
    with pytest.raises(Unread):
        to_number(TypedValue(res_value.STRING, 0, text))


def test_a_text_that_is_a_number_counts() -> None:
    assert to_number(TypedValue(res_value.STRING, 0, "0x10")) == 16
    assert to_number(TypedValue(res_value.INT_DEC, 0xFFFFFFFF)) == -1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TypedValue(res_value.INT_BOOLEAN, 0xFFFFFFFF), True),
        (TypedValue(res_value.INT_HEX, 2), True),
        (TypedValue(res_value.INT_DEC, 0), False),
        (TypedValue(res_value.STRING, 0, "true"), True),
        (TypedValue(res_value.STRING, 0, "True"), False),
        (TypedValue(res_value.FLOAT, 0x3F800000), False),
    ],
)
def test_a_boolean_is_what_typed_array_makes_of_it(value: TypedValue, expected: bool) -> None:
    assert to_boolean(value) is expected
