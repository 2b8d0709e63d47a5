"""A typed value of a compiled resource or a binary XML attribute.

Source: AOSP frameworks/base libs/androidfw/include/androidfw/ResourceTypes.h, `Res_value`.
"""

from struct import Struct
from typing import Final

from gate.frozen import dataclass

NULL: Final = 0x00
REFERENCE: Final = 0x01
ATTRIBUTE: Final = 0x02
STRING: Final = 0x03
FLOAT: Final = 0x04
DIMENSION: Final = 0x05
FRACTION: Final = 0x06
DYNAMIC_REFERENCE: Final = 0x07
DYNAMIC_ATTRIBUTE: Final = 0x08
FIRST_INT: Final = 0x10
INT_DEC: Final = 0x10
INT_HEX: Final = 0x11
INT_BOOLEAN: Final = 0x12
FIRST_COLOR_INT: Final = 0x1C
LAST_COLOR_INT: Final = 0x1F
LAST_INT: Final = 0x1F

COMPLEX: Final = -1
"""No type of the format: stands for a bag (style, array, plural), which has no simple value."""

RES_VALUE: Final = Struct("<HBBI")
"""`Res_value` as stored: size, res0, dataType, data."""


@dataclass(frozen=True, slots=True)
class TypedValue:
    """One value: `type` is a constant of this module or any other byte the file holds.

    `data` is the 32-bit word, unsigned; `text` is the string of a STRING, None for the rest.
    """

    type: int
    data: int
    text: str | None = None

    @property
    def is_integer(self) -> bool:
        """Whether Android takes `data` for a number: decimal, hexadecimal, boolean or colour."""
        return FIRST_INT <= self.type <= LAST_INT

    @property
    def is_reference(self) -> bool:
        """Whether `data` is a resource id to look up; the null reference 0 is not."""
        return self.type in (REFERENCE, DYNAMIC_REFERENCE) and self.data != 0
