"""Where the engine says that a device id goes in one build: the tag of each log call says it."""

import hashlib
import re
import zipfile
import zlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app import AndroidApp
from gate.app.code import api
from gate.dalvik import flows
from gate.dalvik.code import AppCode
from gate.dalvik.dex import Dex
from gate.dalvik.origin import Origins, Seeds
from gate.dalvik.program import Program
from gate.dalvik.search import Code
from gate.formats.errors import Malformed
from gate.read import open_app

FOLDER = Path(__file__).parents[2] / "fixtures" / "builds" / "code-flows"
SOURCE = api("android.telephony.TelephonyManager", "getDeviceId")
LOG = api("android.util.Log", "d")
SAID = sorted(
    {
        tag
        for source in FOLDER.glob("*.java")
        for tag in re.findall(r'Log\.d\("([\w ]+ (?:leaks|stays))"', source.read_text("utf-8"))
    }
)


def read() -> AppCode:
    with (FOLDER / "build.apk").open("rb") as build:
        app = open_app(build.fileno(), "build.apk", date(2026, 6, 1))
        assert isinstance(app, AndroidApp)
        code = app.code
    assert isinstance(code, AppCode)
    return code


@pytest.fixture(scope="module")
def code() -> AppCode:
    return read()


@pytest.fixture(scope="module")
def logged(code: AppCode) -> frozenset[str]:
    """The tags of the log calls that a device id gets to."""
    return frozenset(
        tag
        for call in code.calls(SOURCE)
        for flow in call.flows()
        if flow.call.name == "d" and flow.argument == 1
        for tag in flow.call.argument(0).texts
    )


@pytest.mark.parametrize("tag", [tag for tag in SAID if tag.endswith("leaks")])
def test_a_value_is_followed_through(tag: str, logged: frozenset[str]) -> None:
    assert tag in logged


@pytest.mark.parametrize("tag", [tag for tag in SAID if tag.endswith("stays")])
def test_what_only_looks_alike_is_told_apart(tag: str, logged: frozenset[str]) -> None:
    assert tag not in logged


def test_a_spent_budget_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(read())
    monkeypatch.setattr(flows, "BUDGET", 40)
    assert not followed(read())


def followed(code: AppCode) -> bool:
    """Whether the flows of every source could be followed to their end."""
    for call in code.calls(SOURCE):
        list(call.flows())
    return code.flows_complete


def test_a_flow_names_the_places_that_it_came_through(code: AppCode) -> None:
    places = [
        [step.element for step in flow.steps]
        for call in code.calls(SOURCE)
        for flow in call.flows()
        if flow.call.method.name == "org.example.flows.Worker.onStartCommand"
    ]
    assert places
    assert all("org.example.flows.MainActivity.intents" in steps for steps in places)


def test_an_intent_is_aimed_at_the_class_it_names(code: AppCode) -> None:
    start = api("android.content.Context", "startActivity startService sendBroadcast")
    aims = [call.aim(0) for call in code.calls(start) if call.owner.endswith("MainActivity")]
    assert all(aim.known for aim in aims)
    assert {name for aim in aims for name in aim.classes} == {
        "org.example.flows.OtherActivity",
        "org.example.flows.Worker",
    }
    assert {action for aim in aims if not aim.explicit for action in aim.actions} == {
        "org.example.flows.TOLD",
        "org.example.flows.NOTED",
    }


def test_names_come_from_fields_keys_and_getters(code: AppCode) -> None:
    names = {tag: call.names(1) for call in code.calls(LOG) for tag in call.argument(0).texts}
    assert "field" in names["field leaks"]
    assert {"getStringExtra", "id"} <= set(names["service leaks"])
    assert "name" in names["map stays"]


with zipfile.ZipFile(FOLDER / "build.apk") as _build:
    DEX = _build.read("classes.dex")
METHODS = Code(Dex(DEX, "classes.dex")).methods
CHANGES = st.lists(
    st.tuples(st.integers(0, len(METHODS.begin) - 1), st.integers(0), st.integers(0, 0xFFFF)),
    min_size=1,
    max_size=40,
)


@given(CHANGES)
@settings(max_examples=60, deadline=None)
def test_code_with_broken_units_gives_flows_or_is_malformed(
    changes: list[tuple[int, int, int]],
) -> None:
    data = bytearray(DEX)
    for row, unit, value in changes:
        begin, end = int(METHODS.begin[row]), int(METHODS.end[row])
        at = 2 * (begin + unit % (end - begin))
        data[at : at + 2] = value.to_bytes(2, "little")
    data[12:32] = hashlib.sha1(data[32:]).digest()
    data[8:12] = zlib.adler32(data[12:]).to_bytes(4, "little")
    try:
        program = Program((Code(Dex(bytes(data), "classes.dex")),))
    except Malformed:
        return
    origins = Origins(program, Seeds(("org.example.flows",), frozenset()))
    code = AppCode(program, origins, lambda _: (), (SOURCE,), lambda *_: None, lambda _: None)
    for call in code.calls(SOURCE):
        for flow in call.flows():
            assert flow.call.names(0) is not None
            assert flow.call.aim(0) is not None
            assert len(flow.steps) <= flows.MAX_WAY
