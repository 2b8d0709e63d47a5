"""GitHub's expressions, as far as an action of ours may use them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Value = str | float | bool | None

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<mark>==|!=|&&|\|\||[!(),])|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*))\s*"
)


class Expression:
    """One expression, read by descent and evaluated on the way, both sides always."""

    def __init__(self, source: str, context: Mapping[str, Any]) -> None:
        self._context = context
        self._tokens = list(self._split(source.strip()))

    def value(self) -> Value:
        """Its value; ValueError for what is no expression."""
        found = self._either()
        if self._tokens:
            raise ValueError(f"unexpected {self._tokens[0][1]!r}")
        return found

    @staticmethod
    def _split(source: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(source):
            if not (found := TOKEN.match(source, at)) or found.lastgroup is None:
                raise ValueError(f"no expression: {source!r} at {at}")
            yield found.lastgroup, found[found.lastgroup]
            at = found.end()

    def _take(self, *marks: str) -> str:
        if self._tokens and (not marks or self._tokens[0] in [("mark", mark) for mark in marks]):
            return self._tokens.pop(0)[1]
        return ""

    def _either(self) -> Value:
        left = self._both()
        while self._take("||"):
            right = self._both()
            left = left if truthy(left) else right
        return left

    def _both(self) -> Value:
        left = self._equal()
        while self._take("&&"):
            right = self._equal()
            left = right if truthy(left) else left
        return left

    def _equal(self) -> Value:
        left = self._single()
        while mark := self._take("==", "!="):
            left = same(left, self._single()) is (mark == "==")
        return left

    def _single(self) -> Value:
        if self._take("!"):
            return not truthy(self._single())
        if self._take("("):
            inner = self._either()
            self._close()
            return inner
        kind = self._tokens[0][0] if self._tokens else "mark"
        token = self._take()
        if kind == "string":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        if kind == "name":
            return self._call(token) if self._take("(") else self._look_up(token)
        raise ValueError(f"unexpected {token!r}")

    def _close(self) -> None:
        if not self._take(")"):
            raise ValueError("a parenthesis is not closed")

    def _call(self, name: str) -> Value:
        arguments = []
        if not self._take(")"):
            arguments.append(self._either())
            while self._take(","):
                arguments.append(self._either())
            self._close()
        functions = self._context["functions"]
        if name.lower() not in functions:
            raise ValueError(f"no function {name}")
        result: Value = functions[name.lower()](*arguments)
        return result

    def _look_up(self, name: str) -> Value:
        literals: dict[str, Value] = {"true": True, "false": False, "null": None}
        if name in literals:
            return literals[name]
        first, *rest = name.split(".")
        if first not in self._context or not rest:
            raise ValueError(f"no context {first}")
        found: Any = self._context[first]
        for part in rest:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Value) else None


def truthy(value: Value) -> bool:
    """Whether GitHub takes a value for true: not so false, 0, '' and null."""
    return bool(value)


def same(left: Value, right: Value) -> bool:
    """Equality as GitHub has it: strings whatever their case, different types as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return left is right if left is None and right is None else number(left) == number(right)


def number(value: Value) -> float:
    """A value as a number; NaN, which equals nothing, for a string that is none."""
    try:
        return float(value or 0)
    except ValueError:
        return float("nan")


def text(value: Value) -> str:
    """A value as it is written into a string."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else value


def fill(template: object, context: Mapping[str, Any]) -> str:
    """A template with every `${{ }}` in it evaluated."""
    plain = text(template) if isinstance(template, bool) else str(template)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: text(Expression(m[1], context).value()), plain)
