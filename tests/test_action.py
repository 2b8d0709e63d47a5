"""The GitHub Action, step by step in a real shell, installed for real."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from tests.run_action import Machine, Run, run

ROOT = Path(__file__).parents[1]
CLEAN, DEMO = (ROOT / f"fixtures/builds/{name}/build.apk" for name in ("clean-app", "demo-app"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
UPLOAD = "github/codeql-action/upload-sarif"
LAST = str(len(ACTION["runs"]["steps"]) - 1)
FILES = ("report-file", "sarif-file", "sarif-full-file", "markdown-file")
HOSTILE = '$(touch touched)"; touch touched; `touch touched`\nverdict=pass\n::error::forged #'
SINGLY = [(name,) for name in ACTION["inputs"] if name not in ("wheel-dir", "pip-args")]
BAIT = "gate checks sitecustomize usercustomize pip venv ensurepip setuptools json click runpy"

sources = pytest.mark.skipif(
    not all((ROOT / part).is_dir() for part in ("gate", "checks", "rulesets")),
    reason="the action installs the gate from its sources, and these tests run without them",
)
Act = Callable[..., Run]


@pytest.fixture(scope="session")
def wheels(pytestconfig: pytest.Config) -> Path:
    """Every wheel the installation needs, fetched once and kept in pytest's cache."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    key = sha256(f"{wanted} {sys.version}".encode()).hexdigest()[:16]
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir(f"wheels-{key}")
    if not (folder / "complete").exists():
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder)]
        fetched = subprocess.run([*command, *wanted], capture_output=True, check=False)
        if fetched.returncode and "CI" not in os.environ:
            pytest.skip("no package index to fetch the wheels from, which is needed once")
        assert fetched.returncode == 0, fetched.stderr.decode()
        (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run from the installation on, in a workspace whose modules leave a mark when imported."""
    workspace, temp = tmp_path_factory.mktemp("workspace"), tmp_path_factory.mktemp("runner")
    copy(CLEAN, workspace / "clean.apk")
    for name in BAIT.split():
        mark = f"open({str(workspace / 'imported')!r}, 'a').write(__name__)\n"
        (workspace / f"{name}.py").write_text(mark)
    inputs = {"build": "clean.apk", "python": sys.executable, "wheel-dir": str(wheels)}
    env = {**environment(temp), "PYTHONPATH": str(workspace)}
    return run(ROOT, inputs, Machine(workspace, temp, env)), workspace


@pytest.fixture
def act(installed: tuple[Run, Path], tmp_path: Path) -> Act:
    """Run the action in a fresh workspace with both builds, on the installation of the session."""
    workspace, temp = tmp_path / "workspace", tmp_path / "runner"
    temp.mkdir()
    workspace.mkdir()
    copy(CLEAN, workspace / "clean.apk")
    copy(DEMO, workspace / "demo.apk")
    before = {"install": installed[0].steps["install"].outputs}

    def start(uploads: bool = True, **inputs: str) -> Run:
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        stubs: dict[str, tuple[bool, dict[str, str]]] = {UPLOAD: (uploads, {})}
        anew = named.keys() & {"python", "pip-args", "wheel-dir"}
        machine = Machine(workspace, temp, environment(temp), stubs, {} if anew else before)
        return run(ROOT, named, machine)

    return start


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def written(done: Run) -> list[Path]:
    return [Path(done.outputs[name]) for name in FILES if done.outputs[name]]


def outcome(done: Run) -> tuple[str, str]:
    return done.outputs["verdict"], done.outputs["exit-code"]


@sources
def test_the_action_installs_itself_and_passes_a_clean_build(installed: tuple[Run, Path]) -> None:
    done, _ = installed
    assert not done.failed, done.log
    assert outcome(done) == ("pass", "0")
    assert [path.is_file() for path in written(done)] == [True] * len(FILES)
    assert done.uses == []


@sources
def test_no_module_of_the_workspace_is_imported(installed: tuple[Run, Path]) -> None:
    _, workspace = installed
    mark = workspace / "imported"
    assert not mark.exists(), mark.read_text()
    subprocess.run([sys.executable, "-c", "import checks"], cwd=workspace, check=True)
    assert mark.exists(), "the bait does not work"


@sources
def test_a_block_fails_the_last_step_alone_and_leaves_the_evidence(act: Act) -> None:
    done = act(build="demo.apk")
    assert outcome(done) == ("block", "1")
    assert [name for name, step in done.steps.items() if step.outcome == "failure"] == [LAST]
    assert done.codes[LAST] == 1
    report, sarif, full, page = (path.read_text("utf-8") for path in written(done))
    assert json.loads(report)["reports"][0]["verdict"]["decision"] == "block"
    found, every = (json.loads(log)["runs"][0]["results"] for log in (sarif, full))
    assert 0 < len(found) < len(every)
    assert "Blocked" in page
    assert done.summary == page


@sources
@pytest.mark.parametrize(("fail", "failed"), [("false", False), ("", True), ("no", True)])
def test_only_the_word_false_turns_a_block_into_advice(act: Act, fail: str, failed: bool) -> None:
    done = act(build="demo.apk", fail=fail)
    assert done.failed is failed
    assert outcome(done) == ("block", "1")


@sources
def test_an_unreadable_build_is_undecided(act: Act) -> None:
    done = act(build="no-such.apk")
    assert outcome(done) == ("undecided", "3")
    assert done.codes[LAST] == 3
    assert len(written(done)) == len(FILES)


@sources
@pytest.mark.parametrize(
    "wrong",
    [
        {"build": ""},
        {"build": "*.ipa"},
        {"profile": "nobody"},
        {"as-of": "soon"},
        {"ruleset": "no-such.yml"},
        {"waivers": "no-such.yml"},
        {"report-dir": "clean.apk"},
    ],
    ids=str,
)
def test_a_wrong_input_fails_even_where_the_verdict_is_advice(
    act: Act, wrong: dict[str, str]
) -> None:
    done = act(**{"build": "clean.apk", "fail": "false", **wrong})
    assert outcome(done) == ("error", "2")
    assert done.codes[LAST] == 2
    assert written(done) == []
    assert [each.properties for each in done.annotations("error")] == [
        {"title": "Mobile release gate"}
    ]
    assert "no verdict" in done.summary


@sources
def test_an_earlier_report_is_gone_after_a_wrong_input(act: Act, tmp_path: Path) -> None:
    kept = tmp_path / "workspace/kept"
    act(build="clean.apk", report_dir="kept")
    assert len(list(kept.iterdir())) == len(FILES)
    act(build="clean.apk", report_dir="kept", profile="nobody")
    assert list(kept.iterdir()) == []


@sources
def test_a_gate_that_is_not_installed_has_no_verdict(act: Act) -> None:
    done = act(build="clean.apk", fail="false", python="no-such-python")
    assert done.steps["install"].outcome == "failure"
    assert done.steps["scan"].outcome == "skipped"
    assert done.codes[LAST] == 3
    assert set(done.outputs.values()) == {""}


@sources
def test_results_are_uploaded_only_when_asked_for_and_before_the_verdict(act: Act) -> None:
    assert act(build="demo.apk").uses == []
    done = act(build="demo.apk", upload_sarif="true")
    assert [(uses.split("@")[0], given) for uses, given in done.uses] == [
        (UPLOAD, {"sarif_file": done.outputs["sarif-file"]})
    ]
    assert done.codes[LAST] == 1


@sources
def test_a_refused_upload_leaves_the_verdict_alone(act: Act) -> None:
    done = act(uploads=False, build="clean.apk", upload_sarif="true")
    assert len(done.uses) == 1
    assert not done.failed


@sources
def test_nothing_is_uploaded_where_there_is_no_report(act: Act) -> None:
    assert act(build="", upload_sarif="true").uses == []


@sources
def test_the_category_goes_before_that_of_each_build(act: Act) -> None:
    logs = [
        json.loads(Path(done.outputs["sarif-file"]).read_text("utf-8"))
        for done in (act(build="clean.apk"), act(build="clean.apk", category="eu/"))
    ]
    plain, eu = (log["runs"][0]["automationDetails"]["id"] for log in logs)
    assert eu == f"eu/{plain}"


@sources
def test_two_scans_of_a_job_keep_their_reports_apart(act: Act) -> None:
    first, second = act(build="demo.apk"), act(build="clean.apk")
    assert len({*written(first), *written(second)}) == 2 * len(FILES)
    assert all(path.is_file() for path in (*written(first), *written(second)))


@sources
def test_annotations_are_at_most_ten_a_level_and_say_how_many_more(
    act: Act, tmp_path: Path
) -> None:
    for number in range(5):
        copy(DEMO, tmp_path / f"workspace/flavour-{number}.apk")
    done = act(build="flavour-*.apk")
    assert len(done.annotations("error")) == 10
    assert re.search(r"\+\d+ more", done.annotations("error")[-1].data)
    assert all(len(done.annotations(level)) <= 10 for level in ("warning", "notice"))
    assert 0 < len(done.summary.encode()) < 1 << 20


@sources
def test_an_annotation_names_a_file_with_awkward_marks_exactly(act: Act, tmp_path: Path) -> None:
    name = "50%25, or: 100% [a]=b.apk"
    copy(DEMO, tmp_path / "workspace" / name)
    errors = act(build=name).annotations("error")
    assert {each.properties.get("file") for each in errors} == {None, name}
    assert any('android:debuggable="true"' in each.data for each in errors)


@sources
@pytest.mark.parametrize("names", [*SINGLY, ("wheel-dir", "pip-args")], ids=",".join)
def test_a_hostile_input_runs_nothing_and_forges_nothing(
    act: Act, tmp_path: Path, names: tuple[str, ...]
) -> None:
    done = act(**{"build": "demo.apk", **dict.fromkeys(names, HOSTILE)})
    assert not list(tmp_path.rglob("touched"))
    assert done.outputs["verdict"] != "pass"
    assert done.failed
    assert "forged" not in [command.data for command in done.commands]


@sources
def test_a_build_named_like_a_command_is_only_a_name(act: Act) -> None:
    done = act(build="::error title=forged::x\n::stop-commands::y\n--report=json=-")
    assert done.outputs["verdict"] == "undecided"
    assert {each.properties.get("title") for each in done.commands} == {"There is no verdict"}
