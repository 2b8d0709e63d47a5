"""Find the private keys in every file of a build: each file is streamed once, in bounded memory.

Texts are looked for with `bytes.find`, which costs about 0.2 s of CPU for 100 MB, and everything
that needs a closer look is parsed by `gate.formats.private_key`.
"""

import re
from collections.abc import Iterator
from dataclasses import field
from operator import itemgetter
from typing import Final

from gate.app import Files, Journal, Location, Unread
from gate.app.keys import PrivateKey
from gate.formats.errors import OverLimit
from gate.formats.private_key import (
    MAX_DER,
    Key,
    Patience,
    from_base64,
    from_der,
    from_pem,
    from_pkcs12,
    is_pkcs12,
)
from gate.frozen import dataclass

MAX_STORE: Final = 1 << 20
MAX_CANDIDATES: Final = 10_000
MAX_CANDIDATES_IN_FILE: Final = 200
MAX_MARKS_IN_FILE: Final = 100_000

_STEP: Final = 1 << 20
_WINDOW: Final = 48 << 10  # the longest armour, in bytes of the file
_LEAD: Final = 64  # the longest beginning of a candidate before the text looked for
_SHORTEST_BODY: Final = 48
_HEADER: Final = re.compile(
    rb"-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----"
)
_WIDE_BEGIN: Final = "-----BEGIN ".encode("utf-16-le")
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/=]|\\[nr/]|[\r\n])+")
# What the base64 of a key without armour holds at a known distance from its begin: PKCS#8 of RSA
# and of a NIST curve, PKCS#1 of 2,048 bits and more. The first bytes encode as "MI".
_BARE: Final = {
    b"ADANBgkqhkiG9w0BAQEFAASC": 8,
    b"GByqGSM49AgEG": 11,
    b"IBAAKCA": 6,
}


def private_keys(files: Files, journal: Journal) -> tuple[PrivateKey, ...]:
    """Every private key that parses, sorted by place.

    Keys under a passphrase that is not well known and keys printed in public documents are left
    out. What could not be read, and what lies beyond a limit, is a gap of the journal.
    """
    search = _Search(files, journal)
    for name in files.names:
        search.file(name)
    journal.cover("private keys", "files", len(files.names), search.read)
    return tuple(sorted(search.found, key=lambda key: (key.at.path, key.at.offset or 0, key.form)))


@dataclass(frozen=True, slots=True)
class _Text:
    """How an armour is written: each character is followed by `width` - 1 zero bytes."""

    width: int
    begin: bytes
    mark: bytes
    dashes: bytes

    def plain(self, data: bytes) -> bytes:
        """`data` as one byte a character, up to the first that is none."""
        if self.width == 1:
            return data
        zeros = data[1::2]
        return data[::2][: len(zeros) - len(zeros.lstrip(b"\0"))]


