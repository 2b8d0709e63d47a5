"""Runs a composite action's steps on this machine: real bash and real files, `uses` recorded.

It follows GitHub's documentation of the metadata syntax, of expressions and of workflow commands,
and actions/runner where that is silent. What it does not know it refuses, so that a test never
passes on a step that was not run.
"""

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.action_expression import Expression, Value, fill, text, truthy

SUMMARY_LIMIT = 1 << 20
STEP_KEYS = {"name", "id", "if", "shell", "env", "run", "uses", "with", "continue-on-error"}
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")

# As actions/runner reads a line of a log (ActionCommand.cs, TryParseV2 and TryParse).
NEW = re.compile(r"\s*::(?P<name>[^ ]+?)(?: (?P<properties>.*?))?::(?P<data>.*)")
OLD = re.compile(r".*?##\[(?P<name>[^ \]]+)(?: (?P<properties>[^\]]*))?\](?P<data>.*)")
COMMANDS = re.compile(
    "error|warning|notice|debug|group|endgroup|add-mask|stop-commands|echo|set-output|save-state"
    "|set-env|add-path|add-matcher|remove-matcher",
    re.IGNORECASE,
)
NEW_ESCAPES = {"%3A": ":", "%2C": ","}
OLD_ESCAPES = {"%3B": ";", "%5D": "]"}


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command that the runner would have obeyed."""

    name: str
    data: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a step: success, failure or skipped, before and after continue-on-error."""

    outcome: str
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A finished run; `codes` are the exit codes of the steps that ran a script."""

    failed: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    uses: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    summary: str = ""
    log: str = ""

    def annotations(self, level: str) -> list[Command]:
        """Those of a level: error, warning or notice."""
        return [command for command in self.commands if command.name == level]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where an action runs. `stubs` give the success and the outputs of what it uses; `before`
    holds the outputs of steps that ran in an earlier run and are not run again."""

    workspace: Path
    temp: Path
    env: Mapping[str, str]
    stubs: Mapping[str, tuple[bool, dict[str, str]]] = field(default_factory=dict)
    before: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def run(action: Path, inputs: Mapping[str, str], machine: Machine) -> Run:
    """Run the action in a folder; ValueError for an input or a step that it does not know."""
    metadata = yaml.safe_load((action / "action.yml").read_text("utf-8"))
    if unknown := set(inputs) - set(metadata["inputs"]):
        raise ValueError(f"no such input: {unknown}")
    done = Run()
    context: dict[str, Any] = {
        "github": {"action_path": str(action), "workspace": str(machine.workspace)},
        "runner": {"temp": str(machine.temp), "os": "Linux"},
        "functions": _functions(done, machine.workspace),
        "steps": {},
    }
    context["inputs"] = {
        name: inputs.get(name, fill((given or {}).get("default", ""), context))
        for name, given in metadata["inputs"].items()
    }
    env = {
        **machine.env,
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(action),
        "GITHUB_WORKSPACE": str(machine.workspace),
        "RUNNER_TEMP": str(machine.temp),
    }
    for index, step in enumerate(metadata["runs"]["steps"]):
        name = step.get("id", str(index))
        done.steps[name] = _step(name, step, context, env, machine, done)
        context["steps"] = {name: _as_context(each) for name, each in done.steps.items()}
        done.failed |= done.steps[name].conclusion == "failure"
    for output, given in metadata["outputs"].items():
        done.outputs[output] = fill(given["value"], context)
    return done


def _as_context(step: Step) -> dict[str, Any]:
    return {"outcome": step.outcome, "conclusion": step.conclusion, "outputs": step.outputs}


def _functions(done: Run, workspace: Path) -> dict[str, Callable[..., Value]]:
    def hash_files(*patterns: str) -> str:
        files = sorted({file for each in patterns for file in workspace.glob(each)})
        digests = [hashlib.sha256(file.read_bytes()).digest() for file in files if file.is_file()]
        return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""

    return {
        "always": lambda: True,
        "success": lambda: not done.failed,
        "failure": lambda: done.failed,
        "contains": lambda whole, part: text(part).casefold() in text(whole).casefold(),
        "format": lambda template, *values: template.format(*map(text, values)),
        "hashfiles": hash_files,
    }


