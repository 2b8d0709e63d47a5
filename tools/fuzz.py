"""Feed hostile bytes to the parsers, in this process's own children, until the time is up.

    python tools/fuzz.py [PARSER ...] [--seconds N] [--seed N]     default: each parser for 10 s
    python tools/fuzz.py PARSER --replay FILE                      run one input again

Any outcome but a value or the refusal that a parser documents is a crasher, and so is what takes
more than 2 s of CPU or 512 MiB. Crashers lie in fuzz-crashes/, with the command that shows them
again. Where atheris is installed it chooses the inputs by coverage; else they come from a seeded
loop, which gives the same ones for the same seed. Exit code 1 where anything was found.
"""

import argparse
import faulthandler
import hashlib
import mmap
import os
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from fuzz_judge import SECONDS, Crash, Judge, Target, shrink
from fuzz_mutation import MAX_SIZE, mutate, mutate_archive

CRASHES: Final = Path(__file__).parents[1] / "fuzz-crashes"
POOL: Final = 400  # inputs that the loop goes on from, besides the seeds
STUCK: Final = 60  # wall seconds after which a call that never comes back is ended
DEAD: Final = 70  # exit code of a child that could not go on
MEMORY: Final = 4 << 30  # as the gate's own worker has
INSTRUMENTED: Final = 4  # how many times slower a parser runs under atheris, at most
_HEAD: Final = struct.Struct("<QQQ")  # inputs, crashers, size of the input that is running


