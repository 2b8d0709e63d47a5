"""Measure scans: CPU seconds of the whole process tree, wall seconds and peak memory.

    python tools/bench.py [BUILD ...]       default: APKs and an IPA made for the purpose
    python tools/bench.py --large [MB ...]  APKs with so many MB of dex; default: 20 60 150

(`make bench`, `make bench BENCH=--large`.) Each build is scanned five times; the middle of the five
is printed. Memory is the largest sum of the resident sizes of the gate and its worker, sampled
every 20 ms with ps. Then, without a BUILD, what the facts of an APK of 40 MB cost beyond the start
of Python, step by step and as the least of five runs, and the memory of the same steps for 40 and
for 400 MB.

The large APKs are those of ``tools/build_large.py``, which tells what it needs; the first time it
compiles for some five minutes for each 60 MB of dex, and keeps that in the cache folder. They are
scanned three times with either ruleset, and compared with the floor, which is what any scan pays:
to start Python, read the file and inflate its dex. The first of them is also given to
androguard, once.
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
LARGE, LARGE_ROUNDS = ("20", "60", "150"), 3
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


def store_apk(folder: Path, megabytes: int) -> Path:
    """A signed APK of that size, written by another process, whose memory would count here."""
    path = folder / f"store-{megabytes}.apk"
    writer = Path(__file__).with_name("bench_apk.py")
    subprocess.run([sys.executable, writer, path, str(megabytes * 1_000_000)], check=True)
    return path


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


def scan(build: Path, *options: str) -> tuple[str, ...]:
    """The command that scans a build."""
    gate = shutil.which("gate", path=str(Path(sys.executable).parent)) or "gate"
    return (gate, "scan", str(build), *options)


def measure(command: tuple[str, ...], rounds: int = ROUNDS) -> tuple[int, float, float, float]:
    """Exit code, CPU seconds, wall seconds and MiB of the tree, the middle of the rounds."""
    rows = []
    for _ in range(rounds):
        started, peak = time.monotonic(), 0
        watched = [sys.executable, "-c", MEASURE, *command]
        with subprocess.Popen(watched, stdout=subprocess.PIPE) as child:
            while child.poll() is None:
                peak = max(peak, resident(child.pid))
                time.sleep(0.02)
            code, cpu = json.loads(child.stdout.read() if child.stdout else b"")
        rows.append((code, cpu, time.monotonic() - started, peak / 1024))
    codes, *figures = zip(*rows, strict=True)
    cpu, wall, tree = (statistics.median(figure) for figure in figures)
    return codes[0], cpu, wall, tree


# Each step with the CPU seconds it took, the first with all that came before it; then MiB.
STEPS = """
import json, resource, sys, time
steps, last = {}, 0.0
def step(name):
    global last
    now = time.process_time()
    steps[name], last = now - last, now
step("start of Python")
from datetime import date
from gate.read import open_app
step("importing the readers")
with open(sys.argv[1], "rb") as file:
    app = open_app(file.fileno(), "build.apk", date(2026, 6, 1))
    step("ZIP directory")
    app.manifest, app.network_configs
    step("manifest and resources")
    app.signing, app.signature
    step("signature")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([steps, peak / (1024 if sys.platform == "linux" else 1 << 20)]))
"""


def steps(build: Path) -> tuple[dict[str, float], float]:
    """The least CPU seconds of each step, and the least of the peaks in MiB."""
    runs = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-E", "-P", "-c", STEPS, str(build)]
        runs.append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    names = runs[0][0]
    return {name: min(run[0][name] for run in runs) for name in names}, min(r[1] for r in runs)


def show_steps(folder: Path) -> None:
    """Print what the facts of a signed APK cost, and that memory does not grow with assets."""
    small = store_apk(folder, 40)
    cost, peak = steps(small)
    print(f"\nfacts of an APK of {small.stat().st_size / 1e6:.0f} MB, CPU s")
    for name, seconds in cost.items():
        print(f"  {name:30} {seconds:6.3f}")
    start = cost.pop("start of Python")
    beyond = sum(cost.values())
    print(f"  {'beyond the start, together':30} {beyond:6.3f}  (bar: 0.6; start: {start:.3f})")
    large = store_apk(folder, 400)
    print(f"  peak MiB: {peak:.0f}; of {large.stat().st_size / 1e6:.0f} MB: {steps(large)[1]:.0f}")


FLOOR = """
import io, sys, zipfile, zlib
with open(sys.argv[1], "rb") as file:
    data = file.read()
