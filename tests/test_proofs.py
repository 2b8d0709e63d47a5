"""What a scan promises of itself, proved from outside: no network, no writing, the same bytes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.formats import write_axml
from tests.formats.write_axml import Attr
from tests.read.write_builds import activity, archive, debuggable, manifest, written

FIXTURES = Path(__file__).parents[1] / "fixtures"
GATE = Path(sys.executable).with_name("gate")
LIES = FIXTURES / "app-structure-anomaly"
SAMPLES = sorted(
    {
        *(path for path in (FIXTURES / "builds").glob("*/build.*") if path.suffix != ".txt"),
        *LIES.glob("fires-*/build.*"),
        *(FIXTURES / "app-hidden-code").glob("fires-*/build.*"),
        *(FIXTURES / "app-analysis-incomplete").glob("fires-*/build.*"),
    }
)
FORMATS = ("json", "sarif", "sarif-full", "markdown", "text", "github")
LOUD = "\n::error::x\r\n##vso[task.complete]\x1b[2J\u202e\u2028\x9b\n```\n</script>"
STAMP = {"SOURCE_DATE_EPOCH": "1750000000", "NO_COLOR": "1"}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
UNSEEN = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COMMAND = re.compile(r"^\s*(::|##\[|##vso\[)", re.MULTILINE)
OWN_COMMAND = re.compile(r"^::(error|warning|notice)( [^\r\n]*)?::[^\r\n]*$", re.MULTILINE)
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^(?:mkdir|rename|unlink|symlink|link|creat)", re.M)
CALLS = re.compile(r"(?:connect|bind|listen|accept4?)\(|send\w+\(.*AF_INET")
HARMLESS = re.compile(r'"/dev/(null|tty|urandom)"|= -1 E|memfd|"/proc/self/')


def scan(
    build: Path, folder: Path, *before: str, formats: tuple[str, ...] = FORMATS
) -> dict[str, bytes]:
    """Every report of a scan and what it printed, by name."""
    folder.mkdir()
    command = [*before, str(GATE), "scan", str(build), "--as-of", "2026-06-01"]
    for each in formats:
        command += ["--report", f"{each}={folder / each}"]
    done = subprocess.run(command, capture_output=True, timeout=300, env={**os.environ, **STAMP})
    assert done.returncode in (0, 1, 3), done.stderr
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    code = str(done.returncode).encode()
    return {**found, "stdout": done.stdout, "stderr": done.stderr, "exit": code}


def apart() -> list[str]:
    """The command that runs another without a network; skips where the system forbids it."""
    for flags in ("-n", "-rn"):
        if (
            shutil.which("unshare")
            and not subprocess.run(["unshare", flags, "true"], capture_output=True).returncode
        ):
            return ["unshare", flags]
    pytest.skip("no namespaces here")


@pytest.mark.parametrize("name", ["demo-app", "demo-ios", "demo-bundle"])
def test_a_scan_without_a_network_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    (build,) = (FIXTURES / "builds" / name).glob("build.*")
    with_network = scan(build, tmp_path / "with")
    assert scan(build, tmp_path / "without", *apart()) == with_network
    assert len(with_network["sarif"]) > 1000


def loud(folder: Path) -> Path:
    """An app whose every name wants to reach a report, a log or a workflow as it is."""
    names = manifest(
        activity(f".A{LOUD}"),
        package=f"org.example{LOUD}",
        label=Attr("label", LOUD, 0x01010001),
        debuggable=debuggable(True),
    )
    entries = {"AndroidManifest.xml": write_axml.write(names), f"assets/{LOUD}": b"dex\n035\0"}
    return written(folder, archive(entries))


@pytest.mark.parametrize("name", ["made here", "fires-names", "fires-resource-name"])
def test_no_report_lets_a_control_character_or_a_command_through(name: str, tmp_path: Path) -> None:
    build = loud(tmp_path) if name == "made here" else LIES / name / "build.apk"
    reports = scan(build, tmp_path / "reports")
    assert len(reports) == len(FORMATS) + 3
    assert b"org.example" in reports["json"]
    for kind, data in reports.items():
        text = data.decode()
        assert not CONTROL.search(text), kind
        assert not UNSEEN.search(text), kind
        foreign = OWN_COMMAND.sub("", text) if kind == "github" else text
        assert not COMMAND.search(foreign), kind


def calls(trace: Path) -> Iterator[str]:
    """The system calls of every process, without those that failed."""
    for file in sorted(trace.parent.glob(f"{trace.name}*")):
        for line in file.read_text("utf-8", "replace").splitlines():
            if not HARMLESS.search(line):
                yield line


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("strace"), reason="no strace here")
@pytest.mark.parametrize("build", SAMPLES, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_a_scan_writes_its_report_alone_and_calls_nobody(build: Path, tmp_path: Path) -> None:
    trace, out = tmp_path / "trace", tmp_path / "out"
    strace = ("strace", "-f", "-ff", "-o", str(trace), "-e", "trace=file,network")
    scan(build, out, *strace, formats=("json",))
    told = [*calls(trace)]
    assert any(f'{build.name}"' in line for line in told)
    # The interpreter keeps compiled modules beside its own sources, whatever is scanned.
    allowed = (f'"{out}/', "/__pycache__/")
    wrote = [line for line in told if WRITES.search(line)]
    assert [line for line in wrote if not any(place in line for place in allowed)] == []
    assert [line for line in told if CALLS.match(line)] == []
    assert any(str(out) in line for line in wrote)
