"""One reading in a process of its own, so that what it dies of costs one file and not the scan.

For parsers in native code, which crash on bytes that are made for it. The process is a fork of the
worker, which has one thread: it inherits the sandbox and every limit, puts closer ones on itself,
and keeps no open file but its end of a pipe, so that it cannot speak in the worker's name. It stays
in the worker's process group and is killed with it.
"""

import os
import resource
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeVar

import msgspec

from gate.formats.errors import Malformed
from gate.frozen import dataclass
from gate.isolation import die_with
from gate.wire import encode

T = TypeVar("T")

BLOCK: Final = 1 << 16
MOST_FILES: Final = 4096  # the highest number that may be open here; a worker has 64
DONE, FAILED, WITHOUT_MEMORY = 0, 1, 2
ENDS: Final = {DONE: "", WITHOUT_MEMORY: "ran out of memory"}
PATIENCE: Final = 1.0  # seconds from the end of an answer to that of its process


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one reading may use: seconds of CPU and of wall time, bytes of memory and of answer."""

    cpu: int = 20
    wall: float = 20.0
    memory: int = 2 << 30
    answer: int = 1 << 20


class Lost(Exception):
    """There is no answer; the message says why, in words that follow the name of the reader."""


class Refused(Lost):
    """The reader itself says that it cannot read this, as any reader may say of any bytes."""


class _Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the process says before it ends: an answer, or why there is none."""

    refused: str = ""
    answer: msgspec.Raw = msgspec.Raw(b"null")


def apart(
    read: Callable[[bytes], T], data: bytes, form: type[T], allowed: Allowance | None = None
) -> T:
    """What `read` makes of `data`, which comes back as JSON and is checked to be of `form`.

    Raises Refused where `read` raises Malformed, Lost where it crashes, hangs, raises another
    exception, uses up what it is allowed, or says anything but one answer of that form. No process
    is left behind.
    """
    allowed = allowed or Allowance()
    reader, writer = os.pipe()
    worker = os.getpid()
    try:
        process = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        raise Lost(f"cannot be started: {error.strerror}") from error
    if process == 0:
        _answer(read, data, writer, allowed, worker)
    os.close(writer)
    patience = 0.0
    try:
        said = _listen(reader, allowed)
        patience = PATIENCE
    finally:
        os.close(reader)
        status = _end(process, patience)
    if how := _died(status, allowed):
        raise Lost(how)
    return _understood(said, form)


def _listen(reader: int, allowed: Allowance) -> bytes:
    """All that the process says, up to the end of its side of the pipe."""
    deadline = time.monotonic() + allowed.wall
    blocks: list[bytes] = []
    received = 0
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            block = os.read(reader, BLOCK)
            if not block:
                return b"".join(blocks)
            received += len(block)
            if received > allowed.answer:
                raise Lost(f"said more than {allowed.answer} bytes")
            blocks.append(block)
    raise Lost(f"was stopped after {allowed.wall:g} s")


def _end(process: int, patience: float) -> int | None:
    """The exit status of a process that ends within `patience`; another is killed, and is None."""
    deadline = time.monotonic() + patience
    while patience:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)  # not yet waited for, so that the number is still its own
    os.waitpid(process, 0)
    return None


def _died(status: int | None, allowed: Allowance) -> str:
    """How the process died, "" where it ended well."""
    if status is None:
        return "did not end after its answer"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        spent = f"used up its {allowed.cpu} s of CPU time" if name == "SIGXCPU" else ""
        return spent or f"crashed ({name})"
    return ENDS.get(os.WEXITSTATUS(status), "failed on it")


def _understood(said: bytes, form: type[T]) -> T:
    try:
        word = msgspec.json.decode(said, type=_Word)
        if not word.refused:
            return msgspec.json.decode(word.answer, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Lost("gave no answer in the agreed form") from None
    raise Refused(word.refused)


def _answer(
    read: Callable[[bytes], object], data: bytes, writer: int, allowed: Allowance, worker: int
) -> NoReturn:
    """The process itself, which ends here whatever is raised: nothing of its parent's is run."""
    code = FAILED
    try:
        die_with(worker)
        _confine(writer, allowed)
        word = _word(read, data)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(encode(word))
        code = DONE
    except MemoryError:
        code = WITHOUT_MEMORY
    finally:
        os._exit(code)


def _word(read: Callable[[bytes], object], data: bytes) -> _Word:
    try:
        return _Word(answer=msgspec.Raw(encode(read(data))))
    except Malformed as reason:
        return _Word(refused=str(reason))


def _confine(writer: int, allowed: Allowance) -> None:
    os.closerange(3, writer)
    os.closerange(writer + 1, MOST_FILES)
    # The hard limit is one second later: it kills without the signal that tells why.
    _lower(resource.RLIMIT_CPU, allowed.cpu, allowed.cpu + 1)
    _lower(resource.RLIMIT_AS, allowed.memory, allowed.memory)
    _lower(resource.RLIMIT_FSIZE, 0, 0)
    _lower(resource.RLIMIT_CORE, 0, 0)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Lower a limit; one that is lower already stays, and macOS has no working RLIMIT_AS."""
    ceiling = resource.getrlimit(kind)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))
