"""The limits a worker puts on itself before it reads the first byte."""

import resource
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use: bytes of memory and of one written file, seconds of CPU and of wall.

    `input` is the largest build in bytes, `answer` the largest answer.
    """

    memory: int = 4 << 30
    cpu: int = 120
    wall: int = 300
    input: int = 4 << 30
    answer: int = 64 << 20


def confine(limits: Limits) -> tuple[str, ...]:
    """Set the limits for this process and its children; what is in force, in words.

    Where the platform refuses a limit (macOS has no working RLIMIT_AS) the words say so.
    """
    wanted = (
        (resource.RLIMIT_AS, limits.memory, f"memory at most {limits.memory >> 20} MiB"),
        (resource.RLIMIT_CPU, limits.cpu, f"CPU time at most {limits.cpu} s"),
        (resource.RLIMIT_FSIZE, 0, "no file can be written"),
        (resource.RLIMIT_NOFILE, 64, "at most 64 open files"),
        (resource.RLIMIT_CORE, 0, "no core dump"),
    )
    words = [f"wall time at most {limits.wall} s"]
    for kind, value, text in wanted:
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):
            words.append(f"not in force on {sys.platform}: {text}")
        else:
            words.append(text)
    return tuple(words)