# The last zero byte of the UTF-16 mark is left out: `find` skips fast over zeros only without it.
_TEXTS: Final = (
    _Text(1, b"-----BEGIN ", b"PRIVATE KEY", b"-----"),
    _Text(2, _WIDE_BEGIN, "PRIVATE KEY".encode("utf-16-le")[:-1], _WIDE_BEGIN[:10]),
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Text that may be a key: from where to where in the buffer; `label` is '' without armour."""

    start: int
    stop: int
    label: str
    text: bytes

    def key(self, patience: Patience) -> Key | None:
        """What parses of it."""
        if self.label:
            return from_pem(self.label, self.text, patience)
        return from_base64(self.text, patience)

    @property
    def snippet(self) -> str:
        """The evidence without a byte of the key."""
        return f"-----BEGIN {self.label}-----" if self.label else ""


@dataclass(slots=True)
class _Search:
    """One pass over a build."""

    files: Files
    journal: Journal
    found: list[PrivateKey] = field(default_factory=list)
    read: int = 0
    candidates: int = 0
    patience: Patience = field(default_factory=Patience)

    def file(self, name: str) -> None:
        """Every key in one file; a limit or a file that cannot be read is a gap."""
        if self.candidates >= MAX_CANDIDATES:
            self.journal.gap("private_keys", "files", f"more than {MAX_CANDIDATES} possible keys")
            return
        try:
            for count, (at, key) in enumerate(self._keys(name), 1):
                self.candidates += 1
                if count > MAX_CANDIDATES_IN_FILE:
                    raise OverLimit(f"more than {MAX_CANDIDATES_IN_FILE} possible private keys")
                if key and not key.published:
                    self.found.append(_told(key, at))
            self.read += 1
        except (OverLimit, Unread) as reason:
            self.journal.gap("private_keys", name, str(reason))

    def _keys(self, name: str) -> Iterator[tuple[Location, Key | None]]:
        """Place and key of every candidate of a file."""
        covered = marks = 0
        for start, data, last in _buffers(self.files.blocks(name, self.files.budget.total)):
            if start == 0 and last and data[:1] == b"\x30":
                yield Location(name, offset=0), self._whole(bytes(data))
            for place, how in _marks(data, _LEAD if start else 0, last):
                marks += 1
                if marks > MAX_MARKS_IN_FILE:
                    raise OverLimit(f"more than {MAX_MARKS_IN_FILE} beginnings of private keys")
                if start + place < covered:
                    continue
                each = (
                    _armour(data, place, how)
                    if isinstance(how, _Text)
                    else _bare(data, place - how)
                )
                if each:
                    covered = start + each.stop
                    at = Location(name, offset=start + each.start, snippet=each.snippet)
                    yield at, each.key(self.patience)

    def _whole(self, data: bytes) -> Key | None:
        """The key that a whole file is."""
        if is_pkcs12(data):
            return from_pkcs12(data, self.patience) if len(data) <= MAX_STORE else None
        return from_der(data, self.patience)


def _told(key: Key, at: Location) -> PrivateKey:
    """The fact without the key; the snippet says which password opened it."""
    if key.password is not None:
        opened = key.password.decode() or "the empty one"
        at = Location(at.path, offset=at.offset, snippet=f"opens with a known password: {opened}")
    return PrivateKey(key.form, key.algorithm, key.bits, key.fingerprint, at)


def _buffers(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytearray, bool]]:
    """Offset, bytes and whether they are the last; each begins with the end of the one before.

    The overlap is `_LEAD` + `_WINDOW`: a candidate whose mark lies `_WINDOW` before the end is
    whole. The buffer is changed once the next is asked for.
    """
    held, start = bytearray(), 0
    for block in blocks:
        held += block
        if len(held) >= _STEP + _WINDOW + _LEAD:
            yield start, held, False
            done = len(held) - _WINDOW - _LEAD
            del held[:done]
            start += done
    yield start, held, True


def _marks(data: bytearray, first: int, last: bool) -> list[tuple[int, "_Text | int"]]:
    """Where marks begin, in order, and how the candidate is written.

    Those in the last `_WINDOW` bytes are left to the next buffer, unless this is the last.
    """
    end = len(data) if last else len(data) - _WINDOW
    armours = [(place, text) for text in _TEXTS for place in _all(data, text.mark, first, end)]
    bare = [(place, how) for mark, how in _BARE.items() for place in _all(data, mark, first, end)]
    return sorted([*armours, *bare], key=itemgetter(0))


def _all(data: bytearray, mark: bytes, first: int, end: int) -> Iterator[int]:
    """Every place of `mark` that begins before `end`."""
    stop = end + len(mark) - 1
    place = data.find(mark, first, stop)
    while place >= 0:
        yield place
        place = data.find(mark, place + len(mark), stop)


def _armour(data: bytearray, place: int, text: _Text) -> _Candidate | None:
    """The armour whose label has its mark at `place`.

    None where that is no BEGIN line, or where nothing long enough to be a key follows: the header
    words alone are in every library that reads PEM.
    """
    start = data.rfind(text.begin, max(0, place - 21 * text.width), place)
    dashes = data.find(text.dashes, place, place + 24 * text.width)
    if start < 0 or dashes < 0:
        return None
    body = dashes + len(text.dashes)
    match = _HEADER.fullmatch(text.plain(bytes(data[start:body])))
    stop = data.find(text.dashes, body, body + _WINDOW)
    if match is None or stop - body < _SHORTEST_BODY * text.width:
        return None
    return _Candidate(start, stop, match[1].decode(), text.plain(bytes(data[body:stop])))


def _bare(data: bytearray, start: int) -> _Candidate | None:
    """The base64 text that begins at `start`, if a key can begin there."""
    if start < 0 or data[start : start + 2] != b"MI":
        return None
    match = _BASE64.match(bytes(data[start : start + 2 * MAX_DER]))
    return _Candidate(start, start + match.end(), "", match[0]) if match else None
