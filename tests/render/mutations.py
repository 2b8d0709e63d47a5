"""Ways to break a good SARIF file, each of which some test has to notice."""

import copy
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Breaks = Callable[[Json, Json, Json], object]


def broken(log: Json, breaks: Breaks) -> Json:
    """A copy of the log with its first run's first result, or what is around it, broken."""
    copied = copy.deepcopy(log)
    run = copied["runs"][0]
    breaks(copied, run, run["results"][0])
    return copied


def _place(result: Json) -> Json:
    place: Json = result["locations"][0]["physicalLocation"]
    return place


def _rule(run: Json) -> Json:
    rule: Json = run["tool"]["driver"]["rules"][0]
    return rule


def _move(uri: str) -> Breaks:
    return lambda log, run, result: _place(result).update(artifactLocation={"uri": uri})


def _score(value: object) -> Breaks:
    return lambda log, run, result: _rule(run)["properties"].update({"security-severity": value})


DRAFT = {"kind": "external", "state": "accepted"}

# What the Multitool finds, with the rule that has to be among its complaints.
FOR_THE_MULTITOOL: dict[str, tuple[str, Breaks]] = {
    "no region": ("GH1003", lambda log, run, result: _place(result).pop("region")),
    "a region of bytes alone": (
        "GH1003",
        lambda log, run, result: _place(result).update(region={"byteOffset": 4, "byteLength": 2}),
    ),
    "a web address": ("GH1005", _move("https://example.com/app.apk")),
    "a path of the machine": ("GH1006", _move("file:///home/ci/app.apk")),
    "no location": ("GH1001", lambda log, run, result: result.pop("locations")),
    "no help": ("GH2012", lambda log, run, result: _rule(run).pop("help")),
    "an index of no rule": ("SARIF1009", lambda log, run, result: result.update(ruleIndex=99)),
    "no results": ("GH1014", lambda log, run, result: run.pop("results")),
    "the draft's suppression": (
        "JSON1005",
        lambda log, run, result: result.update(suppressions=[DRAFT]),
    ),
    "a blank in a path": ("SARIF1002", _move("a b/app.apk")),
    "a message by id": (
        "GH1007",
        lambda log, run, result: result.update(message={"id": "default"}),
    ),
    "too many runs": ("GH1013", lambda log, run, result: log.update(runs=[run] * 21)),
}

# What the Multitool lets pass, and the lint has to find.
FOR_THE_LINT: dict[str, Breaks] = {
    "an index of another rule": lambda log, run, result: result.update(ruleIndex=0, ruleId="other"),
    "a severity in words": _score("HIGH"),
    "a severity of nothing": _score("0.0"),
    "a severity too high": _score("10.1"),
    "too many tags": lambda log, run, result: _rule(run)["properties"].update(
        tags=[f"tag{number}" for number in range(25)]
    ),
    "no fingerprint": lambda log, run, result: result.pop("partialFingerprints"),
    "no stable fingerprint": lambda log, run, result: result.pop("fingerprints"),
    "one identity twice": lambda log, run, result: run["results"].append(result),
    "a passed check": lambda log, run, result: result.update(kind="pass", level="none"),
    "a passed check with a level": lambda log, run, result: result.update(kind="pass"),
    "a waived finding": lambda log, run, result: result.update(
        suppressions=[{"kind": "external", "status": "accepted", "justification": "x"}]
    ),
    "no level": lambda log, run, result: result.pop("level"),
    "a long description": lambda log, run, result: _rule(run)["fullDescription"].update(
        text="x" * 1025
    ),
    "a name of two words": lambda log, run, result: _rule(run).update(name="two words"),
    "a target without id": lambda log, run, result: _rule(run)["relationships"][0]["target"].pop(
        "id"
    ),
    "a climbing path": lambda log, run, result: _move_all(run, result, "../app.apk"),
    "a hidden climbing path": lambda log, run, result: _move_all(run, result, "%2E%2E/app.apk"),
    "a rooted path": lambda log, run, result: _move_all(run, result, "/app.apk"),
    "a path in another form": lambda log, run, result: _move_all(run, result, "e%CC%81.apk"),
    "a path of no artifact": _move("other.apk"),
    "an archive path of Java's": lambda log, run, result: _move_all(run, result, "a.apk!/x"),
    "a link to nowhere": lambda log, run, result: result["message"].update(
        text="[x](javascript:1)."
    ),
    "a message of two lines": lambda log, run, result: result["message"].update(
        text="a\n::error::b"
    ),
    "no unit of columns": lambda log, run, result: run.pop("columnKind"),
    "two runs of one category": lambda log, run, result: log["runs"].append(run),
    "a category without its end": lambda log, run, result: run["automationDetails"].update(
        id="mobile-release-gate/android/app"
    ),
    "a region that ends nowhere": lambda log, run, result: _place(result)["region"].pop(
        "endColumn"
    ),
    "an artifact out of its build": lambda log, run, result: run["artifacts"][1].pop("parentIndex"),
}


def _move_all(run: Json, result: Json, uri: str) -> None:
    run["artifacts"][0]["location"]["uri"] = uri
    for each in run["results"]:
        _place(each)["artifactLocation"]["uri"] = uri
