"""`gate ledger`: read the release ledger and hold its chain."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gate.release.ledger import SCAN, Entry, Fault, Kind, Ledger, Line, Started
from gate.release.ledger_file import LedgerError, load
from gate.render.escape import terminal

BROKEN = 1


class AnchorType(click.ParamType[str]):
    """A SHA-256 in hexadecimal."""

    name = "SHA256"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The hash in lower case."""
        if not re.fullmatch(r"[0-9a-fA-F]{64}", str(value)):
            self.fail(f"{value!r}: a SHA-256 has 64 hexadecimal digits")
        return str(value).lower()


@click.group()
def ledger() -> None:
    """Read the release ledger that `gate scan --ledger FILE` writes."""


@ledger.command()
@click.argument("file", type=click.Path())
@click.option(
    "--anchor",
    "anchors",
    type=AnchorType(),
    multiple=True,
    help="A hash that was published before: some line has to have it. May be given more than once.",
)
def verify(file: str, anchors: tuple[str, ...]) -> int:
    """Say whether the chain of FILE holds and every scan in it has finished.

    A chain that holds shows that no line was changed, added, removed or moved since a later one was
    written. It does not show that lines at the end were removed or that the whole file was made
    anew: publish the last line's hash, which this prints, where the writer of the ledger cannot
    change it, and give it as --anchor the next time.

    Exit code 0 is intact and complete; 1 is broken, torn or incomplete, with the line's number; 2
    is a file that cannot be read.
    """
    found = _load(file)
    faults = [*found.faults, *_missing(found, anchors)]
    for fault in faults:
        click.echo(f"{terminal(file, 1000)}:{fault.line}: {fault.kind}: {fault.words}")
    state = "intact and complete" if not faults else "not intact and complete"
    click.echo(f"{state}: {found.length} lines, {found.scans} scans; last hash {found.head}")
    return BROKEN if faults else 0


@ledger.command()
@click.argument("file", type=click.Path())
def show(file: str) -> int:
    """List the scans of FILE, one line each and one for every build, with what is wrong.

    Exit code 0 is that it was listed, whatever stands in it; use `gate ledger verify` to know.
    """
    found = _load(file)
    wrong: dict[int, list[Fault]] = {}
    for fault in found.faults:
        wrong.setdefault(fault.line, []).append(fault)
    lines = {line.number: line for line in found.lines}
    for number in sorted(lines.keys() | wrong.keys()):
        for text in _listed(number, lines.get(number)):
            click.echo(text)
        for fault in wrong.get(number, ()):
            click.echo(f"{number:>5}  !! {fault.kind}: {fault.words}")
    return 0


def _load(file: str) -> Ledger:
    try:
        return load(Path(file))
    except LedgerError as error:
        raise click.UsageError(str(error)) from error


def _missing(found: Ledger, anchors: tuple[str, ...]) -> Iterator[Fault]:
    if not found.length:
        yield Fault(0, Kind.BROKEN, "there is no line in it")
    known = {line.digest for line in found.lines}
    for anchor in anchors:
        if anchor not in known:
            words = f"no line has the hash {anchor}: lines at the end were removed, or all replaced"
            yield Fault(0, Kind.BROKEN, words)


def _listed(number: int, line: Line | None) -> Iterator[str]:
    if line is None or line.entry is None:
        return
    entry = line.entry
    yield f"{number:>5}  {terminal(entry.time)}  {terminal(entry.scan[:SCAN])}  {_said(entry)}"
    for build in () if isinstance(entry, Started) else entry.builds:
        what = " ".join(filter(None, (build.app, build.version))) or build.kind or "not read"
        yield f"{'':7}{terminal(build.decision):<9}  {terminal(what)}  {terminal(build.path)}"
        yield f"{'':18}sha256 {terminal(build.sha256) or 'unknown'}"


def _said(entry: Entry) -> str:
    if not isinstance(entry, Started):
        return f"finished, exit code {entry.exit_code}; report {terminal(entry.report)}"
    policy = entry.policy
    by = terminal(f"{policy.name} {policy.version}, {policy.profile}, as of {policy.as_of}")
    count = len(entry.builds)
    return f"started by {terminal(entry.version)}: {count} build{'s' * (count != 1)} under {by}"
