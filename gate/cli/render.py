"""`gate render`: make reports from a saved one."""

from pathlib import Path

import click

from gate.cli.output import OUTPUT, Output, clear, write
from gate.report import NotAReport, from_json

LIMIT = 512 << 20


@click.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--report",
    "outputs",
    type=OUTPUT,
    multiple=True,
    required=True,
    metavar="FORMAT=PATH",
    help="What to write, as in `gate scan`; may be given more than once.",
)
def render(report: str, outputs: tuple[Output, ...]) -> int:
    """Write any report again from REPORT, the JSON that `gate scan --report json=...` left.

    Nothing is scanned and nothing is decided anew: the same JSON gives the same bytes. The exit
    code is 0 once the reports are written, whatever the verdict in them.
    """
    path = Path(report)
    if not path.is_file():
        raise click.UsageError(f"{report}: not a file")
    if path.stat().st_size > LIMIT:
        raise click.UsageError(f"{report}: larger than {LIMIT >> 20} MiB, no report of ours")
    try:
        document = from_json(path.read_bytes())
    except NotAReport as error:
        raise click.UsageError(f"{report}: {error}") from error
    clear(outputs, inputs=(report,))
    write(document, outputs)
    return 0
