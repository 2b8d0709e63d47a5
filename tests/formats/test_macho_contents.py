"""What a Mach-O image is made of, read from builds and from bytes that nobody meant well."""

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats import macho_contents
from gate.formats.errors import Malformed, OverLimit
from gate.formats.macho_contents import Contents

FIXTURES = Path(__file__).parents[2] / "fixtures"


def program(case: str, name: str = "Sample") -> bytes:
    with zipfile.ZipFile(FIXTURES / case / "build.ipa") as ipa:
        return ipa.read(f"Payload/Sample.app/{name}")


def image(*commands: bytes, behind: bytes = b"") -> bytes:
    """An arm64 executable of these load commands."""
    size = sum(map(len, commands))
    head = struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 2, len(commands), size, 0, 0)
    return head + b"".join(commands) + behind


def symtab(entries: bytes, texts: bytes) -> bytes:
    place = 32 + 24
    count = len(entries) // 16
    command = struct.pack("<6I", 2, 24, place, count, place + len(entries), len(texts))
    return image(command, behind=entries + texts)


def test_imports_selectors_and_classes_of_a_program_are_read() -> None:
    found = macho_contents.parse(program("ios-purpose-string-absent/fires-no-reason"))
    assert {"_AVMediaTypeVideo", "_OBJC_CLASS_$_LAContext", "_objc_msgSend"} <= found.imports
    assert found.selectors is not None
    assert "evaluatePolicy:localizedReason:reply:" in found.selectors
    assert found.objc_classes == 0
    assert macho_contents.parse(program("ios-pie-off/silent-pie")).objc_classes == 1


@pytest.mark.parametrize(
    ("form", "entry"),
    [
        (1, struct.pack("<I", 1 << 9)),
        (2, struct.pack("<Ii", 1 << 9, 0)),
        (3, struct.pack("<QQ", 1 << 32, 0)),
    ],
)
def test_chained_fixups_name_imports_without_a_symbol_table(form: int, entry: bytes) -> None:
    names = b"\0_objc_release\0"
    table = struct.pack("<7I", 0, 28, 28, 28 + len(entry), 1, form, 0) + entry + names
    command = struct.pack("<4I", 0x80000034, 16, 48, len(table))
    assert macho_contents.parse(image(command, behind=table)).imports == {"_objc_release"}
    short = struct.pack("<4I", 0x80000034, 16, 48, 28)
    with pytest.raises(Malformed, match="leave them"):
        macho_contents.parse(image(short, behind=table))


def test_swift_classes_are_not_counted_and_languages_are_told() -> None:
    folder = "ios-canary-off/silent-others"
    found = {
        name: macho_contents.parse(program(folder, f"Frameworks/{name}.framework/{name}"))
        for name in ("Swiftly", "App", "Rusty", "Gone", "Stub")
    }
    said = {name: sorted(each.languages) for name, each in found.items()}
    assert said == {
        "Swiftly": ["swift"],
        "App": ["dart"],
        "Rusty": ["rust"],
        "Gone": ["go"],
        "Stub": [],
    }
    assert found["Stub"].functions == 2


def test_what_a_build_leaves_is_told_without_the_name_of_a_user() -> None:
    left = macho_contents.parse(program("ios-symbols-left/fires-residue")).residue
    assert left.source_paths == ("/Users/.../Projects/Sample/Login/Pin Check.swift",)
    assert "_checkPin" in left.local_symbols
    assert left.debug_map
    stripped = macho_contents.parse(program("ios-symbols-left/silent-stripped")).residue
    assert stripped == type(stripped)()


def test_strings_of_an_encrypted_image_are_left_alone() -> None:
    found = macho_contents.parse(program("ios-symbols-left/fires-residue"), encrypted=True)
    assert found.selectors is None
    assert found.residue.source_paths == ()


def test_a_symbol_table_that_leaves_the_image_is_refused() -> None:
    command = struct.pack("<6I", 2, 24, 56, 1_000, 56, 0)
    with pytest.raises(Malformed, match="leaves the image"):
        macho_contents.parse(image(command))


def test_symbols_that_all_share_one_long_name_are_refused() -> None:
    entries = struct.pack("<IBBHQ", 0, 1, 0, 0, 0) * 10_000
    with pytest.raises(OverLimit, match="longer than their table"):
        macho_contents.parse(symtab(entries, b"a" * 10_000))


def test_a_bind_stream_gives_its_names_and_an_unknown_opcode_is_refused() -> None:
    def bound(stream: bytes) -> Contents:
        place = 32 + 48
        command = struct.pack("<12I", 0x22, 48, 0, 0, place, len(stream), *(0,) * 6)
        return macho_contents.parse(image(command, behind=stream))

    stream = b"\x11\x40_one\0\x51\x72\x80\x01\x90\x40_two\0\xc0\x02\x08\x00"
    assert bound(stream).imports == {"_one", "_two"}
    with pytest.raises(Malformed, match="opcode"):
        bound(b"\xf0")


@given(st.data())
def test_a_changed_program_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(program("ios-symbols-left/fires-residue"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(whole), 0x1000) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    try:
        macho_contents.parse(bytes(whole))
    except Malformed:
        return


@given(st.binary(max_size=400))
def test_any_commands_are_read_or_refused(body: bytes) -> None:
    try:
        macho_contents.parse(image(body))
    except Malformed:
        return
