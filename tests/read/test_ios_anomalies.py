import io
import plistlib
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gate.app import IosApp, Unread
from gate.read import open_app
from gate.read.tricks import hides

INFO = {"CFBundleIdentifier": "org.example", "CFBundleExecutable": "A"}
DYLIB = bytes.fromhex("cffaedfe0c0000010000000006000000" + "00" * 16)
DSYM = DYLIB[:12] + b"\x0a" + DYLIB[13:]
PLIST = plistlib.dumps(INFO)


def ipa(folder: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> IosApp:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {"A.app/Info.plist": PLIST, "A.app/A": DYLIB, **files}.items():
            archive.writestr(name if name.startswith("Swift") else f"Payload/{name}", data)
        for name, target in (links or {}).items():
            link = zipfile.ZipInfo(f"Payload/{name}")
            link.create_system, link.external_attr = 3, 0o120777 << 16
            archive.writestr(link, target)
    path = folder / "build.ipa"
    path.write_bytes(buffer.getvalue())
    with path.open("rb") as file:
        app = open_app(file.fileno(), path.name, date(2026, 6, 1))
        assert isinstance(app, IosApp)
        for fact in ("anomalies", "hidden_code"):
            try:
                getattr(app, fact)
            except Unread:
                assert fact == "hidden_code"
        return app


def tricks(app: IosApp) -> list[tuple[str, str]]:
    return [(each.entry, each.trick) for each in app.anomalies]


def test_an_ordinary_app_has_no_tricks_and_no_hidden_code(tmp_path: Path) -> None:
    app = ipa(tmp_path, {"A.app/en.lproj/a.strings": b"text"})
    assert (app.anomalies, app.hidden_code) == ((), ())


@pytest.mark.parametrize(
    ("target", "odd"),
    [("Versions/A", False), ("/etc/passwd", True), ("../../x", True)],
)
def test_a_link_is_odd_where_it_leads_out_of_its_folder(
    tmp_path: Path, target: str, odd: bool
) -> None:
    told = tricks(ipa(tmp_path, {}, {"A.app/l": target}))
    assert told == [("Payload/A.app/l", "is a symbolic link")] * odd


def test_a_second_app_folder_is_told(tmp_path: Path) -> None:
    app = ipa(tmp_path, {"B.app/Info.plist": PLIST})
    assert tricks(app) == [("Payload/B.app", "a second app folder beside the first")]
    assert "installed" in app.anomalies[0].hides


def test_a_key_that_is_there_twice_is_told_in_every_bundle(tmp_path: Path) -> None:
    twice = plistlib.dumps({"KeyA": 1, "KeyB": 2}).replace(b"KeyB", b"KeyA")
    app = ipa(tmp_path, {"A.app/B.framework/Info.plist": twice, "A.app/x/Info.plist": twice})
    (told,) = tricks(app)
    assert told == ("Payload/A.app/B.framework/Info.plist", "has the key 'KeyA' twice")


def test_an_entity_is_told_though_the_list_is_refused(tmp_path: Path) -> None:
    entity = PLIST.replace(b"<plist", b'<!DOCTYPE plist [<!ENTITY a "b">]><plist', 1)
    app = ipa(tmp_path, {"A.app/Info.plist": entity})
    assert tricks(app) == [("Payload/A.app/Info.plist", "declares an entity")]
    assert "entities" in hides("declares an entity")
    assert "bundles" in {gap.fact for gap in app.journal.gaps}


def test_a_program_is_hidden_unless_a_bundle_or_a_framework_folder_has_it(tmp_path: Path) -> None:
    app = ipa(
        tmp_path,
        {
            "A.app/data.bin": DYLIB,
            "A.app/Frameworks/liba.dylib": DYLIB,
            "A.app/PlugIns/B.appex/Info.plist": PLIST,
            "A.app/PlugIns/B.appex/A": DYLIB,
            "A.app/PlugIns/B.appex/Frameworks/libb.dylib": DYLIB,
            "A.app/Watch/C.app/Info.plist": PLIST,
            "A.app/Watch/C.app/A": DYLIB,
            "A.app/Watch/C.app/_WatchKitStub/WK": DYLIB,
            "A.app/A.dSYM/Contents/Resources/DWARF/A": DSYM,
            "SwiftSupport/iphoneos/libswiftCore.dylib": DYLIB,
        },
    )
    assert [(each.path, each.form) for each in app.hidden_code] == [
        ("Payload/A.app/data.bin", "Mach-O")
    ]
