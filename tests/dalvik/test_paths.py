"""What decides about a call, where exceptions go, and where an object goes by itself."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gate.app import AndroidApp
from gate.app.code import Call, Class, MethodCode, Number, api
from gate.read import open_app

BUILD = Path(__file__).parents[2] / "fixtures" / "builds" / "code-paths" / "build.apk"
PACKAGE = "org.example.paths"
DEBUG = ("Flags", "DEBUG")
FAILED = "java.io.IOException"
READ = f"{PACKAGE}.Source"


@pytest.fixture(scope="module")
def app() -> Iterator[AndroidApp]:
    with BUILD.open("rb") as file:
        app = open_app(file.fileno(), BUILD.name, date(2026, 6, 1))
        assert isinstance(app, AndroidApp)
        yield app


def method(app: AndroidApp, owner: str, name: str) -> MethodCode:
    found: Class | None = app.code.find(f"{PACKAGE}.{owner}")
    assert found is not None
    return found.methods(name)[0]


def guarded(app: AndroidApp, name: str) -> Call:
    return next(call for call in method(app, "Guards", name).calls if call.name == "take")


def read(app: AndroidApp, name: str) -> Call:
    return next(call for call in method(app, "Throws", name).calls if call.name == "read")


@pytest.mark.parametrize("name", ["plain", "early", "helper", "both"])
def test_a_call_is_guarded_by_a_field_that_a_branch_depends_on(app: AndroidApp, name: str) -> None:
    assert guarded(app, name).guarded_by(DEBUG)


@pytest.mark.parametrize("name", ["free", "before", "either", "choice"])
def test_a_call_that_is_reached_either_way_is_not_guarded(app: AndroidApp, name: str) -> None:
    assert not guarded(app, name).guarded_by(DEBUG)


@pytest.mark.parametrize("name", ["either", "choice", "both"])
def test_a_parameter_decides_by_one_of_several_branches_or_a_switch(
    app: AndroidApp, name: str
) -> None:
    assert guarded(app, name).decided_by(0)


@pytest.mark.parametrize("name", ["free", "plain", "before"])
def test_a_parameter_that_no_branch_depends_on_decides_nothing(app: AndroidApp, name: str) -> None:
    assert not guarded(app, name).decided_by(0)


def test_another_parameter_decides_nothing(app: AndroidApp) -> None:
    assert not guarded(app, "either").decided_by(1)


@pytest.mark.parametrize(("name", "number"), [("chosen", 10), ("chosen", 20), ("kept", 1)])
def test_a_value_rests_on_the_field_that_chose_it(app: AndroidApp, name: str, number: int) -> None:
    assert guarded(app, name).argument(0).rests_on(Number(number), DEBUG)


def test_a_value_rests_on_no_other_field(app: AndroidApp) -> None:
    assert not guarded(app, "chosen").argument(0).rests_on(Number(10), ("Flags", "other"))


@pytest.mark.parametrize("name", ["open", "partly", "another", "again", "wrapped"])
def test_an_exception_that_no_handler_keeps_gets_out(app: AndroidApp, name: str) -> None:
    assert read(app, name).lets_out(FAILED)


def test_an_exception_that_a_handler_drops_does_not_get_out(app: AndroidApp) -> None:
    assert not read(app, "swallowed").lets_out(FAILED)


@pytest.mark.parametrize("name", ["swallowed", "partly"])
def test_a_method_forgives_what_a_handler_ends_normally_after(app: AndroidApp, name: str) -> None:
    assert read(app, name).forgiven(FAILED)


@pytest.mark.parametrize("name", ["open", "another", "again", "wrapped"])
def test_a_method_does_not_forgive_what_it_throws_again(app: AndroidApp, name: str) -> None:
    assert not read(app, name).forgiven(FAILED)


def test_a_second_call_that_has_to_return_takes_the_place_of_the_first(app: AndroidApp) -> None:
    first, second = [call for call in method(app, "Throws", "second").calls if call.name == "read"]
    assert first.forgiven(FAILED)
    assert not first.forgiven(FAILED, second)


def test_own_throws_are_told_with_their_classes(app: AndroidApp) -> None:
    thrown = {
        each.short_name: each.thrown
        for name in ("caught", "uncaught", "pastHandler", "locked", "again", "wrapped", "refuses")
        for each in [method(app, "Throws", name)]
    }
    assert thrown == {
        "caught": (),
        "uncaught": ("java.lang.IllegalStateException",),
        "pastHandler": (FAILED,),
        "locked": (),
        "again": (),
        "wrapped": ("java.lang.IllegalArgumentException",),
        "refuses": ("java.lang.UnsupportedOperationException",),
    }


def test_a_method_returns_around_a_call_on_another_way_only(app: AndroidApp) -> None:
    assert method(app, "Throws", "around").returns_without(read(app, "around"))
    assert not method(app, "Throws", "open").returns_without(read(app, "open"))
    assert not method(app, "Throws", "refuses").returns


def test_the_targets_of_a_call_are_the_methods_it_may_run(app: AndroidApp) -> None:
    assert [each.name for each in read(app, "open").targets()] == [f"{READ}.read"]


def test_lambdas_and_method_references_are_told_by_their_interface(app: AndroidApp) -> None:
    runs = [each.short_name for each in app.code.lambdas("java.util.function.Supplier")]
    assert sorted(runs) == ["lambda$lambda$0", "words"]
    assert not list(app.code.lambdas("java.lang.Runnable"))


def test_an_object_is_followed_by_itself_through_fields_and_collections(app: AndroidApp) -> None:
    made = list(app.code.calls(api("java.net.URL", "<init>")))
    passed = {call.method.short_name: {flow.call.name for flow in call.passes()} for call in made}
    assert "openConnection" in passed["store"]
    assert "openStream" in passed["collected"]
    assert "println" not in passed["derived"]
    derived = next(call for call in made if call.method.short_name == "derived")
    assert "println" in {flow.call.name for flow in derived.flows()}
