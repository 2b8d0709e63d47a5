"""The action and the workflows as they are written: valid, pinned, nothing to inject into."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.render import FORMATS

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(path: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_text("utf-8"))
    jobs = document.get("jobs", {"action": document.get("runs")})
    return [step for job in jobs.values() for step in job["steps"]]


def test_no_script_of_a_step_holds_an_expression() -> None:
    scripts = [
        step["run"] for path in (ACTION, *WORKFLOWS) for step in steps(path) if "run" in step
    ]
    assert len(scripts) > 3
    assert [script for script in scripts if "${{" in script] == []


def test_every_input_reaches_a_step_and_every_output_comes_from_one() -> None:
    document = yaml.safe_load(ACTION.read_text("utf-8"))
    told = str(document["runs"]["steps"])
    assert [name for name in document["inputs"] if f"inputs.{name} " not in told] == []
    assert all("steps.scan.outputs." in each["value"] for each in document["outputs"].values())


def test_every_foreign_action_is_pinned_and_says_its_version() -> None:
    lines = [line for path in (ACTION, *WORKFLOWS) for line in path.read_text("utf-8").split("\n")]
    uses = [found[1] for line in lines if (found := re.match(r"\s*(?:- )?uses: (.*)", line))]
    foreign = [each for each in uses if each != "./"]
    assert len(foreign) > 2
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in foreign if not pinned.fullmatch(each)] == []


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("vendor.github-actions", [ACTION]), ("vendor.github-workflows", WORKFLOWS)],
)
def test_the_metadata_is_valid_by_its_schema(schema: str, paths: list[Path]) -> None:
    assert complaints(schema, *paths) == ""


@pytest.mark.parametrize(
    ("schema", "mark"), [("vendor.github-workflows", "jobs:"), ("vendor.gitlab-ci", "script:")]
)
def test_an_example_in_the_documentation_is_valid_by_its_schema(
    schema: str, mark: str, tmp_path: Path
) -> None:
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    (example,) = (each for each in re.findall("```yaml\n(.*?)```", text, re.S) if mark in each)
    (tmp_path / "example.yml").write_text(example)
    assert complaints(schema, tmp_path / "example.yml") == ""


def test_the_documentation_names_every_format_and_output() -> None:
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    outputs = yaml.safe_load(ACTION.read_text("utf-8"))["outputs"]
    assert [name for name in (*FORMATS, *outputs) if f"`{name}`" not in text] == []


def complaints(schema: str, *paths: Path) -> str:
    command = [sys.executable, "-P", "-m", "check_jsonschema", "--builtin-schema", schema]
    checked = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=False
    )
    return "" if checked.returncode == 0 else checked.stdout or checked.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_starts_without_permissions_and_keeps_no_credentials(path: Path) -> None:
    assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {}
    kept = [
        step["with"]["persist-credentials"]
        for step in steps(path)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert kept
    assert not any(kept)
