"""The limits that a worker puts on itself before it reads the first byte of a build."""

import os
import resource
import signal
import stat
import sys
import sysconfig
from dataclasses import field, fields
from importlib import import_module
from pathlib import Path

from gate.app.budget import Budget
from gate.frozen import dataclass

MISSING = "not in force"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use, each an option of `gate scan`.

    Bytes of memory (`memory`), of a build (`input`) and of an answer (`answer`); seconds of CPU
    (`cpu`) and of wall time (`wall`); `budget` is what its readers keep to. With `require_sandbox`
    no build is read where the kernel's sandbox is not in force.
    """

    memory: int = 4 << 30
    cpu: int = 120
    wall: int = 300
    input: int = 4 << 30
    answer: int = 64 << 20
    require_sandbox: bool = False
    budget: Budget = field(default_factory=Budget)

    def in_words(self) -> tuple[str, ...]:
        """Every limit with its value, for the report."""
        words = [
            f"limit {each.name} {getattr(holder, each.name):d}"
            for holder in (self, self.budget)
            for each in fields(holder)
            if each.type is int
        ]
        return (*words, f"limit require_sandbox {self.require_sandbox}")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What confines a worker, in words; `sandboxed` tells whether the kernel's sandbox does."""

    words: tuple[str, ...]
    sandboxed: bool


def die_with(parent: int) -> None:
    """End this process at once when `parent`, which started it, is gone, as far as it can be done.

    Linux sends it a signal then (prctl(2), PR_SET_PDEATHSIG, which a fork does not inherit). Where
    there is none, its own limits end it.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # gone before the signal was asked for
        os._exit(1)


def confine(limits: Limits, build: int) -> Isolation:
    """Confine this process and its children; `build` is the open file or folder it may read.

    What the platform does not have (Landlock is Linux's, macOS has no working RLIMIT_AS) begins
    with "not in force" in the words.
    """
    # The gate stops a worker at its wall limit; one that has lost its gate stops itself.
    signal.setitimer(signal.ITIMER_REAL, limits.wall + 1)
    sandbox, sandboxed = _enter_sandbox(build)
    return Isolation((*limits.in_words(), *_limit_resources(limits), sandbox), sandboxed)


def _limit_resources(limits: Limits) -> list[str]:
    # At the soft limit of CPU time a process dies of SIGXCPU, which tells it from other deaths.
    wanted = (
        (resource.RLIMIT_AS, limits.memory, f"memory at most {limits.memory >> 20} MiB"),
        (resource.RLIMIT_CPU, limits.cpu, f"CPU time at most {limits.cpu} s"),
        (resource.RLIMIT_FSIZE, 0, "no file can be written"),
        (resource.RLIMIT_NOFILE, 64, "at most 64 open files"),
        (resource.RLIMIT_CORE, 0, "no core dump"),
    )
    words = []
    for kind, value, text in wanted:
        try:
            spare = kind == resource.RLIMIT_CPU
            resource.setrlimit(kind, (value, value + spare))
        except (ValueError, OSError):
            words.append(f"{MISSING} on {sys.platform}: {text}")
        else:
            words.append(text)
    return words


def _enter_sandbox(build: int) -> tuple[str, bool]:
    """Landlock and no-new-privileges: nothing is read but Python and the build, no TCP."""
    what = "sandbox (Landlock): reads Python and the build only, writes nothing, no TCP"
    if sys.platform != "linux":
        return f"{MISSING} on {sys.platform}: {what}", False
    import landlockpy

    try:
        if not landlockpy.supported():
            return f"{MISSING}, the kernel has no Landlock: {what}", False
        _restrict(build)
    except (landlockpy.LandlockError, OSError) as error:
        return f"{MISSING}, {error}: {what}", False
    return what, True


def _restrict(build: int) -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    inside = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    with Ruleset(scoped=Scope.SIGNAL) as rules:
        for path in _needed():
            rules.allow_path(path, inside if Path(path).is_dir() else AccessFS.READ_FILE)
        if stat.S_ISDIR(os.fstat(build).st_mode):
            rules.allow_path(f"/proc/self/fd/{build}", AccessFS.READ_FILE | AccessFS.READ_DIR)
        rules.restrict()


def _needed() -> list[str]:
    """Where Python, its packages and the shared libraries they load lie on this host."""
    checks = import_module("gate.checks").__path__  # beside the gate where it is installed editable
    own = [str(Path(__file__).parent), *checks, sys.prefix, sys.base_prefix, *sys.path]
    own += [
        path for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))
    ]
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/urandom"]
    return sorted({path for path in (*own, *system) if path and Path(path).exists()})
