"""Run checks on an app; the only place that catches everything, since a crash is an outcome."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gate.app import App, Gap, Unread
from gate.check import (
    Check,
    Finding,
    NotApplicable,
    Outcome,
    Result,
    Undecided,
    Unresolved,
)

MAX_FINDINGS = 10_000


def run(
    checks: Sequence[Check], app: App, progress: Callable[[int, int], None]
) -> tuple[Result, ...]:
    """Every check's result in the order given; those marked `last` run after the others.

    `progress` is called with how many are done and how many there are.
    """
    results: dict[str, Result] = {}
    for done, each in enumerate(sorted(checks, key=lambda check: check.last)):
        progress(done, len(checks))
        results[each.id] = run_one(each, app)
    return tuple(results[each.id] for each in checks)


def run_one(check: Check, app: App) -> Result:
    """One check's result. What it read with gaps, or died of, makes it undecided."""
    if not check.applies_to(app):
        return Result(check.id, Outcome.NOT_APPLICABLE, why=f"the build is for {app.build.kind}")
    app.journal.restart()
    findings: list[Finding] = []
    unresolved: list[Unresolved] = []
    outcome, why = Outcome.CLEAN, ""
    try:
        for each in check.run(app):
            if len(findings) + len(unresolved) >= MAX_FINDINGS:
                raise Undecided(f"more than {MAX_FINDINGS} findings; the rest was not looked at")
            if isinstance(each, Finding):
                findings.append(each)
            else:
                unresolved.append(each)
    except NotApplicable as reason:
        outcome, why = Outcome.NOT_APPLICABLE, str(reason)
    except (Undecided, Unread) as reason:
        outcome, why = Outcome.UNDECIDED, str(reason)
    except Exception as crash:  # noqa: BLE001  # a check that crashes must not pass in silence
        outcome, why = Outcome.UNDECIDED, f"the check failed: {type(crash).__name__}: {crash}"
    gaps = () if check.last else app.journal.gaps_touched
    if outcome is Outcome.UNDECIDED and not check.last:
        app.journal.failure(check.id, why)
    elif gaps:
        outcome, why = Outcome.UNDECIDED, _gaps_in_words(gaps)
    if findings and outcome is Outcome.CLEAN:
        outcome = Outcome.FOUND
    return Result(check.id, outcome, merge(findings), tuple(unresolved), why)


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
