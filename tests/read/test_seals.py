import dataclasses
import hashlib
import io
import os
import plistlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from gate.app import Gap, IosApp
from gate.app.native import Seals
from gate.formats import code_seal, codesign, macho
from gate.read import open_app

BUILD = Path(__file__).parents[2] / "fixtures" / "builds" / "clean-ios" / "build.ipa"
ROOT = "Payload/DemoWallet.app/"
PROGRAM, INFO = f"{ROOT}DemoWallet", f"{ROOT}Info.plist"
LIST = f"{ROOT}_CodeSignature/CodeResources"
KIT = f"{ROOT}Frameworks/WalletKit.framework/WalletKit"
DAY = date(2026, 6, 1)

Entries = dict[str, bytes]


@cache
def clean() -> Entries:
    with zipfile.ZipFile(BUILD) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: Entries, links: Entries | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        for name, data in (links or {}).items():
            link = zipfile.ZipInfo(name)
            link.create_system, link.external_attr = 3, 0o120777 << 16
            archive.writestr(link, data)
    return file.getvalue()


def opened(path: Path) -> tuple[Seals, IosApp]:
    with path.open("rb") as file:
        app = open_app(file.fileno(), path.name, DAY)
        assert isinstance(app, IosApp)
        return app.seals, app


def read(folder: Path, entries: Entries, links: Entries | None = None) -> Seals:
    (folder / "build.ipa").write_bytes(packed(entries, links))
    return opened(folder / "build.ipa")[0]


def gaps(app: IosApp) -> list[Gap]:
    return [gap for gap in app.journal.gaps if gap.fact == "seals"]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every field of a nest of dataclasses by its path; slices and lists of files by their name."""
    if dataclasses.is_dataclass(value):
        name = "".join(str(getattr(value, key, "")) + "." for key in ("path", "form"))
        label = name.replace(ROOT, "").replace("Payload/", "").replace("..", ".").strip(".")
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name), f"{path}{label}.{field.name}".strip("."))
    elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        for number, item in enumerate(value):
            place = "" if hasattr(item, "path") else f"[{number}]"
            yield from leaves(item, f"{path}{place} ")
    else:
        yield path, value


def changes(before: Seals, after: Seals) -> dict[str, object]:
    """The fields that are another, without those that name a directory by its hash."""
    old, new = dict(leaves(before)), dict(leaves(after))
    assert old.keys() == new.keys()
    return {key: new[key] for key in old if old[key] != new[key] and not key.endswith("cdhash")}


def at(entry: str, offset: Callable[[bytes], int]) -> Callable[[Entries], Entries]:
    """A mutation of one byte: its lowest bit, which keeps letters letters and white space blank."""

    def flip(entries: Entries) -> Entries:
        data = bytearray(entries[entry])
        place = offset(bytes(data))
        data[place] ^= 1
        return {**entries, entry: bytes(data)}

    return flip


def signature_place(data: bytes) -> int:
    (image,) = macho.parse(data)
    assert image.code_signature
    return image.code_signature[0]


def blob_at(slot: int, inside: bytes) -> Callable[[bytes], int]:
    """Where some bytes are inside the blob of one slot of a program's signature."""

    def place(data: bytes) -> int:
        start = signature_place(data)
        blob = code_seal.blobs(data[start:])[slot]
        return data.index(blob, start) + blob.index(inside)

    return place


def signature_value(data: bytes) -> int:
    """The last byte of the CMS, which is of the signature."""
    start = signature_place(data)
    return (
        data.index(code_seal.blobs(data[start:])[0x10000], start)
        + len(code_seal.blobs(data[start:])[0x10000])
        - 1
    )


def inside(text: bytes) -> Callable[[bytes], int]:
    return lambda data: data.index(text)


SLICE = "slices DemoWallet"
DIRECTORY = f"{SLICE}.directories[0]"
FILES2, FILES = "resources DemoWallet.app.files2.files", "resources DemoWallet.app.files.files"
STRINGS = "en.lproj/InfoPlist.strings"
KIT_NAME = "Frameworks/WalletKit.framework/WalletKit"

