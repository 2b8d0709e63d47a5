"""A set of APKs: whatever lies beside them is an APK too, is told, or leaves the app open."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app import Unread
from gate.check import Outcome
from gate.read import beside
from gate.read.listed import listed
from tests.formats.write_proto import part
from tests.read.test_hidden import DEX
from tests.read.write_builds import (
    apk,
    archive,
    debuggable,
    judged,
    manifest,
    opened,
    subjects,
    written,
)

BASE = {"base.apk": apk(manifest())}
LOUD = apk(manifest(flag=debuggable(True), split="config"))
ELF = b"\x7fELF\2\1\1" + bytes(60)
LISTS = {
    "manifest.json": b'{"split_apks": [{"id": "config", "file": "config.bin"}]}',
    "info.json": b'{"other": ["config.bin"]}',
    "meta.sai_v2.json": b'{"a": {"b": {"c": "./config\\u002ebin"}}}',
    "toc.pb": part(4, "p") + part(1, part(2, part(1, "m") + part(2, part(2, "config.bin")))),
}


def built(folder: Path, entries: Mapping[str, bytes], *, deflate: bool = False) -> Path:
    return written(folder, archive({**BASE, **entries}, deflate=deflate))


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_an_apk_that_the_list_of_the_set_names_is_judged_whatever_its_name(
    tmp_path: Path, name: str, deflate: bool
) -> None:
    build = built(tmp_path, {"config.bin": LOUD, name: LISTS[name]}, deflate=deflate)
    (finding,) = judged("android-debuggable", build).findings
    assert finding.at.path == "config.bin!/AndroidManifest.xml"
    assert subjects("app-hidden-code", build) == []
    assert subjects("android-unsigned", build) == ["base.apk", "config.bin"]


def test_asset_slices_are_listed_too(tmp_path: Path) -> None:
    contents = part(3, part(2, part(2, "config.bin") + part(2, "again.bin")))
    with opened(built(tmp_path, {"toc.pb": contents})) as app:
        assert listed(app.files) == {"config.bin", "again.bin"}


@pytest.mark.parametrize("name", ["config.bin", "Android/obb/org.example/main.1.obb", "icon.png"])
def test_an_apk_that_no_list_names_is_hidden_code(tmp_path: Path, name: str) -> None:
    build = built(tmp_path, {name: LOUD, "manifest.json": b"{}"})
    assert subjects("app-hidden-code", build) == [f"{name}: APK"]


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("name", ["extra/evil.dex", "icon.png", "META-INF/x"])
def test_a_dex_file_outside_the_apks_is_hidden_code(
    tmp_path: Path, name: str, deflate: bool
) -> None:
    build = built(tmp_path, {name: DEX}, deflate=deflate)
    assert subjects("app-hidden-code", build) == [f"{name}: DEX"]


INNER_SET = archive({"base.apk": LOUD}, deflate=True)
OPEN = {
    "a set": ({"inner.apks": INNER_SET}, "it holds base.apk"),
    "a set by another name": ({"a.png": INNER_SET}, "it holds base.apk"),
    "a set as an expansion": ({"Android/obb/p/main.1.p.obb": INNER_SET}, "it holds base.apk"),
    "an APK by another name": (
        {"a.zip": archive({"x/y.bin": LOUD}, deflate=True)},
        "it holds x/y.bin",
    ),
    "a DEX file": ({"a.zip": archive({"y.bin": DEX}, deflate=True)}, "it holds y.bin"),
    "a library": ({"lib/liba.so": ELF}, "a native library outside the APKs"),
    "no directory": ({"a.zip": LOUD[:-40]}, "no end of central directory"),
}


@pytest.mark.parametrize("check", ["android-debuggable", "app-hidden-code"])
@pytest.mark.parametrize(("entries", "words"), OPEN.values(), ids=OPEN)
def test_what_may_be_another_app_leaves_every_answer_open(
    tmp_path: Path, entries: dict[str, bytes], words: str, check: str
) -> None:
    result = judged(check, built(tmp_path, entries))
    assert result.outcome is Outcome.UNDECIDED
    assert words in result.why and next(iter(entries)) in result.why


def test_the_files_of_an_honest_set_leave_nothing_open(tmp_path: Path) -> None:
    pictures = archive({"assets/a.png": b"\x89PNG", "b.txt": b"PK\3"}, deflate=True)
    entries = {
        "toc.pb": b"\xff" * 9,
        "manifest.json": b'{"icon": "icon.png", "expansions": [{"file": "main.obb"}]}',
        "icon.png": b"\x89PNG",
        "empty": b"",
        "main.obb": pictures,
        "Android/obb/org.example/main.1.org.example.obb": pictures,
        "Android/obb/org.example/patch.1.org.example.obb": b"PK\3\4 and then a form of its own",
        "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n",
    }
    for check in ("android-debuggable", "app-hidden-code"):
        assert judged(check, built(tmp_path, entries)).outcome is Outcome.CLEAN
    with opened(built(tmp_path, entries)) as app:
        assert app.hidden_code == () and not app.journal.gaps
        covered = {each.reader: each for each in app.journal.coverage}
    assert covered["files beside the APKs"].read == len(entries)


def test_a_folder_is_looked_through_like_an_archive(tmp_path: Path) -> None:
    for name, data in {**BASE, "inner.apks": INNER_SET, "a.bin": LOUD}.items():
        (tmp_path / name).write_bytes(data)
    assert "inner.apks" in judged("android-debuggable", tmp_path).why
    assert subjects("app-hidden-code", tmp_path) == ["a.bin: APK"]


def test_archives_of_more_files_than_are_begun_leave_the_app_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = archive({"a": b"1", "b": b"2", "c": b"3"})
    build = built(tmp_path, {"1.zip": three, "2.zip": three})
    monkeypatch.setattr(beside, "MAX_PEEKS", 6)
    assert judged("android-debuggable", build).outcome is Outcome.CLEAN
    monkeypatch.setattr(beside, "MAX_PEEKS", 5)
    result = judged("android-debuggable", build)
    assert result.outcome is Outcome.UNDECIDED and "2.zip" in result.why


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["toc.pb", "manifest.json"]), st.binary(max_size=200))
def test_a_list_of_any_bytes_names_files_or_none(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("set")
    with opened(built(folder, {name: data})) as app:
        try:
            assert all(isinstance(each, str) for each in listed(app.files))
            assert app.manifest.package == "org.example.app"
        except Unread:
            pytest.fail("a list that cannot be read is passed over")
