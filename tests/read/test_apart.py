"""A reading in a process of its own: whatever becomes of it, there is a reason, and no process."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from gate import worker
from gate.catalogue import catalogue
from gate.formats.errors import Malformed
from gate.isolation import Limits
from gate.read.apart import Allowance, Lost, Refused, apart

QUICK = Allowance(cpu=1, wall=2.0, memory=1 << 30, answer=1000)
ROOT = Path(__file__).parents[2]


def crash(data: bytes) -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def sleep(data: bytes) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
    return 0


def loop(data: bytes) -> int:
    while True:
        pass


def flood(data: bytes) -> str:
    return "x" * 1001


def eat(data: bytes) -> int:
    return len(bytearray(8 << 30))


def leave(data: bytes) -> NoReturn:
    os._exit(0)


def recurse(data: bytes) -> int:
    return recurse(data)


def refuse(data: bytes) -> int:
    raise Malformed("not of this form", 3)


def stumble(data: bytes) -> int:
    return [0][len(data) + 1]


def pids() -> set[str]:
    """The numbers of this process's children."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("only Linux lists the children of a process")
    return set(children.read_text().split())


def test_an_answer_comes_back_in_its_form() -> None:
    assert apart(lambda data: (len(data), "é\x1b"), b"four", tuple[int, str]) == (4, "é\x1b")


def test_what_the_reader_does_to_its_memory_stays_with_it() -> None:
    seen: list[bytes] = []

    def read(data: bytes) -> int:
        seen.append(data)
        return os.getpid()

    assert apart(read, b"x", int) != os.getpid()
    assert seen == []


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (crash, "crashed (SIGSEGV)"),
        (lambda data: os.abort(), "crashed (SIGABRT)"),
        (lambda data: os.kill(os.getpid(), signal.SIGKILL), "crashed (SIGKILL)"),
        (sleep, "was stopped after 2 s"),
        (flood, "said more than 1000 bytes"),
        (leave, "gave no answer in the agreed form"),
        (lambda data: "a text", "gave no answer in the agreed form"),
        (lambda data: None, "gave no answer in the agreed form"),
        (recurse, "failed on it"),
        (stumble, "failed on it"),
        (lambda data: sys.exit(0), "failed on it"),
        (refuse, "not of this form (at offset 0x3)"),
        (lambda data: object(), "failed on it"),
    ],
    ids=[
        "segfault",
        "abort",
        "kill",
        "sleep",
        "flood",
        "leave",
        "text",
        "null",
        "recurse",
        "stumble",
        "exit",
        "refuse",
        "object",
    ],
)
def test_a_reader_that_fails_is_a_reason_in_words(read: object, words: str) -> None:
    before, started = pids(), time.monotonic()
    with pytest.raises(Lost) as lost:
        apart(read, b"", int, QUICK)  # type: ignore[arg-type]
    assert str(lost.value) == words
    assert isinstance(lost.value, Refused) == (read is refuse)
    assert time.monotonic() - started < 5
    assert pids() == before


def test_a_reader_that_loops_uses_up_its_time() -> None:
    with pytest.raises(Lost, match="used up its 1 s of CPU time"):
        apart(loop, b"", int, Allowance(cpu=1))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_a_reader_without_memory_says_so() -> None:
    with pytest.raises(Lost, match="ran out of memory"):
        apart(eat, b"", int, QUICK)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage",
        b'{"refused": 3}',
        b'{"refused": "\xff"}',
        b'{"answer": 1, "answer": ',
        b'{"answer": "text"}',
        b'{"answer": 1, "verdict": "pass"}',
        b"[" * 900,
        b'{"answer": 1}\n{"answer": 2}',
    ],
)
def test_garbage_on_the_pipe_is_no_answer(said: bytes) -> None:
    def speak(data: bytes) -> NoReturn:
        for number in range(3, 64):  # as a reader would that an attacker has taken over
            try:
                os.write(number, data)
            except OSError:
                continue
        os._exit(0)

    with pytest.raises(Lost, match="gave no answer in the agreed form"):
        apart(speak, said, int, QUICK)


def test_a_process_that_stays_after_its_answer_is_not_believed() -> None:
    def stay(data: bytes) -> NoReturn:
        os.closerange(3, 64)
        time.sleep(60)
        os._exit(0)

    before, started = pids(), time.monotonic()
    with pytest.raises(Lost, match="did not end after its answer"):
        apart(stay, b"", int, QUICK)
    assert time.monotonic() - started < 4
    assert pids() == before


def test_no_open_file_of_the_worker_is_within_reach(tmp_path: Path) -> None:
    def write(data: bytes) -> list[int]:
        reached = []
        for number in range(3, 64):
            try:
                os.fstat(number)
            except OSError:
                continue
            reached.append(number)
        return reached

    with (tmp_path / "answers").open("wb") as file:
        assert file.fileno() > 2
        assert len(apart(write, b"", list[int])) == 1  # its own end of the pipe


THREADS = """
import os, sys, msgspec
tasks = os.open("/proc/self/task", os.O_RDONLY)  # the sandbox lets nobody open it later
from gate import examiner
from gate.exchange import Answer, Request
request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
answer = examiner.examine(request, lambda *_: None)
refused = answer.refused or f"{len(os.listdir(tasks))} thread, lief {'lief' in sys.modules}"
with os.fdopen(request.answer, "wb") as pipe:
    examiner.say(pipe, Answer(refused=refused))
"""


@pytest.mark.parametrize("build", ["demo-app/build.apk", "demo-ios/build.ipa"])
def test_a_worker_that_has_run_every_check_has_one_thread(
    monkeypatch: pytest.MonkeyPatch, build: str
) -> None:
    if not Path("/proc/self/task").exists():
        pytest.skip("only Linux lists the threads of a process")
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", THREADS))
    path = str(ROOT / "fixtures" / "builds" / build)
    answer = worker.examine(path, tuple(catalogue()), "2026-06-01", Limits(), lambda *_: None)[1]
    assert answer.refused == "1 thread, lief False"
