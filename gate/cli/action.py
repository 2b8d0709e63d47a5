"""`gate action`: what stands between the inputs and the outputs of the GitHub Action.

The action's shell passes every input on as GATE_ACTION_<NAME> and takes no decision. `gate scan`
runs in a process of its own, so that even one that is killed leaves an outcome behind.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from glob import has_magic
from pathlib import Path

import click

from gate.frozen import dataclass
from gate.render.escape import command_data, markdown_text, terminal

TITLE = "Mobile release gate"
USAGE = 2
NO_VERDICT = 3
VERDICTS = {0: "pass", 1: "block", 3: "undecided"}

REPORTS = {
    "report-file": ("json", "gate.json"),
    "sarif-file": ("sarif", "gate.sarif"),
    "sarif-full-file": ("sarif-full", "gate-full.sarif"),
    "markdown-file": ("markdown", "gate.md"),
}
"""Output of the action -> format of the report and name of its file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: `error` is a verdict that is none, and `why` its sentence."""

    verdict: str
    exit_code: int
    files: Mapping[str, Path]
    why: str = ""


class WrongInput(Exception):
    """An input that cannot be meant; the message is the sentence for the user."""


@click.command(hidden=True)
def action() -> int:
    """Scan as the GATE_ACTION_* variables say and record the outcome for the steps that follow.

    The exit code is 0 once the outcome is recorded, whatever it is: the action's last step applies
    it, after the evidence is kept.
    """
    if "GITHUB_OUTPUT" not in os.environ:
        raise click.UsageError("this command belongs to the GitHub Action; use `gate scan`")
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    try:
        outcome = _scan(workspace)
    except WrongInput as error:
        outcome = Outcome("error", USAGE, {}, str(error))
    _record(outcome)
    _summarise(outcome)
    if outcome.why:
        click.echo(f"::error title={TITLE}::{command_data(outcome.why)}")
    return 0


def builds(lines: str, workspace: Path) -> tuple[str, ...]:
    """The builds that a list names, one path or glob pattern a line, each build once.

    A path that exists is itself even where it has the marks of a pattern. Patterns match from the
    workspace, in sorted order, and `**` follows no symbolic link. WrongInput for an empty list and
    for a pattern that is malformed or matches nothing.
    """
    named: list[str] = []
    for line in filter(None, (line.strip() for line in lines.split("\n"))):
        if has_magic(line) and not os.path.lexists(workspace / line):
            named += _matches(line, workspace)
        else:
            named.append(line)
    if not named:
        raise WrongInput("the input build names no build")
    return tuple(dict.fromkeys(named))


def _matches(pattern: str, workspace: Path) -> list[str]:
    path = Path(pattern)
    start = Path(path.anchor) if path.is_absolute() else workspace
    try:
        found = sorted(start.glob(str(path.relative_to(path.anchor))))
    except ValueError as error:
        raise WrongInput(f"the input build has a wrong pattern, {pattern!r}: {error}") from error
    if not found:
        raise WrongInput(f"no build matches {pattern!r}; did the step before leave one?")
    return [str(each if path.is_absolute() else each.relative_to(workspace)) for each in found]


def _scan(workspace: Path) -> Outcome:
    named = builds(_input("build"), workspace)
    files = _files(workspace)
    code, why = _run([*_options(files), "--", *named], workspace)
    written = {output: path for output, path in files.items() if path.is_file()}
    # A scan leaves all of its reports or has failed, whatever its exit code.
    if code not in VERDICTS or len(written) < len(files):
        return Outcome("error", USAGE if code == USAGE else NO_VERDICT, written, why)
    if category := _input("category").strip("/"):
        _categorise(files["sarif-file"], category)
    return Outcome(VERDICTS[code], code, written)


def _input(name: str) -> str:
    return os.environ.get(f"GATE_ACTION_{name.upper().replace('-', '_')}", "").strip()


def _files(workspace: Path) -> dict[str, Path]:
    """Where the reports go, and nothing is left there of an earlier scan.

    That is the folder the input names, or a new one, so that two uses in a job keep theirs apart.
    """
    given = _input("report-dir")
    try:
        if given:
            folder = workspace / given
            folder.mkdir(parents=True, exist_ok=True)
        else:
            temporary = os.environ.get("RUNNER_TEMP")
            folder = Path(tempfile.mkdtemp(prefix="mobile-release-gate-reports-", dir=temporary))
        files = {output: folder / name for output, (_, name) in REPORTS.items()}
        for path in files.values():
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WrongInput(f"the folder for the reports cannot be used: {error}") from error
    return files


def _options(files: Mapping[str, Path]) -> Iterator[str]:
    yield "--quiet"
    for name in ("ruleset", "profile", "waivers", "as-of"):
        if value := _input(name):
            yield f"--{name}={value}"
    for output, path in files.items():
        yield f"--report={REPORTS[output][0]}={path}"
    yield "--report=github=-"


def _run(arguments: Sequence[str], workspace: Path) -> tuple[int, str]:
    """Exit code of `gate scan` and what it last said on standard error; annotations flow by."""
    sys.stdout.flush()
    try:
        ended = subprocess.run(  # noqa: S603  # our own interpreter and module, and a list
            [sys.executable, "-I", "-B", "-m", "gate", "scan", *arguments],
            cwd=workspace,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        return NO_VERDICT, f"gate scan cannot be started: {error}"
    said = [line for line in ended.stderr.decode("utf-8", "replace").split("\n") if line.strip()]
    for line in said:
        click.echo(terminal(line, limit=2000), err=True)
    return ended.returncode, said[-1] if said else f"gate scan ended with {ended.returncode}"


def _categorise(sarif: Path, category: str) -> None:
    """Put the category in the file: GitHub ignores the upload's own where a run has an id."""
    log = json.loads(sarif.read_bytes())
    for run in log["runs"]:
        run["automationDetails"]["id"] = f"{category}/{run['automationDetails']['id']}"
    sarif.write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _summarise(outcome: Outcome) -> None:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    with Path(summary).open("ab") as file:
        if outcome.why:
            file.write(f"## {TITLE}: no verdict\n\n{markdown_text(outcome.why)}\n".encode())
        else:
            file.write(outcome.files["markdown-file"].read_bytes())


def _record(outcome: Outcome) -> None:
    """Write the outputs, each between marks that nobody can know: a path may be the user's."""
    values = {"verdict": outcome.verdict, "exit-code": str(outcome.exit_code)}
    values.update((output, str(path)) for output, path in outcome.files.items())
    with Path(os.environ["GITHUB_OUTPUT"]).open("ab") as file:
        for name, value in values.items():
            mark = secrets.token_hex(16)
            file.write(b"%s<<%s\n%s\n%s\n" % tuple(map(os.fsencode, (name, mark, value, mark))))
