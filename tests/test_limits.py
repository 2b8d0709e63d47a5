"""Every limit: what needs exactly that much is judged, one less is no pass, and it is named."""

import io
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from gate import worker
from gate.app import Budget
from gate.catalogue import catalogue
from gate.cli.limit import MOST, NAMES, limits_of
from gate.decide import Decision
from gate.flow import Terms, judge
from gate.folder import TooMuch
from gate.formats import axml
from gate.formats.axml import Element
from gate.formats.axml_nodes import NodeReader
from gate.isolation import Limits
from gate.policy.ruleset import load_ruleset
from gate.report import Report, document, to_json
from tests.read.write_builds import activity, apk, archive, manifest
from tests.test_worker import worker_that

ROOT = Path(__file__).parents[1]
CLEAN = ROOT / "fixtures" / "builds" / "clean-app" / "build.apk"
CLEAN_IOS = ROOT / "fixtures" / "builds" / "clean-ios" / "build.ipa"
DEMO = ROOT / "fixtures" / "builds" / "demo-app" / "build.apk"
EXTENSION = "Payload/DemoWallet.app/PlugIns/Balance.appex"
MIB = 1 << 20

Case = Callable[[Path], tuple[Path, int]]


def report_of(build: Path, **numbers: int) -> Report:
    limits = limits_of(numbers.items(), require_sandbox=False)
    ruleset = load_ruleset("article-6-3", catalogue())
    terms = Terms(ruleset, (), ruleset.default_profile, date(2026, 6, 1), limits)
    return judge(str(build), terms, lambda *_: None)


def names_the_limit(report: Report, name: str) -> bool:
    text = to_json(document((report,), "2026-06-01T00:00:00Z")).decode()
    return f"the limit {name}=" in text


def entry(build: Path, name: str) -> bytes:
    with zipfile.ZipFile(build) as opened:
        return opened.read(name)


def depth(element: Element) -> int:
    return 1 + max((depth(child) for child in element.children), default=0)


def zipped(folder: Path, names: dict[str, bytes], *, deflate: bool = False) -> Path:
    path = folder / "build.zip"
    path.write_bytes(archive(names, deflate=deflate))
    return path


def input_bytes(_: Path) -> tuple[Path, int]:
    return CLEAN, CLEAN.stat().st_size


def entries(_: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN) as opened:
        return CLEAN, len(opened.infolist())


def entries_of_a_folder(folder: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN_IOS) as opened:
        opened.extractall(folder)
        return folder, sum(not each.is_dir() for each in opened.infolist())


def entries_of_a_set(folder: Path) -> tuple[Path, int]:
    inner = apk(manifest(), assets__a=b"", assets__b=b"")
    return zipped(folder, {"base.apk": inner, "note": b""}), 3


def total(_: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN) as opened:
        return CLEAN, sum(each.file_size for each in opened.infolist())


def total_of_a_folder(folder: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN_IOS) as opened:
        opened.extractall(folder)
        return folder, sum(each.file_size for each in opened.infolist())


def total_of_a_set(folder: Path) -> tuple[Path, int]:
    inner = apk(manifest(), assets__a=bytes(500))
    with zipfile.ZipFile(io.BytesIO(inner)) as opened:
        inside = sum(each.file_size for each in opened.infolist())
    return zipped(folder, {"base.apk": inner}), len(inner) + inside


def manifest_bytes(_: Path) -> tuple[Path, int]:
    return CLEAN, len(entry(CLEAN, "AndroidManifest.xml"))


def resources(_: Path) -> tuple[Path, int]:
    return CLEAN, len(entry(CLEAN, "resources.arsc"))


def code(_: Path) -> tuple[Path, int]:
    return CLEAN, len(entry(CLEAN, "lib/arm64-v8a/libwallet.so"))


def code_of_a_program(_: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN_IOS) as opened:
        return CLEAN_IOS, opened.getinfo("Payload/DemoWallet.app/DemoWallet").file_size


def property_list(_: Path) -> tuple[Path, int]:
    with zipfile.ZipFile(CLEAN_IOS) as opened:
        return CLEAN_IOS, opened.getinfo(f"{EXTENSION}/embedded.mobileprovision").file_size


