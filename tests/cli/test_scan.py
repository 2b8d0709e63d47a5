"""`gate scan` as a user meets it: exit codes, reports, errors in words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.cli.limit import MOST
from gate.cli.main import run
from gate.render import FORMATS
from gate.report import from_json

BUILDS = Path(__file__).parents[2] / "fixtures" / "builds"
DEMO_APK = str(BUILDS / "demo-app" / "build.apk")
DEMO_IPA = str(BUILDS / "demo-ios" / "build.ipa")
CLEAN_APK = str(BUILDS / "clean-app" / "build.apk")
CLEAN_IPA = str(BUILDS / "clean-ios" / "build.ipa")
AS_OF = ("--as-of", "2026-06-01")


def scan(*arguments: str) -> int:
    return run(["scan", *AS_OF, *arguments])


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GATE_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_a_clean_build_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(CLEAN_APK) == 0
    out = capsys.readouterr().out
    assert "pass" in out.lower() and "org.example" in out


def test_a_clean_ipa_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(CLEAN_IPA) == 0
    assert "pass" in capsys.readouterr().out.lower()


def test_a_bad_build_is_blocked_and_the_controls_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scan(DEMO_APK) == 1
    out = capsys.readouterr().out
    for words in ("A63-DBG-01", "android-debuggable", "A63-NET-01", "A63-PLA-01"):
        assert words in out


def test_a_bad_ipa_is_blocked_and_the_controls_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scan(DEMO_IPA) == 1
    out = capsys.readouterr().out
    for words in ("ios-get-task-allow", "ios-profile-expired", "ios-ats-arbitrary-loads"):
        assert words in out


@pytest.mark.parametrize(
    ("builds", "code"),
    [
        ((CLEAN_APK, CLEAN_IPA), 0),
        ((CLEAN_APK, DEMO_APK), 1),
        ((CLEAN_APK, "missing.apk"), 3),
        (("missing.apk", DEMO_APK, CLEAN_APK), 1),
    ],
)
def test_of_several_builds_the_worst_counts(builds: tuple[str, ...], code: int) -> None:
    assert scan("--jobs", "2", "--quiet", *builds) == code


@pytest.mark.parametrize("format", FORMATS)
def test_the_exit_code_does_not_depend_on_the_format(format: str, tmp_path: Path) -> None:
    for build, code in ((CLEAN_APK, 0), (DEMO_APK, 1), ("missing.apk", 3)):
        assert scan("-q", build, "--report", f"{format}={tmp_path / 'report'}") == code
        assert (tmp_path / "report").stat().st_size > 0


def test_an_advisory_profile_changes_what_blocks() -> None:
    assert scan("-q", DEMO_APK, "--ruleset", "all") == 0


def test_every_report_can_be_made_again_from_the_saved_one(tmp_path: Path) -> None:
    outputs = [f"--report={format}={tmp_path / format}" for format in FORMATS]
    assert scan("-q", DEMO_APK, DEMO_IPA, *outputs) == 1
    again = tmp_path / "again"
    again.mkdir()
    outputs = [f"--report={format}={again / format}" for format in FORMATS]
    assert run(["render", str(tmp_path / "json"), *outputs]) == 0
    for format in FORMATS:
        assert (again / format).read_bytes() == (tmp_path / format).read_bytes()


def test_the_same_build_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1780000000")
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        reports = [f"--report={format}={folder / format}" for format in FORMATS]
        assert scan("-q", DEMO_APK, CLEAN_IPA, *reports) == 1
    for format in FORMATS:
        assert (tmp_path / "one" / format).read_bytes() == (tmp_path / "two" / format).read_bytes()


def test_a_report_on_standard_output_is_alone_there(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert scan(CLEAN_APK, "--report", "json=-") == 0
    document = from_json(capfdbinary.readouterr().out)
    assert document.reports[0].app is not None


def test_a_report_into_a_pipe_is_written_there_and_the_pipe_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "read").open("wb") as read:
        reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=read)
    assert scan("-q", CLEAN_APK, "--report", f"json={tmp_path / 'pipe'}") == 0
    assert reader.wait(60) == 0
    assert from_json((tmp_path / "read").read_bytes()).exit_code == 0
    assert (tmp_path / "pipe").is_fifo()


def test_a_report_never_replaces_the_build(tmp_path: Path) -> None:
    build = tmp_path / "app.apk"
    build.write_bytes(Path(CLEAN_APK).read_bytes())
    (tmp_path / "link").symlink_to(build)
    for target in ("app.apk", "link", f"{tmp_path}/../{tmp_path.name}/app.apk"):
        assert scan(str(build), "--report", f"json={target}") == 2
    assert build.read_bytes() == Path(CLEAN_APK).read_bytes()


def test_a_report_that_cannot_be_written_is_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    assert scan("-q", CLEAN_APK, "--report", "json=/dev/full") == 3
    assert "/dev/full" in capsys.readouterr().err


def test_an_older_report_is_gone_when_the_scan_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "gate.sarif"
    report.write_text("yesterday's clean result")
    monkeypatch.setattr("gate.cli.scan.judge_all", lambda *_: 1 / 0)
    assert scan(CLEAN_APK, "--report", f"sarif={report}") == 3
    assert not report.exists()


def test_an_internal_error_is_one_line_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gate.cli.scan.judge_all", lambda *_: 1 / 0)
    assert scan(CLEAN_APK) == 3
    assert capsys.readouterr().err.splitlines() == [
        "gate: internal error: ZeroDivisionError: division by zero"
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (CLEAN_APK, "--nonsense"),
        (CLEAN_APK, "--profile", "nobody"),
        (CLEAN_APK, "--ruleset", "nothing"),
        (CLEAN_APK, "--ruleset", "./missing.yml"),
        (CLEAN_APK, "--waivers", "missing.yml"),
        (CLEAN_APK, "--as-of", "yesterday"),
        (CLEAN_APK, "--report", "sarif"),
        (CLEAN_APK, "--report", "pdf=x.pdf"),
        (CLEAN_APK, "--report", "sarif=missing/folder/x.sarif"),
        (CLEAN_APK, "--report", "sarif=."),
        (CLEAN_APK, "--report", "sarif=x", "--report", "json=x"),
        (CLEAN_APK, "--jobs", "0"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_reason(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(*arguments) == 2
    said = capsys.readouterr()
    assert said.err.strip() and "Traceback" not in said.err
    assert said.out == ""


def test_a_bad_ruleset_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yml").write_text("format: 1\nname: own\nnonsense: true\n")
    assert scan(CLEAN_APK, "--ruleset", "./own.yml") == 2
    assert "own.yml:3" in capsys.readouterr().err


def test_a_bad_waiver_file_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".gate-waivers.yml").write_text("format: 1\nwaivers:\n  - reason: because\n")
    assert scan(CLEAN_APK) == 2
    assert ".gate-waivers.yml:3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.apk", "not a ZIP archive"),
        ("empty.apk", "empty"),
        ("folder", "a folder without an app"),
        ("missing.apk", "no such file"),
        ("fifo", "neither a file nor a folder"),
        ("link", "a symbolic link, which is not followed"),
        ("apk", "a symbolic link, which is not followed"),
    ],
)
def test_a_bad_build_is_exit_3_with_one_clear_sentence(
    tmp_path: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.apk").write_text("no app at all\n" * 9)
    (tmp_path / "empty.apk").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/urandom")
    (tmp_path / "apk").symlink_to(CLEAN_APK)
    assert scan(name) == 3
    said = capsys.readouterr()
    assert words in said.out and "Traceback" not in said.out + said.err


def test_a_hostile_file_name_starts_no_line_and_carries_no_escape(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "a\x1b]0;owned\x07\n::error::forged\n##vso[task].apk"
    (tmp_path / name).write_bytes(Path(DEMO_APK).read_bytes())
    reports = [f"--report={format}={tmp_path / format}.out" for format in FORMATS]
    assert scan(name, *reports) == 1
    said = capfd.readouterr()
    texts = [said.out, said.err]
    texts += [(tmp_path / f"{format}.out").read_text("utf-8") for format in FORMATS]
    for text in texts:
        assert "\x1b" not in text and "\x07" not in text
        assert not any(line.startswith(("::error::", "##vso[")) for line in text.splitlines())


def test_without_a_terminal_there_is_no_colour_and_no_progress() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gate", "scan", *AS_OF, CLEAN_APK], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout and done.stderr == b""


@pytest.mark.parametrize("arguments", [("--help",), ("checks",), ("rulesets",), ("scan", "--help")])
def test_no_parser_is_loaded_where_no_build_is_read(arguments: tuple[str, ...]) -> None:
    script = (
        "import json, sys\n"
        "from gate.cli.main import run\n"
        f"assert run({list(arguments)!r}) == 0\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    parsers = {"androguard", "lief", "asn1crypto", "cryptography", "requests", "sarif_om", "jinja2"}
    assert not loaded & parsers
    assert not any(name.startswith(("gate.read", "gate.formats")) for name in loaded)


def test_a_scan_loads_no_parser_in_the_process_that_prints() -> None:
    script = (
        "import json, sys\n"
        "from gate.cli.main import run\n"
        f"run(['scan', {DEMO_APK!r}, '--report', 'json=report.json'])\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & {"androguard", "lief", "asn1crypto", "cryptography"}
    assert not any(name.startswith(("gate.read", "gate.formats")) for name in loaded)


@pytest.mark.parametrize("limit", ["memory=8M", "cpu=1", "wall=1", "input=100K", "answer=1K"])
def test_each_limit_can_be_set_and_is_echoed(limit: str, tmp_path: Path) -> None:
    name = limit.partition("=")[0]
    assert scan("-q", CLEAN_APK, "--limit", limit, "--report", f"json={tmp_path / 'r'}") in (0, 3)
    report = from_json((tmp_path / "r").read_bytes()).reports[0]
    assert report.refused or any(f"limit {name} " in words for words in report.isolation)


@pytest.mark.parametrize("limit", ["input=1K", "answer=1K", "memory=1M"])
def test_a_limit_that_is_hit_is_no_verdict(limit: str) -> None:
    if limit.startswith("memory") and sys.platform != "linux":
        pytest.skip("only Linux limits the address space")
    assert scan("-q", CLEAN_APK, "--limit", limit) == 3


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        ("wall=1000001", "wall is at most 1000000"),
        ("wall=999999999999", "wall is at most 1000000"),
        ("cpu=1000001", "cpu is at most 1000000"),
        ("memory=1025G", "memory is at most 1024G"),
        (f"memory={'9' * 100}G", "memory is at most 1024G"),
        ("answer=1099511627777", "answer is at most 1024G"),
        ("entries=1000000001", "entries is at most 1000000000"),
        ("nesting=3", "nesting is at most 2"),
    ],
)
def test_a_limit_that_nothing_can_hold_is_a_usage_error_that_names_the_largest(
    limit: str, most: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(CLEAN_APK, "--limit", limit) == 2
    assert most in capsys.readouterr().err


def test_the_largest_limits_leave_the_verdict_as_it_is() -> None:
    largest = [f"--limit={name}={number}" for name, number in MOST.items()]
    assert scan("-q", CLEAN_APK, *largest) == 0


@pytest.mark.parametrize("epoch", ["abc", "1.5", "-1", "0x10", "1" * 12, " 1", "\u0661"])
def test_a_time_of_the_build_that_is_no_number_is_a_usage_error(
    epoch: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert scan("-q", CLEAN_APK) == 2
    assert "SOURCE_DATE_EPOCH" in capsys.readouterr().err
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert scan("-q", CLEAN_APK) == 0


@pytest.mark.parametrize("limit", ["memory", "memory=0", "nothing=1", "cpu=1M", "wall=-1"])
def test_a_wrong_limit_is_a_usage_error(limit: str) -> None:
    assert scan(CLEAN_APK, "--limit", limit) == 2
