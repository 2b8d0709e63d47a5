"""The worker: whatever becomes of it, the gate has an answer and no process is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gate import worker
from gate.exchange import Answer
from gate.isolation import Limits
from gate.worker import digest_of, examine

DEMO = Path(__file__).parents[1] / "fixtures" / "builds" / "demo-app" / "build.apk"
QUICK = Limits(wall=3)


def answer_to(path: str | Path, limits: Limits = QUICK) -> Answer:
    return examine(str(path), ("android-debuggable",), "2026-06-01", limits, lambda *_: None)[1]


def worker_that(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a script in the worker's place: it has the request in `request`, the pipe in `pipe`."""
    script = (
        "import json, os, signal, sys, time\n"
        "request = json.loads(sys.stdin.buffer.read())\n"
        "pipe = os.fdopen(request['answer'], 'wb', buffering=0)\n"
    )
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", script + body))


def test_a_build_is_answered_with_its_results_and_its_isolation() -> None:
    build, answer = examine(
        str(DEMO), ("android-debuggable",), "2026-06-01", Limits(), lambda *_: None
    )
    assert answer.refused == ""
    assert [result.check for result in answer.results] == ["android-debuggable"]
    assert answer.app is not None and answer.app.id == "org.example.wallet"
    assert any("CPU time at most 120 s" in words for words in answer.isolation)
    assert build.kind == "apk" and build.size == DEMO.stat().st_size


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("sys.exit(0)", "ended without an answer"),
        ("sys.exit(7)", "exit code 7"),
        ('pipe.write(b\'{"type": "Answer", "kind":\')', "its answer broke off"),
        ('pipe.write(b\'{"type": "Answer", "results": 3}\\n\')', "not in the agreed form"),
        ("pipe.write(b'[' * 100_000 + b'\\n')", "not in the agreed form"),
        ("pipe.write(b'nonsense\\n')", "not in the agreed form"),
        ('pipe.write(b\'{"type": "Answer", "kind": "\\xff"}\\n\')', "not in the agreed form"),
        ('pipe.write(b\'{"type": "Answer"}\\n\'); sys.exit(1)', "exit code 1"),
        ("time.sleep(60)", "stopped after 3 s"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)", "stopped after 3 s"),
        ("x = bytearray(70 << 20); pipe.write(x)", "larger than the limit answer=67108864"),
    ],
)
def test_a_worker_that_fails_is_a_refusal_that_says_how(
    monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    worker_that(monkeypatch, body)
    started = time.monotonic()
    answer = answer_to(DEMO)
    assert words in answer.refused
    assert answer.app is None and answer.results == ()
    assert time.monotonic() - started < 9


def test_what_a_worker_has_started_dies_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    child = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    worker_that(
        monkeypatch,
        f"import subprocess; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)",
    )
    answer_to(DEMO)
    pid = int(note.read_text())
    assert has_gone(pid), f"process {pid} is still there"


def test_steps_are_told_on_the_way() -> None:
    seen: list[tuple[int, int]] = []
    checks = ("android-debuggable", "android-test-only")
    examine(str(DEMO), checks, "2026-06-01", Limits(), lambda *step: seen.append(step))
    assert seen == [(0, 2), (1, 2)]


def test_a_memory_limit_that_does_not_suffice_is_a_refusal() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux limits the address space")
    assert answer_to(DEMO, Limits(memory=16 << 20)).refused


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("a text file\n" * 100), "not a ZIP archive"),
        (lambda path: path.write_bytes(DEMO.read_bytes()[:5000]), "not an APK or IPA"),
        (lambda path: path.mkdir(), "a folder without an app"),
        (lambda path: None, "no such file or folder"),
        (os.mkfifo, "neither a file nor a folder"),
        (lambda path: path.symlink_to("/dev/zero"), "a symbolic link, which is not followed"),
        (lambda path: path.symlink_to(path), "a symbolic link, which is not followed"),
        (lambda path: path.symlink_to(DEMO), "a symbolic link, which is not followed"),
        (lambda path: path.symlink_to(path.parent), "a symbolic link, which is not followed"),
        (lambda path: path.symlink_to("nowhere"), "a symbolic link, which is not followed"),
    ],
    ids=[
        "empty",
        "text",
        "truncated",
        "folder",
        "missing",
        "fifo",
        "device link",
        "link loop",
        "link",
        "folder link",
        "dangling link",
    ],
)
def test_what_is_no_build_is_refused_with_a_reason(
    tmp_path: Path, make: object, words: str
) -> None:
    path = tmp_path / "app.apk"
    make(path)  # type: ignore[operator]
    started = time.monotonic()
    assert words in answer_to(path).refused
    assert time.monotonic() - started < 3


