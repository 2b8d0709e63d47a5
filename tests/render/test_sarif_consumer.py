"""What an importer of SARIF makes of a file, by the rules of DefectDojo's (dojo/tools/sarif)."""

import json
import re
from dataclasses import dataclass
from typing import Any

from gate.render import render
from gate.report import Document
from tests.render.samples import BLOCKED


@dataclass(frozen=True)
class Imported:
    title: str
    severity: str
    cwe: int
    file: str
    line: int
    snippet: str
    active: bool
    unique: str


def imported(scan: Document) -> dict[str, Imported]:
    """What was imported, by subject; only results of kind fail are looked at."""
    (run,) = json.loads(render(scan, "sarif-full"))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    return {
        result["properties"]["mrg/subject"]: _one(result, rules[result["ruleId"]])
        for result in run["results"]
        if result.get("kind", "fail") == "fail"
    }


def _one(result: dict[str, Any], rule: dict[str, Any]) -> Imported:
    place = result["locations"][0]["physicalLocation"]
    # The importer reads `id` of every target without asking whether there is one.
    targets = [each["target"]["id"] for each in rule["relationships"]]
    cwe = next((int(each[4:]) for each in targets if re.fullmatch(r"CWE-\d+", each)), 0)
    score = float(rule["properties"]["security-severity"])
    severities = ((9, "Critical"), (7, "High"), (4, "Medium"), (0, "Low"))
    return Imported(
        title=result["message"]["text"],
        severity=next(name for least, name in severities if score >= least),
        cwe=cwe,
        file=place["artifactLocation"]["uri"],
        line=place["region"]["startLine"],
        snippet=place["region"].get("snippet", {}).get("text", ""),
        active=not result.get("suppressions"),
        unique=next(iter(result["fingerprints"].values())),
    )


def test_a_finding_is_imported_with_severity_weakness_place_and_identity() -> None:
    found = imported(BLOCKED)["application"]
    assert (found.severity, found.cwe, found.active) == ("Critical", 489, True)
    assert (found.file, found.line) == ("app/build/outputs/app%20release.apk", 1)
    assert found.snippet == 'android:debuggable="true"'
    assert found.title.startswith("The manifest sets android:debuggable to true.")


def test_a_waived_finding_is_imported_as_inactive() -> None:
    found = imported(BLOCKED)
    assert [subject for subject, each in found.items() if not each.active] == ["quotes.example.com"]


def test_every_imported_finding_has_an_identity_of_its_own() -> None:
    found = imported(BLOCKED)
    assert len({each.unique for each in found.values()}) == len(found) == 5
