"""What the checks and the policy are, in SARIF: rules and taxonomies."""

from typing import Any

from gate.check import HEADINGS, CheckCard, Severity
from gate.decide import Standing
from gate.render.escape import sarif_text
from gate.render.sarif_log import om
from gate.render.wording import sentence
from gate.report import Report

DOCS = "https://github.com/mobile-release-gate/mobile-release-gate/blob/main/docs/"
UNDECIDED = "gate-undecided"
MOST_TAGS = 10

# GitHub reads the number as a CVSS score: over 9.0 critical, from 7.0 high, from 4.0 medium.
# Exactly 9.0 is left out, since its documentation counts it to neither side.
SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
}
LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# The word for a note differs between the two (CodeQL, metadata of queries).
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}


def rules(report: Report) -> list[Any]:
    """Every check of the report, also those that found nothing, so that old alerts are closed.

    A build that was not read has a rule of its own at the end.
    """
    listed = [_rule(card, report) for card in report.checks]
    return listed if report.app else [*listed, _undecided_rule()]


def taxonomies(report: Report) -> list[Any]:
    """CWE, MASVS and the ruleset: the entries that the checks name, and every control."""
    cwes = sorted({cwe for card in report.checks for cwe in card.cwe})
    masvs = sorted({each for card in report.checks for each in card.masvs})
    return [
        om.ToolComponent(
            name="CWE",
            organization="MITRE",
            information_uri="https://cwe.mitre.org/",
            short_description=_text("Common Weakness Enumeration, as far as the checks name it."),
            taxa=[_cwe(number) for number in cwes],
        ),
        om.ToolComponent(
            name="MASVS",
            organization="OWASP",
            information_uri="https://mas.owasp.org/MASVS/",
            short_description=_text(
                "Mobile Application Security Verification Standard, as far as the checks name it."
            ),
            taxa=[_masvs(name) for name in masvs],
        ),
        _ruleset(report),
    ]


def _cwe(number: int) -> Any:
    page = f"https://cwe.mitre.org/data/definitions/{number}.html"
    return om.ReportingDescriptor(id=f"CWE-{number}", help_uri=page)


def _masvs(name: str) -> Any:
    page = f"https://mas.owasp.org/MASVS/controls/{name}/"
    return om.ReportingDescriptor(id=name, help_uri=page)


def _ruleset(report: Report) -> Any:
    policy = report.policy
    return om.ToolComponent(
        name=policy.name,
        full_name=f"{policy.title.en} {policy.version}",
        version=policy.version,
        is_comprehensive=True,
        short_description=_text(f"{policy.title.en}: the controls a release is judged by."),
        taxa=[_control(standing) for standing in report.verdict.standings],
        properties={"sha256": policy.sha256, "title": {"zh-Hant": policy.title.zh_hant}},
    )


def _control(standing: Standing) -> Any:
    control = standing.control
    return om.ReportingDescriptor(
        id=control.id,
        short_description=_text(control.title.en),
        full_description=_text(control.rationale or control.title.en),
        properties={
            "title": {"zh-Hant": control.title.zh_hant},
            "clause": control.clause,
            "severity": control.severity,
            "action": standing.action,
            "state": standing.state,
            "evidence": list(control.evidence),
        },
    )


def _rule(card: CheckCard, report: Report) -> Any:
    doc, severity = card.doc, Severity(card.severity)
    parts = (doc.looks_at, doc.matters_because, doc.fix_by, doc.cannot_see)
    headed = list(zip(HEADINGS, parts, strict=True))
    return _descriptor(
        card.id,
        title=doc.title,
        full=f"{sentence(doc.title)} {doc.matters_because}",
        text="\n\n".join(f"{heading}: {part}" for heading, part in headed),
        markdown="\n\n".join(f"## {heading}\n\n{part}" for heading, part in headed),
        page=f"checks/{card.id}.md",
        severity=severity,
        tags=_tags(card),
        relationships=_relationships(card, report),
    )


def _undecided_rule() -> Any:
    title = "The build could not be judged"
    why = "A build that cannot be read is never let through: what it holds is not known."
    fix = "Give the finished build itself, unencrypted and whole, and scan again."
    return _descriptor(
        UNDECIDED,
        title=title,
        full=f"{sentence(title)} {why}",
        text=f"{why}\n\n{fix}",
        markdown=f"{why}\n\n{fix}",
        page="ci.md",
        severity=Severity.HIGH,
        tags=["security"],
        relationships=None,
    )


def _descriptor(
    id: str,
    *,
    title: str,
    full: str,
    text: str,
    markdown: str,
    page: str,
    severity: Severity,
    tags: list[str],
    relationships: list[Any] | None,
) -> Any:
    level = LEVEL[severity]
    return om.ReportingDescriptor(
        id=id,
        name=rule_name(id),
        short_description=_text(sentence(title)),
        full_description=_text(full),
        help=om.MultiformatMessageString(text=text, markdown=markdown),
        help_uri=DOCS + page,
        default_configuration=om.ReportingConfiguration(level=level),
        relationships=relationships,
        properties={
            "precision": "high",
            "problem.severity": _PROBLEM[level],
            "security-severity": SECURITY_SEVERITY[severity],
            "tags": tags,
        },
    )


def rule_name(id: str) -> str:
    """An id as the name GitHub shows: android-debuggable is AndroidDebuggable."""
    return "".join(word.capitalize() for word in id.split("-"))


def _tags(card: CheckCard) -> list[str]:
    """At most ten, for GitHub keeps no more; three digits in a CWE as CodeQL writes them."""
    platform = card.id.partition("-")[0]
    platforms = [platform] if platform in ("android", "ios") else ["android", "ios"]
    weaknesses = (f"external/cwe/cwe-{number:03d}" for number in card.cwe)
    return ["security", *platforms, *weaknesses][:MOST_TAGS]


def _relationships(card: CheckCard, report: Report) -> list[Any] | None:
    controls = (each.control for each in report.verdict.standings)
    named = (
        ("CWE", [f"CWE-{number}" for number in card.cwe]),
        ("MASVS", list(card.masvs)),
        (report.policy.name, [each.id for each in controls if card.id in each.checks]),
    )
    return [
        om.ReportingDescriptorRelationship(
            target=om.ReportingDescriptorReference(
                id=target, tool_component=om.ToolComponentReference(name=taxonomy, index=index)
            )
        )
        for index, (taxonomy, targets) in enumerate(named)
        for target in targets
    ] or None


def _text(text: str) -> Any:
    return om.MultiformatMessageString(text=sarif_text(text))
