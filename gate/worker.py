"""The throw-away process that opens, reads and checks one build.

The parent opens the build, starts the worker on the open file, hashes the file meanwhile, and
takes one answer from a pipe. It never parses a byte of the build. Whatever happens to the worker is
an `Answer`: one that refuses, with the reason, where the worker itself gave none.
"""

import errno
import hashlib
import os
import selectors
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import structs

from gate.app import Build
from gate.app.budget import Budget
from gate.exchange import Answer, Request, Step
from gate.folder import TooMuch, list_files, open_file
from gate.isolation import Limits
from gate.wire import encode

# -E and -P rather than -I: a gate installed in the user's own site-packages must find itself.
# -B: reading a build writes nothing, not even bytecode beside the sources.
COMMAND = (sys.executable, "-B", "-E", "-P", "-m", "gate.examiner")
BLOCK = 1 << 20
DECODER = msgspec.json.Decoder(Step | Answer)
# msgspec learns a type when it first meets it, which several threads at once must not do.
ENCODING = threading.Lock()
NO_LINK = "a symbolic link, which is not followed; give the path of the build itself"

Progress = Callable[[int, int], None]

_running: set[subprocess.Popen[bytes]] = set()


class Refusal(Exception):
    """A build that cannot even be handed to a worker; the message is the sentence for the user."""


def examine(
    path: str, checks: Sequence[str], as_of: str, limits: Limits, progress: Progress
) -> tuple[Build, Answer]:
    """Open, read and check one build in a process of its own; never raises for a bad build."""
    try:
        fd = _open(path, limits)
    except Refusal as refusal:
        return Build(path), Answer(refused=str(refusal), isolation=limits.in_words())
    try:
        before = os.fstat(fd)
        answer, digest, size = _ask(path, fd, checks, as_of, limits, progress)
        if _changed(before, os.fstat(fd)):
            answer = Answer(refused="the build changed while it was read; scan a finished file")
    except (OSError, TooMuch) as error:
        digest, size = "", 0
        reason = getattr(error, "strerror", None) or error
        answer = Answer(refused=f"cannot be read whole: {reason}")
    finally:
        os.close(fd)
    if not answer.isolation:  # the worker could not say what confined it
        answer = structs.replace(answer, isolation=limits.in_words())
    return Build(path, answer.kind, digest, size), answer


def _open(path: str, limits: Limits) -> int:
    """The build, open for reading; a link, a pipe or a device is refused without opening it."""
    try:
        mode = Path(path).lstat().st_mode
        if stat.S_ISLNK(mode):
            raise Refusal(NO_LINK)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise Refusal("neither a file nor a folder; give the path of the build itself")
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise Refusal("no such file or folder; check the path") from None
    except PermissionError:
        raise Refusal("may not be read by this user; check its permissions") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refusal(f"cannot be opened: {reason}") from None
    found = os.fstat(fd)
    refusal = ""
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        refusal = "neither a file nor a folder; give the path of the build itself"
    elif stat.S_ISREG(found.st_mode) and found.st_size == 0:
        refusal = "the file is empty; the build step may have failed"
    elif stat.S_ISREG(found.st_mode) and found.st_size > limits.input:
        refusal = f"larger than the limit input={limits.input} bytes"
    if refusal:
        os.close(fd)
        raise Refusal(refusal)
    return fd


