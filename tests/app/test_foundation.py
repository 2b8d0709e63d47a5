"""What `gate.app.foundation` says of the objects that fixtures make."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from gate.app import IosApp
from gate.app.foundation import Place, made_by, numbers, places, swift_texts, texts
from gate.app.machine import imported, message
from gate.read import open_app

FIXTURES = Path(__file__).parents[2] / "fixtures"


@contextmanager
def opened(case: str) -> Iterator[IosApp]:
    with (FIXTURES / case / "build.ipa").open("rb") as file:
        app = open_app(file.fileno(), "build.ipa", date(2026, 6, 1))
        assert isinstance(app, IosApp)
        yield app


def test_a_folder_is_known_through_urls_arrays_and_own_methods() -> None:
    with opened("ios-webview-file-access/fires-wide") as app:
        loads = app.code.sends(message("loadFileURL:allowingReadAccessToURL:"))
        found = {call.function.name: places(call, call.argument(1)) for call in loads}
    assert {name: tuple(place.root for place in each) for name, each in found.items()} == {
        "-[Shop own:]": ("Documents",),
        "-[Shop home:]": ("home",),
        "-[Shop root:]": ("text",),
        "-[Shop library:]": ("Library",),
    }
    assert found["-[Shop root:]"] == (Place("text", ("/",)),)


def test_what_is_put_behind_a_folder_is_a_part() -> None:
    with opened("ios-dynamic-code/fires-loaded") as app:
        found = [places(call, call.argument(0)) for call in app.code.calls(imported("dlopen"))]
    named = {each.root: each.parts for some in found for each in some if each.root != "text"}
    assert named == {"": (), "tmp": ("plugin.dylib",)}
    assert ("/var/jb/usr/lib/tweak.dylib",) in {p.parts for some in found for p in some}


def test_a_path_that_is_not_known_says_why() -> None:
    with opened("ios-dynamic-code/fires-loaded") as app:
        calls = app.code.calls(imported("dlopen"))
        why = [p.why for call in calls for p in places(call, call.argument(0)) if not p.root]
    assert why == ["it is parameter 0 of -[Plugin open:]"]


def test_numbers_and_texts_are_seen_behind_their_objects() -> None:
    with opened("ios-webview-file-access/fires-wide") as app:
        for call in app.code.sends(message("setValue:forKey:")):
            assert numbers(call, call.argument(0)) == (1,)
            (key,) = texts(call, call.argument(1))
            assert key.startswith("allow")


def test_a_short_text_of_swift_is_read_from_its_registers() -> None:
    name = "$s10Foundation3URLV22appendingPathComponentyACSSF"
    with opened("ios-backup-exclusion-loose/fires-secret-files") as app:
        found = [swift_texts(call, 0) for call in app.code.calls(imported(name))]
    assert found == [("secret.txt",)]


def test_a_constant_is_made_by_no_call() -> None:
    with opened("ios-dynamic-code/fires-loaded") as app:
        call = next(app.code.calls(imported("dlsym")))
        assert [made_by(call, value) for value in call.argument(1).values] == [None]
