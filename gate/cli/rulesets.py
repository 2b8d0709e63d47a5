"""`gate rulesets`: list the shipped policies, or show one."""

import click

from gate.catalogue import catalogue
from gate.policy.ruleset import load_ruleset, shipped_rulesets


@click.command()
@click.argument("name", required=False, metavar="[NAME|FILE]")
def rulesets(name: str | None) -> int:
    """List the shipped rulesets, or every control of one with its action in each profile."""
    if name is None:
        for each in shipped_rulesets():
            ruleset = load_ruleset(each, catalogue())
            click.echo(f"{each}\t{len(ruleset.controls)} controls\t{ruleset.title.en}")
        return 0
    ruleset = load_ruleset(name, catalogue())
    profiles = [profile.name for profile in ruleset.profiles]
    click.echo("\t".join(("control", *profiles, "checks", "title")))
    for control in ruleset.controls:
        actions = [control.action[profile] for profile in profiles]
        judged = ",".join(control.checks) or ("by hand" if control.automatable == "no" else "-")
        click.echo("\t".join((control.id, *actions, judged, control.title.en)))
    return 0
