"""The code of an iOS build as a fact: origins, gaps, and what is loaded for it."""

import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gate.app import IosApp
from gate.app.machine import imported
from gate.read import open_app

BUILD = Path(__file__).parents[2] / "fixtures/builds/machine-code/build.ipa"
MAIN = "Payload/Shapes.app/Shapes"
WRITTEN = "Payload/Shapes.app/Frameworks/Written.framework/Written"
Change = Callable[[bytes], bytes]


def app_of(path: Path) -> IosApp:
    with path.open("rb") as file:
        app = open_app(file.fileno(), path.name, date(2026, 6, 1))
        assert isinstance(app, IosApp)
        _ = app.code
    return app


def changed(tmp_path: Path, change: Change) -> Path:
    """The build with another main program."""
    path = tmp_path / "build.ipa"
    with zipfile.ZipFile(BUILD) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == MAIN else data)
    return path


def encrypted(data: bytes) -> bytes:
    """With LC_ENCRYPTION_INFO_64 of a cryptid 1 in the place of LC_UUID, which is as long."""
    made = bytearray(data)
    at = 32
    while struct.unpack_from("<I", made, at)[0] != 0x1B:
        at += struct.unpack_from("<I", made, at + 4)[0]
    struct.pack_into("<6I", made, at, 0x2C, 24, 0x4000, 0x4000, 1, 0)
    return bytes(made)


def for_intel(data: bytes) -> bytes:
    return data[:4] + struct.pack("<II", 0x01000007, 3) + data[12:]


def without_fixups(data: bytes) -> bytes:
    """With binds that lie behind the end of the file."""
    made = bytearray(data)
    at = 32
    while struct.unpack_from("<I", made, at)[0] != 0x80000022:
        at += struct.unpack_from("<I", made, at + 4)[0]
    struct.pack_into("<II", made, at + 16, 0x7FFFFFFF, 0x7FFFFFFF)
    return bytes(made)


def test_programs_of_the_app_are_first_party_and_frameworks_have_their_names() -> None:
    app = app_of(BUILD)
    calls = list(app.code.calls(imported("CCHmac")))
    origins = {call.function.program: call.function.origin for call in calls}
    assert origins == {
        MAIN: "first-party",
        "Payload/Shapes.app/PlugIns/Tight.appex/Tight": "first-party",
        WRITTEN: "Written",
    }
    assert [call.at.path for call in calls] == sorted(call.at.path for call in calls)
    assert not app.journal.gaps
    counted = [each for each in app.journal.coverage if each.reader == "machine code"]
    assert [(each.declared, each.read) for each in counted] == [(3, 3)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (encrypted, "its arm64 code is encrypted"),
        (for_intel, "its code is for x86_64; only arm64 is analysed"),
        (without_fixups, "arm64 code: Mach-O fixups that leave the image (at offset 0x7fffffff)"),
    ],
)
def test_code_that_cannot_be_read_is_a_gap_that_names_the_file(
    tmp_path: Path, change: Change, reason: str
) -> None:
    app = app_of(changed(tmp_path, change))
    found = {(gap.part, gap.reason) for gap in app.journal.gaps if gap.fact == "code"}
    assert found == {(MAIN, reason)}
    assert app.code.programs == (
        WRITTEN,
        "Payload/Shapes.app/PlugIns/Tight.appex/Tight",
    )


def test_nothing_of_the_engine_is_loaded_before_code_is_asked_for() -> None:
    asking = (
        "import sys, datetime; from gate.read import open_app\n"
        f"file = open({str(BUILD)!r}, 'rb')\n"
        "app = open_app(file.fileno(), 'build.ipa', datetime.date(2026, 6, 1))\n"
        "app.programs\n"
        "print('numpy' in sys.modules, any(n.startswith('gate.arm64') for n in sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, text=True, check=True
    ).stdout
    assert out.split() == ["False", "False"]
