"""POSIX extended regular expressions, matched in time linear in the text.

Apple's Security framework hands the rules of a code signature to `regcomp(REG_EXTENDED)`. The rules
come with the app, so that they must not cost what a backtracking matcher lets them cost: the
expression becomes a position automaton (Glushkov 1961) whose states are read off as they are met.
Syntax: POSIX.1-2017 Base Definitions 9.4, without bounds `{m,n}`, character classes by name and
back-references, none of which signing tools write.
"""

from collections.abc import Iterator
from dataclasses import field
from itertools import chain
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_PATTERN: Final = 512
MAX_DEPTH: Final = 16
MAX_WORK: Final = 20_000_000  # symbols read and positions entered by one expression; about 2 s
MAX_STATES: Final = 1_000  # remembered, and symbols remembered of each

_ENTERING: Final = 16  # what a position costs against a symbol that was met before
_START, _END = "^start", "$end"  # read before and behind the text, whose symbols are single
_SPECIAL: Final = frozenset("()|*+?{}[]^$\\.")


@dataclass(frozen=True, slots=True)
class _Symbols:
    """The symbols that one position of the expression reads."""

    symbols: frozenset[str]
    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    def __contains__(self, symbol: str) -> bool:
        if len(symbol) > 1:
            return not self.negated and symbol in self.symbols
        found = symbol in self.symbols or any(low <= symbol <= high for low, high in self.ranges)
        return found is not self.negated


_ANY: Final = _Symbols(frozenset(), negated=True)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the expression: whether it reads nothing, where it begins and where it ends.

    Positions are bits of the two numbers.
    """

    empty: bool
    first: int
    last: int


_NOTHING: Final = _Part(True, 0, 0)


@dataclass(slots=True)
class _State:
    """The positions that reading has come to, and what each symbol met so far leads to."""

    positions: int
    decided: bool
    then: dict[str, "_State"] = field(default_factory=dict)


class Expression:
    """One compiled expression; Malformed where its syntax is none of ours."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise OverLimit(f"regular expression of {len(pattern)} characters")
        self._reads: list[_Symbols] = []
        self._follow: list[int] = []
        self._start = _State(0, decided=False)
        self._states: dict[int, _State] = {}
        self._work = 0
        reader = _Reader(pattern)
        whole = self._alternatives(reader, 0)
        if reader.peek():
            raise Malformed("regular expression with a ) too many", reader.at)
        self._always, self._first, self._last = whole.empty, whole.first, whole.last
        self._anchored = all(_START in self._reads[at].symbols for at in _bits(whole.first))

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in `text`; OverLimit past the budget of work."""
        if self._always:
            return True
        self._spend(len(text))
        state = self._start
        for symbol in chain((_START,), text, (_END,)):
            state = state.then.get(symbol) or self._enter(state, symbol)
            if state.decided:
                return bool(state.positions)
        return False

    def _enter(self, state: "_State", symbol: str) -> "_State":
        """The state behind `state` and `symbol`; a match may begin at any symbol."""
        candidates = self._first
        for position in _bits(state.positions):
            candidates |= self._follow[position]
        self._spend(_ENTERING * (1 + candidates.bit_count() + state.positions.bit_count()))
        if len(self._states) > MAX_STATES:
            self._forget()
        entered = self._state(sum(1 << at for at in _bits(candidates) if symbol in self._reads[at]))
        if len(state.then) < MAX_STATES:
            state.then[symbol] = entered
        return entered

    def _state(self, positions: int) -> "_State":
        if positions not in self._states:
            nowhere = not positions and self._anchored
            self._states[positions] = _State(positions, bool(positions & self._last) or nowhere)
        return self._states[positions]

    def _forget(self) -> None:
        for state in (self._start, *self._states.values()):
            state.then.clear()
        self._states.clear()

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > MAX_WORK:
            raise OverLimit("regular expression that costs too much to match")

    def _alternatives(self, reader: "_Reader", depth: int) -> _Part:
        if depth > MAX_DEPTH:
            raise OverLimit(f"regular expression nested deeper than {MAX_DEPTH}", reader.at)
        whole = self._sequence(reader, depth)
        while reader.peek() == "|":
            reader.take()
            other = self._sequence(reader, depth)
            whole = _Part(
                whole.empty or other.empty, whole.first | other.first, whole.last | other.last
            )
        return whole

    def _sequence(self, reader: "_Reader", depth: int) -> _Part:
        whole = _NOTHING
        while reader.peek() not in ("", "|", ")"):
            part = self._repeated(reader, self._atom(reader, depth))
            self._link(whole.last, part.first)
            whole = _Part(
                whole.empty and part.empty,
                whole.first | (part.first if whole.empty else 0),
                part.last | (whole.last if part.empty else 0),
            )
        return whole

    def _repeated(self, reader: "_Reader", part: _Part) -> _Part:
        while (sign := reader.peek()) and sign in "*+?":
            reader.take()
            if sign in "*+":
                self._link(part.last, part.first)
            part = _Part(part.empty or sign in "*?", part.first, part.last)
        return part

    def _atom(self, reader: "_Reader", depth: int) -> _Part:
        at, sign = reader.at, reader.take()
        if sign == "(":
            part = self._alternatives(reader, depth + 1)
            if reader.take() != ")":
                raise Malformed("regular expression with a ( that nothing closes", at)
            return part
        return self._position(_symbols(reader, sign, at))

    def _position(self, symbols: _Symbols) -> _Part:
        bit = 1 << len(self._reads)
        self._reads.append(symbols)
        self._follow.append(0)
        return _Part(False, bit, bit)

    def _link(self, last: int, first: int) -> None:
        for position in _bits(last):
            self._follow[position] |= first


@dataclass(slots=True)
class _Reader:
    pattern: str
    at: int = field(default=0)

    def peek(self) -> str:
        """The next character, "" at the end."""
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        """The next character, which is then passed."""
        taken = self.peek()
        self.at += len(taken)
        return taken


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _symbols(reader: _Reader, sign: str, at: int) -> _Symbols:
    """What one atom reads that is no group."""
    if sign == "^":
        return _Symbols(frozenset((_START,)))
    if sign == "$":
        return _Symbols(frozenset((_END,)))
    if sign == ".":
        return _ANY
    if sign == "[":
        return _bracket(reader, at)
    if sign == "\\":
        sign = reader.take()
        if not sign or sign.isalnum():  # \1 and the like mean more than themselves somewhere
            raise Malformed("regular expression with an escape that is not understood", at)
    elif sign in _SPECIAL:
        raise Malformed(f"regular expression with {sign!r} where it is not understood", at)
    return _Symbols(frozenset((sign,)))


def _bracket(reader: _Reader, at: int) -> _Symbols:
    """A bracket expression behind its `[`; a `]` first is a plain one (POSIX 9.3.5)."""
    negated = reader.peek() == "^"
    if negated:
        reader.take()
    singles: set[str] = set()
    ranges: list[tuple[str, str]] = []
    opened = reader.at
    while (sign := reader.take()) != "]" or reader.at == opened + 1:
        if not sign or (sign == "[" and reader.peek() in (":", ".", "=")):
            raise Malformed("regular expression with a bracket that is not understood", at)
        if reader.pattern[reader.at : reader.at + 1] == "-" and reader.pattern[
            reader.at + 1 : reader.at + 2
        ] not in ("", "]"):
            reader.take()
            ranges.append((sign, reader.take()))
        else:
            singles.add(sign)
    return _Symbols(frozenset(singles), tuple(ranges), negated)
