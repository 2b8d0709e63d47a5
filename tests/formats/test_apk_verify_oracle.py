"""Verdicts beside those of Google's own verifier, where it is installed."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gate.formats.apk_verify import verify
from gate.formats.errors import Malformed
from gate.formats.zip import read_directory

FIXTURES = Path(__file__).parents[2] / "fixtures"
BASES = (
    "android-signature-invalid/silent-all-schemes",
    "android-signature-invalid/silent-rotated-key",
    "android-signature-invalid/silent-two-signers",
    "android-signature-digest-weak/fires-sha1-without-v2",
)
MUTANTS = 200
TARGET_SDK = 29  # of the last; below what makes apksigner demand v2


def zones(data: bytes) -> dict[str, tuple[int, int]]:
    """Where entries, the JAR signature, the signing block and the directory lie."""
    end = data.rindex(b"PK\5\6")
    directory = int.from_bytes(data[end + 16 : end + 20], "little")
    magic = data.find(b"APK Sig Block 42")
    size = int.from_bytes(data[magic - 8 : magic], "little") + 8 if magic > 0 else 0
    jar = data.find(b"META-INF/") - 30
    return {
        "entries": (0, directory - size),
        "jar": (jar, directory - size),
        "block": (directory - size, directory) if size else (jar, directory),
        "directory": (directory, len(data)),
    }


def mutants(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files with a flipped bit and an API level each, the same ones every time."""
    chance = random.Random(20240101)
    for index in range(MUTANTS):
        signed = (FIXTURES / BASES[index % len(BASES)] / "build.apk").read_bytes()
        data, places = bytearray(signed), zones(signed)
        zone = chance.choice(sorted(places))
        data[chance.randrange(*places[zone])] ^= 1 << chance.randrange(8)
        path = folder / f"{index:03}-{zone}.apk"
        path.write_bytes(data)
        yield path, chance.choice((18, 21, 24, 28))


def ours(path: Path, min_sdk: int) -> bool:
    with path.open("rb") as file:
        try:
            directory = read_directory(file)
            return verify(file, directory, min_sdk=min_sdk, target_sdk=TARGET_SDK).verified
        except Malformed:
            return False


def theirs(path: Path, min_sdk: int) -> bool:
    command = ["apksigner", "verify", "--min-sdk-version", str(min_sdk), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("apksigner"), reason="apksigner is not installed")
def test_apksigner_agrees_on_every_mutant(tmp_path: Path) -> None:
    cases = list(mutants(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        expected = list(pool.map(lambda case: theirs(*case), cases))
    assert 5 < sum(expected) < MUTANTS
    differing = [
        (path.name, level, verdict)
        for (path, level), verdict in zip(cases, expected, strict=True)
        if ours(path, level) != verdict
    ]
    assert differing == []
