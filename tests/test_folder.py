"""A folder as a build: nothing in it is passed over in silence."""

import os
import zipfile
from pathlib import Path

import pytest

from gate.cli.main import run
from gate.folder import list_files, open_file
from gate.report import from_json

CLEAN = Path(__file__).parents[1] / "fixtures" / "builds" / "clean-ios" / "build.ipa"


def listed(folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    fd = os.open(folder, os.O_RDONLY)
    try:
        listing = list_files(fd, 1_000)
    finally:
        os.close(fd)
    return listing.files, dict(listing.unread)


def test_files_are_listed_sorted_and_links_and_pipes_are_told(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").touch()
    (tmp_path / "a").touch()
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    files, unread = listed(tmp_path)
    assert files == ("a", "b/two")
    assert set(unread) == {"link", "pipe"}


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir(mode=0)
    if os.access(tmp_path / "secret", os.R_OK):
        pytest.skip("this user enters everything")
    assert "cannot be entered" in listed(tmp_path)[1]["secret"]


def test_folders_deeper_than_the_bound_are_told(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 80)
    deep.mkdir(parents=True)
    files, unread = listed(tmp_path)
    assert files == () and "nested deeper" in next(iter(unread.values()))


def test_a_file_is_not_opened_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        with open_file(fd, "real/file") as file:
            assert file.read() == b"x"
        with pytest.raises(OSError), open_file(fd, "link/file"):
            pytest.fail("the link was followed")
    finally:
        os.close(fd)


@pytest.mark.parametrize("odd", ["link", "deep"])
def test_an_app_folder_with_something_unread_never_passes(tmp_path: Path, odd: str) -> None:
    with zipfile.ZipFile(CLEAN) as archive:
        archive.extractall(tmp_path)
    arguments = ["scan", "-q", "--as-of", "2026-06-01", str(tmp_path)]
    assert run(arguments) == 0
    app = next((tmp_path / "Payload").iterdir())
    if odd == "link":
        (app / "key.p8").symlink_to("/etc/hostname")
    else:
        app.joinpath(*["d"] * 80).mkdir(parents=True)
    report = tmp_path.parent / f"{odd}.json"
    assert run([*arguments, "--report", f"json={report}"]) != 0
    gaps = from_json(report.read_bytes()).reports[0].gaps
    assert [gap.fact for gap in gaps] == ["files"]
