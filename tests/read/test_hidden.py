import hashlib
import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats import dex
from gate.read import hidden
from gate.read.files import BLOCK
from tests.formats import write_axml
from tests.formats.write_zip import Member, write_zip
from tests.read.write_builds import apk, archive, bundle, judged, manifest, opened, written

PLAIN = write_axml.write(manifest())
JAR = archive({"a/B.class": b"x"})
APK = archive({"AndroidManifest.xml": b"x", "classes.dex": b"x"})


def dex_file(version: bytes = b"035") -> bytes:
    body = bytearray(0x70)
    body[:8] = b"dex\n" + version + b"\0"
    struct.pack_into("<III", body, 32, 0x70, 0x70, 0x12345678)
    body[12:32] = hashlib.sha1(body[32:]).digest()
    struct.pack_into("<I", body, 8, zlib.adler32(body[12:]))
    return bytes(body)


DEX = dex_file()


def found(folder: Path, data: bytes) -> list[tuple[str, str, int | None]]:
    with opened(written(folder, data)) as app:
        return [(each.path, each.form, each.at.offset) for each in app.hidden_code]


def places(folder: Path, data: bytes) -> list[str]:
    with opened(written(folder, data)) as app:
        return [each.place for each in app.hidden_code]


def test_the_sample_is_a_dex_file_that_the_runtime_would_load() -> None:
    assert dex.read_header(DEX).version == "035"


@pytest.mark.parametrize(
    ("data", "form", "offset"),
    [
        (DEX, "DEX", 0),
        (dex_file(b"039") + b"more", "DEX", 0),
        (b"dex\n035\0 encrypted from here on", "DEX", 0),
        (b"\x89PNG" + DEX, "DEX", 4),
        (b"x" * (2 * BLOCK - 20) + DEX, "DEX", 2 * BLOCK - 20),
        (JAR, "JAR", None),
        (b"\x89PNG" + JAR, "JAR", None),
        (APK, "APK", None),
        (archive({"inner.zip": b"x", "p/classes.dex": DEX}), "DEX", None),
        (archive({"lib.jar": APK}), "APK", None),
    ],
)
@pytest.mark.parametrize(
    "name", ["assets/a.png", "res/raw/a", "lib/arm64-v8a/liba.so", "META-INF/a"]
)
def test_code_is_found_by_its_content(
    tmp_path: Path, name: str, data: bytes, form: str, offset: int | None
) -> None:
    (each,) = found(tmp_path, archive({"AndroidManifest.xml": PLAIN, name: data}, deflate=True))
    assert each[:2] == (name, form)
    assert offset is None or each[2] == offset


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text that speaks of dex\n035\0 and of PK\x01\x02 and classes.dex",
        b"x" + b"dex\n035\0" + bytes(200),
        b"dex\nabc\0",
        archive({"a.txt": b"classes.dex", "META-INF/core.kotlin_module": b"x"}),
        archive({"module-info.class": b"x", "META-INF/versions/9/module-info.class": b"x"}),
        b"\xca\xfe\xba\xbe\0\0\0\x34",
    ],
)
def test_what_holds_no_code_is_passed_over(tmp_path: Path, data: bytes) -> None:
    assert found(tmp_path, apk(manifest(), assets__a_bin=data)) == []


def test_the_dex_files_of_the_runtime_are_those_without_a_gap(tmp_path: Path) -> None:
    names = ("classes.dex", "classes2.dex", "classes4.dex", "classes0.dex", "classes01.dex")
    build = archive({"AndroidManifest.xml": PLAIN, **dict.fromkeys(names, DEX)})
    assert [path for path, *_ in found(tmp_path, build)] == list(names[2:])
    assert places(tmp_path, build) == ["numbered out of turn, where the runtime does not look"] * 3
    elsewhere = apk(manifest(), assets__classes2_dex=DEX)
    assert places(tmp_path, elsewhere) == ["as the whole file"]


