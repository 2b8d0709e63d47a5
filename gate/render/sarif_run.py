"""How the scan itself went, in SARIF: the invocation and its notifications."""

from collections.abc import Iterator, Sequence
from typing import Any

from gate.decide import Decision
from gate.render.escape import sarif_message, sarif_text
from gate.render.points import Point
from gate.render.sarif_log import om
from gate.render.sarif_rules import rule_name
from gate.render.wording import sentence
from gate.report import Document, Report

MOST_GAPS = 100
_NOT_IN_FORCE = "not in force"

_EXIT = {0: "every build passes", 1: "a build is blocked", 3: "there is no verdict on a build"}
_NOTICES = {
    "gate-refused": "The build was not read.",
    "gate-check-undecided": "A check came to no certain answer.",
    "gate-gap": "A part of the build was needed and not read.",
    "gate-waiver-expired": "A waiver has expired and counts no more.",
    "gate-waiver-unused": "A waiver matches nothing.",
    "gate-isolation": "A limit on the process that reads builds was not in force.",
    "gate-left-out": "The file holds fewer results than there are.",
}
_INDEX = {id: index for index, id in enumerate(_NOTICES)}


def descriptors() -> list[Any]:
    """What the notifications of a run can be about."""
    return [
        om.ReportingDescriptor(
            id=id,
            name=rule_name(id),
            short_description=om.MultiformatMessageString(text=text),
            full_description=om.MultiformatMessageString(text=text),
            help=om.MultiformatMessageString(text=text),
        )
        for id, text in _NOTICES.items()
    ]


def invocation(scan: Document, report: Report, every: Sequence[Point], left_out: list[str]) -> Any:
    """The scan as it went for one build; `left_out` are sentences on what the file lacks."""
    undecided = [each for each in every if each.kind == "undecided"]
    notices = [*_failures(report, undecided), *_warnings(report)]
    notices += [_notice("gate-left-out", "warning", each) for each in left_out]
    for each in notices:
        each.time_utc = scan.created
    return om.Invocation(
        execution_successful=_complete(report, undecided),
        exit_code=scan.exit_code,
        exit_code_description=_EXIT[scan.exit_code],
        start_time_utc=scan.created,
        end_time_utc=scan.created,
        tool_execution_notifications=notices or None,
    )


def run_properties(report: Report) -> dict[str, Any]:
    """The verdict, what it rests on, and how much of the build was read."""
    policy, app = report.policy, report.app
    named = (
        {
            "platform": app.platform,
            "id": sarif_text(app.id),
            "name": sarif_text(app.name),
            "version": sarif_text(app.version),
            "buildNumber": sarif_text(app.build_number),
        }
        if app
        else {}
    )
    return {
        "mrg/verdict": report.verdict.decision,
        "mrg/reasons": [sarif_text(each) for each in report.verdict.reasons],
        "mrg/app": named,
        "mrg/profile": policy.profile,
        "mrg/asOf": policy.as_of,
        "mrg/ruleset": {"name": policy.name, "version": policy.version, "sha256": policy.sha256},
        "mrg/coverage": [
            {"reader": each.reader, "unit": each.unit, "declared": each.declared, "read": each.read}
            for each in report.coverage
        ],
        "mrg/isolation": [sarif_text(each) for each in report.isolation],
    }


def _complete(report: Report, undecided: Sequence[Point]) -> bool:
    decided = report.verdict.decision is not Decision.UNDECIDED
    return bool(report.app) and decided and not undecided and not report.gaps


def _failures(report: Report, undecided: Sequence[Point]) -> Iterator[Any]:
    if not report.app:
        yield _notice("gate-refused", "error", f"The build was not read: {report.refused}")
    rules = {card.id: index for index, card in enumerate(report.checks)}
    for each in undecided:
        text = f"{each.card.id} came to no certain answer: {each.message}"
        notice = _notice("gate-check-undecided", "error", text)
        notice.associated_rule = om.ReportingDescriptorReference(
            id=each.card.id, index=rules[each.card.id]
        )
        yield notice
    for gap in report.gaps[:MOST_GAPS]:
        yield _notice("gate-gap", "error", f"{gap.part} was not read: {gap.reason}")
    if (more := len(report.gaps) - MOST_GAPS) > 0:
        yield _notice("gate-gap", "error", f"{more} more parts were not read")


def _warnings(report: Report) -> Iterator[Any]:
    for use in report.verdict.waivers:
        if use.state in ("expired", "unused"):
            waiver = use.waiver
            about = f"{waiver.control or waiver.check}, {waiver.subject} (ticket {waiver.ticket})"
            day = waiver.expires.isoformat()
            state = f"expired on {day}" if use.state == "expired" else "matches nothing"
            text = f"The waiver for {about} {state}"
            yield _notice(f"gate-waiver-{use.state}", "warning", text)
    for each in report.isolation:
        if each.startswith(_NOT_IN_FORCE):
            yield _notice("gate-isolation", "warning", f"The reader ran without a limit: {each}")


def _notice(id: str, level: str, text: str) -> Any:
    return om.Notification(
        descriptor=om.ReportingDescriptorReference(id=id, index=_INDEX[id]),
        level=level,
        message=om.Message(text=sentence(sarif_message(text))),
    )
