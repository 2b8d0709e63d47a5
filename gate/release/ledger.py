"""The release ledger: a chain of lines, each with the SHA-256 of the one before. Pure.

A scan leaves two lines: `started` before the first build is read and `finished` with the verdicts.
One line is one JSON object in ASCII. The chain shows that a line was changed, added, removed or
moved; it does not show that lines at the end were removed, or that the file was made anew: for
that, its last hash has to be known from elsewhere (docs/ledger.md).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from gate.frozen import dataclass
from gate.wire import encode

FORMAT: Final = 1
BEGINNING: Final = "0" * 64
"""What the first line has for the hash of the line before."""

START: Final = b'{"event":"'
MAX_LINE: Final = 8 << 20
SCAN: Final = 8  # how many digits of a scan's name people are shown


class Policy(msgspec.Struct, frozen=True):
    """The policy of a scan; `sha256` and `waivers` are of the files' bytes, "" for no file."""

    name: str
    version: str
    sha256: str
    profile: str
    as_of: str
    waivers: str


class Judgement(msgspec.Struct, frozen=True):
    """One build, as far as it could be read, and the verdict on it."""

    path: str
    kind: str
    sha256: str
    size: int
    app: str
    version: str
    build_number: str
    decision: str


class Started(msgspec.Struct, frozen=True, tag="started", tag_field="event"):
    """A scan begins. `previous` is the hash of the line before, `scan` the name of this scan.

    `after_torn` tells that the line before was found torn and counts for nothing.
    """

    previous: str
    scan: str
    time: str
    tool: str
    version: str
    dependencies: dict[str, str]
    policy: Policy
    limits: tuple[str, ...]
    builds: tuple[str, ...]
    after_torn: bool = False
    format: int = FORMAT


class Finished(msgspec.Struct, frozen=True, tag="finished", tag_field="event"):
    """A scan ends with this exit code; `report` is the SHA-256 of its JSON report."""

    previous: str
    scan: str
    time: str
    exit_code: int
    report: str
    builds: tuple[Judgement, ...]
    after_torn: bool = False


Entry = Started | Finished

_DECODER: Final = msgspec.json.Decoder(Entry)


class Kind(StrEnum):
    """What is wrong with a ledger: `torn` and `incomplete` show a process that died."""

    BROKEN = "broken"
    TORN = "torn"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and with which line, counted from 1; 0 is the file as a whole."""

    line: int
    kind: Kind
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, its hash, and what it says, None where that is nothing of ours.

    `begun` tells whether it begins as our lines do, `ended` whether it has its line break.
    """

    number: int
    digest: str
    entry: Entry | None
    begun: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger as read: the lines that count, what is wrong, and what the next line builds on.

    `length` counts all lines; `head` is the hash of the last one, and `torn` whether it is torn.
    """

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]
    length: int
    head: str
    torn: bool

    @property
    def broken(self) -> Fault | None:
        """The first place where the chain does not hold."""
        return next((fault for fault in self.faults if fault.kind is Kind.BROKEN), None)

    @property
    def scans(self) -> int:
        """How many scans have begun."""
        return sum(isinstance(line.entry, Started) for line in self.lines)


def write_line(entry: Entry) -> bytes:
    """The line of an entry, in ASCII: what an app or a file is called obeys no terminal there."""
    return json.dumps(json.loads(encode(entry)), separators=(",", ":")).encode() + b"\n"


def read(lines: Iterable[bytes]) -> Ledger:
    """A ledger from its lines, each with its line break; only the last may lack one."""
    found = [_line(number, line) for number, line in enumerate(lines, 1)]
    torn = {number for number in range(len(found)) if _is_torn(found, number)}
    counted = [line for at, line in enumerate(found) if at not in torn and line.entry]
    faults = [*_links(found, torn), *_scans(counted)]
    return Ledger(
        tuple(counted),
        tuple(sorted(faults, key=lambda fault: fault.line)),
        len(found),
        found[-1].digest if found else BEGINNING,
        len(found) - 1 in torn,
    )


def _line(number: int, line: bytes) -> Line:
    body = line.removesuffix(b"\n")
    entry = None
    if body.startswith(START) and body.isascii() and len(body) <= MAX_LINE:
        try:
            entry = _DECODER.decode(body)
        except (msgspec.DecodeError, RecursionError):
            entry = None
    begun = body.startswith(START[: len(body)])
    return Line(number, digest_of(body), entry, begun, line.endswith(b"\n"))


def digest_of(line: bytes) -> str:
    """The hash that names a line: SHA-256 without its line break, in hexadecimal."""
    return sha256(line.removesuffix(b"\n")).hexdigest()


def _is_torn(lines: Sequence[Line], at: int) -> bool:
    """Whether a process died while it wrote the line: it is the last, or the next one says so."""
    line = lines[at]
    if at + 1 == len(lines):
        # A file of one line that is none of ours is another file, not a ledger that was begun.
        cut = not line.ended or (line.entry is None and at > 0)
        return cut and (line.begun or at > 0)
    after = lines[at + 1].entry
    return after is not None and after.after_torn and after.previous == line.digest


def _links(lines: Sequence[Line], torn: set[int]) -> Iterator[Fault]:
    before = BEGINNING
    for at, line in enumerate(lines):
        if at in torn:
            words = "torn: whoever wrote it died meanwhile; it is kept and counts for nothing"
            yield Fault(line.number, Kind.TORN, words)
        elif line.entry is None:
            yield Fault(line.number, Kind.BROKEN, "no line of a ledger")
        elif line.entry.previous != before:
            words = f"does not follow line {at}: one of them was changed, or lines between them"
            first = "is not the first line that was written: lines before it were removed"
            later = f"{words} were removed, added or moved"
            yield Fault(line.number, Kind.BROKEN, later if at else first)
        before = line.digest


def _scans(lines: Iterable[Line]) -> Iterator[Fault]:
    """Each scan starts once and finishes once."""
    open_scans: dict[str, int] = {}
    known: set[str] = set()
    for line in lines:
        entry = line.entry
        if isinstance(entry, Started):
            if entry.scan in known:
                yield Fault(line.number, Kind.BROKEN, f"starts scan {_short(entry.scan)} again")
            known.add(entry.scan)
            open_scans[entry.scan] = line.number
        elif entry and open_scans.pop(entry.scan, 0) == 0:
            words = f"finishes scan {_short(entry.scan)}, which is not under way there"
            yield Fault(line.number, Kind.BROKEN, words)
    for scan, number in open_scans.items():
        words = f"scan {_short(scan)} has not finished: it gave no verdict, or still runs"
        yield Fault(number, Kind.INCOMPLETE, words)


def _short(scan: str) -> str:
    return ascii(scan[:SCAN])[1:-1]
