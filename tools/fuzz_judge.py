"""What the fuzzer takes for a crasher: one input run through one parser, within limits."""

import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

SECONDS: Final = 2.0  # of CPU, for an input below 1 MiB
MEMORY: Final = 512 << 20  # bytes more than before the first input
_KIB: Final = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Target:
    """A parser and what it may say no with; `seeds` are valid inputs, made when asked for."""

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    refusals: tuple[type[Exception], ...]
    is_archive: bool = False


@dataclass(frozen=True, slots=True)
class Crash:
    """What went wrong, and in which function; two of the same `key` are one bug."""

    kind: str
    where: str
    trace: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells bugs apart."""
        return self.kind, self.where


class TooSlow(BaseException):
    """The time is up; no `except Exception` of a parser may swallow it."""


class Judge:
    """Runs inputs through a target; use it in the main thread, whose timer it takes."""

    def __init__(self, target: Target, seconds: float = SECONDS) -> None:
        self.target = target
        self._seconds = seconds
        self._most = peak() + MEMORY

    def run(self, data: bytes) -> tuple[str, Crash | None]:
        """Where the parser ended (the line that refused, or "value"), and the crash if any."""
        place, crash = self._limited(data)
        held = peak()
        if crash is None and held > self._most:
            grown = f"{(held - self._most + MEMORY) >> 20} MiB in use"
            crash = Crash("more than 512 MiB", self.target.name, grown)
        if held > self._most:
            _forget_peak()
            self._most = peak() + MEMORY
        return place, crash

    def _limited(self, data: bytes) -> tuple[str, Crash | None]:
        begun = time.process_time()
        before = signal.signal(signal.SIGPROF, _stop)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)
        try:
            try:
                self.target.run(data)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        except KeyboardInterrupt:
            raise
        except self.target.refusals as refusal:
            place = _place(refusal.__traceback__)
        except BaseException as fault:  # noqa: BLE001  # whatever a parser lets out is what we want
            return "crash", _crash(fault)
        else:
            place = "value"
        finally:
            signal.signal(signal.SIGPROF, before)
        used = time.process_time() - begun
        if used > self._seconds:  # inside one call into C, where no handler runs
            return place, Crash("TooSlow", self.target.name, f"{used:.1f} s of CPU")
        return place, None


def shrink(judge: Judge, data: bytes, crash: Crash, seconds: float = 10.0) -> bytes:
    """A shorter input that crashes in the same place: parts are left out, then made zero."""
    deadline = time.monotonic() + seconds

    def same(candidate: bytes) -> bool:
        found = judge.run(candidate)[1]
        return found is not None and found.key == crash.key

    for fill in (b"", b"\0"):
        size = max(1, len(data) // 2)
        while size and time.monotonic() < deadline:
            at = 0
            while at < len(data) and time.monotonic() < deadline:
                filling = fill * len(data[at : at + size])
                candidate = data[:at] + filling + data[at + size :]
                if candidate != data and same(candidate):
                    data = candidate
                    at += len(filling)
                else:
                    at += size
            size //= 2
    return data


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


def peak() -> int:
    """The most memory this process has had resident, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _forget_peak() -> None:
    """Linux can count anew (proc(5), clear_refs); elsewhere the next crasher has to be larger."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def _place(trace: TracebackType | None) -> str:
    """File and line of the innermost frame."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""


def _crash(fault: BaseException) -> Crash:
    frames = traceback.extract_tb(fault.__traceback__)
    own = [each for each in frames if Path(each.filename).is_relative_to(_ROOT)]
    own = [each for each in own if "site-packages" not in each.filename]
    last = own[-1] if own else frames[-1]
    # A slow function is interrupted anywhere in it, and anything may call too deep.
    roaming = isinstance(fault, TooSlow | RecursionError | MemoryError)
    where = f"{Path(last.filename).name}:{last.name if roaming else last.lineno}"
    trace = "".join(traceback.format_exception(fault, limit=-40))
    return Crash(type(fault).__name__, where, trace)
