"""lief as the second reader of native code, in builds as a scan opens them."""

import os
import plistlib
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from gate.app import IosApp
from gate.catalogue import catalogue
from gate.check import Outcome, Result
from gate.formats import by_lief, elf, macho
from gate.formats.errors import Malformed
from gate.read import open_app, second
from gate.run import run_one
from tests.formats import write_macho as write
from tests.formats.write_elf import RELRO, STACK, ElfWriter
from tests.formats.write_macho import ARM64, build_version, command, fat, image
from tests.read.write_builds import apk, judged, manifest, opened, written

IOS = build_version(2, 0x100000, 0x110000)
SIMULATOR = build_version(7, 0x100000, 0x110000)
NO_PIE = 0x85
# A segment of this size leaves the file, which dyld and we refuse, and lief does not mind.
LEAVES = write.segment(b"__TEXT", 0, 1 << 30)
REFUSED = image(SIMULATOR, LEAVES, flags=NO_PIE)
SOUND = image(IOS)


def encrypted(*ids: int) -> bytes:
    return image(IOS, *(command(0x2C, struct.pack("<IIII", 0, 0, each, 0)) for each in ids))


def signed(blob: bytes, *, flags: int = 0x200085) -> bytes:
    def build(at: int) -> bytes:
        place = command(0x1D, struct.pack("<II", at, len(blob)))
        return image(IOS, place, LEAVES, flags=flags)

    return build(len(build(0))) + blob


@contextmanager
def ipa(folder: Path, **programs: bytes) -> Iterator[IosApp]:
    """An app whose own program is `A`; the others lie in its folder for frameworks."""
    info = {"CFBundleIdentifier": "org.example", "CFBundleExecutable": "A"}
    path = folder / "build.ipa"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Payload/A.app/Info.plist", plistlib.dumps(info))
        for name, data in {"A": SOUND, **programs}.items():
            place = "A" if name == "A" else f"Frameworks/{name}"
            archive.writestr(f"Payload/A.app/{place}", data)
    with path.open("rb") as file:
        app = open_app(file.fileno(), path.name, date(2026, 6, 1))
        assert isinstance(app, IosApp)
        yield app


def ask(app: IosApp, check: str) -> Result:
    return run_one(catalogue()[check], app)


def test_what_is_wrong_with_a_refused_program_is_found_and_the_gap_stays(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="leaves the image"):
        macho.parse(REFUSED)
    with ipa(tmp_path, A=REFUSED, b=image(IOS, flags=NO_PIE)) as app:
        result = ask(app, "ios-pie-off")
        assert result.outcome is Outcome.UNDECIDED
        assert [finding.subject for finding in result.findings] == [
            "Payload/A.app/A (arm64)",
            "Payload/A.app/Frameworks/b (arm64)",
        ]
        words = "(as lief reads it; our reader refuses the file)"
        assert [words in finding.message for finding in result.findings] == [True, False]
        (gap,) = app.journal.gaps
        assert gap.part == "Payload/A.app/A" and gap.fact == "programs"
        assert "leaves the image" in gap.reason
        assert gap.reason.endswith("what lief reads stands in")
        assert words in ask(app, "ios-simulator-build").findings[0].message
        counts = {each.unit: each for each in app.journal.coverage if each.reader == "Mach-O"}
        assert (counts["files"].declared, counts["files"].read) == (2, 1)


def test_the_signature_of_a_refused_program_is_read_where_lief_finds_it(tmp_path: Path) -> None:
    claims = {"get-task-allow": True}
    blob = write.superblob(
        {
            0: write.code_directory("org.example", flags=2),
            5: write.blob(0xFADE7171, plistlib.dumps(claims)),
        }
    )
    with ipa(tmp_path, A=signed(blob)) as app:
        (finding,) = ask(app, "ios-get-task-allow").findings
        assert finding.message.endswith("(as lief reads it; our reader refuses the file).")
        (finding,) = ask(app, "ios-unsigned").findings
        assert finding.message.startswith("The code signature is ad hoc")


