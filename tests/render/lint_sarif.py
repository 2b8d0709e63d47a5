"""What GitHub or the specification demands of a SARIF file and no validator here looks at."""

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

LEVELS = {"error", "warning", "note", "none"}
CATEGORY = re.compile(r"mobile-release-gate/[a-z]+(/[^/]+){1,3}/")


def complaints(text: str, *, for_github: bool) -> list[str]:
    """What is wrong with a file, in no more than a line each; nothing where all is well."""
    log = json.loads(text)
    return [*_of_file(text, log, for_github), *_of_runs(log, for_github)]


def _of_file(text: str, log: dict[str, Any], for_github: bool) -> Iterator[str]:
    names = [run["automationDetails"]["id"] for run in log["runs"]]
    if len(set(names)) != len(names):
        yield "two runs of one category"
    if for_github and len(names) > 20:
        yield "more than 20 runs"
    if for_github and len(gzip.compress(text.encode())) > 10_000_000:
        yield "more than 10 MB zipped"
    if any(not CATEGORY.fullmatch(name) for name in names):
        yield "a category of another form"


def _of_runs(log: dict[str, Any], for_github: bool) -> Iterator[str]:
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        if run.get("columnKind") != "utf16CodeUnits":
            yield "columns without a unit"
        for rule in rules:
            yield from _of_rule(rule)
        if for_github and len(run["results"]) > 5_000:
            yield "more results than GitHub keeps"
        for result in run["results"]:
            yield from _of_result(result, rules, for_github)
        yield from _of_identity(run["results"])
        yield from _of_artifacts(run)


def _of_rule(rule: dict[str, Any]) -> Iterator[str]:
    score = rule["properties"].get("security-severity", "")
    if not re.fullmatch(r"\d+\.\d", score) or not 0 < float(score) <= 10:
        yield f"{rule['id']}: security-severity {score!r}"
    if len(rule["properties"]["tags"]) > 10:
        yield f"{rule['id']}: more than ten tags"
    if not re.fullmatch(r"([A-Z][a-z0-9]*)+", rule["name"]) or len(rule["name"]) > 255:
        yield f"{rule['id']}: name {rule['name']!r}"
    for text in ("shortDescription", "fullDescription"):
        if not 0 < len(rule[text]["text"]) <= 1024:
            yield f"{rule['id']}: length of {text}"
    if any("id" not in each["target"] for each in rule.get("relationships", [])):
        yield f"{rule['id']}: a relationship without target.id"


def _of_result(
    result: dict[str, Any], rules: list[dict[str, Any]], for_github: bool
) -> Iterator[str]:
    id, index = result["ruleId"], result.get("ruleIndex", -1)
    if not 0 <= index < len(rules) or rules[index]["id"] != id:
        yield f"{id}: ruleIndex is of another rule"
    if result.get("level") not in LEVELS or (result.get("kind") == "fail") == (
        result.get("level") == "none"
    ):
        yield f"{id}: level {result.get('level')} of kind {result.get('kind')}"
    if for_github and (result.get("kind") != "fail" or result.get("suppressions")):
        yield f"{id}: GitHub would open an alert for what is not open"
    for suppression in result.get("suppressions", []):
        if suppression.get("status") != "accepted" or not suppression.get("justification"):
            yield f"{id}: a suppression without status or justification"
    region = result["locations"][0]["physicalLocation"]["region"]
    if not {"startLine", "startColumn", "endLine", "endColumn"} <= region.keys():
        yield f"{id}: a region that GitHub cannot show"
    links = set(re.findall(r"(?<!\\)\]\((.*?)\)", result["message"]["text"]))
    if not links <= {str(each["id"]) for each in result.get("relatedLocations", [])}:
        yield f"{id}: a link to nowhere"
    if not result["message"]["text"].isprintable():
        yield f"{id}: a message that is not plain text"


def _of_identity(results: list[dict[str, Any]]) -> Iterator[str]:
    hashes = [
        each.get("partialFingerprints", {}).get("primaryLocationLineHash", "") for each in results
    ]
    stable = [each.get("fingerprints", {}).get("mrgFinding/v1", "") for each in results]
    if any(not re.fullmatch(r"[0-9a-f]{16}:[1-9]\d*", each) for each in hashes):
        yield "a primaryLocationLineHash that is none"
    if any(not re.fullmatch(r"[0-9a-f]{32}", each) for each in stable):
        yield "a fingerprint that is none"
    if len(set(hashes)) != len(hashes) or len(set(stable)) != len(stable):
        yield "two results of one identity"


def _of_artifacts(run: dict[str, Any]) -> Iterator[str]:
    listed = run["artifacts"]
    for index, artifact in enumerate(listed):
        if artifact["location"]["index"] != index:
            yield "an artifact out of place"
        if index and artifact.get("parentIndex") != 0:
            yield "an artifact that lies in no build"
    for place in _places(run["results"]):
        location = place["artifactLocation"]
        if location != listed[location.get("index", 0)]["location"]:
            yield "a location of another artifact"
        yield from _of_uri(location["uri"])


def _places(results: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for result in results:
        for location in (*result["locations"], *result.get("relatedLocations", [])):
            yield location["physicalLocation"]


def _of_uri(uri: str) -> Iterator[str]:
    plain = unquote(uri)
    if not re.fullmatch(r"(?:[A-Za-z0-9._~+@=,()/-]|%[0-9A-F]{2})+", uri):
        yield f"{uri}: not percent-encoded"
    if plain.startswith("/") or {"", ".", ".."} & set(plain.split("/")):
        yield f"{uri}: not a plain relative path"
    if unicodedata.normalize("NFC", plain) != plain:
        yield f"{uri}: not NFC"