MUTATIONS: dict[str, tuple[Callable[[Entries], Entries], dict[str, object]]] = {
    "the first page": (
        at(PROGRAM, lambda data: 0x300),
        {f"{DIRECTORY} .bad_pages": 1, f"{DIRECTORY} .first_bad_page": 0},
    ),
    "the last page": (
        at(PROGRAM, lambda data: signature_place(data) - 1),
        {
            f"{DIRECTORY} .bad_pages": 1,
            f"{DIRECTORY} .first_bad_page": (signature_place(clean()[PROGRAM]) - 1) // 4096,
        },
    ),
    "the requirements": (
        at(PROGRAM, blob_at(2, b"\0\0\0\0")),
        {f"{DIRECTORY} .slots.altered": ("requirements",)},
    ),
    "the XML entitlements": (
        at(PROGRAM, blob_at(5, b"keychain")),
        {
            f"{DIRECTORY} .slots.altered": ("entitlements",),
            f"{SLICE}.entitlements_differ": True,
        },
    ),
    "the DER entitlements": (
        at(PROGRAM, blob_at(7, b"keychain")),
        {
            f"{DIRECTORY} .slots.altered": ("DER entitlements",),
            f"{SLICE}.entitlements_differ": True,
        },
    ),
    "the code directory": (
        at(PROGRAM, blob_at(0, b"wallet")),
        {f"{SLICE}.cms.fault": "the CMS was made for another code directory"},
    ),
    "the signed attributes": (
        at(PROGRAM, blob_at(0x10000, b"250101")),
        {f"{SLICE}.cms.fault": "the signature does not match what it is over"},
    ),
    "the signature": (
        at(PROGRAM, signature_value),
        {f"{SLICE}.cms.fault": "the signature does not match what it is over"},
    ),
    "Info.plist": (
        at(INFO, inside(b"Demo Wallet")),
        {
            f"{DIRECTORY} .slots.altered": ("Info.plist",),
            f"{FILES}.altered": ("Info.plist",),
        },
    ),
    "the list of files": (
        at(LIST, inside(b"DTD PLIST 1.0")),
        {f"{DIRECTORY} .slots.altered": ("CodeResources",)},
    ),
    "a file": (
        at(f"{ROOT}{STRINGS}", lambda data: 5),
        {f"{FILES2}.altered": (STRINGS,), f"{FILES}.altered": (STRINGS,)},
    ),
    "nested code": (
        at(KIT, lambda data: 0x300),
        {
            f"slices {KIT_NAME}.directories[0] .bad_pages": 1,
            f"slices {KIT_NAME}.directories[0] .first_bad_page": 0,
            f"{FILES2}.altered": (KIT_NAME,),
            f"{FILES}.altered": (KIT_NAME,),
        },
    ),
}


def test_the_clean_build_is_intact() -> None:
    found, app = opened(BUILD)
    assert len(found.slices) == 3 and len(found.resources) == 6
    for each in found.slices:
        assert each.strongest.intact and not each.strongest.unchecked
        assert not each.strongest.uncovered and not each.entitlements_differ
        assert each.cms and each.cms.verified and not each.cms.unvouched
        assert each.cms.team_id == "TESTONLY00" and len(each.cms.chain) == 3
    assert not any(each.files or each.unchecked for each in found.resources)
    assert not app.journal.gaps


@pytest.mark.parametrize("region", MUTATIONS)
def test_one_changed_byte_changes_exactly_the_facts_about_it(region: str, tmp_path: Path) -> None:
    mutate, expected = MUTATIONS[region]
    before = read(tmp_path, clean())
    assert changes(before, read(tmp_path, mutate(clean()))) == expected


def test_a_digest_changed_in_the_list_is_told_of_the_list_and_of_the_file(tmp_path: Path) -> None:
    listed = plistlib.loads(clean()[LIST])
    listed["files2"][STRINGS]["hash2"] = bytes(32)
    entries = {**clean(), LIST: plistlib.dumps(listed)}
    assert changes(read(tmp_path, clean()), read(tmp_path, entries)) == {
        f"{DIRECTORY} .slots.altered": ("CodeResources",),
        f"{FILES2}.altered": (STRINGS,),
    }


