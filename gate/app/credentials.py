"""Names that speak of credentials: of settings, columns, fields, parameters."""

import re
from collections.abc import Iterator

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_CREDENTIALS = (
    "password passwd pwd passcode passphrase pin pincode secret token cvv cvc credential"
    " credentials 密碼 密码"
)
_ENDINGS = ("password", "passwd", "passcode", "passphrase", "token", "密碼", "密码")
# Beside these words a name is not that of the credential itself.
_ABOUT = (
    "is has show hide save remember use need needs enable enabled disable disabled required"
    " visible length count min max hint label title text message error url uri path regex"
    " pattern strength policy rule type kind mode time timestamp date expiry expires expire"
    " expiration expired age attempts attempt retry retries tries changed change updated"
    " update reset forgot forgotten hash hashed digest salt iv alias encrypted encoded enc"
    " cipher ciphertext fcm gcm push firebase registration page next continuation csrf xsrf"
    " index position view layout button dialog activity fragment field screen question"
    " validator toggle"
)
_CREDENTIAL_WORDS, _ABOUT_WORDS = frozenset(_CREDENTIALS.split()), frozenset(_ABOUT.split())
_CREATE = re.compile(
    r"create\s+(?:temp\s+|temporary\s+)?table\s+(?:if\s+not\s+exists\s+)?([^\s(]+)\s*\((.*)",
    re.I | re.S,
)
_INSERT = re.compile(
    r"(?:insert\s+(?:or\s+\w+\s+)?|replace\s+)into\s+([^\s(]+)\s*(?:\(([^)]*)\))?", re.I
)
_ACCOUNTS = frozenset(("user", "username", "login", "account", "email", "pw", "pass"))
_CONSTRAINTS = ("primary", "unique", "check", "foreign", "constraint")


def names_credential(name: str) -> bool:
    """Whether a name is that of a password, PIN, token or the like, and not of something about it.

    ``userPassword`` and ``auth_token`` are, ``rememberPassword``, ``pinned``, ``password_hash`` and
    ``fcm_token`` are not.
    """
    words = _words(name)
    return any(word in _CREDENTIAL_WORDS or word.endswith(_ENDINGS) for word in words)


def names_account(name: str) -> bool:
    """Whether a name is that of a user's account or, in short, of a password: ``user``, ``pw``."""
    return not _ACCOUNTS.isdisjoint(_words(name))


def _words(name: str) -> list[str]:
    """The words of a name in lower case; none where one says that it is about something else."""
    words = [word.lower() for word in _WORD.findall(name[:200])]
    return words if _ABOUT_WORDS.isdisjoint(words) else []


def written_columns(sql: str) -> tuple[str, tuple[str, ...]]:
    """Table and columns of a CREATE TABLE or INSERT statement; ("", ()) for any other.

    An INSERT that names no columns has none.
    """
    statement = sql.strip()
    if found := _CREATE.match(statement):
        return _plain(found[1]), tuple(_columns(found[2]))
    if found := _INSERT.match(statement):
        return _plain(found[1]), tuple(map(_plain, (found[2] or "").split(",")))
    return "", ()


def _columns(definitions: str) -> Iterator[str]:
    """The first name of each part between commas that stand in no brackets."""
    depth, start = 0, True
    for word in re.findall(r"[(),]|[^\s(),]+", definitions):
        if word == "," and depth == 0:
            start = True
        elif word in "()":
            depth += 1 if word == "(" else -1
            if depth < 0:
                return
        elif start:
            start = False
            if word.lower() not in _CONSTRAINTS:
                yield _plain(word)


def _plain(name: str) -> str:
    return name.strip().strip("`\"'[]")
