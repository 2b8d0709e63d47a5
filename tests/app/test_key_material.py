"""What `gate.app.key_material` and `key_attributes` say of the keys that fixtures make."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from gate.app import IosApp
from gate.app.key_attributes import values_of
from gate.app.key_material import (
    BYTES,
    KEY,
    TEXT,
    ZEROES,
    constants,
    is_from_outside,
    swift_constants,
)
from gate.app.machine import Data, Number, imported
from gate.read import open_app

FIXTURES = Path(__file__).parents[2] / "fixtures"


@contextmanager
def opened(case: str) -> Iterator[IosApp]:
    with (FIXTURES / case / "build.ipa").open("rb") as file:
        app = open_app(file.fileno(), "build.ipa", date(2026, 6, 1))
        assert isinstance(app, IosApp)
        yield app


def test_a_key_is_known_through_objects_buffers_and_helpers() -> None:
    with opened("ios-key-hardcoded/fires-constant") as app:
        calls = app.code.calls(imported("CCCrypt"))
        found = {call.function.selector: constants(call, 3) for call in calls}
    assert found == {
        "text": (TEXT,),
        "bytes": (BYTES,),
        "object": (TEXT,),
        "copied": (TEXT,),
        "zeroes": (ZEROES,),
        "array": (BYTES,),
        "": (TEXT,),
    }


def test_a_private_key_is_known_by_its_form() -> None:
    with opened("ios-key-hardcoded/fires-constant") as app:
        calls = app.code.calls(imported("SecKeyCreateWithData"))
        found = {call.function.selector: constants(call, 0) for call in calls}
    assert found == {"derKey:": (KEY,), "privateKey": (TEXT,)}


def test_what_a_generator_fills_is_no_constant() -> None:
    with opened("ios-key-hardcoded/silent-elsewhere") as app:
        calls = {call.function.selector: call for call in app.code.calls(imported("CCCrypt"))}
        for name in ("random", "keptRandom", "derived:salt:"):
            assert constants(calls[name], 3) == constants(calls[name], 5) == ()
        assert is_from_outside(calls["random"], 3) and is_from_outside(calls["derived:salt:"], 3)
        assert not is_from_outside(calls["derived:salt:"], 5)


def test_an_array_of_swift_is_constant_unless_the_keychain_is_asked_too() -> None:
    name = "$s9CryptoKit12SymmetricKeyV4dataACx_tc10Foundation15ContiguousBytesRzlufC"
    for case, known in (("fires-constant", (BYTES,)), ("silent-elsewhere", ())):
        with opened(f"ios-key-hardcoded/{case}") as app:
            (call,) = app.code.calls(imported(name))
            assert swift_constants(call) == known


def test_sizes_are_read_from_literals_subscripts_and_core_foundation() -> None:
    size = "kSecAttrKeySizeInBits"
    with opened("ios-key-size-weak/fires-short") as app:
        functions = dict.fromkeys(function for function, _ in app.code.symbol_uses(size))
        found = {each.selector: values_of(each, size) for each in functions}
    assert found.pop("swift") == ()
    assert found.pop("subscripted:") == ((192,),)
    assert found == {
        "literal": ((1024,),),
        "core": ((768,),),
        "set:": ((512,),),
        "": ((1536, 3072),),
    }


def test_what_a_function_writes_outside_of_its_frame_is_known() -> None:
    with opened("ios-key-size-weak/fires-short") as app:
        (swift,) = app.code.implementations("swift")
        assert Number(1024) in swift.written.values
        assert "kSecAttrKeyTypeRSA" in swift.written.symbols


def test_the_bytes_of_a_variable_begin_where_its_address_points_to() -> None:
    with opened("ios-key-hardcoded/fires-constant") as app:
        (der,) = (f for f in app.code.implementations("derKey:"))
        (made,) = (call for call in der.calls if call.name == "CFDataCreate")
        (value,) = made.argument(1).values
        assert isinstance(value, Data) and value.begin.startswith(b"\x30\x82\x01\x22\x02\x01\x00")
        assert made.pointed(1).values == ()
