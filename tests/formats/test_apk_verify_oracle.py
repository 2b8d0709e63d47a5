"""Verdicts beside those of Google's own verifier, where it is installed."""

import io
import random
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gate.formats.apk_signing import find_signers
from gate.formats.apk_verify import verify
from gate.formats.errors import Malformed
from gate.formats.idsig import read_idsig
from gate.formats.zip import read_directory
from tests.formats.sign_apk import Idsig, Signer, apk, own_certificate, second_rsa_key
from tests.formats.write_zip import Member

FIXTURES = Path(__file__).parents[2] / "fixtures"
BASES = (
    "android-signature-invalid/silent-all-schemes",
    "android-signature-invalid/silent-rotated-key",
    "android-signature-invalid/silent-two-signers",
    "android-signature-digest-weak/fires-sha1-without-v2",
)
MUTANTS = 200
IDSIG_MUTANTS = 60
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


def idsig_mutants(folder: Path) -> Iterator[tuple[Path, Path, int]]:
    """APKs that apksigner has signed with v4, their .idsig with a flipped bit each, and a level."""
    chance = random.Random(20240102)
    made = [signed_with_v4(folder / f"signed-{schemes}.apk", schemes) for schemes in ("v2", "v3")]
    for index in range(IDSIG_MUTANTS):
        signed = made[index % len(made)]
        data = bytearray(Path(f"{signed}.idsig").read_bytes())
        head = read_idsig(bytes(data)).head_size
        # Not the length of the tree: apksigner takes a tree that is cut short for none, adb not.
        places = [*range(head), *range(head + 4, len(data))]
        if index >= len(made):
            place = chance.choice(places[:head] if index % 4 else places[head:])
            data[place] ^= 1 << chance.randrange(8)
        beside = folder / f"{index:03}.idsig"
        beside.write_bytes(data)
        yield signed, beside, chance.choice((24, 28, 30))


def signed_with_v4(output: Path, newest: str) -> Path:
    key = FIXTURES / "keys" / "TEST-ONLY-android-release"
    arguments = ["--key", f"{key}.pk8", "--cert", f"{key}.pem", "--v4-signing-enabled", "true"]
    arguments += ["--v3-signing-enabled", str(newest == "v3").lower(), "--out", str(output)]
    unsigned = FIXTURES / "android-signature-invalid/silent-unsigned/build.apk"
    subprocess.run(["apksigner", "sign", *arguments, str(unsigned)], check=True)
    return output


def ours(path: Path, min_sdk: int, idsig: Path | None = None) -> bool:
    with path.open("rb") as file:
        try:
            directory = read_directory(file)
            beside = read_idsig(idsig.read_bytes()) if idsig else None
            return verify(
                file, directory, min_sdk=min_sdk, target_sdk=TARGET_SDK, idsig=beside
            ).verified
        except Malformed:
            return False


def theirs(path: Path, min_sdk: int) -> bool:
    command = ["apksigner", "verify", "--min-sdk-version", str(min_sdk), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def theirs_beside(path: Path, idsig: Path, min_sdk: int) -> bool:
    """What apksigner says of v4; its exit code leaves out most that is wrong with an idsig."""
    command = ["apksigner", "verify", "-v", "--min-sdk-version", str(min_sdk)]
    command += ["--v4-signature-file", str(idsig), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return not done.returncode and "(APK Signature Scheme v4): true" in done.stdout


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


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("apksigner"), reason="apksigner is not installed")
def test_apksigner_agrees_on_every_mutant_of_an_idsig(tmp_path: Path) -> None:
    cases = list(idsig_mutants(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        expected = list(pool.map(lambda case: theirs_beside(*case), cases))
    assert 1 < sum(expected) < IDSIG_MUTANTS
    differing = [
        (beside.name, level, verdict)
        for (path, beside, level), verdict in zip(cases, expected, strict=True)
        if ours(path, level, beside) != verdict
    ]
    assert differing == []


LIES = {
    "honest": Idsig(),
    "without-tree": Idsig(with_tree=False),
    "additional-data": Idsig(additional=b"data"),
    "other-algorithm": Idsig(algorithm=0x104),
    "verity-algorithm": Idsig(algorithm=0x421),
    "other-root": Idsig(root=bytes(32)),
    "other-tree": Idsig(tree=bytes(4096)),
    "empty-tree": Idsig(tree=b""),
    "other-digest": Idsig(apk_digest=bytes(32)),
    "no-digest": Idsig(apk_digest=b""),
    "other-key": Idsig(second_rsa_key()),
    "other-certificate": Idsig(certificate=own_certificate(second_rsa_key())),
    "no-certificate": Idsig(certificate=b""),
    "unknown-algorithm": Idsig(algorithm=0x999, signature=b""),
    "other-version": Idsig(version=1),
}


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("apksigner"), reason="apksigner is not installed")
@pytest.mark.parametrize("name", LIES)
def test_apksigner_agrees_on_an_idsig_that_lies_under_a_good_signature(
    name: str, tmp_path: Path
) -> None:
    members = zipfile.ZipFile(FIXTURES / "android-signature-invalid/silent-unsigned/build.apk")
    packed = [Member(each.encode(), members.read(each)) for each in members.namelist()]
    signer = Signer()
    data = apk(*packed, v2=(signer,), v3=(signer,))
    file = io.BytesIO(data)
    found = find_signers(file, read_directory(file)).schemes["v3"]
    assert not isinstance(found, str)
    path, beside = tmp_path / "build.apk", tmp_path / "build.apk.idsig"
    path.write_bytes(data)
    beside.write_bytes(LIES[name].encoded(data, found[0].digests[0].value))
    assert ours(path, 28, beside) == theirs_beside(path, beside, 28)


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("apksigner"), reason="apksigner is not installed")
def test_an_idsig_and_a_stamp_by_apksigner_verify(tmp_path: Path) -> None:
    keys = FIXTURES / "keys"
    release, second = keys / "TEST-ONLY-android-release", keys / "TEST-ONLY-android-second"
    unsigned = FIXTURES / "android-signature-invalid/silent-unsigned/build.apk"
    output = tmp_path / "stamped.apk"
    arguments = ["--key", f"{release}.pk8", "--cert", f"{release}.pem", "--out", str(output)]
    arguments += ["--stamp-signer", "--key", f"{second}.pk8", "--cert", f"{second}.pem"]
    subprocess.run(["apksigner", "sign", *arguments, str(unsigned)], check=True)
    idsig = read_idsig(Path(f"{output}.idsig").read_bytes())
    with output.open("rb") as file:
        found = verify(file, read_directory(file), min_sdk=24, target_sdk=29, idsig=idsig)
    assert found.verified and found.beside is not None
    assert found.source_stamp is not None and found.source_stamp.reason == ""