def test_added_and_removed_files_are_told(tmp_path: Path) -> None:
    entries = {**clean(), f"{ROOT}added.js": b""}
    del entries[f"{ROOT}PrivacyInfo.xcprivacy"]
    changed = changes(read(tmp_path, clean()), read(tmp_path, entries))
    assert changed == {
        f"{form}.{what}": (name,)
        for form in (FILES, FILES2)
        for what, name in (("unsealed", "added.js"), ("missing", "PrivacyInfo.xcprivacy"))
    }


def test_a_list_that_was_taken_out_is_missed_by_the_program(tmp_path: Path) -> None:
    entries = {name: data for name, data in clean().items() if name != LIST}
    found = read(tmp_path, entries)
    assert found.slices[0].strongest.slots.missing == ("CodeResources",)
    assert not [each for each in found.resources if each.path == ROOT.rstrip("/")]


def test_an_added_link_is_unsealed_and_its_target_is_not_followed(tmp_path: Path) -> None:
    found = read(tmp_path, clean(), {f"{ROOT}link": b"../../../etc/passwd"})
    new, old = (each for each in found.resources if each.path == ROOT.rstrip("/"))
    assert (new.files.unsealed, old.files.unsealed) == (("link",), ())


def test_a_sealed_link_is_compared_in_an_archive_and_unchecked_in_a_folder(tmp_path: Path) -> None:
    listed = plistlib.loads(clean()[LIST])
    listed["files2"]["link"] = {"symlink": "PkgInfo"}
    entries = {**clean(), LIST: plistlib.dumps(listed)}
    for target, altered in ((b"PkgInfo", ()), (b"elsewhere", ("link",))):
        found = read(tmp_path, entries, {f"{ROOT}link": target})
        assert found.resources[0].files.altered == altered
    folder = tmp_path / "DemoWallet.app"
    for name, data in entries.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "Payload" / "DemoWallet.app").rename(folder)
    fd = os.open(folder, os.O_RDONLY)
    try:
        app = open_app(fd, folder.name, DAY)
        assert isinstance(app, IosApp)
        assert app.seals.resources[0].unchecked == ("link",)
        assert not app.seals.resources[0].files
        assert [gap.part for gap in gaps(app)] == ["link"]
    finally:
        os.close(fd)


def test_what_cannot_be_compared_is_a_gap(tmp_path: Path) -> None:
    build = tmp_path / "build.ipa"
    build.write_bytes(packed({**clean(), LIST: b"no list"}))
    _, app = opened(build)
    assert [gap.part for gap in gaps(app)] == [LIST]


def test_two_entries_of_one_name_are_a_gap(tmp_path: Path) -> None:
    build = tmp_path / "build.ipa"
    whole = packed({**clean(), f"{ROOT}PkgInfX": b"other"})
    build.write_bytes(whole.replace(b"PkgInfX", b"PkgInfo"))
    _, app = opened(build)
    assert [gap.part for gap in gaps(app)] == [f"{ROOT}PkgInfo"]


@pytest.mark.oracle
def test_openssl_verifies_the_signature_of_the_clean_build(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl is not installed")
    data = clean()[PROGRAM]
    blobs = code_seal.blobs(data[signature_place(data) :])
    (tmp_path / "cms").write_bytes(blobs[0x10000][8:])
    (tmp_path / "directory").write_bytes(blobs[0])
    command = [openssl, "cms", "-verify", "-noverify", "-binary", "-inform", "DER"]
    command += ["-in", str(tmp_path / "cms"), "-content", str(tmp_path / "directory")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.oracle
def test_lief_places_the_signature_and_the_code_where_we_do() -> None:
    import lief

    data = clean()[PROGRAM]
    fat = lief.MachO.parse(list(data))
    binary = fat.at(0) if fat else None
    theirs = binary.code_signature if binary else None
    assert theirs
    (image,) = macho.parse(data)
    assert image.code_signature == (theirs.data_offset, theirs.data_size)
    assert image.signature == bytes(theirs.content)
    (directory,) = codesign.parse(image.signature).code_directories
    table = code_seal.blobs(image.signature)[0][-32 * directory.n_code :]
    pages = [data[start : start + 4096] for start in range(0, theirs.data_offset, 4096)]
    pages[-1] = data[4096 * (len(pages) - 1) : theirs.data_offset]
    assert table == b"".join(hashlib.sha256(page).digest() for page in pages)