def ratio(folder: Path) -> tuple[Path, int]:
    inner = {"AndroidManifest.xml": entry(CLEAN, "AndroidManifest.xml"), "a": bytes(65 * MIB)}
    path = zipped(folder, inner, deflate=True)
    with zipfile.ZipFile(path) as opened:
        found = opened.getinfo("a")
    return path, -(-found.file_size // found.compress_size)


def nesting(folder: Path) -> tuple[Path, int]:
    return zipped(folder, {"base.apk": CLEAN.read_bytes()}), 2


def nested_elements(_: Path) -> tuple[Path, int]:
    return CLEAN, depth(axml.parse(entry(CLEAN, "AndroidManifest.xml")).root)


def strings(_: Path) -> tuple[Path, int]:
    return CLEAN, len(NodeReader(entry(CLEAN, "AndroidManifest.xml"), 1000).pool)


def findings(folder: Path) -> tuple[Path, int]:
    path = folder / "build.apk"
    path.write_bytes(apk(manifest(*(activity(f"org.example.A{number}") for number in range(9)))))
    return path, 9


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("input", input_bytes),
        ("entries", entries),
        ("entries", entries_of_a_folder),
        ("entries", entries_of_a_set),
        ("total", total),
        ("total", total_of_a_folder),
        ("total", total_of_a_set),
        ("manifest", manifest_bytes),
        ("manifest", property_list),
        ("resources", resources),
        ("code", code),
        ("code", code_of_a_program),
        ("ratio", ratio),
        ("nesting", nesting),
        ("depth", nested_elements),
        ("strings", strings),
        ("findings", findings),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_needs_all_of_a_limit_is_judged_and_one_less_is_no_pass(
    name: str, case: Case, tmp_path: Path
) -> None:
    build, number = case(tmp_path)
    enough = report_of(build, **{name: number})
    assert not names_the_limit(enough, name)
    if build in (CLEAN, CLEAN_IOS):
        assert enough.verdict.decision is Decision.PASS
    short = report_of(build, **{name: number - 1})
    assert names_the_limit(short, name)
    assert short.verdict.decision is not Decision.PASS
    assert f"limit {name} {number - 1}" in short.isolation


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("cpu", "confine(limits, request['build'])\nwhile True: pass"),
        ("wall", "time.sleep(60)"),
        ("answer", "pipe.write(bytes(3 << 20))"),
        ("memory", "confine(limits, request['build'])\nexaminer.main()"),
    ],
)
def test_a_process_over_its_limit_is_no_verdict_and_the_limit_is_named(
    name: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "memory" and sys.platform != "linux":
        pytest.skip("only Linux limits the address space")
    number = {"cpu": 1, "wall": 2, "answer": 1 << 20, "memory": 24 << 20}[name]
    if name != "memory":
        ready = "from gate.isolation import Limits, confine\nlimits = Limits(cpu=1)\n"
        worker_that(monkeypatch, ready + body)
    report = report_of(CLEAN, **{name: number})
    assert f"the limit {name}={number}" in report.refused
    assert report.verdict.decision is Decision.UNDECIDED
    assert f"limit {name} {number}" in report.isolation


def test_findings_over_the_limit_are_counted_and_leave_the_verdict_as_it_is() -> None:
    all_of_them = report_of(DEMO)
    some = report_of(DEMO, findings=1)
    assert some.verdict.decision is all_of_them.verdict.decision is Decision.BLOCK
    states = [[each.state for each in report.verdict.standings] for report in (all_of_them, some)]
    assert states[0] == states[1]
    for before, after in zip(all_of_them.results, some.results, strict=True):
        assert before.outcome is after.outcome
        told = [each.message for each in after.findings if each.subject.startswith("(more")]
        assert bool(told) == (len(before.findings) > 1)


def test_every_limit_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    defaults = {each.name: getattr(Limits(), each.name) for each in fields(Limits)}
    defaults |= {each.name: getattr(Budget(), each.name) for each in fields(Budget)}
    for name in NAMES:
        number = int(defaults[name])
        written = next(
            f"{number >> shift} {unit}"
            for shift, unit in ((30, "GiB"), (20, "MiB"), (0, ""))
            if number % (1 << shift) == 0 and (shift == 0 or number >= 1 << shift)
        )
        assert f"| `{name}` | {written.strip()} |" in page
    assert set(MOST) <= set(NAMES)


def test_a_digest_of_a_folder_stops_at_the_limit_of_its_files(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).touch()
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        assert worker.digest_of(fd, 3)[1] == 0
        with pytest.raises(TooMuch, match="more files than 2"):
            worker.digest_of(fd, 2)
    finally:
        os.close(fd)
