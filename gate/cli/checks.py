"""`gate checks`: list every check."""

import json

import click

from gate.catalogue import catalogue
from gate.check import Check


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["tsv", "json"]),
    default="tsv",
    show_default=True,
    help="tsv: one line a check, with a heading line; json: a list with the documentation.",
)
def checks(form: str) -> int:
    """List every check: id, platform, severity, CWE, MASVS and title."""
    every = catalogue().values()
    if form == "json":
        click.echo(json.dumps([_object(check) for check in every], indent=2, ensure_ascii=False))
    else:
        click.echo("id\tplatform\tseverity\tcwe\tmasvs\ttitle")
        for check in every:
            click.echo("\t".join(_row(check)))
    return 0


def _row(check: Check) -> tuple[str, ...]:
    cwe = ",".join(f"CWE-{number}" for number in check.cwe)
    return (check.id, check.platform, check.severity, cwe, ",".join(check.masvs), check.doc.title)


def _object(check: Check) -> dict[str, object]:
    return {
        "id": check.id,
        "platform": check.platform,
        "area": check.area,
        "severity": check.severity,
        "cwe": [f"CWE-{number}" for number in check.cwe],
        "masvs": list(check.masvs),
        "title": check.doc.title,
        "looks_at": check.doc.looks_at,
        "matters_because": check.doc.matters_because,
        "fix_by": check.doc.fix_by,
        "cannot_see": check.doc.cannot_see,
    }
