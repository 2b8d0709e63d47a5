"""The configuration of a resource value in Protocol Buffers, in the words of `res_config`.

Sources: AOSP frameworks/base tools/aapt2/Configuration.proto and
tools/aapt2/format/proto/ProtoDeserialize.cpp (`DeserializeConfigFromPb`); the locale is a BCP 47
tag (RFC 5646).
"""

from typing import Final

from gate.formats.protobuf import Message
from gate.formats.res_config import pack, qualifier

_LOCALE: Final = 3
_NUMBERS: Final = {
    "mcc": 1,
    "mnc": 2,
    "width": 5,
    "height": 6,
    "width_dp": 7,
    "height_dp": 8,
    "smallest_width_dp": 9,
    "density": 18,
    "sdk": 24,
}
# Each enumeration is a part of a byte of ResTable_config, by its own values.
_ENUMERATIONS: Final[tuple[tuple[str, int, dict[int, int]], ...]] = (
    ("layout", 4, {1: 0x40, 2: 0x80}),
    ("layout", 10, {1: 1, 2: 2, 3: 3, 4: 4}),
    ("layout", 11, {1: 0x20, 2: 0x10}),
    ("layout2", 12, {1: 2, 2: 1}),
    ("color_mode", 13, {1: 2, 2: 1}),
    ("color_mode", 14, {1: 8, 2: 4}),
    ("orientation", 15, {1: 1, 2: 2, 3: 3}),
    ("ui_mode", 16, {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7}),
    ("ui_mode", 17, {1: 0x20, 2: 0x10}),
    ("touchscreen", 19, {1: 1, 2: 2, 3: 3}),
    ("input_flags", 20, {1: 1, 2: 2, 3: 3}),
    ("keyboard", 21, {1: 1, 2: 2, 3: 3}),
    ("input_flags", 22, {1: 4, 2: 8}),
    ("navigation", 23, {1: 1, 2: 2, 3: 3, 4: 4}),
    ("gender", 26, {1: 1, 2: 2, 3: 3}),
)
_LONGEST_LOCALE: Final = 100


def words(config: Message | None) -> str:
    """Put a `Configuration` into words as `qualifier` does; None is the default one."""
    if config is None:
        return qualifier(pack())
    parts: dict[str, int] = {
        name: config.unsigned(number) & 0xFFFF for name, number in _NUMBERS.items()
    }
    for name, number, bits in _ENUMERATIONS:
        parts[name] = parts.get(name, 0) | bits.get(config.unsigned(number), 0)
    return qualifier(pack(**parts, **_locale(config.text(_LOCALE)[:_LONGEST_LOCALE])))


def _locale(tag: str) -> dict[str, bytes]:
    """Sort the subtags of a BCP 47 tag into the fields that hold them, by their lengths."""
    parts: dict[str, bytes] = {}
    language, _, numbering = tag.partition("-u-nu-")
    for position, subtag in enumerate(filter(None, language.split("-"))):
        stored = subtag.encode("ascii", "replace")
        if position == 0 and len(stored) in (2, 3):
            parts["language"] = _packed(stored, b"a")
        elif len(stored) == 4 and stored.isalpha():
            parts["script"] = stored
        elif len(stored) in (2, 3):
            parts["region"] = _packed(stored, b"0")
        else:
            parts["variant"] = stored
    if numbering:
        parts["numbering"] = numbering.encode("ascii", "replace")
    return parts


def _packed(stored: bytes, base: bytes) -> bytes:
    """Two letters as they are, or three packed in five bits each."""
    if len(stored) == 2:
        return stored
    first, second, third = ((letter - base[0]) & 0x1F for letter in stored)
    return bytes((0x80 | third << 2 | second >> 3, (second & 7) << 5 | first))
