"""What the checks said, in SARIF results."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from gate.app import Location
from gate.check import Confidence, Outcome
from gate.policy import Action, Waiver
from gate.render.escape import sarif_message, sarif_text
from gate.render.points import Count, Point
from gate.render.sarif_log import om
from gate.render.sarif_places import Artifacts, build_location, code_flow, link, related_locations
from gate.render.sarif_rules import UNDECIDED
from gate.render.wording import sentence
from gate.report import Report

LEVEL = {Action.BLOCK: "error", Action.WARN: "warning", Action.NOTE: "note"}

# SARIF 2.1.0, 3.27.9: open is "not enough information", review is "a person has to look".
_KIND = {"undecided": "open", "unresolved": "review"}


class Results:
    """The results of one run, in the order they are added, each with an identity of its own."""

    def __init__(self, report: Report) -> None:
        self.artifacts = Artifacts(report.build)
        self.listed: list[Any] = []
        self._profile = report.policy.profile
        self._app = report.app.id if report.app else self.artifacts.root
        self._rules = {card.id: index for index, card in enumerate(report.checks)}
        self._rules.setdefault(UNDECIDED, len(report.checks))
        self._seen: dict[str, int] = {}

    def add_points(self, points: Sequence[Point]) -> None:
        """Findings, unresolved places and undecided checks."""
        for point in points:
            self._add(
                point.card.id,
                kind=_kind(point),
                level=LEVEL.get(point.hardest, "none"),
                text=_message(point),
                subject=point.subject,
                at=point.at,
                also=point.also,
                flow=point.flow,
                suppressions=[_suppression(each) for each in _waivers(point)] or None,
                properties=self._properties(point),
            )

    def add_answers(self, report: Report) -> None:
        """The checks that passed and those that make no sense for this app."""
        titles = {card.id: card.doc.title for card in report.checks}
        for result in report.results:
            said = result.findings or result.unresolved
            if result.outcome is Outcome.NOT_APPLICABLE:
                text = f"Does not apply: {sarif_message(result.why)}"
                self._add(result.check, kind="notApplicable", text=sentence(text))
            elif result.outcome is Outcome.CLEAN and not said:
                text = f"Nothing was found of: {sarif_message(titles[result.check])}"
                self._add(result.check, kind="pass", text=sentence(text))

    def add_refusal(self, report: Report) -> None:
        """The one result of a build that was not read."""
        why = sarif_message(report.refused or "no reason was given")
        self._add(UNDECIDED, kind="fail", level="error", text=f"No verdict: {sentence(why)}")

    def _add(
        self,
        rule: str,
        *,
        kind: str,
        text: str,
        level: str = "none",
        subject: str = "",
        at: Location = Location(),  # noqa: B008  # immutable
        also: tuple[Location, ...] = (),
        flow: tuple[Location, ...] = (),
        suppressions: list[Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        primary, whole = self._identity(rule, subject)
        self.listed.append(
            om.Result(
                rule_id=rule,
                rule_index=self._rules[rule],
                kind=kind,
                level=level if kind == "fail" else "none",
                message=om.Message(text=text),
                locations=[build_location(self.artifacts, at.snippet)],
                related_locations=related_locations(self.artifacts, at, also) or None,
                code_flows=code_flow(self.artifacts, flow, at),
                partial_fingerprints={"primaryLocationLineHash": primary},
                fingerprints={"mrgFinding/v1": whole},
                suppressions=suppressions,
                properties=properties,
            )
        )

    def _identity(self, rule: str, subject: str) -> tuple[str, str]:
        """What tells a result from others and stays when the app is built again.

        It rests on check, app and subject; a second one of the same is told by its number. GitHub
        wants 16 hex digits and that number, in place of the hash of a source line.
        """
        name = _digest(rule, self._app, subject)
        number = self._seen[name] = self._seen.get(name, 0) + 1
        whole = name if number == 1 else _digest(rule, self._app, subject, str(number))
        return f"{name[:16]}:{number}", whole[:32]

    def _properties(self, point: Point) -> dict[str, Any]:
        return {
            "mrg/kind": point.kind,
            "mrg/subject": sarif_text(point.subject),
            "mrg/severity": point.card.severity,
            "mrg/confidence": point.confidence,
            "mrg/origin": sarif_text(point.origin),
            "mrg/profile": self._profile,
            "mrg/action": point.action,
            "mrg/controls": [_count(each) for each in point.counts],
        }


def _kind(point: Point) -> str:
    if not point.counts:
        return "informational" if point.kind == "finding" else _KIND[point.kind]
    return _KIND.get(point.kind, "fail")


def _message(point: Point) -> str:
    said = sentence(sarif_message(point.message or "No reason was given"))
    doubt = " Confidence is low." if point.confidence is Confidence.LOW else ""
    component = sarif_message(point.component)
    whose = f" In third-party code: {component}." if component else ""
    return f"{said}{whose}{doubt}{link(point.at, point.also)}"


def _count(count: Count) -> dict[str, Any]:
    waived = {"waivedUntil": count.waiver.expires.isoformat()} if count.waiver else {}
    return {"id": count.control.id, "action": count.action, **waived}


def _waivers(point: Point) -> list[Waiver]:
    """The waivers of a point that is waived for every control; each once, in order."""
    if not point.waived:
        return []
    found: list[Waiver] = []
    for count in point.counts:
        if count.waiver is not None and count.waiver not in found:
            found.append(count.waiver)
    return found


def _suppression(waiver: Waiver) -> Any:
    approvers = ", ".join(waiver.approved_by)
    justification = (
        f"{sentence(waiver.reason)} Ticket {waiver.ticket}, approved by {approvers}, "
        f"expires {waiver.expires.isoformat()}."
    )
    return om.Suppression(
        kind="external",
        state="accepted",
        justification=sarif_text(justification),
        properties={
            "ticket": sarif_text(waiver.ticket),
            "approvedBy": [sarif_text(each) for each in waiver.approved_by],
            "requestedBy": sarif_text(waiver.requested_by),
            "compensatingMeasure": sarif_text(waiver.compensating_measure),
            "created": waiver.created.isoformat(),
            "expires": waiver.expires.isoformat(),
        },
    )


def _digest(*parts: str) -> str:
    return sha256(json.dumps(parts).encode("ascii")).hexdigest()
