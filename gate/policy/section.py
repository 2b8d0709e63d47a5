"""One mapping of a policy file, read key by key; what is wrong is gathered with its line.

Every reader answers an empty value where it notes a problem, so that reading goes on; the caller
stops at `Problems.stop` before it uses anything.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date

from gate.policy.file import Items, Node, Problems, Scalar, Table, quote, suggest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"[0-9]{1,6}")


class Section:
    """A mapping of the file; `name` says in messages which one."""

    def __init__(self, table: Table, problems: Problems, name: str) -> None:
        self.table = table
        self.problems = problems
        self.name = name
        self._asked: set[str] = set()

    @property
    def line(self) -> int:
        """The line of the mapping's start."""
        return self.table.line

    def line_of(self, key: str) -> int:
        """The line of a key, or of the mapping where the key is missing."""
        return self.table.lines.get(key, self.table.line)

    def add(self, key: str, what: str, remedy: str) -> None:
        """Note a problem at a key."""
        self.problems.add(self.line_of(key), f"{self.name}: {what}", remedy)

    def has(self, key: str) -> bool:
        """Whether the key is written."""
        self._asked.add(key)
        return key in self.table.entries

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.table.entries:
            if key not in self._asked:
                self.add(key, f"unknown key {quote(key)}", suggest(key, self._asked))

    def text(self, key: str, default: str | None = None) -> str:
        """A text with at least one visible character."""
        return self._text(node, key) if (node := self._take(key, default)) else default or ""

    def id(self, key: str) -> str:
        """A text of ASCII letters, digits, dot, dash and underscore, at most 64."""
        text = self.text(key)
        if text and not NAME.fullmatch(text):
            remedy = "write up to 64 letters, digits, '.', '-' or '_'"
            self.add(key, f"{quote(text)} is no {key}", remedy)
        return text

    def number(self, key: str) -> int:
        """A whole number from 0 to 999999."""
        text = self.text(key)
        if text and not NUMBER.fullmatch(text):
            self.add(key, f"{key} is {quote(text)}", "write a whole number, 0 or more")
            return 0
        return int(text or 0)

    def day(self, key: str) -> date:
        """A date, YYYY-MM-DD."""
        text = self.text(key)
        try:
            if DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        if text:
            self.add(key, f"{key} is {quote(text)}", "write a date as YYYY-MM-DD")
        return date.min

    def choice(
        self, key: str, known: Collection[str], default: str | None = None, noun: str = ""
    ) -> str:
        """One of the known words; `noun` says what they are, if not what the key says."""
        text = self.text(key, default)
        return text if self._known(noun or key, self.line_of(key), text, known) else ""

    def texts(self, key: str, *, one: bool = False, required: bool = False) -> tuple[str, ...]:
        """A list of texts; with `one` a single text will do."""
        return tuple(text for _, text in self._texts(key, one, required))

    def choices(
        self, key: str, known: Collection[str], noun: str, *, required: bool = False
    ) -> tuple[str, ...]:
        """A list of known words, each once."""
        chosen: dict[str, None] = {}
        for line, text in self._texts(key, False, required):
            if text in chosen:
                what = f"{self.name}: {quote(text)} stands twice in {key}"
                self.problems.add(line, what, "keep one")
            elif self._known(noun, line, text, known):
                chosen[text] = None
        return tuple(chosen)

    def section(self, key: str, *, required: bool = True) -> "Section | None":
        """The mapping below a key."""
        node = self._take(key, None if required else "")
        return self._section(node, key, f"{self.name}, {key}") if node else None

    def sections(self, key: str, noun: str) -> Iterator["Section"]:
        """The mappings of the list below a key."""
        node = self._take(key, None)
        for count, item in enumerate(self._items(node, key) if node else (), 1):
            if section := self._section(item, key, f"{noun} {count}"):
                yield section

    def names(self) -> Iterator[str]:
        """Every key, in the order written, for a mapping whose keys are names."""
        for key in self.table.entries:
            self._asked.add(key)
            if NAME.fullmatch(key):
                yield key
            else:
                remedy = "write up to 64 letters, digits, '.', '-' or '_'"
                self.add(key, f"{quote(key)} is no name", remedy)

    def is_text(self, key: str) -> bool:
        """Whether a single text stands at the key."""
        return isinstance(self.table.entries.get(key), Scalar)

    def _take(self, key: str, default: str | None) -> Node | None:
        self._asked.add(key)
        node = self.table.entries.get(key)
        if node is None and default is None:
            self.add(key, f"the key {quote(key)} is missing", f"add '{key}: ...'")
        return node

    def _text(self, node: Node, key: str) -> str:
        line = node.line if isinstance(node, Scalar) else self.line_of(key)
        if not isinstance(node, Scalar):
            kind = "a list" if isinstance(node, Items) else "a mapping"
            self.problems.add(line, f"{self.name}: {key} is {kind}", "write one text")
        elif node.nothing or not node.text.strip():
            self.problems.add(line, f"{self.name}: {key} is empty", "write a value, or quote it")
        else:
            return node.text.strip()
        return ""

    def _texts(self, key: str, one: bool, required: bool) -> Iterator[tuple[int, str]]:
        node = self._take(key, None if required else "")
        if node is None:
            return
        if one and isinstance(node, Scalar):
            yield node.line, self._text(node, key)
            return
        items = self._items(node, key)
        for item in items:
            if text := self._text(item, key):
                yield item.line, text
        if required and isinstance(node, Items) and not items:
            self.add(key, f"{key} is an empty list", "write at least one")

    def _items(self, node: Node, key: str) -> list[Node]:
        if isinstance(node, Items):
            return node.items
        self.add(key, f"{key} is no list", "write a list: [one, two]")
        return []

    def _section(self, node: Node, key: str, name: str) -> "Section | None":
        if isinstance(node, Table):
            return Section(node, self.problems, name)
        line = node.line if isinstance(node, Scalar) else self.line_of(key)
        self.problems.add(line, f"{name} is no mapping", "write 'key: value' lines below it")
        return None

    def _known(self, noun: str, line: int, text: str, known: Collection[str]) -> bool:
        if text and text not in known:
            what = f"{self.name}: unknown {noun} {quote(text)}"
            self.problems.add(line, what, suggest(text, known))
        return text in known
