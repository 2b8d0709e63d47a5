"""`gate scan --ledger` and `gate ledger` as a user meets them."""

import json
import os
import resource
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from gate.cli.main import run
from gate.release.ledger import digest_of

BUILDS = Path(__file__).parents[2] / "fixtures" / "builds"
DEMO_APK = str(BUILDS / "demo-app" / "build.apk")
CLEAN_IPA = str(BUILDS / "clean-ios" / "build.ipa")
LEDGER = Path("ledger.jsonl")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GATE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def scan(*arguments: str) -> int:
    return run(["scan", "--as-of", "2026-06-01", "--ledger", str(LEDGER), *arguments])


def verify(*arguments: str) -> int:
    return run(["ledger", "verify", str(LEDGER), *arguments])


def lines() -> list[bytes]:
    return LEDGER.read_bytes().splitlines(keepends=True)


def test_a_scan_leaves_by_what_it_judged_and_what_it_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waivers = Path(".gate-waivers.yml")
    waivers.write_text("format: 1\nwaivers: []\n")
    assert scan(DEMO_APK, "missing.apk", "--report", "json=r.json", "--limit", "cpu=77") == 1
    first, last = map(json.loads, lines())
    assert first["event"] == "started" and first["builds"] == [DEMO_APK, "missing.apk"]
    assert first["tool"] == "mobile-release-gate" and first["dependencies"]["lief"]
    assert "limit cpu 77" in first["limits"]
    assert first["policy"]["profile"] == "trading" and first["policy"]["as_of"] == "2026-06-01"
    assert first["policy"]["waivers"] == sha256(waivers.read_bytes()).hexdigest()
    document = json.loads(Path("r.json").read_bytes())
    assert first["policy"]["sha256"] == document["reports"][0]["policy"]["sha256"]
    assert last["event"] == "finished" and last["scan"] == first["scan"]
    assert last["exit_code"] == 1 and last["previous"] == digest_of(lines()[0])
    assert last["report"] == sha256(Path("r.json").read_bytes()).hexdigest()
    demo, missing = last["builds"]
    assert demo["sha256"] == sha256(Path(DEMO_APK).read_bytes()).hexdigest()
    assert (demo["decision"], demo["app"], demo["kind"]) == ("block", "org.example.wallet", "apk")
    assert (missing["decision"], missing["sha256"]) == ("undecided", "")
    assert f"ledger ledger.jsonl:2: {digest_of(lines()[1])}" in capsys.readouterr().err


def test_a_ledger_that_grows_is_verified_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert scan("-q", DEMO_APK) == 1
    assert capsys.readouterr().err == ""
    head = digest_of(lines()[-1])
    assert verify("--anchor", head.upper(), "--anchor", digest_of(lines()[1])) == 0
    out = capsys.readouterr().out
    assert out == f"intact and complete: 4 lines, 2 scans; last hash {head}\n"
    assert run(["ledger", "show", str(LEDGER)]) == 0
    out = capsys.readouterr().out
    assert out.count("block") == 2 and "org.example.wallet" in out and "trading" in out


def test_what_is_wrong_is_told_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan("-q", DEMO_APK) == scan("-q", DEMO_APK) == 1
    whole = lines()
    LEDGER.write_bytes(b"".join(whole[:3]))
    assert verify() == 1
    assert "ledger.jsonl:3: incomplete: scan" in capsys.readouterr().out
    assert verify("--anchor", digest_of(whole[3])) == 1
    assert "ledger.jsonl:0: broken: no line has the hash" in capsys.readouterr().out
    LEDGER.write_bytes(whole[0] + whole[1].replace(b'"block"', b'"pass"') + b"".join(whole[2:]))
    assert verify() == 1
    assert "ledger.jsonl:3: broken: does not follow line 2" in capsys.readouterr().out
    assert run(["ledger", "show", str(LEDGER)]) == 0
    assert "!! broken: does not follow line 2" in capsys.readouterr().out
    LEDGER.write_bytes(b"")
    assert verify() == 1
    assert "there is no line in it" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("verify", "show"):
        assert run(["ledger", command, "missing.jsonl"]) == 2
        assert run(["ledger", command, "."]) == 2
        assert run(["ledger", command]) == 2
    assert verify("--anchor", "abc") == 2
    assert "No such file" in capsys.readouterr().err


def test_after_a_torn_line_the_scan_goes_on_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scan("-q", DEMO_APK) == 1
    with LEDGER.open("ab") as file:
        file.write(b'{"event":"started","previous":"')
    assert scan("-q", DEMO_APK) == 1
    assert "gate: ledger ledger.jsonl:3: torn by a process that died" in capsys.readouterr().err
    assert verify() == 1
    assert "ledger.jsonl:3: torn:" in capsys.readouterr().out


@pytest.mark.parametrize("make", ["broken", "folder", "device", "link", "other"])
def test_without_the_ledger_nothing_is_scanned(
    make: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = str(LEDGER)
    if make == "broken":
        assert scan("-q", DEMO_APK) == 1
        LEDGER.write_bytes(b"".join(reversed(lines())))
    elif make == "folder":
        target = "no/such/folder/ledger.jsonl"
    elif make == "device":
        target = "/dev/full"
    elif make == "link":
        Path("real.jsonl").write_bytes(b"")
        LEDGER.symlink_to("real.jsonl")
    else:
        LEDGER.write_text("a file of another kind\n")
    before = LEDGER.read_bytes() if LEDGER.exists() else b""
    code = run(["scan", "-q", CLEAN_IPA, "--ledger", target, "--report", "json=r.json"])
    assert code == 3
    assert "nothing was scanned" in capsys.readouterr().err
    assert not Path("r.json").exists()
    assert (LEDGER.read_bytes() if LEDGER.exists() else b"") == before


def test_a_verdict_that_cannot_be_written_down_is_none_and_leaves_no_report() -> None:
    assert scan("-q", DEMO_APK) == 1
    room = LEDGER.stat().st_size + len(lines()[0]) + 100

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    # Standard error is a pipe, and the report is small: the ledger's last line alone has no room.
    command = [sys.executable, "-m", "gate", "scan", DEMO_APK, "--ledger", str(LEDGER)]
    ran = subprocess.run(
        [*command, "--report", "github=r.txt"], preexec_fn=limit, capture_output=True
    )
    assert ran.returncode == 3
    assert b"cannot be written" in ran.stderr and b"there is no verdict" in ran.stderr
    assert ran.stdout == b"" and not Path("r.txt").exists()
    assert verify() == 1


def test_a_ledger_is_neither_a_build_nor_a_report_nor_the_waivers() -> None:
    shutil.copy(DEMO_APK, LEDGER)
    assert scan("-q", str(LEDGER)) == 2
    assert scan("-q", CLEAN_IPA, "--report", f"json={LEDGER}") == 2
    Path("w.yml").write_text("format: 1\nwaivers: []\n")
    arguments = ["scan", "-q", DEMO_APK, "--waivers", "w.yml", "--ledger", "w.yml"]
    assert run(arguments) == 2
    assert LEDGER.read_bytes() == Path(DEMO_APK).read_bytes()
    assert Path("w.yml").read_text() == "format: 1\nwaivers: []\n"


def test_what_an_app_or_a_file_is_called_obeys_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "\x1b[2J\u202e::error::\n##[x].apk"
    shutil.copy(DEMO_APK, name)
    scan("-q", name)
    assert LEDGER.read_bytes().isascii() and b"\x1b" not in LEDGER.read_bytes()
    assert run(["ledger", "show", str(LEDGER)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out
    assert not any(line.lstrip().startswith(("::", "##")) for line in out.splitlines())
