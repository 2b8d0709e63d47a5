"""What an IPA holds beyond what its signatures and bundles account for."""

import os
import plistlib
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from gate.app import IosApp
from gate.catalogue import catalogue
from gate.check import Outcome, Result
from gate.read import open_app
from gate.run import run_one

CLEAN = Path(__file__).parents[2] / "fixtures" / "builds" / "clean-ios" / "build.ipa"
APP = "Payload/DemoWallet.app"
PROGRAM = f"{APP}/DemoWallet"


def changed(
    folder: Path,
    edit: Callable[[bytes], bytes] = lambda program: program,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """The clean build with its program edited and files added."""
    path = folder / "build.ipa"
    with zipfile.ZipFile(CLEAN) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            target.writestr(entry, edit(data) if entry.filename == PROGRAM else data)
        for name, data in (more or {}).items():
            target.writestr(name, data)
    return path


def judged(check: str, build: Path) -> Result:
    fd = os.open(build, os.O_RDONLY)
    try:
        app = open_app(fd, build.name, date(2026, 6, 1))
        assert isinstance(app, IosApp)
        return run_one(catalogue()[check], app)
    finally:
        os.close(fd)


def fat(program: bytes, between: bytes) -> bytes:
    """A file of one architecture, arm64, at 16 KiB, with these bytes before it."""
    header = b"\xca\xfe\xba\xbe" + (1).to_bytes(4, "big")
    numbers = (0x0100000C, 0, 1 << 14, len(program), 14)
    header += b"".join(each.to_bytes(4, "big") for each in numbers)
    return (header + between).ljust(1 << 14, b"\0") + program


def test_the_clean_build_is_clean(tmp_path: Path) -> None:
    assert judged("ios-signature-invalid", changed(tmp_path)).outcome is Outcome.CLEAN


def test_bytes_behind_the_signature_of_a_program_are_sealed_by_nothing(tmp_path: Path) -> None:
    build = changed(tmp_path, lambda program: program + b"eval(payload)" * 400)
    found = judged("ios-signature-invalid", build).findings
    assert [each.subject for each in found] == [f"{PROGRAM} (arm64) unsealed bytes"]
    assert "5200 bytes" in found[0].message


def test_bytes_between_architectures_are_an_anomaly(tmp_path: Path) -> None:
    quiet = changed(tmp_path, lambda program: fat(program, b""))
    assert judged("app-structure-anomaly", quiet).outcome is Outcome.CLEAN
    build = changed(tmp_path, lambda program: fat(program, b"payload"))
    found = judged("app-structure-anomaly", build).findings
    assert ["between its architectures" in each.message for each in found] == [True]


def test_an_extension_without_its_program_is_not_passed_over(tmp_path: Path) -> None:
    info = plistlib.dumps({"CFBundleIdentifier": "a.b", "CFBundleExecutable": "Broken"})
    build = changed(tmp_path, more={f"{APP}/PlugIns/Broken.appex/Info.plist": info})
    result = judged("ios-pie-off", build)
    assert result.outcome is Outcome.UNDECIDED
    assert "the program of the extension is missing" in result.why


def test_a_bundle_of_resources_needs_no_program(tmp_path: Path) -> None:
    info = plistlib.dumps({"CFBundleIdentifier": "a.b"})
    build = changed(tmp_path, more={f"{APP}/Pictures.bundle/Info.plist": info})
    assert judged("ios-pie-off", build).outcome is Outcome.CLEAN