def _open_idsig(path: str, build: int) -> int | str:
    """The .idsig beside a build that is a file, open for reading; "" for none, or why it is not."""
    if not stat.S_ISREG(os.fstat(build).st_mode):
        return ""
    beside = f"{path}.idsig"
    try:
        if not stat.S_ISREG(Path(beside).lstat().st_mode):
            return "it is not a file"
        fd = os.open(beside, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        absent = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
        return "" if absent else f"it cannot be opened: {error.strerror}"
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return "it is not a file"


def _ask(
    path: str, fd: int, checks: Sequence[str], as_of: str, limits: Limits, progress: Progress
) -> tuple[Answer, str, int]:
    """The worker's answer, and the build's digest and size, computed while the worker runs."""
    reader, writer = os.pipe()
    idsig = _open_idsig(path, fd)
    given = [writer, idsig] if isinstance(idsig, int) else [writer]
    request = Request(os.getpid(), fd, writer, Path(path).name, tuple(checks), as_of, limits, idsig)
    try:
        process = _start((fd, *given))
    finally:
        for each in given:
            os.close(each)
    _running.add(process)
    try:
        deadline = time.monotonic() + limits.wall
        with ENCODING:
            asked = encode(request)
        with suppress(BrokenPipeError), process.stdin as pipe:  # type: ignore[union-attr]
            pipe.write(asked)
        is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        digest, size = digest_of(fd) if is_file else ("", 0)
        answer = _explain(_receive(reader, deadline, limits, progress), process, deadline, limits)
        if not is_file and answer.app:  # a folder that is no app may be all of the disk
            digest, size = digest_of(fd, limits.budget.entries)
        return answer, digest, size
    finally:
        os.close(reader)
        _end(process)
        _running.discard(process)


def stop() -> None:
    """Kill every worker of this process, so that whoever waits for one goes on at once."""
    for process in tuple(_running):
        if process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _start(fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """The worker's process, which inherits these files and nothing else."""
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        # numpy would start threads that nobody uses, and a worker that forks must have none.
        env={"LC_ALL": "C.UTF-8", "HOME": str(Path.home()), "OPENBLAS_NUM_THREADS": "1"},
        cwd="/",
        start_new_session=True,
    )


def _receive(reader: int, deadline: float, limits: Limits, progress: Progress) -> Answer | str:
    """The answer, or why there is none; steps on the way go to `progress`."""
    try:
        for line in _lines(reader, deadline, limits):
            message = DECODER.decode(line)
            if isinstance(message, Answer):
                return message
            progress(message.done, message.total)
    except _Silence as silence:
        return str(silence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "its answer was not in the agreed form"
    return "it ended without an answer"


class _Silence(Exception):
    """Why there will be no further line from the worker."""


def _lines(reader: int, deadline: float, limits: Limits) -> Iterator[bytes]:
    """The worker's lines as they come, until it closes the pipe."""
    begun: list[bytes] = []  # the blocks of a line that has no end yet
    received = 0
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            block = os.read(reader, BLOCK)
            if not block:
                if begun:
                    raise _Silence("its answer broke off")
                return
            received += len(block)
            if received > limits.answer:
                raise _Silence(f"its answer was larger than the limit answer={limits.answer} bytes")
            *ends, rest = block.split(b"\n")
            for end in ends:
                yield b"".join((*begun, end))
                begun.clear()
            if rest:
                begun.append(rest)
    raise _Silence(f"it was stopped after {limits.wall} s, the limit wall={limits.wall}")


def _explain(
    answer: Answer | str, process: subprocess.Popen[bytes], deadline: float, limits: Limits
) -> Answer:
    """The answer if there is one and the worker ended well, else a refusal that says what died."""
    how = ""
    try:
        code = process.wait(max(0.0, min(5.0, deadline - time.monotonic())))
    except subprocess.TimeoutExpired:
        how = "" if isinstance(answer, str) else "it did not end after its answer"
    else:
        if code < 0:
            how = f"it was killed by {signal.Signals(-code).name}"
            how += f", the limit cpu={limits.cpu}" if -code == signal.SIGXCPU else ""
            how += f", the limit wall={limits.wall}" if -code == signal.SIGALRM else ""
        elif code > 0:
            how = f"it failed with exit code {code}"
    if isinstance(answer, Answer) and not how:
        return answer
    reason = "; ".join(part for part in (answer if isinstance(answer, str) else "", how) if part)
    return Answer(refused=f"the process that reads the build gave no answer: {reason}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and everything it started, and leave no zombie."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether anybody touched it: the time of a change can be set back, that of its record not."""
    return _state(before) != _state(after)


def _state(of: os.stat_result) -> tuple[int, int, int]:
    return of.st_size, of.st_mtime_ns, of.st_ctime_ns


def digest_of(fd: int, most: int = Budget().entries) -> tuple[str, int]:
    """SHA-256 in hex and size in bytes of an open file, or of a folder's files.

    A folder's digest is that of one line a file, `<hex digest>  <relative path>\n`, sorted by
    path, as sha256sum prints them; links and special files are left out. OSError where a file
    cannot be read or has vanished meanwhile, TooMuch past `most` files.
    """
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _digest_of_file(fd)
    lines, total = "", 0
    for path in list_files(fd, most).files:
        with open_file(fd, path) as file:
            digest, size = _digest_of_file(file.fileno())
        lines += f"{digest}  {path}\n"
        total += size
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(), total


def _digest_of_file(fd: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := os.pread(fd, BLOCK, size):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
