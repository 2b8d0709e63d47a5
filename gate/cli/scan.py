"""`gate scan`: judge builds and leave reports."""

import os
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import click

from gate.catalogue import catalogue
from gate.cli.limit import LIMIT
from gate.cli.output import OUTPUT, Output, clear, show, write
from gate.flow import Progress, Terms, created
from gate.flow import scan as judge_all
from gate.isolation import Limits
from gate.policy import Ruleset, Waiver
from gate.policy.ruleset import load_ruleset
from gate.policy.waivers import load_waivers

WAIVERS = ".gate-waivers.yml"


@click.command()
@click.argument("builds", metavar="BUILD...", nargs=-1, required=True)
@click.option(
    "--ruleset",
    "policy",
    default="article-6-3",
    show_default=True,
    metavar="NAME|FILE",
    help="The policy: a shipped one (see `gate rulesets`) or a YAML file of your own.",
)
@click.option(
    "--profile",
    metavar="NAME",
    help="The kind of app, which decides what blocks; the ruleset has its own default.",
)
@click.option(
    "--waivers",
    type=click.Path(dir_okay=False),
    help=f"The file of dated exceptions.  [default: {WAIVERS} where it exists]",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge as on this day (YYYY-MM-DD): expiry of profiles and waivers.  [default: today]",
)
@click.option(
    "--report",
    "outputs",
    type=OUTPUT,
    multiple=True,
    metavar="FORMAT=PATH",
    help="Also write a report; may be given more than once. FORMAT is json, sarif, sarif-full, "
    "github, markdown or text; PATH - is standard output.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many builds are read at the same time.",
)
@click.option(
    "--limit",
    "limits",
    type=LIMIT,
    multiple=True,
    metavar="NAME=NUMBER",
    help="Change a limit of the process that reads a build: memory, input, answer (bytes, or with "
    "K, M, G), cpu, wall (seconds). What is in force stands in every report.",
)
@click.option(
    "--require-sandbox",
    is_flag=True,
    help="Give no verdict (exit 3) where the kernel's sandbox, Linux's Landlock, is missing.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print no report for people and no progress.")
def scan(
    builds: tuple[str, ...],
    policy: str,
    profile: str | None,
    waivers: str | None,
    as_of: datetime | None,
    outputs: tuple[Output, ...],
    jobs: int,
    limits: tuple[tuple[str, int], ...],
    require_sandbox: bool,
    quiet: bool,
) -> int:
    """Judge one or more builds: APK, IPA or .app folder.

    Prints the verdict with its evidence. Exit code 0 is pass, 1 is block, 3 is no verdict; of
    several builds the worst counts, in the order 1, 3, 0.

    \b
      gate scan app-release.apk
      gate scan app.apk App.ipa --report sarif=gate.sarif --report json=gate.json
      gate scan vendor.apk --profile vendor --waivers exceptions.yml --as-of 2026-12-01
    """
    day = as_of.date() if as_of else today()
    ruleset = load_ruleset(policy, catalogue())
    name = _profile(ruleset, profile)
    confined = replace(Limits(), **dict(limits), require_sandbox=require_sandbox)
    terms = Terms(ruleset, _waivers(waivers, ruleset, name, day), name, day, confined)
    clear(outputs, inputs=builds)
    with _progress(len(builds) * len(ruleset.checks), quiet) as bar:
        document = judge_all(builds, terms, _steps(bar), jobs)
    write(document, outputs)
    if not quiet and not any(output.path == "-" for output in outputs):
        show(document, shutil.get_terminal_size((100, 24)).columns)
    return document.exit_code


def today() -> date:
    """The day of the scan in UTC; SOURCE_DATE_EPOCH stands in where it is set."""
    return datetime.strptime(created(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).date()


def _profile(ruleset: Ruleset, name: str | None) -> str:
    names = [profile.name for profile in ruleset.profiles]
    if name is not None and name not in names:
        raise click.BadParameter(
            f"{name!r} is no profile of {ruleset.name}; it has {', '.join(names)}",
            param_hint="--profile",
        )
    return name or ruleset.default_profile


def _waivers(path: str | None, ruleset: Ruleset, profile: str, day: date) -> tuple[Waiver, ...]:
    if path is None and not os.path.lexists(WAIVERS):
        return ()
    return load_waivers(path or WAIVERS, ruleset, catalogue(), profile=profile, as_of=day)


def _progress(total: int, quiet: bool) -> AbstractContextManager[Any]:
    return click.progressbar(
        length=total,
        label="Checking",
        file=sys.stderr,
        hidden=quiet or not sys.stderr.isatty(),
    )


def _steps(bar: Any) -> Progress:
    """Turn each build's own count into steps of the one bar."""
    seen: dict[str, int] = {}

    def step(path: str, done: int, total: int) -> None:
        bar.update(done - seen.get(path, 0))
        seen[path] = done

    return step