def _step(
    name: str,
    step: dict[str, Any],
    context: Mapping[str, Any],
    env: dict[str, str],
    machine: Machine,
    done: Run,
) -> Step:
    if unknown := set(step) - STEP_KEYS:
        raise ValueError(f"step {name}: unknown {unknown}")
    condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}")
    if not re.search(r"\b(always|success|failure)\(", condition):
        condition = f"success() && ({condition})"
    if not truthy(Expression(condition, context).value()):
        return Step("skipped", "skipped")
    if name in machine.before:
        return Step("success", "success", machine.before[name])
    if "uses" in step:
        given = {key: fill(each, context) for key, each in step.get("with", {}).items()}
        done.uses.append((step["uses"], given))
        good, outputs = machine.stubs.get(step["uses"].split("@")[0], (True, {}))
    else:
        own = {key: fill(each, context) for key, each in step.get("env", {}).items()}
        good, outputs = _script(name, step, fill(step["run"], context), own, env, machine, done)
    forgiven = fill(step.get("continue-on-error", False), context) == "true"
    said = {True: "success", False: "failure"}
    return Step(said[good], said[good or forgiven], outputs)


def _script(
    name: str,
    step: dict[str, Any],
    script: str,
    own: Mapping[str, str],
    env: dict[str, str],
    machine: Machine,
    done: Run,
) -> tuple[bool, dict[str, str]]:
    if step["shell"] != "bash":
        raise ValueError(f"step {name}: shell {step['shell']}")
    files = {each: machine.temp / f"{name}-{each}" for each in FILES}
    for file in files.values():
        file.write_bytes(b"")
    program = machine.temp / f"{name}.sh"
    program.write_text(script, "utf-8")
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(program)],
        cwd=machine.workspace,
        env={**env, **own, **{each: str(file) for each, file in files.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log = ended.stdout.decode("utf-8", "replace")
    done.codes[name] = ended.returncode
    done.log += log
    done.commands += commands(log)
    env.update(pairs(files["GITHUB_ENV"].read_text("utf-8")))
    for folder in files["GITHUB_PATH"].read_text("utf-8").splitlines():
        env["PATH"] = f"{folder}:{env['PATH']}"
    summary = files["GITHUB_STEP_SUMMARY"].read_bytes()
    if len(summary) > SUMMARY_LIMIT:
        done.commands.append(Command("error", "the summary is larger than 1024k", {}))
    else:
        done.summary += summary.decode("utf-8")
    return ended.returncode == 0, pairs(files["GITHUB_OUTPUT"].read_text("utf-8"))


def pairs(content: str) -> dict[str, str]:
    """Names and values of a GITHUB_OUTPUT or GITHUB_ENV file: `a=b`, or `a<<mark` to `mark`."""
    found: dict[str, str] = {}
    lines = iter(content.split("\n"))
    for line in filter(None, lines):
        if not (match := re.match("(.+?)(<<|=)(.*)", line)):
            raise ValueError(f"invalid format {line!r}")
        name, sign, value = match.groups()
        found[name] = value if sign == "=" else "\n".join(_until(value, lines))
    return found


def _until(mark: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == mark:
            return
        yield line
    raise ValueError(f"no end {mark!r}")


def commands(log: str) -> list[Command]:
    """The commands in a log, un-escaped, but none between stop-commands and its token."""
    found, token = [], ""
    for line in re.split(r"\r\n|\r|\n", log):
        match = NEW.match(line) or OLD.match(line)
        if token and match:
            token = "" if match["name"] == token else token
        elif match and match["name"].lower() == "stop-commands":
            token = match["data"]
        elif match and COMMANDS.fullmatch(match["name"]):
            found.append(_command(match, new=match.re is NEW))
    return found


def _command(match: re.Match[str], *, new: bool) -> Command:
    escapes = NEW_ESCAPES if new else OLD_ESCAPES
    properties = {}
    for each in (match["properties"] or "").split("," if new else ";"):
        key, equals, value = each.partition("=")
        if equals:
            properties[key.strip()] = unescape(value, escapes)
    return Command(match["name"].lower(), unescape(match["data"], {}), properties)


def unescape(escaped: str, more: Mapping[str, str]) -> str:
    """The text that was escaped; the per cent sign last, so that nothing is un-escaped twice."""
    for mark, plain in {**more, "%0D": "\r", "%0A": "\n", "%25": "%"}.items():
        escaped = escaped.replace(mark, plain)
    return escaped
