"""What was looked at, and what could not be."""

from dataclasses import field

from gate.app.location import Location
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what a reader found declared it has read, in the reader's own unit."""

    reader: str
    unit: str
    declared: int
    read: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the build that was needed and not read.

    `fact` is the name of the fact it belongs to, as `AndroidApp` or `IosApp` calls it; `part` names
    the entry or structure; `reason` is one plain sentence without a full stop.
    """

    fact: str
    part: str
    reason: str
    at: Location


@dataclass(slots=True)
class Journal:
    """The record that readers keep while facts are read on demand."""

    _gaps: dict[tuple[str, str, str], Gap] = field(default_factory=dict)
    _coverage: dict[tuple[str, str], Coverage] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _short: dict[str, None] = field(default_factory=dict)

    def gap(self, fact: str, part: str, reason: str, at: Location | None = None) -> Gap:
        """Note a part that was not read; the same one twice counts once."""
        key = (fact, part, reason)
        return self._gaps.setdefault(key, Gap(fact, part, reason, at or Location(part)))

    def failure(self, fact: str, reason: str) -> None:
        """Note that a whole fact, or a check that needed one, failed; each reason is told once."""
        if all(gap.reason != reason for gap in self._gaps.values()):
            self.gap(fact, fact, reason)

    def cover(self, reader: str, unit: str, declared: int, read: int) -> None:
        """Note how much a reader has read; a later word on the same unit replaces the earlier."""
        self._coverage[(reader, unit)] = Coverage(reader, unit, declared, read)

    def account(self, fact: str, counter: str, content: str) -> None:
        """Make a gap of content of which nothing was read, where no gap of the fact tells why.

        `counter` is the reader and the unit of the `Coverage` that a reader leaves, with a blank.
        """
        reads = {f"{each.reader} {each.unit}": each.read for each in self._coverage.values()}
        if not reads.get(counter) and all(gap.fact != fact for gap in self._gaps.values()):
            self.gap(fact, content, f"it is there and the reader of {counter} has read nothing")

    def touch(self, fact: str) -> None:
        """Note that somebody asked for a fact."""
        self._touched.add(fact)

    def fall_short(self, reason: str) -> None:
        """Note that an answer to the running check may lack something, as its allowance is spent.

        Not a gap: what there is was read. The check's result says so as an unresolved place.
        """
        self._short[reason] = None

    def restart(self) -> None:
        """Forget who asked for what, before the next check runs."""
        self._touched.clear()
        self._short.clear()

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What the running check's answers may lack, each once."""
        return tuple(self._short)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap, sorted, so that the answer does not depend on the order of checks."""
        return tuple(self._gaps[key] for key in sorted(self._gaps))

    @property
    def gaps_touched(self) -> tuple[Gap, ...]:
        """The gaps in the facts that were asked for since the last restart."""
        return tuple(gap for gap in self.gaps if gap.fact in self._touched)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What every reader has read, sorted by reader and unit."""
        return tuple(self._coverage[key] for key in sorted(self._coverage))
