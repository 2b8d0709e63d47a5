"""The fuzzer itself: that it finds what is planted, and that no parser falls over at once."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.formats.errors import Malformed

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import fuzz  # noqa: E402  # lies in tools/, which is no package
import fuzz_judge  # noqa: E402
from fuzz_judge import Crash, Judge, Target  # noqa: E402
from fuzz_targets import TARGETS  # noqa: E402

INPUTS = 40
SEED = b"HEAD" + bytes(range(64))


def hunted(target: Target, inputs: int, seed: int = 1) -> list[tuple[bytes, Crash]]:
    """The crashers among so many inputs."""
    found: list[tuple[bytes, Crash]] = []
    hunt = fuzz.Hunt(Judge(target), fuzz.Note(), lambda *each: found.append(each))
    fuzz.loop(hunt, target, seed, lambda count: count < inputs)
    return found


def planted(run: Callable[[bytes], object]) -> Target:
    return Target("planted", run, lambda: (SEED,), (Malformed,))


@pytest.mark.parametrize("name", TARGETS)
def test_no_parser_falls_over_at_once(name: str) -> None:
    target = TARGETS[name]
    assert [crash for _, crash in hunted(target, 5 if target.is_archive else INPUTS)] == []


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_get_through_a_parser(name: str) -> None:
    target = TARGETS[name]
    places = [Judge(target).run(data)[0] for data in target.seeds()]
    assert "value" in places or name == "lineage"  # of which no fixture has one


def test_an_index_that_nobody_checked_is_found_and_shrunk() -> None:
    def run(data: bytes) -> int:
        if not data.startswith(b"HEAD"):
            raise Malformed("no head")
        return data[4 + data[4]]

    ((data, crash),) = hunted(planted(run), 2_000)
    assert crash.kind == "IndexError"
    assert crash.where.startswith("test_fuzz.py:")
    assert len(data) <= 5


def test_a_refusal_is_no_crasher() -> None:
    def run(data: bytes) -> None:
        raise Malformed("no head")

    assert hunted(planted(run), 50) == []


def test_a_loop_without_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(data: bytes) -> None:
        while data != SEED:
            try:
                len(data)
            except Exception:  # noqa: BLE001  # a parser that swallows everything
                continue

    monkeypatch.setattr(fuzz, "shrink", lambda judge, data, crash: data)
    judge = Judge(planted(run), seconds=0.05)
    found: list[Crash] = []
    hunt = fuzz.Hunt(judge, fuzz.Note(), lambda _, crash: found.append(crash))
    fuzz.loop(hunt, judge.target, 1, lambda count: count < 5)
    assert [crash.kind for crash in found] == ["TooSlow"]


def test_memory_without_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_judge, "MEMORY", 32 << 20)
    # More than the tests before this one ever held, since only a new peak is seen.
    much = fuzz_judge.peak() + (64 << 20)
    judge = Judge(planted(lambda data: b"x" * (much if len(data) > 1 else 1)))
    assert judge.run(b"1")[1] is None
    place, crash = judge.run(bytes(300))
    assert place == "value"
    assert crash is not None
    assert crash.kind == "more than 512 MiB"


def test_an_input_that_kills_the_process_is_kept_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(data: bytes) -> None:
        if data != SEED:
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(fuzz, "CRASHES", tmp_path)
    assert fuzz.run([planted(run)], seed=1, seconds=60, atheris=None) == 1
    kept, text = sorted(tmp_path.iterdir())
    assert kept.read_bytes() != SEED
    told = text.read_text("utf-8")
    assert f"python tools/fuzz.py planted --replay fuzz-crashes/{kept.name}" in told
    assert "signal 9" in told
    assert capsys.readouterr().out.split()[1:] == ["1", "inputs", "1", "crashers"]


def test_a_crasher_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"x")
    assert fuzz.replay(planted(lambda data: data[1]), file) == 1
    assert "IndexError in test_fuzz.py" in capsys.readouterr().out
    assert fuzz.replay(planted(lambda data: data[0]), file) == 0


def test_the_same_seed_gives_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        hunted(planted(seen.append), 100, seed)
        return seen

    assert inputs(7) == inputs(7)
    assert inputs(7) != inputs(8)


def test_an_unknown_parser_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.main(["nonsense", "--plain"])
    assert "unknown: nonsense; there are zip" in capsys.readouterr().err
