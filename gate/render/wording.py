"""How things are said, whatever the format."""

import re

from gate.app import Location


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends in a mark that ends a sentence."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def first_sentence(text: str) -> str:
    """The text up to the first full stop that ends a sentence, its first letter in lower case."""
    end = re.search(r"(?<![A-Z])\.(?=\s+[A-Z])", text)
    said = text[: end.end()] if end else text
    return said[:1].lower() + said[1:]


def count(number: int, noun: str) -> str:
    """So many of a thing, for a noun that takes an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def place(at: Location) -> str:
    """The place inside a build as a reader would say it; 'the build itself' for no place at all."""
    parts = [at.path, at.element]
    if at.source:
        parts.append(at.source if at.line is None else f"{at.source}:{at.line}")
    elif at.line is not None:
        parts.append(f"line {at.line}")
    elif at.offset is not None:
        parts.append(f"offset {at.offset:#x}")
    return ", ".join(part for part in parts if part) or "the build itself"
