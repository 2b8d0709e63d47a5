"""The one door to `sarif_om`, and the way from its objects to text.

`sarif_om` 1.0.4 holds the classes of a draft of SARIF 2.1.0. Its usual serialiser, besides, leaves
out what equals a default of the schema, so that the explicit level of a result falls back to the
level of its rule. Hence a serialiser of our own.
"""

from functools import cache
from typing import Any

import attr
import msgspec
import sarif_om as om

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"

# The final schema calls the draft's `state` of a suppression `status` (SARIF 2.1.0, 3.35.3).
_RENAMED = {("Suppression", "state"): "status"}

# Said even where it equals the default of the schema, since consumers differ in what they assume.
_ALWAYS = {
    ("Result", "kind"),
    ("Result", "level"),
    ("ReportingConfiguration", "level"),
    ("Run", "columnKind"),
}

_FIRST = {
    "SarifLog": ("$schema", "version"),
    "Run": ("tool", "automationDetails", "invocations"),
    "ReportingDescriptor": ("id", "name"),
    "Result": ("ruleId", "ruleIndex", "kind", "level", "message", "locations"),
}


def sarif_log(runs: list[Any]) -> Any:
    """A log of these runs."""
    return om.SarifLog(schema_uri=SCHEMA_URI, version="2.1.0", runs=runs)


def to_text(log: Any) -> str:
    """The log as indented JSON with a newline at the end; equal logs give equal text."""
    return msgspec.json.format(msgspec.json.encode(_plain(log)), indent=1).decode() + "\n"


def _plain(value: Any) -> Any:
    """JSON's own types for a tree of `sarif_om` objects; its depth is that of our own writing."""
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if attr.has(type(value)):
        return _members(value)
    raise TypeError(f"not a SARIF value: {type(value).__name__}")


def _members(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    found = {}
    for member, name, default in _layout(kind):
        content = getattr(value, member)
        if content is not None and content != default:
            found[name] = _plain(content)
    return found


# What stands for no default: nothing in a log equals it.
_NONE = object()


@cache
def _layout(owner: Any) -> tuple[tuple[str, str, Any], ...]:
    """The members of a class in the order they are written: name, name in JSON, default."""
    first = _FIRST.get(owner.__name__, ())
    found = []
    for member in attr.fields(owner):
        name = member.metadata["schema_property_name"]
        key = owner.__name__, name
        default = _NONE if key in _ALWAYS else _default(member.default)
        found.append((member.name, _RENAMED.get(key, name), default))
    places = {name: place for place, name in enumerate(first)}
    return tuple(sorted(found, key=lambda each: places.get(each[1], len(places))))


def _default(default: Any) -> Any:
    return default.factory() if isinstance(default, attr.Factory) else default  # type: ignore[arg-type]  # a class


__all__ = ["om", "sarif_log", "to_text"]
