"""The .idsig beside an APK, from the file on disk to the report."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.check import Outcome, Result
from gate.exchange import Answer
from gate.isolation import Limits
from gate.worker import examine

CASES = Path(__file__).parents[1] / "fixtures" / "android-signature-invalid"
CHECKS = ("android-signature-invalid", "android-unsigned")


def answer_to(path: Path) -> Answer:
    return examine(str(path), CHECKS, "2026-06-01", Limits(), lambda *_: None)[1]


def copied(folder: Path, case: str = "silent-idsig") -> Path:
    for path in (CASES / case).glob("build.*"):
        shutil.copyfile(path, folder / path.name)
    return folder / "build.apk"


def invalid(answer: Answer) -> Result:
    return next(each for each in answer.results if each.check == CHECKS[0])


def schemes(answer: Answer) -> list[str]:
    assert answer.app is not None
    return [line.split()[0] for line in answer.app.inventory["signature schemes"]]


def test_an_idsig_that_verifies_stands_in_the_report(tmp_path: Path) -> None:
    answer = answer_to(copied(tmp_path))
    assert invalid(answer).outcome is Outcome.CLEAN
    assert schemes(answer) == ["v2", "v3", "v4"]
    assert answer.app is not None
    told = answer.app.inventory["signature schemes"][-1]
    assert told.startswith("v4 verifies at API levels 30 to 36, in the idsig beside the APK")


def test_an_apk_without_an_idsig_is_in_order(tmp_path: Path) -> None:
    path = copied(tmp_path)
    (tmp_path / "build.apk.idsig").unlink()
    answer = answer_to(path)
    assert invalid(answer).outcome is Outcome.CLEAN
    assert "v4" not in schemes(answer)


def test_an_idsig_that_contradicts_its_apk_is_a_finding(tmp_path: Path) -> None:
    answer = answer_to(copied(tmp_path, "fires-idsig-of-other-signing"))
    (finding,) = invalid(answer).findings
    assert finding.subject == "v4 signature"
    assert "The idsig beside the APK contradicts it" in finding.message
    assert answer.app is not None
    assert "v4 does not verify" in answer.app.inventory["signature schemes"][-1]


def test_an_idsig_is_no_signature_of_an_apk_that_has_none(tmp_path: Path) -> None:
    path = copied(tmp_path)
    shutil.copyfile(CASES / "silent-unsigned" / "build.apk", path)
    results = {each.check: each for each in answer_to(path).results}
    assert results["android-unsigned"].outcome is Outcome.FOUND
    (finding,) = results["android-signature-invalid"].findings
    assert "without which it does not count" in finding.message


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_a_link(path: Path) -> None:
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b""), ".idsig file ends inside 4 bytes"),
        (lambda path: path.write_bytes(b"\1\0\0\0"), ".idsig file of version 1"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "hash tree of 4096 bytes"),
        (lambda path: os.truncate(path, (64 << 20) + 1), "it has more than 67108864 bytes"),
        (replaced_by_a_folder, "it is not a file"),
        (replaced_by_a_pipe, "it is not a file"),
        (replaced_by_a_link, "it is not a file"),
    ],
    ids=["empty", "version", "cut", "large", "folder", "pipe", "link"],
)
def test_an_idsig_that_cannot_be_read_is_a_gap(
    tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    path = copied(tmp_path)
    spoil(tmp_path / "build.apk.idsig")
    answer = answer_to(path)
    assert invalid(answer).outcome is Outcome.UNDECIDED
    assert "the idsig beside the APK" in invalid(answer).why and words in invalid(answer).why
    (gap,) = answer.gaps
    assert (gap.fact, gap.part) == ("signature", "the idsig beside the APK")


def test_what_lies_beside_another_kind_of_build_is_not_read(tmp_path: Path) -> None:
    bundle = tmp_path / "build.aab"
    shutil.copyfile(CASES / "silent-bundle" / "build.aab", bundle)
    (tmp_path / "build.aab.idsig").write_bytes(b"nothing")
    assert answer_to(bundle).gaps == ()


def test_a_name_that_leaves_no_room_for_the_suffix_has_no_idsig(tmp_path: Path) -> None:
    path = copied(tmp_path).rename(tmp_path / f"{'a' * 248}.apk")
    assert answer_to(path).gaps == ()
