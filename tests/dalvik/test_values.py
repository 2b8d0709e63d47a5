"""What the engine says of the values that the methods of one build hand to a sink."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gate.app import AndroidApp
from gate.app.code import (
    Array,
    Bytes,
    Call,
    ClassName,
    Instance,
    Joined,
    Number,
    Parameter,
    Returned,
    Text,
    Unknown,
    Value,
    api,
)
from gate.read import open_app

BUILD = Path(__file__).parents[2] / "fixtures" / "builds" / "code-values" / "build.apk"
SINK = api("org.example.values.Sink", "take same wide")
VALUES = "org.example.values.Values"
KNOWN: dict[str, tuple[Value, ...]] = {
    "literal": (Text("a text"),),
    "numberLiteral": (Number(0x7FFFFFFF),),
    "negative": (Number(-2),),
    "longLiteral": (Number(0x123456789ABCDEF),),
    "nullLiteral": (Number(0),),
    "classLiteral": (ClassName("java.lang.String"),),
    "arithmetic": (Number(0x8000008),),
    "branches": (Text("one"), Text("other")),
    "builderKnown": (Text("AES/ECB7true"),),
    "builderReversed": (Text("secret"),),
    "builderInBranch": (Text("a"), Text("ab")),
    "upper": (Text("DESede"),),
    "substring": (Text("DEK"),),
    "parsed": (Number(42),),
    "bytesOfText": (Bytes(b"secret"),),
    "textOfBytes": (Text("hi"),),
    "base64": (Bytes(b"secret"),),
    "staticConstant": (Text("first value"), Text("second value")),
    "staticWrittenInOtherFile": (Text("first"), Text("from the other file")),
    "staticArray": (Bytes(b"\1\2\3\4"),),
    "instanceField": (Text("kept text"),),
    "instanceNumber": (Number(2),),
    "passOn": (Text("passed"), Text("passed too")),
    "returned": (Text("not zero"), Text("zero")),
    "passedThrough": (Text("through"),),
    "passedThroughToo": (Text("through too"),),
    "virtual": (Text("circle"), Text("square")),
    "emptyArray": (Array("byte[]", (), 16),),
    "objectArray": (Array("java.lang.String[]", (Text("TLSv1"), Text("SSLv3")), 2),),
    "element": (Text("one"),),
    "length": (Number(12),),
    "resource": (Text("resource phrase"),),
    "caught": (Text("handler"), Text("risky")),
    "wide": (Number(1),),
    "newObject": (Instance("org.example.values.Other", f"{VALUES}.newObject#0"),),
    "synchronizedBlock": (Text("locked"),),
    "switched": (Text("many"), Text("one"), Text("two")),
    "go": (Text("told"),),
}
PARTLY: dict[str, tuple[Value, ...]] = {
    "concatenation": (
        Joined((Text("http://"), Parameter(f"{VALUES}.concatenation", 0), Text("/path"))),
    ),
    "builderGivenAway": (Joined((Text("a"), Unknown("what a method appends"))),),
    "loop": (Number(0), Number(1), Unknown("the result of add-int")),
    "manyValues": (Text(""), Unknown("an element of an array")),
    "fromSystem": (Returned("android.content.Context", "getPackageName"),),
    "recursion": (Text("end"), Unknown("a chain of calls that is too long")),
}
GIVEN = {
    "randomArray": "java.security.SecureRandom.nextBytes",
    "copiedArray": "java.lang.System.arraycopy",
    "staticArrayFilled": "java.security.SecureRandom.nextBytes",
}


@pytest.fixture(scope="module")
def calls() -> Iterator[dict[str, Call]]:
    with BUILD.open("rb") as file:
        app = open_app(file.fileno(), BUILD.name, date(2026, 6, 1))
        assert isinstance(app, AndroidApp)
        app.asked.append(SINK)
        yield {call.method.short_name: call for call in app.code.calls(SINK)}
        assert not app.journal.gaps


def test_every_method_of_the_build_is_asked_about(calls: dict[str, Call]) -> None:
    assert set(calls) == {*KNOWN, *PARTLY, *GIVEN}


@pytest.mark.parametrize("name", KNOWN)
def test_a_value_is_told_with_all_its_alternatives(calls: dict[str, Call], name: str) -> None:
    argument = calls[name].argument(0)
    assert set(argument.values) == set(KNOWN[name])
    assert argument.complete


@pytest.mark.parametrize("name", PARTLY)
def test_what_cannot_be_told_is_never_left_out(calls: dict[str, Call], name: str) -> None:
    argument = calls[name].argument(0)
    assert set(argument.values) == set(PARTLY[name])
    assert not argument.complete
    assert argument.why


@pytest.mark.parametrize("name", GIVEN)
def test_an_array_tells_what_may_have_filled_it(calls: dict[str, Call], name: str) -> None:
    (value,) = calls[name].argument(0).values
    assert isinstance(value, Array)
    assert value.given_to == (GIVEN[name],)


def test_an_argument_behind_a_pair_is_found(calls: dict[str, Call]) -> None:
    assert calls["wide"].argument(2).texts == ("third",)
    assert calls["passOn"].argument(1).texts == ("after a pair",)


def test_a_value_tells_the_places_it_came_through(calls: dict[str, Call]) -> None:
    argument = calls["passOn"].argument(0)
    steps = argument.steps(Text("passed"))
    assert [each.element for each in steps] == [f"{VALUES}.parameter"] * 2
    assert all(each.source == "Values.java" and each.line for each in steps)
    assert "const-string" in steps[0].snippet and "invoke-direct" in steps[1].snippet


def test_a_place_names_file_class_line_and_instruction(calls: dict[str, Call]) -> None:
    at = calls["literal"].at
    assert (at.path, at.element, at.source) == ("classes.dex", f"{VALUES}.literal", "Values.java")
    assert at.line == 19
    assert (
        "> invoke-static {v0}, Lorg/example/values/Sink;->take(Ljava/lang/Object;)V" in at.snippet
    )
