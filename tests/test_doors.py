"""Each dependency comes in through the modules that are named for it, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import gate

ROOT = Path(gate.__file__).parent
DOORS = {
    "androguard": {"read/permissions.py", "read/witness.py"},
    "asn1crypto": {"formats/x509_names.py"},
    "cryptography": {"formats/private_key.py", "formats/verify.py"},
    "landlockpy": {"isolation.py"},
    "lief": {"formats/by_lief.py"},
    "numpy": {
        "arm64/objc.py",
        "arm64/pointers.py",
        "arm64/program.py",
        "arm64/sieve.py",
        "arm64/symbols.py",
        "arm64/texts.py",
        "dalvik/classdata.py",
        "dalvik/code.py",
        "dalvik/dex.py",
        "dalvik/program.py",
        "dalvik/search.py",
    },
    "requests": set(),
    "rich": {"render/sheet.py"},
    "sarif_om": {"render/sarif_log.py"},
    "yaml": {"policy/file.py"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_every_dependency_has_its_doors() -> None:
    found: dict[str, set[str]] = {name: set() for name in DOORS}
    for path in ROOT.rglob("*.py"):
        for name in set(imported(path)) & set(DOORS):
            found[name].add(path.relative_to(ROOT).as_posix())
    assert found == DOORS
