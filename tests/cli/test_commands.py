"""The commands beside `scan`: explain, checks, rulesets, render, help and completion."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.catalogue import catalogue
from gate.cli.main import run


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(arguments) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--help")
    for words in ("scan", "explain", "checks", "rulesets", "render", "0  pass", "3  no verdict"):
        assert words in text


@pytest.mark.parametrize("check", sorted(catalogue()))
def test_a_check_is_explained_with_its_documentation(
    check: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "explain", check)
    for words in (check, "Looks at:", "Matters because:", "Fix by:", "Cannot see:", "A63-"):
        assert words in text


def test_a_control_is_explained_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "explain", "A63-DBG-01")
    assert "android-debuggable" in text and "trading block" in text
    assert any("\u4e00" <= character <= "\u9fff" for character in text)


def test_a_control_for_a_person_says_what_evidence_it_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "Evidence a person brings" in said(capsys, "explain", "A63-REL-01")


def test_an_unknown_name_is_answered_with_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert "android-debuggable" in said(capsys, "explain", "android-debugable", code=2)


def test_the_checks_are_listed_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = said(capsys, "checks").splitlines()
    assert head.split("\t")[:3] == ["id", "platform", "severity"]
    assert [row.split("\t")[0] for row in rows] == sorted(catalogue())
    objects = json.loads(said(capsys, "checks", "--format", "json"))
    assert [each["id"] for each in objects] == sorted(catalogue())
    assert all(each["fix_by"] for each in objects)


def test_the_rulesets_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert {line.split("\t")[0] for line in said(capsys, "rulesets").splitlines()} >= {
        "article-6-3",
        "all",
    }
    head, *rows = said(capsys, "rulesets", "article-6-3").splitlines()
    assert head.split("\t") == [
        "control", "trading", "info", "vendor", "internal", "checks", "title",
    ]  # fmt: skip
    assert len(rows) == 70


def test_a_file_that_is_no_report_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    for text in ("", "{}", "[" * 100_000, '{"schema": "other/1"}', "\0"):
        path.write_text(text)
        assert "report.json" in said(capsys, "render", str(path), "--report", "sarif=-", code=2)


def test_a_missing_report_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert "missing.json" in said(capsys, "render", "missing.json", "--report", "text=-", code=2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completion_is_there(shell: str) -> None:
    env = {**os.environ, "_GATE_COMPLETE": f"{shell}_source"}
    gate = Path(sys.executable).with_name("gate")
    done = subprocess.run([gate], env=env, capture_output=True, check=False)
    assert b"_GATE_COMPLETE" in done.stdout


def test_completion_knows_the_commands() -> None:
    env = {
        **os.environ,
        "_GATE_COMPLETE": "bash_complete",
        "COMP_WORDS": "gate re",
        "COMP_CWORD": "1",
    }
    gate = Path(sys.executable).with_name("gate")
    done = subprocess.run([gate], env=env, capture_output=True, check=False)
    assert done.stdout.split() == [b"plain,render"]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version").startswith("mobile-release-gate, version ")
