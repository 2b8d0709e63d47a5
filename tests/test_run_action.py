"""The runner of composite actions: what it makes of expressions, files and logs."""

from pathlib import Path

import pytest
import yaml

from tests.run_action import Command, Machine, commands, pairs, run

INJECTABLE = """
inputs: {name: {default: "${{ runner.temp }}"}}
outputs: {said: {value: "${{ steps.speak.outputs.said }}"}}
runs:
  using: composite
  steps:
    - {id: speak, shell: bash, run: 'echo "said=${{ inputs.name }}" >> "$GITHUB_OUTPUT"'}
    - {id: fail, shell: bash, continue-on-error: true, run: exit 7}
    - {id: page, shell: bash, run: 'head -c 1048577 /dev/zero >> "$GITHUB_STEP_SUMMARY"'}
    - {id: put, shell: bash, run: 'echo A=b >> "$GITHUB_ENV"; echo /x >> "$GITHUB_PATH"'}
    - {id: get, shell: bash, run: 'test "$A" = b && test "${PATH%%:*}" = /x'}
    - {id: skipped, if: failure(), shell: bash, run: exit 1}
    - {id: broken, shell: bash, run: exit 1}
    - {id: after, shell: bash, run: exit 0}
    - {id: always, if: "always() && steps.fail.outcome == 'failure'", uses: a/b@c, with: {d: 1}}
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "action.yml").write_text(INJECTABLE)
    (tmp_path / "temp").mkdir()
    return Machine(tmp_path, tmp_path / "temp", {"PATH": "/usr/bin:/bin"})


def test_an_action_that_writes_an_input_into_its_script_is_caught(machine: Machine) -> None:
    done = run(machine.workspace, {"name": '$(touch touched)"; exit 9 #'}, machine)
    assert (machine.workspace / "touched").exists()
    assert done.codes["speak"] == 9


def test_steps_run_fail_and_are_skipped_as_on_github(machine: Machine) -> None:
    done = run(machine.workspace, {}, machine)
    assert done.outputs == {"said": str(machine.temp)}
    assert {name: (step.outcome, step.conclusion) for name, step in done.steps.items()} == {
        "speak": ("success", "success"),
        "fail": ("failure", "success"),
        "page": ("success", "success"),
        "put": ("success", "success"),
        "get": ("success", "success"),
        "skipped": ("skipped", "skipped"),
        "broken": ("failure", "failure"),
        "after": ("skipped", "skipped"),
        "always": ("success", "success"),
    }
    assert done.uses == [("a/b@c", {"d": "1"})]
    assert done.summary == ""
    assert "1024k" in done.annotations("error")[0].data


def test_an_unknown_input_is_refused(machine: Machine) -> None:
    with pytest.raises(ValueError, match="no such input"):
        run(machine.workspace, {"nmae": ""}, machine)


def value_of(source: str, machine: Machine) -> str:
    """What an expression is written as, by way of an action whose one output it is."""
    action = {
        "inputs": {"a": {"default": True}, "none": None},
        "outputs": {"value": {"value": f"${{{{ {source} }}}}"}},
        "runs": {"steps": []},
    }
    (machine.workspace / "action.yml").write_text(yaml.safe_dump(action))
    return run(machine.workspace, {}, machine).outputs["value"]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'it''s'", "it's"),
        ("inputs.a == 'TRUE' && !inputs.none", "true"),
        ("inputs.none || 'else'", "else"),
        ("inputs.a != 'true' || false", "false"),
        ("(1 == '1') && null == ''", "true"),
        ("'x' == 1", "false"),
        ("contains('Hello', 'hELL')", "true"),
        ("format('{0}-{1}', 1.5, inputs.a)", "1.5-true"),
        ("hashFiles('*.none')", ""),
        ("steps.one.outputs.two", ""),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(
    source: str, value: str, machine: Machine
) -> None:
    assert value_of(source, machine) == value


@pytest.mark.parametrize("source", ["", "a", "inputs.", "f()", "('x'", "1 2", "'x", "x.y", "!"])
def test_what_is_no_expression_is_refused(source: str, machine: Machine) -> None:
    with pytest.raises(ValueError, match=r"expression|unexpected|no |closed"):
        value_of(source, machine)


def test_outputs_are_lines_or_lie_between_marks() -> None:
    assert pairs("a=b=c\n\nd<<M\ne=f\n\nM\ng=h<<i\n") == {"a": "b=c", "d": "e=f\n", "g": "h<<i"}


@pytest.mark.parametrize("content", ["no sign", "a<<M\nb\n", "=b"])
def test_outputs_in_no_known_form_are_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r"invalid format|no end"):
        pairs(content)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "  ::error title=a%2Cb%253A,file=c%3Ad::e%0Af%2C%250A",
            [Command("error", "e\nf%2C%0A", {"title": "a,b%3A", "file": "c:d"})],
        ),
        ("words ::error::x\n::nonsense::y\n::error title=z", []),
        ("x ##[WARNING f=%3B;g=h]y", [Command("warning", "y", {"f": ";", "g": "h"})]),
        ("a\r::notice::b", [Command("notice", "b", {})]),
        ("::stop-commands::T\n::error::x\n::T::\n::debug::y", [Command("debug", "y", {})]),
    ],
)
def test_a_log_is_read_for_commands_as_the_runner_does(log: str, expected: list[Command]) -> None:
    assert commands(log) == expected
