"""Code where the platform does not load it by itself, found by content: names prove nothing.

Every file but the DEX files in their sequence is streamed once, in bounded memory, and so are the
bytes of an archive that belong to no entry. Sources: source.android.com, Dalvik executable format
(header); APPNOTE.TXT 4.3.12 (central directory record); AOSP art/libdexfile/dex/
dex_file_loader.cc (`GetMultiDexClassesDexName`: classes.dex, classes2.dex, ... until one lacks).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from gate.app import Files, IosApp, Journal, Location, Unread
from gate.app.anomaly import HiddenCode
from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip_records import read_at
from gate.frozen import dataclass
from gate.read.anomalies import archives
from gate.read.files import BLOCK, ZipFiles
from gate.read.module import Module

FACT: Final = "hidden_code"
MAX_MARKS: Final = 200_000

_DEX: Final = b"dex\n0"
_DEX_MAGIC: Final = re.compile(rb"dex\n0\d\d\0")
# With header_size 0x70 (0x78 of a container, version 041) and the tag of the byte order.
_DEX_HEADER: Final = re.compile(rb"dex\n0\d\d\0.{28}[\x70\x78]\0\0\0\x78\x56\x34\x12", re.S)
_RECORD: Final = b"PK\x01\x02"
_RECORD_SIZE: Final = 46
_LONGEST_NAME: Final = 1024
_REACH: Final = _RECORD_SIZE + _LONGEST_NAME
_OUT_OF_TURN: Final = re.compile(r"classes\d*\.dex")
_NO_CODE: Final = (b"module-info.class", b"package-info.class")
# What in the app's folder is a program without being a bundle's: Xcode puts it there.
_WATCH_STUB: Final = "/_WatchKitStub/WK"


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where code begins in a run of bytes; of a JAR or APK, where its directory names some."""

    form: str
    offset: int


def hidden_in_android(
    files: Files, journal: Journal, modules: Iterable[Module]
) -> tuple[HiddenCode, ...]:
    """Everything but the DEX files that are loaded; a file that cannot be read is a gap."""
    found: list[HiddenCode] = []
    looked_at = read = 0
    for module in modules:
        loaded, folder = set(module.dex_files), module.prefix + module.layout.code
        others = [path for name in module.names if (path := module.prefix + name) not in loaded]
        looked_at += len(others)
        for path in others:
            try:
                found += in_file(files, path, folder)
                read += 1
            except (OverLimit, Unread) as reason:
                journal.gap(FACT, path, str(reason))
    journal.cover("hidden code", "files", looked_at, read)
    for prefix, archive in archives(files):
        try:
            found += _between_entries(archive, prefix.removesuffix("!/"))
        except Malformed as reason:
            journal.gap(FACT, prefix.removesuffix("!/") or "ZIP archive", str(reason))
    return tuple(found)


def hidden_in_ios(app: IosApp) -> tuple[HiddenCode, ...]:
    """The Mach-O files inside the app that are no bundle's program and not below Frameworks/."""
    start = f"{app.main.path}/" if app.main.path else ""
    programs = app.programs
    app.journal.cover("hidden code", "files", len(app.files.names), len(app.files.names))
    return tuple(
        HiddenCode(
            program.path, "Mach-O", "no bundle has it as its program", Location(program.path)
        )
        for program in programs
        if program.path.startswith(start)
        and program.bundle is None
        and "Frameworks" not in program.path.split("/")[:-1]
        and not program.path.endswith(_WATCH_STUB)
        and any(each.file_type != "dsym" for each in program.slices)
    )


