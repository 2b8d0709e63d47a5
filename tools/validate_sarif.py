"""Validate SARIF files with the SARIF Multitool: `validate_sarif.py FILE...`.

The environment variable SARIF_MULTITOOL names the executable of the npm package
@microsoft/sarif-multitool-linux (Sarif.Multitool). It is called directly: the package's own
launcher goes through a shell, which cuts the list of rule kinds at its semicolon. The Multitool
ends with 0 even where it finds errors, so its own report is read. Exit: 0 clean, 1 an error, a
warning or an unexpected note, 2 usage.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CONFIGURATION = Path(__file__).parent.parent / "tests" / "render" / "sarif-multitool.xml"

# SARIF2002 asks for message ids, where GH1007 asks for texts; SARIF2003 for the commit, which
# a build does not name; SARIF2009 for rule ids of letters and digits; SARIF2010, SARIF2011 and
# SARIF2013 for source text, which a build does not hold.
EXPECTED_NOTES = {f"SARIF{rule}" for rule in (2002, 2003, 2009, 2010, 2011, 2013)}


def complaints(multitool: str, file: Path) -> Iterator[str]:
    """What the Multitool says against a file, but for the expected notes."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.sarif"
        options = {
            "-c": str(CONFIGURATION),
            "--rule-kind": "Sarif;Ghas",
            "--level": "Error;Warning;Note",
            "--kind": "Fail",
            "-o": str(said),
            "--log": "ForceOverwrite",
        }
        words = [word for pair in options.items() for word in pair]
        ran = subprocess.run(
            [multitool, "validate", str(file), *words],
            env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if not said.exists():
            yield f"{file}: the Multitool left no report: {ran.stdout}{ran.stderr}"
            return
        log = json.loads(said.read_text("utf-8-sig"))
    yield from _complaints(log, file)


def _complaints(log: dict, file: Path) -> Iterator[str]:  # type: ignore[type-arg]  # JSON
    run = log["runs"][0]
    for invocation in run.get("invocations", []):
        if not invocation["executionSuccessful"]:
            yield f"{file}: the Multitool could not run: {invocation}"
    for result in run["results"]:
        level, rule = result.get("level", "warning"), result["ruleId"]
        if level != "note" or rule not in EXPECTED_NOTES:
            yield f"{file}: {level} {rule}: {_where(result)}: {result['message']}"


def _where(result: dict) -> str:  # type: ignore[type-arg]  # JSON
    location = (result.get("locations") or [{}])[0]
    return str((location.get("logicalLocations") or [{}])[0].get("fullyQualifiedName", ""))


def main() -> int:
    """Validate every file named on the command line."""
    multitool, files = os.environ.get("SARIF_MULTITOOL"), sys.argv[1:]
    if not multitool or not files:
        print(__doc__, file=sys.stderr)
        return 2
    found = [each for file in files for each in complaints(multitool, Path(file))]
    print("\n".join(found) or f"{len(files)} checked: no error, no warning")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
