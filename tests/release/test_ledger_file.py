"""The ledger's file: what is accepted is there, whoever dies and whoever else writes."""

import fcntl
import os
import random
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from gate.release import ledger_file
from gate.release.ledger import Entry, Kind, digest_of, write_line
from gate.release.ledger_file import LedgerError, append, load
from tests.release.write_entries import finished, started


def in_a_fork(act: Callable[[], None]) -> int:
    """Run something in a child; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return child


def add(path: Path, scan: str) -> None:
    append(path, lambda previous, torn: started(previous, torn, scan=scan))
    append(path, lambda previous, torn: finished(previous, torn, scan=scan))


def test_lines_are_added_and_nothing_before_them_changes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    before = b""
    for number in range(3):
        add(path, f"scan{number}")
        assert path.read_bytes().startswith(before)
        before = path.read_bytes()
    ledger = load(path)
    assert ledger.faults == () and ledger.length == 6
    written = append(path, lambda previous, torn: started(previous, torn, scan="last"))
    assert (written.line, written.after_torn) == (7, False)
    assert written.digest == digest_of(path.read_bytes().splitlines()[-1])


def test_no_accepted_line_is_lost_when_its_writer_is_killed(tmp_path: Path) -> None:
    path, chance, accepted = tmp_path / "ledger.jsonl", random.Random(16), set()
    reader, writer = os.pipe()

    def write_on() -> NoReturn:
        for number in range(10_000):
            scan = f"{os.getpid()}-{number}"
            for make in (started, finished):

                def entry(previous: str, torn: bool, make=make, scan=scan) -> Entry:  # type: ignore[no-untyped-def]
                    return make(previous, torn, scan=scan)  # type: ignore[no-any-return]

                os.write(writer, append(path, entry).digest.encode())
        os._exit(1)

    for _ in range(200):
        child = in_a_fork(write_on)
        time.sleep(chance.uniform(0.0, 0.02))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        os.set_blocking(reader, False)
        try:
            said = os.read(reader, 1 << 20).decode()
        except BlockingIOError:
            said = ""
        accepted |= {said[at : at + 64] for at in range(0, len(said), 64)}
    os.close(reader)
    os.close(writer)
    ledger = load(path)
    assert len(accepted) > 50
    assert accepted <= {line.digest for line in ledger.lines}
    assert {fault.kind for fault in ledger.faults} <= {Kind.INCOMPLETE, Kind.TORN}
    assert ledger.broken is None


def test_two_writers_keep_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"

    def write_fifty() -> None:
        for number in range(50):
            add(path, f"{os.getpid()}-{number}")

    children = [in_a_fork(write_fifty) for _ in range(2)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    ledger = load(path)
    assert ledger.length == 200 and ledger.scans == 100 and ledger.faults == ()


@pytest.mark.parametrize("kept", [1, 9, 30, 400])
def test_a_torn_last_line_is_kept_and_told_in_the_next(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "ledger.jsonl"
    add(path, "whole")
    torn = write_line(started("0" * 64, scan="torn"))[:kept]
    with path.open("ab") as file:
        file.write(torn)
    before = path.read_bytes()
    written = append(path, lambda previous, torn: started(previous, torn, scan="next"))
    assert (written.after_torn, written.line) == (True, 4)
    assert path.read_bytes().startswith(before + b"\n{")
    append(path, lambda previous, torn: finished(previous, torn, scan="next"))
    ledger = load(path)
    assert [(fault.line, fault.kind) for fault in ledger.faults] == [(3, Kind.TORN)]
    assert b'"after_torn":true' in path.read_bytes().splitlines()[3]


def test_nothing_is_added_to_a_broken_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    add(path, "one")
    data = path.read_bytes().replace(b'"pass"', b'"fail"').replace(b"limit cpu 120", b"limit cpu 1")
    path.write_bytes(data)
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:2: the chain is broken: does not follow"):
        add(path, "two")
    assert path.read_bytes() == data


@pytest.mark.parametrize("data", [b"waivers: []\n", b"PK\x03\x04", b"one\ntwo\n", b"\n"])
def test_another_file_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "waivers.yml"
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="no line of a ledger"):
        add(path, "one")
    assert path.read_bytes() == data


def test_a_link_a_pipe_a_folder_and_a_socket_are_refused_and_not_opened(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    short = socket.socket(socket.AF_UNIX)
    short.bind(os.path.relpath(tmp_path / "socket"))
    short.close()
    started_at = time.monotonic()
    for name in ("link", "dangling", "pipe", "folder", "socket"):
        words = "symbolic link" if name in ("link", "dangling") else "not a regular file"
        for use in (lambda path: add(path, "one"), load):
            with pytest.raises(LedgerError, match=words):
                use(tmp_path / name)
    assert time.monotonic() - started_at < 2
    assert not target.exists() and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null", "/dev/zero", "/dev/tty"])
def test_a_device_is_refused(path: str) -> None:
    if not Path(path).exists():
        pytest.skip(f"there is no {path}")
    with pytest.raises(LedgerError, match="not a regular file"):
        add(Path(path), "one")


def test_a_missing_folder_and_a_file_that_may_not_be_written_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "ledger.jsonl", Path("a\0b"), tmp_path / ("x" * 300)):
        with pytest.raises(LedgerError, match="cannot be opened"):
            add(path, "one")
    with pytest.raises(LedgerError, match="cannot be opened"):
        load(tmp_path / "missing.jsonl")


def test_on_a_full_disk_there_is_an_error_and_the_torn_line_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    add(path, "one")
    before = path.read_bytes()

    def write_with_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, len(before) + 100))
        with pytest.raises(LedgerError, match="cannot be written: File too large"):
            add(path, "two")

    assert os.waitpid(in_a_fork(write_with_little_room), 0)[1] == 0
    assert path.read_bytes()[: len(before)] == before
    assert path.stat().st_size == len(before) + 100
    assert load(path).torn and load(path).broken is None
    add(path, "three")
    assert [fault.kind for fault in load(path).faults] == [Kind.TORN]


def test_a_lock_that_is_held_too_long_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.jsonl"
    add(path, "one")
    monkeypatch.setattr(ledger_file, "PATIENCE", 0.1)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for use in (lambda path: add(path, "two"), load):
            with pytest.raises(LedgerError, match=r"has held its lock for 0\.1 s"):
                use(path)


def test_a_ledger_that_was_moved_while_its_lock_was_awaited_is_not_written(tmp_path: Path) -> None:
    path, old = tmp_path / "ledger.jsonl", tmp_path / "ledger.old"
    add(path, "one")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def wait_and_add() -> None:
            file.close()  # the copy that the fork made, which holds the lock too
            add(path, "two")

        child = in_a_fork(wait_and_add)
        time.sleep(0.2)
        path.rename(old)
    assert os.waitpid(child, 0)[1] == 0
    assert (load(old).scans, load(path).scans) == (1, 1)
    assert load(old).faults == load(path).faults == ()


def test_a_ledger_too_large_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with path.open("wb") as file:
        file.truncate(ledger_file.MAX_BYTES + 1)
    with pytest.raises(LedgerError, match="larger than 64 MiB; begin a new ledger"):
        add(path, "one")


def test_no_open_file_is_left(tmp_path: Path) -> None:
    def highest() -> int:
        with (tmp_path / "other").open("wb") as file:
            return file.fileno()

    before = highest()
    add(tmp_path / "ledger.jsonl", "one")
    for path in (tmp_path, tmp_path / "none" / "x"):
        with pytest.raises(LedgerError):
            add(path, "one")
    assert load(tmp_path / "ledger.jsonl").scans == 1
    assert highest() == before
