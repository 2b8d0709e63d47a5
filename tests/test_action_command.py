"""`gate action` by itself: the builds it takes from its input, and failures it must not hide."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gate.cli.action import WrongInput, builds

CLEAN = Path(__file__).parents[1] / "fixtures/builds/clean-app/build.apk"


def test_a_list_of_builds_holds_paths_and_patterns(tmp_path: Path) -> None:
    for name in ("b.apk", "a.apk", "[x].apk", "deep/er/c.ipa"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert builds(" ?.apk \n\n[x].apk\n**/*.ipa\na.apk", tmp_path) == (
        "a.apk",
        "b.apk",
        "[x].apk",
        "deep/er/c.ipa",
    )
    assert builds(f"{tmp_path}/*/er/*.ipa\nmissing.apk", Path("/")) == (
        f"{tmp_path}/deep/er/c.ipa",
        "missing.apk",
    )


@pytest.mark.parametrize("lines", ["", " \n\t\n", "*.apk", "/no/such/folder/*", "a.apk\n**/*.ipa"])
def test_a_list_that_names_no_build_is_a_wrong_input(tmp_path: Path, lines: str) -> None:
    with pytest.raises(WrongInput):
        builds(lines, tmp_path)


def gate_action(tmp_path: Path, most: int, **env: str) -> subprocess.CompletedProcess[str]:
    """`gate action` where no file may be larger than `most` bytes; -1 is no limit."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "gate", "action"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )


def test_the_command_refuses_to_run_outside_of_the_action(tmp_path: Path) -> None:
    ended = gate_action(tmp_path, -1)
    assert ended.returncode == 2
    assert "gate scan" in ended.stderr


def test_a_scan_that_cannot_write_its_reports_has_no_verdict(tmp_path: Path) -> None:
    output = tmp_path / "output"
    given = {"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(tmp_path)}
    ended = gate_action(tmp_path, 2048, GATE_ACTION_BUILD=str(CLEAN), **given)
    assert ended.returncode == 0
    assert re.findall("^(error|pass|block|undecided|[0-3])$", output.read_text(), re.M) == [
        "error",
        "3",
    ]
    assert "::error title=Mobile release gate::" in ended.stdout
