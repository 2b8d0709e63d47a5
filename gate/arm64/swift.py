"""Swift's mangled names made readable as far as that is simple: module, types, member.

Source: Swift's docs/ABI/Mangling.rst. Only a name that begins with plain identifiers is taken
apart, ``$s6Wallet5LoginC4sendyyF`` as ``Wallet.Login.send``; word substitutions are followed, and
what comes behind the last identifier (types, kinds) is left out. Any other name stays as it is.
"""

import re
from typing import Final

_MANGLED: Final = re.compile(r"_?\$[sS](?=[0-9])")
_CLASS: Final = re.compile(r"_Tt(?:GC|C|CC|CCC)(?=[0-9])")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LENGTH: Final = re.compile(r"[1-9][0-9]*")
_KINDS: Final = re.compile(r"[CVOEPD]*")


def readable(name: str) -> str:
    """The readable form of a Swift symbol or class name; any other name as it is."""
    begin = _MANGLED.match(name) or _CLASS.match(name)
    if begin is None:
        return name
    parts = _identifiers(name, begin.end())
    return ".".join(parts) if len(parts) > 1 else name


def _identifiers(name: str, at: int) -> list[str]:
    parts: list[str] = []
    words: list[str] = []
    while at < len(name):
        if name[at] == "0":
            found = _substituted(name, at + 1, words)
        elif (length := _LENGTH.match(name, at)) is not None and len(length[0]) < 4:
            end = length.end() + int(length[0])
            found = (name[length.end() : end], end) if end <= len(name) else None
        else:
            break
        if found is None or not found[0]:
            break
        text, at = found
        parts.append(text)
        words += _WORD.findall(text)
        kinds = _KINDS.match(name, at)
        at = kinds.end() if kinds else at
    return parts


def _substituted(name: str, at: int, words: list[str]) -> tuple[str, int] | None:
    """An identifier with words of earlier ones: small letters name them, a capital the last."""
    text = ""
    while at < len(name):
        letter = name[at]
        at += 1
        if letter.isascii() and letter.isalpha():
            number = ord(letter.lower()) - ord("a")
            if number >= len(words):
                return None
            text += words[number]
            if letter.isupper():
                break
        elif letter == "0":
            return text, at
        else:
            length = _LENGTH.match(name, at - 1)
            if length is None or len(length[0]) > 3:
                return None
            return text + name[length.end() : length.end() + int(length[0])], length.end() + int(
                length[0]
            )
    rest = _LENGTH.match(name, at)
    if rest is None or len(rest[0]) > 3:
        return text, at + 1 if name[at : at + 1] == "0" else at
    end = rest.end() + int(rest[0])
    return text + name[rest.end() : end], end