def test_code_in_every_module_of_a_bundle_is_loaded(tmp_path: Path) -> None:
    code = {"base/dex/classes.dex": DEX, "base/dex/classes2.dex": DEX, "more/dex/classes.dex": DEX}
    hidden_ones = {"base/assets/a": DEX, "more/root/b": DEX, "more/dex/classes3.dex": DEX}
    modules = {"base": manifest(), "more": manifest(split="more", sdk=None)}
    build = bundle(modules, {**code, **hidden_ones, "BUNDLE-METADATA/x/y.dex": DEX})
    assert sorted(path for path, *_ in found(tmp_path, build)) == sorted(hidden_ones)


def test_each_apk_of_a_set_has_its_own_code(tmp_path: Path) -> None:
    entries = {"AndroidManifest.xml": PLAIN, "classes.dex": DEX}
    base = write_zip(*(Member(name.encode(), data) for name, data in entries.items()))
    other = write_axml.write(manifest(split="a", sdk=None))
    split = write_zip(
        Member(b"AndroidManifest.xml", other),
        Member(b"classes2.dex", DEX),
        before_directory=DEX,
    )
    told = found(tmp_path, archive({"base.apk": base, "a.apk": split}))
    assert [each[:2] for each in told] == [("a.apk!/classes2.dex", "DEX"), ("a.apk", "DEX")]


@pytest.mark.parametrize(
    ("build", "place"),
    [
        (write_zip(Member(b"AndroidManifest.xml", PLAIN), prefix=DEX), "before the first entry"),
        (
            write_zip(Member(b"AndroidManifest.xml", PLAIN, after=DEX), Member(b"a")),
            "between the entries",
        ),
        (
            write_zip(Member(b"AndroidManifest.xml", PLAIN), before_directory=b"block" + DEX),
            "before the central directory, where signatures lie",
        ),
        (
            write_zip(Member(b"AndroidManifest.xml", PLAIN), comment=DEX),
            "behind the central directory",
        ),
    ],
)
def test_code_in_bytes_of_no_entry_is_told_by_its_offset(
    tmp_path: Path, build: bytes, place: str
) -> None:
    assert found(tmp_path, build) == [("", "DEX", build.index(DEX))]
    assert places(tmp_path, build) == [place]


def test_a_file_that_cannot_be_read_leaves_the_check_undecided(tmp_path: Path) -> None:
    broken = Member(b"assets/a", b"x" * 50, deflate=True, raw=b"\xff\xff\xff")
    build = write_zip(Member(b"AndroidManifest.xml", PLAIN), broken)
    result = judged("app-hidden-code", written(tmp_path, build))
    assert result.outcome == "undecided"
    assert "assets/a" in result.why


def test_a_file_of_nothing_but_marks_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden, "MAX_MARKS", 1_000)
    build = apk(manifest(), assets__a=b"PK\x01\x02" * 1_001)
    with opened(written(tmp_path, build)) as app:
        assert app.hidden_code == ()
        (gap,) = [each for each in app.journal.gaps if each.fact == "hidden_code"]
    assert gap.reason == "more than 1000 beginnings of code"


def test_the_search_is_linear_in_the_marks(tmp_path: Path) -> None:
    started = time.process_time()
    found(tmp_path, apk(manifest(), assets__a=b"PK\x01\x02" * (hidden.MAX_MARKS + 1)))
    assert time.process_time() - started < 5


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=3_000), max_size=6), st.integers(0, 9_000))
def test_the_answer_does_not_depend_on_how_the_blocks_fall(parts: list[bytes], cut: int) -> None:
    data = b"".join(parts) + DEX + b"".join(parts)
    whole = [*hidden._marks([data])]
    cut_up = [*hidden._marks([data[:cut], data[cut:]] if 0 < cut < len(data) else [data])]
    small = [*hidden._marks([data[at : at + 50] for at in range(0, len(data), 50)])]
    assert whole == cut_up == small
    assert any(mark.form == "DEX" for mark in whole)
