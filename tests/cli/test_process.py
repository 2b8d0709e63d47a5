"""`gate` as a process: signals, and streams that the caller has closed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.report import from_json
from tests.test_worker import has_gone

BUILDS = Path(__file__).parents[2] / "fixtures" / "builds"
CLEAN = str(BUILDS / "clean-app" / "build.apk")
DEMO = str(BUILDS / "demo-app" / "build.apk")
SCAN = (sys.executable, "-m", "gate", "scan", "--as-of", "2026-06-01")
# A gate whose worker never answers, and tells in the file `note` that it runs.
STUCK = """
import sys
from gate import worker
from gate.cli.main import main
script = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(60)"
worker.COMMAND = (sys.executable, "-c", script, sys.argv.pop(1))
main()
"""


def closing(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def code(*arguments: str, closed: tuple[int, ...] = (1,), command: str = "scan") -> int:
    """The exit code of a gate that begins without some of its standard streams."""
    start = SCAN if command == "scan" else (*SCAN[:3], command)
    return subprocess.run(
        [*start, *arguments], preexec_fn=closing(*closed), stderr=subprocess.PIPE, check=False
    ).returncode


def test_a_verdict_that_cannot_be_shown_is_none(tmp_path: Path) -> None:
    for build in (CLEAN, DEMO):
        assert code(build) == 3
        assert code(build, "--report", "json=-") == 3
        assert code("-q", build, "--report", "json=-") == 3
        assert code(build, "--report", f"json={tmp_path / 'r'}", "--report", "text=-") == 3
        assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("closed", [(1,), (0, 1), (0, 1, 2), (0,), (2,)])
def test_a_verdict_that_need_not_be_shown_counts(tmp_path: Path, closed: tuple[int, ...]) -> None:
    for build, expected in ((CLEAN, 0), (DEMO, 1)):
        assert code("-q", build, closed=closed) == expected
        assert code(build, "--report", f"json={tmp_path / 'r'}", closed=closed) == expected
        assert from_json((tmp_path / "r").read_bytes()).exit_code == expected


def test_why_there_is_no_verdict_is_said_where_it_can_be() -> None:
    done = subprocess.run(
        [*SCAN, CLEAN], preexec_fn=closing(1), stderr=subprocess.PIPE, check=False
    )
    assert b"standard output is closed" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["checks", "rulesets"])
def test_an_answer_of_another_command_that_is_lost_is_no_success(command: str) -> None:
    assert code(command=command) == 3
    assert code("--nonsense", command=command) == 2


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGTERM, b"gate: terminated; there"), (signal.SIGINT, b"gate: interrupted; there")],
)
def test_a_scan_that_is_stopped_says_so_at_once_and_leaves_nothing(
    tmp_path: Path, jobs: str, number: signal.Signals, words: bytes
) -> None:
    note = tmp_path / "note"
    report = tmp_path / "gate.json"
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(note), "scan", "--jobs", jobs, CLEAN, DEMO, CLEAN]
        + ["--report", f"json={report}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and (
        not note.exists() or len(note.read_text().split()) < int(jobs)
    ):
        time.sleep(0.05)
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=50)
    assert time.monotonic() - started < 10
    assert (process.returncode, out) == (3, b"")
    assert words in err and b"Traceback" not in err
    assert not report.exists()
    workers = [int(pid) for pid in note.read_text().split()]
    assert len(workers) == int(jobs)
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_worker_of_a_gate_that_was_killed_ends_too() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent has died")
    script = (
        "import os, sys\n"
        "from gate import worker\n"
        "start = worker._start\n"
        "def told(fds):\n"
        "    process = start(fds)\n"
        "    global pid\n"
        "    pid = process.pid\n"
        "    return process\n"
        "worker._start = told\n"
        "def progress(done, total):\n"
        "    os.kill(pid, 19)\n"  # SIGSTOP: it will not end by itself
        "    print(pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        f"worker.examine({DEMO!r}, ('android-debuggable',), '2026-06-01',\n"
        "    worker.Limits(), progress)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    if not has_gone(pid):
        os.kill(pid, signal.SIGKILL)
        pytest.fail(f"process {pid} is still there")
