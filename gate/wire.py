"""JSON of whatever strings an app holds."""

import re
from typing import Any

import msgspec


def encode(value: Any) -> bytes:
    """The value as JSON; a lone surrogate, which UTF-8 cannot carry, becomes `\\udXXX` in words.

    Names that are no UTF-8, of files on this host and in builds, reach us with such surrogates.
    Characters that a terminal or an editor acts on (C1 controls, directions, line separators) are
    written as JSON escapes, which mean the same.
    """
    try:
        said = msgspec.json.encode(value, enc_hook=int)  # a `Bound` is a kind of int
    except UnicodeEncodeError:
        said = msgspec.json.encode(_carried(msgspec.to_builtins(value, enc_hook=int)))
    return _ACTING.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), said)


# DEL, C1, Arabic letter mark, zero-width and direction marks, line separators, isolates, BOM.
_ACTING = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)


def _carried(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_carried(key): _carried(each) for key, each in value.items()}
    return [_carried(each) for each in value] if isinstance(value, list | tuple) else value
