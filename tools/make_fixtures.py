"""Makes every fixture's build from the sources beside it.

    python tools/make_fixtures.py [CASE...]     rebuilds the cases (all, when none is named)
    python tools/make_fixtures.py --check       rebuilds elsewhere and names what differs

A CASE is a path below fixtures/, and its beginning is enough: ``ios-pie-off`` names all its cases.
Only this script needs the Android and LLVM tools; tests read the committed builds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from fixture_android import build_apk, idsig_of
from fixture_bundle import build_bundle, build_set
from fixture_ios import build_ipa
from fixture_keys import make_missing_keys
from fixture_lies import tell
from fixture_recipe import AndroidCase, Case, RecipeError, read_case
from fixture_toolbox import ToolError

FIXTURES = Path(__file__).parent.parent / "fixtures"
SUMS = FIXTURES / "SHA256SUMS"


def main() -> int:
    """Runs the command line; 0 when everything was made, or nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    options = parser.parse_args()
    for name in make_missing_keys():
        print(f"made the key {name}", file=sys.stderr)
    folders = _chosen(options.cases)
    if not folders:
        print(f"no case begins with {' or '.join(options.cases)}", file=sys.stderr)
        return 2
    # Not in the threads: two that meet in msgspec's first look at a type crash the interpreter.
    cases, complaints = _read(folders)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints += pool.map(partial(_make, root=Path(folder), check=options.check), cases)
    complaints += _judge_sums(check=options.check)
    failures = [complaint for complaint in complaints if complaint]
    for complaint in failures:
        print(complaint, file=sys.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    seconds = sum(part.ru_utime + part.ru_stime for part in used)
    counts = f"{len(folders)} builds, {len(failures)} complaints"
    print(f"{counts}, {seconds:.1f} CPU s", file=sys.stderr)
    return 1 if failures else 0


def _chosen(beginnings: list[str]) -> list[Path]:
    """The folders of the cases whose names begin so; every case when nothing is asked for."""
    asked = tuple(beginning.removeprefix("fixtures/").rstrip("/") for beginning in beginnings)
    folders = sorted(recipe.parent for recipe in FIXTURES.glob("*/*/case.yml"))
    return [
        folder
        for folder in folders
        if not asked or folder.relative_to(FIXTURES).as_posix().startswith(asked)
    ]


def _read(folders: list[Path]) -> tuple[list[Case], list[str]]:
    """The cases that can be read, and a complaint for every other."""
    cases, complaints = [], []
    for folder in folders:
        try:
            cases.append(read_case(folder, FIXTURES))
        except (RecipeError, OSError) as error:
            complaints.append(str(error))
    return cases, complaints


def _make(case: Case, *, root: Path, check: bool) -> str:
    """Builds one case; the answer is a complaint, or empty."""
    work = root / case.name.replace("/", "+")
    work.mkdir()
    try:
        made = _built(case, work)
    except (RecipeError, ToolError, OSError, ValueError) as error:
        return f"{case.name}: {error}"
    for name, data in made.items():
        kept = case.folder / name
        if not check:
            _write(kept, data)
        elif not kept.is_file() or kept.read_bytes() != data:
            return f"{case.name}: {kept.name} differs or is not there"
    return ""


def _built(case: Case, work: Path) -> dict[str, bytes]:
    """The build that the case's recipe asks for and what lies beside it, by file name."""
    output = work / case.output
    sources = case.sources(work)
    if isinstance(case.recipe, AndroidCase):
        build = {"apk": build_apk, "aab": build_bundle, "apks": build_set}[case.recipe.kind]
        build(case.recipe, sources, work, output)
    else:
        build_ipa(case.recipe, sources, work, output)
    for lie in case.recipe.lies:
        tell(output, lie, sources)
    beside = idsig_of(output)
    files = (output, beside) if beside.is_file() else (output,)
    return {file.name: file.read_bytes() for file in files}


def _write(file: Path, data: bytes) -> None:
    """Written beside and renamed, so that a reader never sees half a file."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.chmod(0o644)
    beside.replace(file)


def _judge_sums(*, check: bool) -> list[str]:
    """Writes ``SHA256SUMS``, or says that it is out of date."""
    text = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(FIXTURES)}\n"
        for file in sorted(FIXTURES.rglob("*"))
        if file.is_file() and file != SUMS and not file.name.startswith(".") and _is_binary(file)
    )
    if check:
        same = SUMS.is_file() and SUMS.read_text(encoding="utf-8") == text
        return [] if same else ["SHA256SUMS is out of date"]
    _write(SUMS, text.encode())
    return []


def _is_binary(file: Path) -> bool:
    """Whether a reviewer cannot read the file: builds, keys, anything that is not UTF-8 text."""
    data = file.read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return b"\0" in data


if __name__ == "__main__":
    sys.exit(main())
