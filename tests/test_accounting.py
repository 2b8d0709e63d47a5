"""What was looked at is counted, and a reader that has read nothing is never a pass."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gate.app import App, Journal
from gate.app.signing import Signing
from gate.catalogue import catalogue
from gate.decide import Decision, decide
from gate.policy.ruleset import load_ruleset
from gate.read import open_app
from gate.run import run, run_one
from tests.read.write_builds import apk, archive, manifest

BUILDS = Path(__file__).parents[1] / "fixtures" / "builds"
CLEAN = {
    "android": BUILDS / "clean-app" / "build.apk",
    "ios": BUILDS / "clean-ios" / "build.ipa",
}
DAY = date(2026, 6, 1)
RULES = load_ruleset("article-6-3", catalogue())
CHECKS = [catalogue()[name] for name in RULES.checks]
EMPTY: dict[str, object] = {"signing": Signing((), ())}


@contextmanager
def opened(build: Path) -> Iterator[App]:
    fd = os.open(build, os.O_RDONLY)
    try:
        yield open_app(fd, build.name, DAY)
    finally:
        os.close(fd)


def decision(app: App, platform: str) -> Decision:
    verdict = decide(
        run(CHECKS, app, lambda *_: None),
        RULES,
        (),
        profile=RULES.default_profile,
        app_id="org.example.app",
        platform=platform,
        as_of=DAY,
        asks_about=catalogue().platforms,
    )
    return verdict.decision


def facts_asked(platform: str) -> dict[str, Any]:
    """Every fact that a check of the default ruleset asks for, with its value in a clean build."""
    with opened(CLEAN[platform]) as app:
        assert decision(app, platform) is Decision.PASS
        return dict(app.known)


def broken(app: App, fact: str, how: str, empty: object) -> None:
    """Put a reader in the place of the app's own, which lacks an answer."""

    def crash(_: object) -> object:
        raise RuntimeError("a fault of the reader")

    answers: dict[str, Any] = {
        "raises": crash,
        "gives nothing": lambda _: empty,
        "gives none": lambda _: None,
        "is missing": property(lambda _: getattr(object(), fact)),
    }
    own = type(app.reads)
    app.reads.__class__ = type(own.__name__, (own,), {fact: answers[how]})


@pytest.mark.parametrize("how", ["raises", "gives nothing", "gives none", "is missing"])
@pytest.mark.parametrize("platform", ["android", "ios"])
def test_no_build_passes_where_a_reader_has_no_answer(platform: str, how: str) -> None:
    for fact, value in facts_asked(platform).items():
        empty = () if isinstance(value, tuple) else EMPTY.get(fact)
        if how == "gives nothing" and fact == "splits":
            continue  # which an APK has none of
        with opened(CLEAN[platform]) as app:
            broken(app, fact, how, empty)
            assert decision(app, platform) is not Decision.PASS, fact


COUNTERS = {
    "demo-app/build.apk": {
        "DEX files": (1, 1),
        "DEX classes": (4, 4),
        "DEX methods": (8, 8),
        "ZIP archive entries": (10, 10),
        "data extraction rules files": (1, 1),
        "full backup content files": (1, 1),
        "hidden code files": (9, 9),
        "manifest elements": (12, 12),
        "manifest files": (1, 1),
        "native libraries files": (2, 2),
        "network configs files": (1, 1),
        "private keys files": (10, 10),
        "resource tables files": (1, 1),
        "resource tables packages": (1, 1),
        "signature API levels": (11, 11),
        "signatures signers": (2, 2),
        "structure files": (10, 10),
    },
    "demo-bundle/build.aab": {
        "DEX files": (1, 1),
        "ZIP archive entries": (14, 14),
        "manifest elements": (12, 12),
        "manifest files": (1, 1),
        "native libraries files": (2, 2),
        "resource tables packages": (1, 1),
        "signatures signers": (1, 1),
    },
    "demo-ios/build.ipa": {
        "ZIP archive entries": (15, 15),
        "Info.plist bundles": (3, 3),
        "Mach-O files": (3, 3),
        "Mach-O slices": (3, 3),
        "hidden code files": (15, 15),
        "private keys files": (15, 15),
        "provisioning profiles files": (2, 2),
        "structure files": (15, 15),
    },
}


def counted(app: App) -> dict[str, tuple[int, int]]:
    run(CHECKS, app, lambda *_: None)
    return {f"{c.reader} {c.unit}": (c.declared, c.read) for c in app.journal.coverage}


@pytest.mark.parametrize("name", COUNTERS)
def test_every_reader_counts_what_there_was_and_what_it_has_read(name: str) -> None:
    with opened(BUILDS / name) as app:
        assert counted(app).items() >= COUNTERS[name].items()


def test_a_set_counts_the_entries_and_manifests_of_all_its_apks(tmp_path: Path) -> None:
    build = tmp_path / "build.apks"
    parts = {"base.apk": apk(manifest(), a=b""), "split.apk": apk(manifest(split="x"), b=b"")}
    build.write_bytes(archive(parts))
    with opened(build) as app:
        found = counted(app)
    assert found["ZIP archive entries"] == (6, 6)
    assert found["manifest files"] == (2, 2)
    assert found["manifest elements"] == (6, 6)
    assert found["base.apk: signature API levels"] == (11, 11)


def test_a_folder_counts_its_files_and_what_is_not_followed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zipfile", "-e", str(CLEAN["ios"]), str(tmp_path)]
    subprocess.run(command, check=True)
    (tmp_path / "Payload" / "link").symlink_to("/etc/hostname")
    with opened(tmp_path) as app:
        assert counted(app)["folder files"] == (16, 15)


def test_content_of_which_nothing_was_read_is_a_gap_told_once() -> None:
    journal = Journal()
    journal.account("libraries", "native libraries files", "lib/x86/a.so")
    journal.account("libraries", "native libraries files", "lib/x86/a.so")
    assert [gap.part for gap in journal.gaps] == ["lib/x86/a.so"]
    counted_journal = Journal()
    counted_journal.cover("native libraries", "files", 2, 1)
    counted_journal.account("libraries", "native libraries files", "lib/x86/a.so")
    assert counted_journal.gaps == ()


def test_values_that_are_not_followed_to_their_end_are_unresolved_and_not_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gate.dalvik.flows.BUDGET", 1)
    check = catalogue()["android-sql-injection"]
    case = Path(__file__).parents[1] / "fixtures" / check.id
    build = next(case.glob("fires-*/build.apk"))
    with opened(build) as app:
        result = run_one(check, app)
        assert result.unresolved[0].subject == "(values not followed)"
        assert "more work than allowed" in result.unresolved[0].reason
        assert not app.journal.gaps
