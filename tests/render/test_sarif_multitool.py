"""The SARIF Multitool's opinion, where the environment says where it is (SARIF_MULTITOOL)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.render import render
from tests.render.hostile import EVERYTHING
from tests.render.mutations import FOR_THE_MULTITOOL, broken
from tests.render.samples import BLOCKED, NAMED, labelled

MULTITOOL = os.environ.get("SARIF_MULTITOOL", "")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not MULTITOOL, reason="SARIF_MULTITOOL names no executable"),
]


VALIDATE = Path(__file__).parents[2] / "tools" / "validate_sarif.py"


def validated(file: Path, text: str) -> tuple[int, str]:
    """The exit code and the words of the validator on a file of this text."""
    file.write_text(text, "utf-8")
    ran = subprocess.run(
        [sys.executable, VALIDATE, file], capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("profile", ["sarif", "sarif-full"])
@pytest.mark.parametrize("name", [*NAMED, "hostile"])
def test_the_multitool_has_no_complaint(name: str, profile: str, tmp_path: Path) -> None:
    text = render({**NAMED, "hostile": labelled(EVERYTHING)}[name], profile)
    assert isinstance(text, str)
    code, said = validated(tmp_path / "build.sarif", text)
    assert (code, said) == (0, "1 checked: no error, no warning\n")


@pytest.mark.parametrize("name", FOR_THE_MULTITOOL)
def test_the_multitool_finds_a_broken_file(name: str, tmp_path: Path) -> None:
    rule, breaks = FOR_THE_MULTITOOL[name]
    text = json.dumps(broken(json.loads(render(BLOCKED, "sarif")), breaks))
    code, said = validated(tmp_path / "build.sarif", text)
    assert code == 1
    assert f" {rule}:" in said
