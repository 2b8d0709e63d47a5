"""The ledger's file: lines are added to its end under a lock, and nothing else is ever written.

It has to be a regular file: a symbolic link is refused, since it could lead an append elsewhere,
and a pipe or a device is not even opened.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gate.frozen import dataclass
from gate.release.ledger import Entry, Ledger, digest_of, read, write_line

MAX_BYTES: Final = 64 << 20
PATIENCE = 60.0  # seconds that another process may hold the lock

_HOW: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class LedgerError(Exception):
    """The ledger cannot be used; the message begins with its path and says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """The line that was added: its number and hash, and whether the one before was torn."""

    line: int
    digest: str
    after_torn: bool


def append(path: Path, make: Callable[[str, bool], Entry]) -> Written:
    """Add one line and return when it is on the disk.

    `make` gives the entry from the hash of the line before and whether that line is torn. Raises
    LedgerError where the chain is broken, and where the line cannot be written whole: what is
    written of it then stays, and the next line tells that it is torn.
    """
    with _locked(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX) as fd:
        ledger = _read(path, fd)
        if fault := ledger.broken:
            raise LedgerError(f"{path}:{fault.line}: the chain is broken: {fault.words}")
        line = write_line(make(ledger.head, ledger.torn))
        data = b"\n" + line if ledger.torn else line
        try:
            while data:
                data = data[os.write(fd, data) :]
            os.fsync(fd)
            if not ledger.length:
                _sync_folder(path)
        except OSError as error:
            raise LedgerError(f"{path}: cannot be written: {error.strerror}") from error
        return Written(ledger.length + 1, digest_of(line), ledger.torn)


def load(path: Path) -> Ledger:
    """The ledger as it is, once nobody writes; LedgerError where it cannot be read."""
    with _locked(path, os.O_RDONLY, fcntl.LOCK_SH) as fd:
        return _read(path, fd)


@contextmanager
def _locked(path: Path, how: int, lock: int) -> Iterator[int]:
    """The open file, locked, while `path` still names it: it may have been moved meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while True:
        fd = _open(path, how)
        try:
            _lock(path, fd, lock, deadline)
            if _is_at(path, fd):
                yield fd
                return
        finally:
            os.close(fd)


def _open(path: Path, how: int) -> int:
    try:
        if how & os.O_CREAT == 0 or os.path.lexists(path):
            _must_be_regular(path, os.lstat(path).st_mode)
        fd = os.open(path, how | _HOW, 0o644)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LedgerError(f"{path}: cannot be opened: {reason}") from error
    try:
        _must_be_regular(path, os.fstat(fd).st_mode)
        if os.fstat(fd).st_size > MAX_BYTES:
            raise LedgerError(f"{path}: larger than {MAX_BYTES >> 20} MiB; begin a new ledger")
    except LedgerError:
        os.close(fd)
        raise
    return fd


def _must_be_regular(path: Path, mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise LedgerError(f"{path}: is a symbolic link; name the file that it leads to")
    if not stat.S_ISREG(mode):
        raise LedgerError(f"{path}: is not a regular file")


def _lock(path: Path, fd: int, lock: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(fd, lock | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                words = f"another process has held its lock for {PATIENCE:g} s"
                raise LedgerError(f"{path}: {words}") from None
        except OSError as error:
            raise LedgerError(f"{path}: cannot be locked: {error.strerror}") from error
        time.sleep(0.01)


def _is_at(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except OSError:
        return False


def _read(path: Path, fd: int) -> Ledger:
    try:
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            return read(file)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error


def _sync_folder(path: Path) -> None:
    """Keep the name of a new file too, where the platform lets a folder be synchronised."""
    fd = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
