"""Run checks on an app; the only place that catches everything, since a crash is an outcome."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from gate.app import App, Gap, Location, Unread
from gate.check import (
    Check,
    Confidence,
    Finding,
    NotApplicable,
    Outcome,
    Result,
    Undecided,
    Unresolved,
)
from gate.frozen import dataclass

REST = "(more than the limit)"
UNFOLLOWED = "(values not followed)"


def run(
    checks: Sequence[Check], app: App, progress: Callable[[int, int], None]
) -> tuple[Result, ...]:
    """Every check's result in the order given; those marked `last` run after the others.

    `progress` is called with how many are done and how many there are.
    """
    results: dict[str, Result] = {}
    app.asked.extend(api for check in checks for api in check.asks)
    for done, each in enumerate(sorted(checks, key=lambda check: check.last)):
        progress(done, len(checks))
        results[each.id] = run_one(each, app)
    return tuple(results[each.id] for each in checks)


def run_one(check: Check, app: App) -> Result:
    """One check's result. What it read with gaps, or died of, makes it undecided."""
    if not check.applies_to(app):
        return Result(check.id, Outcome.NOT_APPLICABLE, why=f"the build is for {app.build.kind}")
    app.journal.restart()
    kept = _Kept(app.files.budget.findings)
    outcome, why = Outcome.CLEAN, ""
    try:
        for each in check.run(app):
            kept.take(each)
    except NotApplicable as reason:
        outcome, why = Outcome.NOT_APPLICABLE, str(reason)
    except (Undecided, Unread) as reason:
        outcome, why = Outcome.UNDECIDED, str(reason)
    except MemoryError:
        outcome, why = Outcome.UNDECIDED, "it needs more memory than the limit memory allows"
    except Exception as crash:  # noqa: BLE001  # a check that crashes must not pass in silence
        outcome, why = Outcome.UNDECIDED, f"the check failed: {type(crash).__name__}: {crash}"
    for short in app.journal.shortfalls:
        kept.take(Unresolved(UNFOLLOWED, short, Location()))
    gaps = () if check.last else app.journal.gaps_touched
    if outcome is Outcome.UNDECIDED and not check.last:
        app.journal.failure(check.id, why)
    elif gaps:
        outcome, why = Outcome.UNDECIDED, _gaps_in_words(gaps)
    kept.count_rest()
    if kept.findings and outcome is Outcome.CLEAN:
        outcome = Outcome.FOUND
    return Result(check.id, outcome, merge(kept.findings), tuple(kept.unresolved), why)


@dataclass(slots=True)
class _Kept:
    """What a check yields, as far as the limit goes; what is over it is counted.

    The count is an entry of its own, which no waiver of a named subject covers: dropping findings
    makes no verdict better.
    """

    most: int
    findings: list[Finding] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    over: Counter[Confidence | None] = field(default_factory=Counter)

    def take(self, each: Finding | Unresolved) -> None:
        """Keep one more, or count it."""
        if len(self.findings) + len(self.unresolved) >= self.most:
            self.over[each.confidence if isinstance(each, Finding) else None] += 1
        elif isinstance(each, Finding):
            self.findings.append(each)
        else:
            self.unresolved.append(each)

    def count_rest(self) -> None:
        """Add how many were counted only; one sure finding among them makes the count sure."""
        words = f"beyond {self.most}, counted and not kept"
        places = self.over.pop(None, 0)
        if self.over:
            said = f"Findings {words}: {self.over.total()}."
            sure = Confidence.HIGH if self.over[Confidence.HIGH] else Confidence.LOW
            self.findings.append(Finding(REST, said, Location(), confidence=sure))
        if places:
            self.unresolved.append(Unresolved(REST, f"places {words}: {places}", Location()))


def _gaps_in_words(gaps: Sequence[Gap]) -> str:
    first = f"{gaps[0].part}: {gaps[0].reason}"
    return first if len(gaps) == 1 else f"{first}; parts not read in all: {len(gaps)}"


def merge(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings sorted by subject, those of the same subject made one with every place."""
    by_subject: dict[str, Finding] = {}
    for each in findings:
        if (first := by_subject.get(each.subject)) is None:
            by_subject[each.subject] = each
        else:
            places = dict.fromkeys((*first.also, each.at, *each.also))
            places.pop(first.at, None)
            by_subject[each.subject] = replace(first, also=tuple(places))
    return tuple(by_subject[subject] for subject in sorted(by_subject))