def in_file(files: Files, path: str, folder: str = "") -> Iterator[HiddenCode]:
    """The most telling code in a file; `folder` is where the runtime looks for its DEX files."""
    best = _most_telling(_marks(files.blocks(path, files.budget.total)))
    if best is None:
        return
    at = Location(path, offset=best.offset if best.form == "DEX" else None)
    if best.form != "DEX":
        place = "an archive inside the build"
    elif best.offset:
        place = f"inside the file, from byte {best.offset} on"
    elif _OUT_OF_TURN.fullmatch(path.removeprefix(folder)):
        place = "numbered out of turn, where the runtime does not look"
    else:
        place = "as the whole file"
    yield HiddenCode(path, best.form, place, at)


def _between_entries(archive: ZipFiles, path: str) -> Iterator[HiddenCode]:
    """Code in the bytes that belong to no entry; offsets are those of the archive."""
    for place, start, stop in _spans(archive):
        best = _most_telling(_marks(_read(archive, start, stop)))
        if best:
            offset = start + best.offset if best.form == "DEX" else start
            at = Location(path, "" if path else "ZIP archive", offset=offset)
            yield HiddenCode(path, best.form, place, at)


def _spans(archive: ZipFiles) -> Iterator[tuple[str, int, int]]:
    """Every run of bytes that no entry takes: what it is, where it begins and ends."""
    directory = archive.directory
    at = 0
    readable = (entry for entry in directory.entries if entry.data_offset)
    for entry in sorted(readable, key=lambda entry: entry.header_offset):
        if entry.header_offset > at:
            where = "between the entries" if at else "before the first entry"
            yield where, at, entry.header_offset
        at = max(at, entry.data_offset + entry.stored_size)
    yield "before the central directory, where signatures lie", at, directory.central_offset
    end = directory.central_offset + directory.central_size
    yield "behind the central directory", end, archive.file.seek(0, 2)


def _read(archive: ZipFiles, start: int, stop: int) -> Iterator[bytes]:
    for at in range(start, stop, BLOCK):
        yield read_at(archive.file, at, min(BLOCK, stop - at))


def _most_telling(marks: Iterable[_Mark]) -> _Mark | None:
    """An APK, else the first DEX file, else the first JAR."""
    found: dict[str, _Mark] = {}
    for mark in marks:
        found.setdefault(mark.form, mark)
        if mark.form == "APK":
            break
    return next((found[form] for form in ("APK", "DEX", "JAR") if form in found), None)


def _marks(blocks: Iterable[bytes]) -> Iterator[_Mark]:
    """DEX headers, and records of archive directories that name code; OverLimit past MAX_MARKS."""
    held, start, count = b"", 0, 0
    for block in chain(blocks, (None,)):
        held += block or b""
        # What begins in the last `_REACH` bytes is left to the next block, unless there is none.
        stop = len(held) if block is None else max(0, len(held) - _REACH)
        for magic in (_DEX, _RECORD):
            for at in _places(held, magic, stop):
                count += 1
                if count > MAX_MARKS:
                    raise OverLimit(f"more than {MAX_MARKS} beginnings of code")
                form = _form(held, at, at + start)
                if form:
                    yield _Mark(form, at + start)
        held = held[stop:]
        start += stop


def _places(data: bytes, magic: bytes, stop: int) -> Iterator[int]:
    """Every place where `magic` begins before `stop`."""
    end = stop + len(magic) - 1
    at = data.find(magic, 0, end)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1, end)


def _form(data: bytes, at: int, offset: int) -> str:
    """What begins at `at`, "" if that is no code; `offset` is the same place in the whole."""
    if data.startswith(_DEX, at):
        # At the begin of a file the magic is enough; inside one it may be a string.
        how = _DEX_HEADER if offset else _DEX_MAGIC
        return "DEX" if how.match(data, at) else ""
    size = int.from_bytes(data[at + 28 : at + 30], "little")
    name = data[at + _RECORD_SIZE : at + _RECORD_SIZE + min(size, _LONGEST_NAME)]
    if name == b"AndroidManifest.xml":
        return "APK"
    return "JAR" if name.endswith((b".dex", b".class")) and not name.endswith(_NO_CODE) else ""