def test_a_signature_that_cannot_be_read_is_not_called_absent(tmp_path: Path) -> None:
    def build(at: int) -> bytes:
        return image(IOS, command(0x1D, struct.pack("<II", at, 16)), flags=NO_PIE)

    data = build(len(build(0))) + b"no signature at all!"[:16]
    with ipa(tmp_path, A=data) as app:
        result = ask(app, "ios-unsigned")
        assert (result.outcome, result.findings) == (Outcome.UNDECIDED, ())
        (finding,) = ask(app, "ios-pie-off").findings
        assert "lief" not in finding.message  # our reader has read all but the signature
        assert app.programs[0].slices[0].signature_unread


def test_a_signature_outside_of_a_refused_program_is_not_called_absent(tmp_path: Path) -> None:
    with ipa(tmp_path, A=image(IOS, command(0x1D, struct.pack("<II", 1 << 20, 99)))) as app:
        result = ask(app, "ios-unsigned")
        assert (result.outcome, result.findings) == (Outcome.UNDECIDED, ())
        assert app.programs[0].slices[0].signature_unread


def test_a_program_that_lief_reads_in_part_has_no_second_reading(tmp_path: Path) -> None:
    torn = image(IOS, struct.pack("<II", 0x19, 1 << 30), flags=NO_PIE)
    with pytest.raises(Malformed, match="1 of 2 load commands"):
        by_lief.images(torn)
    with ipa(tmp_path, A=torn) as app:
        result = ask(app, "ios-pie-off")
        assert (result.outcome, result.findings) == (Outcome.UNDECIDED, ())
        (gap,) = app.journal.gaps
        assert "lief" not in gap.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda data: os.kill(os.getpid(), signal.SIGSEGV), "lief, asked too, crashed (SIGSEGV)"),
        (lambda data: "garbage", "lief, asked too, gave no answer in the agreed form"),
        (lambda data: "x" * (2 << 20), "lief, asked too, said more than 1048576 bytes"),
        (lambda data: time.sleep(60), "lief, asked too, was stopped after 1 s"),
    ],
    ids=["segfault", "garbage", "flood", "sleep"],
)
def test_a_hostile_binary_costs_one_binary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: object, words: str
) -> None:
    monkeypatch.setattr(by_lief, "images", fault)
    monkeypatch.setattr(second, "SECONDS", 1.0)
    with ipa(tmp_path, a=REFUSED, b=image(IOS, flags=NO_PIE)) as app:
        result = ask(app, "ios-pie-off")
        assert result.outcome is Outcome.UNDECIDED
        assert [each.subject for each in result.findings] == ["Payload/A.app/Frameworks/b (arm64)"]
        assert [program.path for program in app.programs] == [
            "Payload/A.app/A",
            "Payload/A.app/Frameworks/b",
        ]
        (gap,) = app.journal.gaps
        assert gap.part == "Payload/A.app/Frameworks/a" and gap.reason.endswith(words)


def test_a_second_reader_whose_time_is_spent_is_asked_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_lief, "images", lambda data: time.sleep(60))
    monkeypatch.setattr(second, "SECONDS", 1.0)
    started = time.monotonic()
    with ipa(tmp_path, **{f"b{number}": REFUSED for number in range(50)}) as app:
        assert len(app.programs) == 1
        assert time.monotonic() - started < 5
        assert "its time for one build is spent" in app.journal.gaps[-1].reason


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (encrypted(0), []),
        (encrypted(0, 0), []),
        (encrypted(1, 0), []),
        (encrypted(0, 1), ["encryption on or off (the file has two LC_ENCRYPTION_INFO)"]),
        # As a library for macOS and Mac Catalyst alike: both readers take the first.
        (image(build_version(1, 0x100000, 0), build_version(6, 0x100000, 0)), []),
    ],
)
def test_readers_that_differ_on_a_program_are_evasion(
    tmp_path: Path, data: bytes, told: list[str]
) -> None:
    with ipa(tmp_path, A=data) as app:
        assert [each.trick for each in app.anomalies] == [
            f"two readers of native code disagree: {each}" for each in told
        ]
        assert all("rest on lief" in each.hides for each in app.anomalies)
        assert app.journal.gaps == ()


