"""`dataclass` for slotted values, made in a quarter of the time.

The standard library compiles half a dozen texts for each such class, more than a millisecond of
it, and a scan meets some two hundred of them. Here the standard library finds the fields, so that
`fields`, `replace` and msgspec know them, only the `__init__` is compiled, and the classes share
the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, slots: bool, frozen: bool = False, order: bool = False) -> Callable:
        """Decorate a class of values, equal by their fields; frozen ones have a hash too."""
        if not slots:
            raise TypeError("a class without slots is the standard library's to make")
        return lambda made: _made(made, frozen, order)


def _made(source: type, frozen: bool, order: bool) -> type:
    own = vars(source)
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(source)
    fields = dataclasses.fields(made)
    compared = tuple(field.name for field in fields if field.compare)
    methods: dict[str, Callable[..., Any]] = {"__init__": _initialiser(made, fields)}
    methods |= _comparisons(made, compared, order)
    for name, method in methods.items():
        if name not in own:
            setattr(made, name, method)
    if "__repr__" not in own:
        made.__repr__ = _shown(fields)  # type: ignore[assignment]
    if frozen:
        made.__setattr__ = made.__delattr__ = _refuse  # type: ignore[assignment]
    else:
        made.__hash__ = None  # type: ignore[assignment]
    return made


def _initialiser(made: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    space: dict[str, Any] = {}
    parameters, body = ["self"], []
    for field in fields:
        name, value = field.name, field.name
        space[f"set_{name}"] = getattr(made, name).__set__
        if field.default is not dataclasses.MISSING:
            space[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            space[f"make_{name}"] = field.default_factory
            parameters.append(f"{name}=make_{name}")
            value = f"make_{name}() if {name} is make_{name} else {name}"
        else:
            parameters.append(name)
        body.append(f" set_{name}(self, {value})")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    text = "\n".join((f"def __init__({', '.join(parameters)}):", *(body or [" pass"])))
    exec(text, space)  # noqa: S102  # of the names of our own fields
    initialise: Callable[..., None] = space["__init__"]
    return initialise


def _comparisons(
    made: type, compared: tuple[str, ...], order: bool
) -> dict[str, Callable[..., Any]]:
    """Equal means: of the same class, with equal fields; the same fields make the hash."""
    if len(compared) > 1:
        values: Callable[[Any], Any] = attrgetter(*compared)
    else:
        values = attrgetter(compared[0]) if compared else _nothing

    def equals(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is made else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    def ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, object], bool]:
        def compare(self: Any, other: object) -> bool:
            return holds(values(self), values(other)) if other.__class__ is made else NotImplemented

        return compare

    found: dict[str, Callable[..., Any]] = {"__eq__": equals, "__hash__": hashed}
    if order:
        found |= {f"__{each.__name__}__": ordered(each) for each in (lt, le, gt, ge)}
    return found


def _nothing(_: object) -> tuple[()]:
    return ()


def _shown(fields: tuple[dataclasses.Field[Any], ...]) -> Callable[[Any], str]:
    names = tuple(field.name for field in fields if field.repr)

    def representation(self: Any) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({values})"

    return representation


def _refuse(self: object, name: str, *_: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change {name} of {type(self).__name__}")
