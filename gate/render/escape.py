r"""One escaper for each place a text can end up in.

Every string of an app is an attacker's: a label may hold terminal escapes, direction marks, lines
that a CI runner takes for commands, table bars, links. Each function here takes any string, lone
surrogates included, and gives one line that its sink shows and never obeys. They share `visible`:
a character that is not printable is written as its Python escape, such as ``\x1b``.
"""

import re
import unicodedata
from hashlib import sha256
from urllib.parse import quote

NAME = 200
"""The longest name of an app (label, subject, entry, element) that a report shows, in characters.
"""

PROSE = 1000
"""The longest sentence that is ours with names of an app in it, in characters."""

# What an entry name keeps unescaped in a URI beside letters, digits and `_.-~`: the sub-delimiters
# of RFC 3986 that no consumer of SARIF reads anything into.
_URI_SAFE = "+@=,()"

_MARKDOWN = str.maketrans({mark: f"&#{ord(mark)};" for mark in r"&<>[]*_~`|\#@!{}$^"})
# The dot of `www.` and the colon of `https://` or `:emoji:`, which GitHub finds in plain words.
_GITHUB_FINDS = re.compile(r"(?<=www)\.|:(?=//|[\w+-]+:)", re.IGNORECASE)

_BEGINS_A_LIST = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")


def visible(text: str, limit: int = NAME) -> str:
    """The text on one line, cut to `limit` characters, the last then an ellipsis."""
    if len(text) <= limit and text.isprintable():
        return text
    pieces = [each if each.isprintable() else _escape(each) for each in text[: limit + 1]]
    if len(text) <= limit and sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room, kept = limit - 1, []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def terminal(text: str, limit: int = NAME, *, unicode: bool = True) -> str:
    r"""For a terminal or a CI log; in ASCII alone where `unicode` is off.

    A runner reads commands out of a log: GitHub's from `::` after leading blanks and from `##[`
    anywhere in a line (actions/runner, ActionCommand.cs), Azure's from `##vso[` anywhere. Two hash
    signs therefore never stand together, nor two colons where a word begins.
    """
    shown = re.sub(r"(^|\s)::", r"\1:\\x3a", visible(text, limit).replace("##", r"#\x23"))
    if unicode:
        return shown
    return shown.replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")


def command_data(text: str, limit: int = PROSE) -> str:
    """For the message of a GitHub workflow command (actions/toolkit, command.ts, escapeData)."""
    return terminal(text, limit).replace("%", "%25")


def command_property(text: str, limit: int = NAME) -> str:
    """For a property of a GitHub workflow command (the same file, escapeProperty)."""
    return command_data(text, limit).replace(":", "%3A").replace(",", "%2C")


def code_span(text: str, limit: int = NAME) -> str:
    """As Markdown inline code (CommonMark 6.1); '' for ''."""
    shown = visible(text, limit)
    if not shown:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    # One blank at each end is taken off again, unless there is nothing but blanks.
    pad = " " if shown.strip(" ") and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_cell(text: str, limit: int = NAME) -> str:
    r"""As Markdown inline code within a table, where a bar ends the cell even inside code.

    Readers of Markdown differ on a backslash before an escaped bar, so it is written ``\x5c``.
    """
    span = re.sub(r"\\(?=\|)", lambda _: r"\x5c", code_span(text, limit))
    return span.replace("|", r"\|")


def markdown_text(text: str, limit: int = PROSE) -> str:
    """As plain words in Markdown, in a table too: no markup, link, mention or address forms."""
    shown = visible(text, limit).translate(_MARKDOWN)
    plain = _GITHUB_FINDS.sub(_entities, shown.strip())
    return _BEGINS_A_LIST.sub(_entities, plain)


def _entities(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(mark)};" for mark in found[0])


def sarif_text(text: str, limit: int = PROSE) -> str:
    """For a SARIF text in which no links are looked for: a snippet, a name, a property."""
    return visible(text, limit)


def sarif_message(text: str, limit: int = PROSE) -> str:
    """For a SARIF message, where `[..](..)` is a link unless escaped (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"[\[\]]|\\(?=[\\\[\]]|$)", r"\\\g<0>", visible(text, limit))


def uri_path(path: str) -> str:
    """As a relative URI path (RFC 3986), NFC and percent-encoded, that never climbs or roots.

    An empty, `.` or `..` part is put in brackets, since readers of URIs would resolve it. A path
    longer than `NAME` is cut and ends in eight hex digits of its SHA-256, so that two stay two.
    """
    named = unicodedata.normalize("NFC", path)
    shown = visible(named, max(NAME, 10 * len(named)))
    if len(shown) > NAME:
        digest = sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
        shown = f"{shown[: NAME - 9]}~{digest[:8]}"
    parts = (f"({part})" if part in ("", ".", "..") else part for part in shown.split("/"))
    return "/".join(quote(part, safe=_URI_SAFE) for part in parts)
