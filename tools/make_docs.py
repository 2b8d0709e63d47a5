"""Write the generated documentation: a page a check, the lists, and the report's JSON Schema.

python tools/make_docs.py            write docs/checks/ and docs/report.schema.json
python tools/make_docs.py --check    change nothing; exit 1 and name what is stale
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from gate.catalogue import catalogue
from gate.check import Check
from gate.policy import Control, Ruleset
from gate.policy.ruleset import load_ruleset
from gate.report import json_schema

DOCS = Path(__file__).parents[1] / "docs"
RULESET = "article-6-3"


def pages() -> Iterator[tuple[Path, bytes]]:
    """Every generated file: its path and what it has to hold."""
    ruleset = load_ruleset(RULESET, catalogue())
    for check in catalogue().values():
        yield DOCS / "checks" / f"{check.id}.md", page(check, ruleset).encode()
    yield DOCS / "checks" / "README.md", list_of_checks(ruleset).encode()
    yield DOCS / "controls.md", list_of_controls(ruleset).encode()
    yield DOCS / "report.schema.json", json_schema()


def page(check: Check, ruleset: Ruleset) -> str:
    """The page of one check."""
    source = f"{check.module.removeprefix('gate.').replace('.', '/')}.py"
    cwe = ", ".join(
        f"[CWE-{number}](https://cwe.mitre.org/data/definitions/{number}.html)"
        for number in check.cwe
    )
    controls = ", ".join(
        f"[{control.id}](../controls.md#{control.id.lower()})"
        for control in judged_by(check, ruleset)
    )
    return f"""# {check.id}

**{check.doc.title}.**

| | |
|---|---|
| Severity | {check.severity} |
| Weakness | {cwe or "none"} |
| MASVS | {", ".join(check.masvs) or "none"} |
| Judges, in {ruleset.name} | {controls or "none"} |
| Source | [{source}](../../{source}) |

## Looks at

{check.doc.looks_at}

## Matters because

{check.doc.matters_because}

## Fix by

{check.doc.fix_by}

## Cannot see

{check.doc.cannot_see}
"""


def judged_by(check: Check, ruleset: Ruleset) -> list[Control]:
    """The controls that a check judges."""
    return [control for control in ruleset.controls if check.id in control.checks]


def list_of_checks(ruleset: Ruleset) -> str:
    """The table of every check."""
    lines = [
        f"# The {len(catalogue())} checks",
        "",
        "| check | severity | what it says | controls |",
        "|---|---|---|---|",
    ]
    for check in catalogue().values():
        controls = ", ".join(control.id for control in judged_by(check, ruleset))
        lines.append(
            f"| [{check.id}]({check.id}.md) | {check.severity} | {check.doc.title} | {controls} |"
        )
    return "\n".join(lines) + "\n"


def list_of_controls(ruleset: Ruleset) -> str:
    """Every control of the default ruleset with its texts, actions and checks."""
    profiles = [profile.name for profile in ruleset.profiles]
    lines = [f"# {ruleset.title.en}", "", ruleset.title.zh_hant, "", ruleset.description.en, ""]
    lines += [ruleset.description.zh_hant, ""]
    for control in ruleset.controls:
        actions = ", ".join(f"{profile}: {control.action[profile]}" for profile in profiles)
        checks = ", ".join(f"[{each}](checks/{each}.md)" for each in control.checks)
        nobody = "a person, with evidence" if control.automatable == "no" else "no check yet"
        lines += [
            f"## {control.id}",
            "",
            f"{control.title.en} / {control.title.zh_hant}",
            "",
            f"- Action: {actions}",
            f"- Judged by: {checks or nobody}",
            *([f"- Evidence: {', '.join(control.evidence)}"] if control.evidence else []),
            f"- Why: {control.rationale}",
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Write or compare; the exit code."""
    wanted = dict(pages())
    present = {*DOCS.glob("checks/*.md"), *(path for path in wanted if path.exists())}
    stale = [
        path for path, data in wanted.items() if path not in present or path.read_bytes() != data
    ]
    orphans = sorted(present - set(wanted))
    if "--check" in sys.argv[1:]:
        for path in sorted((*stale, *orphans)):
            print(f"stale: {path.relative_to(DOCS.parent)}; run `make docs`")
        return 1 if stale or orphans else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    for path in orphans:
        path.unlink()
    print(f"{len(stale)} files written, {len(orphans)} removed, {len(wanted)} in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
