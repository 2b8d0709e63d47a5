"""JSON of whatever strings an app holds."""

from typing import Any

import msgspec


def encode(value: Any) -> bytes:
    """The value as JSON; a lone surrogate, which UTF-8 cannot carry, becomes `\\udXXX` in words.

    Names that are no UTF-8, of files on this host and in builds, reach us with such surrogates.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_carried(msgspec.to_builtins(value)))


def _carried(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_carried(key): _carried(each) for key, each in value.items()}
    return [_carried(each) for each in value] if isinstance(value, list | tuple) else value
