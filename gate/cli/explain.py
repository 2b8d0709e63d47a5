"""`gate explain`: what a check looks at, or what a control demands."""

from collections.abc import Iterator
from difflib import get_close_matches
from textwrap import fill

import click

from gate.catalogue import catalogue
from gate.check import Check
from gate.policy import Control, Ruleset
from gate.policy.ruleset import load_ruleset


@click.command()
@click.argument("name", metavar="CHECK|CONTROL")
@click.option(
    "--ruleset",
    "policy",
    default="article-6-3",
    show_default=True,
    metavar="NAME|FILE",
    help="The policy whose controls are meant.",
)
def explain(name: str, policy: str) -> int:
    """Explain a check (android-debuggable) or a control of the policy (A63-DBG-01)."""
    ruleset = load_ruleset(policy, catalogue())
    controls = {control.id: control for control in ruleset.controls}
    if name in catalogue():
        click.echo("\n".join(check_in_words(catalogue()[name], ruleset)))
    elif name in controls:
        click.echo("\n".join(control_in_words(controls[name], ruleset)))
    else:
        near = get_close_matches(name, [*catalogue(), *controls], n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else "; see `gate checks`"
        raise click.BadParameter(f"{name!r} is no check and no control of {ruleset.name}{hint}")
    return 0


def check_in_words(check: Check, ruleset: Ruleset) -> Iterator[str]:
    """A check's documentation and the controls it judges."""
    yield f"{check.id}: {check.doc.title}"
    yield ""
    references = [*(f"CWE-{number}" for number in check.cwe), *check.masvs]
    yield f"Severity {check.severity}; {', '.join(references) or 'no outside reference'}"
    for heading, text in (
        ("Looks at", check.doc.looks_at),
        ("Matters because", check.doc.matters_because),
        ("Fix by", check.doc.fix_by),
        ("Cannot see", check.doc.cannot_see),
    ):
        yield ""
        yield fill(f"{heading}: {text}", 100)
    judged = [control for control in ruleset.controls if check.id in control.checks]
    if judged:
        yield ""
        yield f"Judges, in {ruleset.name}:"
        yield from (f"  {control.id}  {control.title.en}" for control in judged)


def control_in_words(control: Control, ruleset: Ruleset) -> Iterator[str]:
    """A control's texts, its action in each profile, and what judges it."""
    yield f"{control.id}: {control.title.en}"
    yield control.title.zh_hant
    yield ""
    area = ruleset.areas.get(control.area)
    yield f"Area: {area.en} ({area.zh_hant})" if area else f"Area: {control.area}"
    yield f"Clause: {control.clause}; platforms: {', '.join(control.platforms)}"
    actions = ", ".join(f"{profile} {action}" for profile, action in control.action.items())
    yield f"Severity {control.severity}; action: {actions}"
    yield ""
    yield fill(control.rationale, 100)
    yield ""
    yield f"Judged by: {', '.join(control.checks) or 'no check in this version'}"
    if control.evidence:
        yield f"Evidence a person brings: {', '.join(control.evidence)}"
    limits = control.exceptions
    yield (
        f"Exceptions: at most {limits.max_days} days, {limits.approvers} approver(s)"
        + (f", none in profile {', '.join(limits.not_for)}" if limits.not_for else "")
    )
    for catalogue_name, ids in (control.references or {}).items():
        if ids:
            yield f"{catalogue_name}: {', '.join(ids)}"
    for source in control.sources:
        yield fill(f"Source {source}: {ruleset.sources.get(source, '')}", 100)