def library(*stacks: int, tags: tuple[tuple[int, int], ...] = ((30, 8),)) -> bytes:
    extra = (*((STACK, flags) for flags in stacks), (RELRO, 4))
    writer = ElfWriter(
        symbols=((b"open", 0),), relocated=(1,), extra=extra, tags=((3, 0x10000), *tags)
    )
    return writer.write()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (library(6), []),
        (library(6, 6), []),
        (library(6, tags=((30, 8), (30, 8))), []),
        (library(6, 7), ["flags of the stack 7 or 6 (the file has two PT_GNU_STACK)"]),
        (library(6, tags=((30, 8), (30, 0))), ["BIND_NOW off or on (the file has two DT_FLAGS)"]),
    ],
)
def test_readers_that_differ_on_a_library_are_evasion(
    tmp_path: Path, data: bytes, told: list[str]
) -> None:
    path = written(tmp_path, apk(manifest(), lib__arm64__liba_so=data))
    with opened(path) as app:
        assert len(app.libraries) == 1
        assert [each.trick for each in app.anomalies] == [
            f"two readers of native code disagree: {each}" for each in told
        ]


def test_a_dynamic_section_that_is_elsewhere_than_it_says_is_odd() -> None:
    data = bytearray(library(6))
    assert second.oddities(bytes(data)) == ()
    at = 64 + 56 + 8  # p_offset of the second program header, PT_DYNAMIC
    struct.pack_into("<Q", data, at, struct.unpack_from("<Q", data, at)[0] + 16)
    assert second.oddities(bytes(data)) == (
        "has a PT_DYNAMIC that is loaded from elsewhere than it says",
    )


def test_a_refused_library_is_judged_by_what_lief_reads(tmp_path: Path) -> None:
    data = library(7, tags=())
    broken = data.replace(struct.pack("<QQ", 10, 6), struct.pack("<QQ", 10, 1 << 40))
    with pytest.raises(Malformed, match="string table"):
        elf.parse(broken)
    path = written(tmp_path, apk(manifest(), lib__x__liba_so=broken, lib__x__libb_so=data))
    result = judged("android-elf-stack-executable", path)
    assert result.outcome is Outcome.UNDECIDED
    assert ["as lief reads it" in each.message for each in result.findings] == [True, False]
    assert "what lief reads stands in" in result.why


def test_what_lief_refuses_and_what_it_is_not_asked_of_says_nothing() -> None:
    for data in (b"", b"noise", b"\x7fELF" + bytes(60), b"\xcf\xfa\xed\xfe"):
        for read in (by_lief.images, by_lief.library):
            with pytest.raises(Malformed):
                read(data)


@pytest.mark.parametrize(
    "data",
    [
        SOUND,
        encrypted(1),
        image(SIMULATOR, flags=NO_PIE),
        image(command(0x25, struct.pack("<II", 0x90001, 0x90000)), cpu=write.X86_64, subtype=3),
        fat((write.X86_64, image(IOS, cpu=write.X86_64)), (ARM64, SOUND)),
    ],
)
def test_lief_reads_a_sound_program_as_we_do(data: bytes) -> None:
    names = ("offset", "size", "sdk", "command_count", "code_signature", *second.OF_AN_IMAGE)
    ours, theirs = macho.parse(data), by_lief.images(data)
    assert [[getattr(each, name) for name in names] for each in ours] == [
        [getattr(each, name) for name in names] for each in theirs
    ]


def test_an_ordinary_scan_does_not_load_lief(tmp_path: Path) -> None:
    path = written(tmp_path, apk(manifest(), lib__arm64__liba_so=library(6)))
    script = """
import os, sys
from datetime import date
from gate.catalogue import catalogue
from gate.read import open_app, apart
from gate.run import run
def started(*_):
    raise AssertionError("a process was started")
os.fork = started
app = open_app(os.open(sys.argv[1], os.O_RDONLY), "build", date(2026, 6, 1))
run([*catalogue().values()], app, lambda *_: None)
assert app.libraries and "lief" not in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