class Note:
    """What a child leaves for its parent even when it is killed: counts, and its last input."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, _HEAD.size + MAX_SIZE + 1)
        self.inputs = self.crashers = 0

    def write(self, data: bytes) -> None:
        """Note the input that is run next."""
        data = data[:MAX_SIZE]
        self._map[: _HEAD.size] = _HEAD.pack(self.inputs, self.crashers, len(data))
        self._map[_HEAD.size : _HEAD.size + len(data)] = data

    def read(self) -> bytes:
        """Take the counts over, and give the last input."""
        self.inputs, self.crashers, size = _HEAD.unpack(self._map[: _HEAD.size])
        return self._map[_HEAD.size : _HEAD.size + size]


class Hunt:
    """Runs inputs through one target, and keeps the first of each kind of crasher."""

    def __init__(self, judge: Judge, note: Note, keep: Callable[[bytes, Crash], None]) -> None:
        self._judge = judge
        self._note = note
        self._keep = keep
        self._keys: set[tuple[str, str]] = set()

    def run(self, data: bytes) -> str:
        """Run one input; where the parser ended."""
        self._note.write(data)
        place, crash = self._judge.run(data)
        self._note.inputs += 1
        if crash and crash.key not in self._keys:
            self._keys.add(crash.key)
            self._note.crashers += 1
            self._keep(shrink(self._judge, data, crash), crash)
        return place


def loop(hunt: Hunt, target: Target, seed: int, more: Callable[[int], bool]) -> None:
    """Change seeds, and inputs that reached a new line, as long as `more` of the count says so."""
    chance = random.Random(f"{target.name} {seed}")
    change = mutate_archive if target.is_archive else mutate
    seeds = list(target.seeds())
    pool: list[bytes] = []
    places = {hunt.run(data) for data in seeds}
    count = 0
    while more(count):
        count += 1
        chosen = pool if pool and chance.random() < 0.5 else seeds
        data = change(chance, chance.choice(chosen), seeds)
        place = hunt.run(data)
        if place not in places or (place == "value" and chance.random() < 0.01):
            places.add(place)
            pool.append(data)
            if len(pool) > POOL:
                pool.pop(chance.randrange(len(pool)))


def follow_coverage(
    atheris: ModuleType, hunt: Hunt, target: Target, seed: int, seconds: int
) -> None:
    """Let atheris choose among our changes and its own; it ends the process when time is up."""
    change = mutate_archive if target.is_archive else mutate
    seeds = list(target.seeds())

    def changed(data: bytes, largest: int, number: int) -> bytes:
        chance = random.Random(number)
        if chance.random() < 0.3:
            return bytes(atheris.Mutate(data, largest))
        return change(chance, data, seeds)[:largest]

    def one(data: bytes) -> None:
        hunt.run(data)

    with tempfile.TemporaryDirectory() as folder:
        for data in seeds:
            (Path(folder) / hashlib.sha256(data).hexdigest()).write_bytes(data)
        limits = (f"-max_len={MAX_SIZE}", f"-max_total_time={seconds}", f"-seed={seed + 1}")
        quiet = ("-verbosity=0", "-rss_limit_mb=0", f"-timeout={STUCK}", "-handle_xfsz=0")
        atheris.Setup(
            [sys.argv[0], folder, *limits, *quiet, f"-artifact_prefix={folder}/"],
            one,
            custom_mutator=changed,
        )
        atheris.Fuzz()


def save(target: Target, data: bytes, crash: Crash) -> None:
    """Keep a crasher with its trace and the command that shows it again, and tell of it."""
    CRASHES.mkdir(exist_ok=True)
    path = CRASHES / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    command = f"python tools/fuzz.py {target.name} --replay fuzz-crashes/{path.name}"
    told = f"{target.name}: {crash.kind} in {crash.where}, {len(data)} bytes\n    {command}"
    path.with_suffix(".txt").write_text(f"{told}\n\n{crash.trace}", "utf-8")
    print(told, file=sys.stderr, flush=True)


def hunt_here(
    target: Target, seed: int, seconds: int, atheris: ModuleType | None, note: Note
) -> None:
    """Hunt until the time is up."""
    with suppress(ValueError, OSError):  # macOS has no working RLIMIT_AS
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    judge = Judge(target, SECONDS * (INSTRUMENTED if atheris else 1))
    hunt = Hunt(judge, note, lambda data, crash: save(target, data, crash))
    if atheris:
        follow_coverage(atheris, hunt, target, seed, seconds)
    else:
        loop(hunt, target, seed, _until(time.monotonic() + seconds))
    note.write(b"")


def hunt_in_child(
    target: Target, seed: int, seconds: int, atheris: ModuleType | None
) -> tuple[int, int]:
    """Inputs and crashers of a child that may die: the input it died of is a crasher too."""
    note = Note()
    child = os.fork()
    if not child:
        code = DEAD
        try:
            hunt_here(target, seed, seconds, atheris, note)
            code = 0
        except BaseException:  # noqa: BLE001  # a child must not go on as a second parent
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    data = note.read()
    if code == DEAD:
        raise RuntimeError(f"the fuzzer itself failed at {target.name}; its trace is above")
    if code:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        save(target, data, Crash("the process ended", how, ""))
        note.crashers += 1
    return note.inputs, note.crashers


def _until(deadline: float) -> Callable[[int], bool]:
    """Whether there is time left; ends the process where one input never comes back."""

    def more(count: int) -> bool:
        if count % 64 == 0:
            faulthandler.dump_traceback_later(STUCK, exit=True, file=sys.__stderr__ or 2)
        return time.monotonic() < deadline

    return more


def replay(target: Target, path: Path) -> int:
    """Run one input and print what comes of it."""
    place, crash = Judge(target).run(path.read_bytes())
    print(f"{crash.kind} in {crash.where}\n{crash.trace}" if crash else f"ended at {place}")
    return 1 if crash else 0


def run(targets: Iterable[Target], seed: int, seconds: int, atheris: ModuleType | None) -> int:
    """Hunt in every target; the number of crashers."""
    total = 0
    for target in targets:
        inputs, crashers = hunt_in_child(target, seed, seconds, atheris)
        print(f"{target.name:20}{inputs:>10} inputs  {crashers} crashers", flush=True)
        total += crashers
    return total


def _load() -> tuple[Mapping[str, Target], ModuleType | None]:
    """The targets, under atheris' eyes where it is installed."""
    try:
        atheris = import_module("atheris")
    except ImportError:
        from fuzz_targets import TARGETS

        return TARGETS, None
    with atheris.instrument_imports(include=["gate", "checks"]):
        from fuzz_targets import TARGETS
    return TARGETS, atheris


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parser", nargs="*", metavar="PARSER", help="default: all of them")
    parser.add_argument("--seconds", type=int, default=10, help="for each parser (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the choices (default 0)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run this input, once")
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    options = parser.parse_args(arguments)
    if options.plain or options.replay:
        sys.modules["atheris"] = None  # type: ignore[assignment]  # an import of it then fails
    targets, atheris = _load()
    if unknown := [name for name in options.parser if name not in targets]:
        parser.error(f"unknown: {' '.join(unknown)}; there are {' '.join(targets)}")
    if options.replay and len(options.parser) != 1:
        parser.error("--replay takes one parser")
    chosen = [targets[name] for name in options.parser or targets]
    if options.replay:
        return replay(chosen[0], options.replay)
    return 1 if run(chosen, options.seed, options.seconds, atheris) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
