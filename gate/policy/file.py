"""A policy file's YAML as a tree that knows its lines; the one door to PyYAML.

A scalar is kept as it is written: `no` is the word no and 2026-01-31 a text, until the reader of
a key asks for a number or a date. Anchors, aliases, tags and second documents are refused, so what
stands in the file is what is meant.
"""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

import yaml

from gate.frozen import dataclass
from gate.policy import PolicyError

MAX_BYTES = 1 << 20
MAX_DEPTH = 12
SHOWN = 60

# YAML 1.1, section 5.1: the characters that may stand in a stream.
NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOTHING = frozenset(("", "~", "null", "Null", "NULL"))


class Scalar(NamedTuple):
    """A text, and whether it is YAML's way to write nothing."""

    line: int
    text: str
    nothing: bool = False


class Items(NamedTuple):
    """A list."""

    line: int
    items: list["Node"]


class Table(NamedTuple):
    """A mapping, with the line of each key."""

    line: int
    entries: dict[str, "Node"]
    lines: dict[str, int]


Node = Scalar | Items | Table
Open = tuple[Items | Table, list[Scalar]]  # a collection being read, and the key that waits


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a file, gathered so that one run names all of it."""

    file: str
    found: list[tuple[int, str]]

    def add(self, line: int, what: str, remedy: str) -> None:
        """One more problem."""
        self.found.append((line, f"{what}; {remedy}"))

    def stop(self) -> None:
        """PolicyError with every problem, one a line, if there is any."""
        if self.found:
            lines = dict.fromkeys(sorted(self.found))
            raise PolicyError("\n".join(f"{self.file}:{line}: {text}" for line, text in lines))


def quote(text: str) -> str:
    """A text of the file as messages show it: quoted, escaped, cut."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def suggest(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the near one, or those there are."""
    folded = {name.replace("_", "-").casefold(): name for name in known}
    near = get_close_matches(word[:SHOWN].replace("_", "-").casefold(), folded, n=1)
    if near:
        return f"did you mean {quote(folded[near[0]])}?"
    names = sorted(folded.values())
    if not names:
        return "there is none"
    return f"use one of {', '.join(names[:15])}" + (" ..." if len(names) > 15 else "")


def read_file(path: str) -> bytes:
    """The bytes of a policy file; PolicyError if it cannot be read or is too large."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise PolicyError(f"{path}:1: cannot be read: not a file; check the path")
        with open(path, "rb") as file:  # noqa: PTH123  # Path refuses nothing that open takes
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{path}:1: cannot be read: {reason}; check the path") from error
    return data


def parse(data: bytes, file: str) -> tuple[Table, Problems]:
    """The file's one mapping, and where to gather problems; PolicyError if it is no such YAML."""
    problems = Problems(file, [])
    text = _decode(data, problems)
    problems.stop()
    root: Node | None = None
    try:
        root = _tree(yaml.parse(text, LOADER), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, (error.context, error.problem)))
        problems.add(mark.line + 1 if mark else 1, f"not valid YAML: {what}", "correct the syntax")
    problems.stop()
    if not isinstance(root, Table):
        empty = root is None or (isinstance(root, Scalar) and root.nothing)
        what = "the file is empty" if empty else "the file is no mapping"
        problems.add(root.line if root else 1, what, "write 'format: 1' and the keys below it")
        problems.stop()
    assert isinstance(root, Table)
    return root, problems


def _decode(data: bytes, problems: Problems) -> str:
    if len(data) > MAX_BYTES:
        problems.add(1, f"larger than {MAX_BYTES} bytes", "split or shorten it")
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(line, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return ""
    if bad := NOT_YAML.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        problems.add(line, f"the character {bad.group()!r} is not allowed in YAML", "remove it")
    return text


def _tree(events: Iterator[yaml.Event], problems: Problems) -> Node | None:
    root: Node | None = None
    opened: list[Open] = []
    documents = 0
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            node = _node(event, problems)
            if opened:
                _attach(node, opened[-1], problems)
            else:
                root = node
            if not isinstance(node, Scalar):
                opened.append((node, []))
            if len(opened) > MAX_DEPTH:
                problems.add(node.line, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
                return root
        elif isinstance(event, yaml.CollectionEndEvent):
            opened.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                what = "a second document starts"
                problems.add(_line(event), what, "keep one document in a file")
                return root
    return root


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _node(event: yaml.NodeEvent, problems: Problems) -> Node:
    line = _line(event)
    if event.anchor is not None:
        problems.add(line, f"anchor or alias {quote(event.anchor)}", "write the value out")
        problems.stop()
    if tag := getattr(event, "tag", None):  # an alias, gone by now, has none
        problems.add(line, f"tag {quote(tag)}", "remove it; values are read as written")
    if isinstance(event, yaml.ScalarEvent):
        if event.style == '"' and NOT_YAML.search(event.value):
            problems.add(line, "an escape makes a control character", "remove it")
        return Scalar(line, event.value, not event.style and event.value in NOTHING)
    return Items(line, []) if isinstance(event, yaml.SequenceStartEvent) else Table(line, {}, {})


def _attach(node: Node, parent: Open, problems: Problems) -> None:
    into, waiting = parent
    if isinstance(into, Items):
        into.items.append(node)
    elif waiting:
        key = waiting.pop()
        if key.text in into.entries:
            first = into.lines[key.text]
            what = f"the key {quote(key.text)} stands twice, first in line {first}"
            problems.add(key.line, what, "keep one")
            return
        into.entries[key.text] = node
        into.lines[key.text] = key.line
    elif isinstance(node, Scalar):
        waiting.append(node)
    else:
        problems.add(node.line, "a list or mapping is used as a key", "use a plain word")
        waiting.append(Scalar(node.line, ""))