for entry in zipfile.ZipFile(io.BytesIO(data)).infolist():
    if entry.filename.startswith("classes") and entry.filename.endswith(".dex"):
        at = entry.header_offset + 26
        name, extra = data[at : at + 2], data[at + 2 : at + 4]
        at += 4 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")
        zlib.decompress(data[at : at + entry.compress_size], -zlib.MAX_WBITS)
"""

# Without its log, which it formats line by line and which would cost it more than the analysis.
ANDROGUARD = """
import sys
from loguru import logger
logger.remove()
from androguard.misc import AnalyzeAPK
AnalyzeAPK(sys.argv[1])
"""


def script(text: str, build: Path) -> tuple[str, ...]:
    """The command that runs a script on a build."""
    return (sys.executable, "-E", "-P", "-c", text, str(build))


def show_large(folder: Path, sizes: tuple[str, ...]) -> None:
    """Print what scans of large APKs cost, against the floor and against androguard."""
    builder = Path(__file__).with_name("build_large.py")
    if subprocess.run([sys.executable, builder, folder, *sizes]).returncode:
        sys.exit("the large APKs could not be built")
    builds = [folder / f"large-{size}.apk" for size in sizes]
    print("\nbars: 6 times the floor; 400 MiB in the tree at 150 MB of dex")
    print(f"{'build':14} {'dex MB':>6} {'floor':>6} {'ruleset':12} exit", end="")
    print(f" {'CPU s':>7} {'of floor':>8} {'s per MB':>8} {'wall s':>7} {'tree MiB':>8}")
    dearest = [show_scans(build) for build in builds]
    print(f"androguard reads {builds[0].name}, which takes minutes ...", flush=True)
    code, cpu, wall, peak = measure(script(ANDROGUARD, builds[0]), 1)
    print(f"  exit {code}, {cpu:.1f} CPU s, {wall:.1f} s, {peak:.0f} MiB;", end=" ")
    print(f"{cpu / dearest[0]:.1f} times the scan with all checks")


def show_scans(build: Path) -> float:
    """Print a row for either ruleset; the CPU seconds of the last, which has every check."""
    with zipfile.ZipFile(build) as archive:
        names = [each for each in archive.infolist() if each.filename.endswith(".dex")]
    dex = sum(each.file_size for each in names) / 1e6
    floor = measure(script(FLOOR, build), LARGE_ROUNDS)[1]
    for ruleset in ("article-6-3", "all"):
        code, cpu, wall, peak = measure(scan(build, "--ruleset", ruleset), LARGE_ROUNDS)
        print(f"{build.name:14} {dex:6.1f} {floor:6.2f} {ruleset:12} {code:4} {cpu:7.2f}", end="")
        print(f" {cpu / floor:8.1f} {cpu / dex:8.3f} {wall:7.2f} {peak:8.0f}", flush=True)
    return cpu


def main() -> None:
    """Measure every build given, or those made here."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if sys.argv[1:2] == ["--large"]:
            show_large(folder, tuple(sys.argv[2:]) or LARGE)
            return
        builds = [Path(each) for each in sys.argv[1:]] or [
            enlarged(FIXTURES / "demo-app" / "build.apk", folder / "demo.apk"),
            enlarged(FIXTURES / "demo-ios" / "build.ipa", folder / "demo.ipa"),
            store_apk(folder, 40),
        ]
        print(f"{'build':32} {'MB':>6} exit {'CPU s':>7} {'wall s':>7} {'tree MiB':>9}")
        for build in builds:
            code, cpu, wall, peak = measure(scan(build))
            size = build.stat().st_size / 1e6
            print(f"{build.name[:32]:32} {size:6.1f} {code:4} {cpu:7.2f} {wall:7.2f} {peak:9.0f}")
        if not sys.argv[1:]:
            show_steps(folder)


if __name__ == "__main__":
    main()