def test_a_build_below_a_linked_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(DEMO.parent)
    assert answer_to(tmp_path / "out" / DEMO.name).refused == ""


def test_a_socket_and_a_name_with_a_nul_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert "neither a file nor a folder" in answer_to(tmp_path / "s").refused
    assert "cannot be opened" in answer_to("app\0.apk").refused


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app.apk"
    path.write_bytes(DEMO.read_bytes())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads everything")
    assert "may not be read" in answer_to(path).refused


def test_a_file_over_the_limit_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "big.apk"
    with path.open("wb") as file:
        file.truncate(1_000_001)
    assert "larger than the limit" in answer_to(path, Limits(input=1_000_000)).refused


def test_a_build_that_changes_while_it_is_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "app.apk"
    path.write_bytes(DEMO.read_bytes())
    worker_that(
        monkeypatch,
        f"open({str(path)!r}, 'ab').write(b'more')\n"
        'pipe.write(b\'{"type": "Answer", "kind": "apk"}\\n\')',
    )
    assert "changed while it was read" in answer_to(path).refused


def test_a_build_whose_time_is_set_back_has_changed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "app.apk"
    path.write_bytes(DEMO.read_bytes())
    os.utime(path, ns=(10**18, 10**18))
    worker_that(
        monkeypatch,
        f"with open({str(path)!r}, 'r+b') as file: file.write(b'PK')\n"
        f"os.utime({str(path)!r}, ns=(10**18, 10**18))\n"
        'pipe.write(b\'{"type": "Answer", "kind": "apk"}\\n\')',
    )
    assert "changed while it was read" in answer_to(path).refused


LIVES_ON = """
import os, subprocess, sys, time
from gate.isolation import die_with
parent = os.getpid()
if os.fork():
    time.sleep(float(sys.argv[1]))
    os._exit(0)
if sys.argv[2] == "late":
    time.sleep(1)
die_with(parent)
open(sys.argv[3], "w").write(str(os.getpid()))
time.sleep(60)
"""


def has_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and " Z " in stat.read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent has died")
    note = tmp_path / "pid"
    subprocess.run([sys.executable, "-c", LIVES_ON, "3", "soon", note], check=True)
    assert has_gone(int(note.read_text()))


def test_a_process_whose_parent_is_gone_already_does_not_begin(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    subprocess.run([sys.executable, "-c", LIVES_ON, "0", "late", note], check=True)
    time.sleep(2)
    assert not note.exists()


def test_a_worker_without_its_gate_stops_itself_after_its_wall_time() -> None:
    script = (
        "import time\n"
        "from gate.isolation import Limits, confine\n"
        "confine(Limits(wall=1), 0)\n"
        "time.sleep(60)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGALRM
    assert time.monotonic() - started < 20


def test_the_digest_of_a_folder_is_that_of_its_sorted_list_of_digests(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("/etc/passwd")
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        digest, size = digest_of(fd)
    finally:
        os.close(fd)
    import hashlib

    lines = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        for name, data in (("a", b"1"), ("b/two", b"2"))
    )
    assert (digest, size) == (hashlib.sha256(lines.encode()).hexdigest(), 2)
