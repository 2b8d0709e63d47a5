"""The committed builds are those that the sources and the list of digests say."""

import hashlib
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"
KINDS = ("apk", "aab", "apks", "ipa")


def test_every_build_has_its_digest_in_the_list() -> None:
    lines = (FIXTURES / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    for name, digest in listed.items():
        assert hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() == digest, name
    builds = [path for kind in KINDS for path in FIXTURES.glob(f"*/*/build.{kind}")]
    assert {path.relative_to(FIXTURES).as_posix() for path in builds} <= set(listed)


def test_every_case_has_its_build() -> None:
    cases = list(FIXTURES.glob("*/*/case.yml"))
    assert len(cases) > 100
    for case in cases:
        builds = [case.parent / f"build.{kind}" for kind in KINDS]
        assert sum(build.is_file() for build in builds) == 1, case.parent
