"""What a build is: by the marks that installers go by, and nothing where they differ."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gate.app import Budget, IosApp
from gate.read import NotAnApp, open_app
from gate.read.files import ZipFiles
from gate.read.kinds import marks
from tests.formats import write_axml, write_proto
from tests.formats.write_proto import part
from tests.read.write_builds import DAY, apk, archive, debuggable, manifest, opened, written

BINARY = write_axml.write(manifest())
APK = {"AndroidManifest.xml": BINARY}
INNER = apk(manifest(flag=debuggable(True)))
BUNDLE = {
    "BundleConfig.pb": b"",
    "base/manifest/AndroidManifest.xml": write_proto.xml(manifest(flag=debuggable(True))),
}
IPA = {"Payload/Sample.app/Info.plist": b"<plist/>", "Payload/Sample.app/Sample": b""}
SET = {"base.apk": INNER}
IN_WORDS = {
    "apk": "an APK (AndroidManifest.xml)",
    "aab": "an app bundle (base/manifest/AndroidManifest.xml)",
    "ipa": "an IPA (Payload/Sample.app)",
    "apks": "a set of APKs (base.apk)",
}
KINDS = {"apk": APK, "aab": BUNDLE, "ipa": IPA, "apks": SET}


def put(folder: Path, entries: Mapping[str, bytes]) -> Path:
    for name, data in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def kinds_in(folder: Path, entries: Mapping[str, bytes]) -> list[str]:
    with written(folder, archive(entries)).open("rb") as file:
        return [*marks(ZipFiles(file, Budget()))]


@pytest.mark.parametrize(
    ("one", "other"), [(a, b) for a in KINDS for b in KINDS if a < b], ids=lambda kind: kind
)
@pytest.mark.parametrize("last", [False, True])
def test_a_build_of_two_kinds_is_judged_as_neither_and_both_are_named(
    tmp_path: Path, one: str, other: str, last: bool
) -> None:
    entries = {**KINDS[other], **KINDS[one]} if last else {**KINDS[one], **KINDS[other]}
    with pytest.raises(NotAnApp) as refused, opened(written(tmp_path, archive(entries))):
        pass
    assert IN_WORDS[one] in str(refused.value) and IN_WORDS[other] in str(refused.value)
    assert refused.value.kind == ""


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"Info.plist": b"<plist/>", **SET}, ("an .app folder (Info.plist)", IN_WORDS["apks"])),
        ({**IPA, **SET}, (IN_WORDS["ipa"], IN_WORDS["apks"])),
        ({**IPA, **APK}, (IN_WORDS["ipa"], IN_WORDS["apk"])),
        ({"Info.plist": b"<plist/>", **IPA}, ("an .app folder", IN_WORDS["ipa"])),
    ],
)
def test_a_folder_of_two_kinds_is_judged_as_neither(
    tmp_path: Path, entries: dict[str, bytes], words: tuple[str, str]
) -> None:
    with pytest.raises(NotAnApp) as refused, opened(put(tmp_path, entries)):
        pass
    assert all(each in str(refused.value) for each in words)


@pytest.mark.parametrize(
    ("entries", "kinds"),
    [
        ({"./AndroidManifest.xml": BINARY, **IPA}, ["apk", "ipa"]),
        ({**APK, "Payload/./X.app//Info.plist": b""}, ["apk", "ipa"]),
        ({**APK, "Sample.app/Info.plist": b""}, ["apk", "ipa"]),
        ({**APK, "splits/base-master.APK": INNER}, ["apk", "apks"]),
        ({**IPA, "any/where/b.apk": INNER}, ["ipa", "apks"]),
        ({**BUNDLE, "elsewhere/b.apk": INNER}, ["aab", "apks"]),
        ({**IPA, "a.bin": INNER, "manifest.json": b'{"f": "a.bin"}'}, ["ipa", "apks"]),
        ({**APK, "assets/a": INNER, "toc.pb": b""}, ["apk"]),
        (
            {**APK, "a": INNER, "toc.pb": part(1, part(2, part(2, part(2, "a"))))},
            ["apk", "apks"],
        ),
        ({**APK, "BundleConfig.pb": b"", "m/manifest/AndroidManifest.xml": b""}, ["apk", "aab"]),
    ],
)
def test_a_mark_counts_however_it_is_written(
    tmp_path: Path, entries: dict[str, bytes], kinds: list[str]
) -> None:
    assert kinds_in(tmp_path, entries) == kinds


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ({**APK, "assets/plugins/a.apk": INNER, "res/raw/b.apk": INNER}, "apk"),
        ({**APK, "assets/base/manifest/AndroidManifest.xml": b""}, "apk"),
        ({**APK, "org.example.app/a.properties": b""}, "apk"),
        ({**APK, "manifest.json": b'{"icon": "icon.png"}', "icon.png": b"\x89PNG"}, "apk"),
        ({**BUNDLE, "base/assets/a.apk": INNER, "base/root/b.apk": INNER}, "aab"),
        ({**IPA, "Payload/Sample.app/a.apk": INNER, "iTunesMetadata.plist": b""}, "ipa"),
        ({**IPA, "Payload/Sample.app/AndroidManifest.xml": BINARY}, "ipa"),
        ({"Sample.app/Info.plist": b"", "Sample.app/a.apk": INNER}, "ipa"),
        ({**SET, "splits/x.apk": INNER, "toc.pb": b"", "META-INF/MANIFEST.MF": b""}, "apks"),
        ({"BundleConfig.pb": b""}, "aab"),
    ],
)
def test_what_a_build_of_one_kind_may_hold_makes_no_second(
    tmp_path: Path, entries: dict[str, bytes], kind: str
) -> None:
    assert kinds_in(tmp_path, entries) == [kind]


def test_an_app_inside_an_app_folder_is_a_part_of_it(tmp_path: Path) -> None:
    put(tmp_path, {"Info.plist": b"<plist/>", "Watch.app/Info.plist": b"<plist/>"})
    put(tmp_path, {"PlugIns/a.apk": INNER})
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        assert isinstance(open_app(fd, tmp_path.name, DAY), IosApp)
    finally:
        os.close(fd)
