"""Measure scans: CPU seconds of the whole process tree, wall seconds and peak memory.

    python tools/bench.py [BUILD ...]       default: a 3.5 MB APK and an IPA made for the purpose

Each build is scanned five times; the middle of the five is printed. Memory is the largest sum of
the resident sizes of the gate and its worker, sampled every 20 ms with ps.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures" / "builds"
ROUNDS = 5
SIZE = 3_500_000


def enlarged(source: Path, target: Path) -> Path:
    """A copy of a build with an incompressible file that brings it to the size of a small app.

    The signature no longer covers it, which a scan that does not verify does not mind.
    """
    shutil.copy(source, target)
    folder = "Payload/Wallet.app/" if target.suffix == ".ipa" else "assets/"
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(f"{folder}filling.bin", os.urandom(SIZE - source.stat().st_size))
    return target


MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime]))
"""


def resident(root: int) -> int:
    """KiB resident in all descendants of a process."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True)
    rows = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
    family, total = {root}, 0
    for pid, parent, size in sorted(rows):
        if parent in family:
            family.add(pid)
            total += size
    return total


def measure(build: Path) -> tuple[int, float, float, float]:
    """Exit code, CPU seconds, wall seconds and MiB of the tree, the middle of the rounds."""
    gate = shutil.which("gate", path=str(Path(sys.executable).parent)) or "gate"
    rows = []
    for _ in range(ROUNDS):
        started, peak = time.monotonic(), 0
        command = [sys.executable, "-c", MEASURE, gate, "scan", str(build)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            while child.poll() is None:
                peak = max(peak, resident(child.pid))
                time.sleep(0.02)
            code, cpu = json.loads(child.stdout.read() if child.stdout else b"")
        rows.append((code, cpu, time.monotonic() - started, peak / 1024))
    codes, *figures = zip(*rows, strict=True)
    cpu, wall, tree = (statistics.median(figure) for figure in figures)
    return codes[0], cpu, wall, tree


def main() -> None:
    """Measure every build given, or the two made here."""
    with tempfile.TemporaryDirectory() as name:
        builds = [Path(each) for each in sys.argv[1:]] or [
            enlarged(FIXTURES / "demo-app" / "build.apk", Path(name) / "demo.apk"),
            enlarged(FIXTURES / "demo-ios" / "build.ipa", Path(name) / "demo.ipa"),
        ]
        print(f"{'build':32} {'MB':>6} exit {'CPU s':>7} {'wall s':>7} {'tree MiB':>9}")
        for build in builds:
            code, cpu, wall, peak = measure(build)
            size = build.stat().st_size / 1e6
            print(f"{build.name[:32]:32} {size:6.1f} {code:4} {cpu:7.2f} {wall:7.2f} {peak:9.0f}")


if __name__ == "__main__":
    main()
