"""Resource configurations in words: "default", "v21", "en-rTW", "night", "sw600dp-land".

Source: AOSP frameworks/base libs/androidfw/ResourceTypes.h (`ResTable_config`) and
ResourceTypes.cpp (`ResTable_config::toString`, `unpackLanguageOrRegion`); the words are those of
the resource folders (developer.android.com, "App resources overview").
"""

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

DEFAULT: Final = "default"

_SIZE: Final = 64
_FIELDS: Final = Struct("<4xHH2s2sBBHBBBBHHHHBBHHH4s8sBB3x8s3x")


class _Config(NamedTuple):
    mcc: int
    mnc: int
    language: bytes
    region: bytes
    orientation: int
    touchscreen: int
    density: int
    keyboard: int
    navigation: int
    input_flags: int
    gender: int
    width: int
    height: int
    sdk: int
    minor: int
    layout: int
    ui_mode: int
    smallest_width_dp: int
    width_dp: int
    height_dp: int
    script: bytes
    variant: bytes
    layout2: int
    color_mode: int
    numbering: bytes


_ZERO: Final = _Config._make(_FIELDS.unpack(bytes(_SIZE)))

_GENDER: Final = {1: "neuter", 2: "feminine", 3: "masculine"}
_DIRECTION: Final = {0x40: "ldltr", 0x80: "ldrtl"}
_SCREEN: Final = {1: "small", 2: "normal", 3: "large", 4: "xlarge"}
_LONG: Final = {0x10: "notlong", 0x20: "long"}
_ROUND: Final = {1: "notround", 2: "round"}
_GAMUT: Final = {1: "nowidecg", 2: "widecg"}
_RANGE: Final = {4: "lowdr", 8: "highdr"}
_ORIENTATION: Final = {1: "port", 2: "land", 3: "square"}
_DEVICE: Final = {
    2: "desk",
    3: "car",
    4: "television",
    5: "appliance",
    6: "watch",
    7: "vrheadset",
}
_NIGHT: Final = {0x10: "notnight", 0x20: "night"}
_DENSITY: Final = {
    120: "ldpi",
    160: "mdpi",
    213: "tvdpi",
    240: "hdpi",
    320: "xhdpi",
    480: "xxhdpi",
    640: "xxxhdpi",
    0xFFFE: "anydpi",
    0xFFFF: "nodpi",
}
_TOUCH: Final = {1: "notouch", 2: "stylus", 3: "finger"}
_KEYS: Final = {1: "keysexposed", 2: "keyshidden", 3: "keyssoft"}
_KEYBOARD: Final = {1: "nokeys", 2: "qwerty", 3: "12key"}
_NAVIGATION_KEYS: Final = {4: "navexposed", 8: "navhidden"}
_NAVIGATION: Final = {1: "nonav", 2: "dpad", 3: "trackball", 4: "wheel"}

_WORDS: Final[tuple[Callable[[_Config], str], ...]] = (
    lambda c: f"mcc{c.mcc}" if c.mcc else "",
    lambda c: f"mnc{c.mnc % 0xFFFF}" if c.mnc else "",
    lambda c: _locale(c),
    lambda c: _GENDER.get(c.gender & 3, ""),
    lambda c: _DIRECTION.get(c.layout & 0xC0, ""),
    lambda c: f"sw{c.smallest_width_dp}dp" if c.smallest_width_dp else "",
    lambda c: f"w{c.width_dp}dp" if c.width_dp else "",
    lambda c: f"h{c.height_dp}dp" if c.height_dp else "",
    lambda c: _SCREEN.get(c.layout & 0x0F, ""),
    lambda c: _LONG.get(c.layout & 0x30, ""),
    lambda c: _ROUND.get(c.layout2 & 3, ""),
    lambda c: _GAMUT.get(c.color_mode & 3, ""),
    lambda c: _RANGE.get(c.color_mode & 0x0C, ""),
    lambda c: _ORIENTATION.get(c.orientation, ""),
    lambda c: _DEVICE.get(c.ui_mode & 0x0F, ""),
    lambda c: _NIGHT.get(c.ui_mode & 0x30, ""),
    lambda c: _DENSITY.get(c.density, f"{c.density}dpi" if c.density else ""),
    lambda c: _TOUCH.get(c.touchscreen, ""),
    lambda c: _KEYS.get(c.input_flags & 3, ""),
    lambda c: _KEYBOARD.get(c.keyboard, ""),
    lambda c: _NAVIGATION_KEYS.get(c.input_flags & 0x0C, ""),
    lambda c: _NAVIGATION.get(c.navigation, ""),
    lambda c: f"{c.width}x{c.height}" if c.width or c.height else "",
    lambda c: f"v{c.sdk}{f'.{c.minor}' if c.minor else ''}" if c.sdk else "",
)


def pack(**parts: int | bytes) -> bytes:
    """Store a configuration as `ResTable_config` does; parts not named are zero.

    The parts are called as in this module: `mcc`, `language`, `sdk`, `ui_mode` and so on.
    """
    return _FIELDS.pack(*_ZERO._replace(**parts))  # type: ignore[arg-type]  # int and bytes fields


@lru_cache(maxsize=1024)
def qualifier(config: bytes) -> str:
    """Put a stored `ResTable_config` into words; "default" if it holds nothing but its size.

    Bytes the file leaves out count as zero and those past the 64 known ones are ignored. A
    configuration none of whose parts has a word is "unknown", never "default".
    """
    known = config[:_SIZE].ljust(_SIZE, b"\0")
    fields = _Config._make(_FIELDS.unpack(known))
    words = "-".join(filter(None, (word(fields) for word in _WORDS)))
    return words or ("unknown" if any(known[4:]) else DEFAULT)


def _locale(config: _Config) -> str:
    language = _unpack(config.language, "a")
    region = _unpack(config.region, "0")
    extras = [_letters(part) for part in (config.script, config.variant)]
    numbering = _letters(config.numbering)
    if any(extras) or numbering:
        parts = ["b", language, extras[0], region, extras[1], numbering and f"u+nu+{numbering}"]
        return "+".join(filter(None, parts))
    return "-r".join(filter(None, (language, region)))


def _unpack(stored: bytes, base: str) -> str:
    """Two letters as they are, or three packed in five bits each."""
    first, second = stored
    if not first & 0x80:
        return _letters(stored)
    indices = (second & 0x1F, second >> 5 | (first & 3) << 3, first >> 2 & 0x1F)
    return _letters(bytes(ord(base) + index for index in indices))


def _letters(stored: bytes) -> str:
    """Text of a NUL-padded field; whatever is neither a letter nor a digit becomes "?"."""
    text = stored.rstrip(b"\0").decode("latin-1")
    return "".join(c if c.isascii() and c.isalnum() else "?" for c in text)
