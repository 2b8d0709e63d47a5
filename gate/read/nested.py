"""The APKs inside a set, read in place: nothing is written to disk, and nothing nests deeper."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO, cast

from gate.app import Files, Gap, Journal, Location, Unread
from gate.formats.errors import Malformed
from gate.formats.zip import STORED
from gate.formats.zip_records import LOCAL_MAGIC
from gate.read.files import FolderFiles, ZipFiles
from gate.read.listed import listed, plain

MEMORY = 512 << 20
"""Bytes that all compressed APKs of a set may take once they are inflated."""
MAX_APKS = 1_000


def is_module(path: str) -> bool:
    """Whether a file of a set is an APK by its name, as those who install sets see it."""
    return path.lower().endswith(".apk")


def named_modules(outer: ZipFiles | FolderFiles) -> frozenset[str]:
    """What the set's own list names, has the content of an APK, and no name of one."""
    wanted = listed(outer)
    return frozenset(
        path
        for path in outer.names
        if plain(path) in wanted and not is_module(path) and _is_apk(outer, path)
    )


def _is_apk(outer: ZipFiles | FolderFiles, path: str) -> bool:
    try:
        if not begins_with(outer, path, LOCAL_MAGIC):
            return False
        return "AndroidManifest.xml" in ZipFiles(_open(outer, path, MEMORY)[0], outer.budget)
    except (Malformed, Unread):
        return False


def begins_with(files: Files, path: str, *magic: bytes) -> bool:
    """Whether a file begins so; `Unread` where it cannot be read."""
    return next(files.blocks(path, files.budget.total), b"").startswith(magic)


class SetFiles:
    """The files of a set: those beside the APKs, and in place of each APK what lies in it.

    `apks` are the APKs by their path, `faults` says by path why one cannot be opened; reading
    that one gives the same words as `Unread`.
    """

    def __init__(self, outer: ZipFiles | FolderFiles) -> None:
        self._outer = outer
        self.budget = outer.budget
        self.apks: dict[str, ZipFiles] = {}
        self.faults: dict[str, str] = {}
        self._inside: dict[str, tuple[ZipFiles, str]] = {}
        self._size = outer.declared
        left = MEMORY
        named = named_modules(outer)
        for path in outer.names:
            if is_module(path) or path in named:
                try:
                    left -= self._add(path, left)
                except (Malformed, Unread) as reason:
                    self.faults[path] = str(reason)

    def _add(self, path: str, left: int) -> int:
        """Open one APK; the answer is how many bytes of memory it takes."""
        if len(self.apks) >= MAX_APKS:
            raise Unread(f"the set has more than {MAX_APKS} APKs")
        if isinstance(self._outer, ZipFiles) and self.budget.nesting < 2:
            raise Unread(f"an archive in an archive is more than {self.budget.nesting}")
        file, used = _open(self._outer, path, left)
        files = ZipFiles(file, self.budget)
        if len(self._inside) + len(files.names) > self.budget.entries:
            raise Unread(f"the set has more files than {self.budget.entries}")
        if self._size + files.declared > self.budget.total:
            raise Unread(f"the files of the set have more bytes than {self.budget.total}")
        self._size += files.declared
        self.apks[path] = files
        self._inside.update((f"{path}!/{name}", (files, name)) for name in files.names)
        return used

    @property
    def beside(self) -> tuple[str, ...]:
        """Every file of the set that is none of its APKs."""
        return tuple(
            name for name in self._outer.names if name not in self.apks and name not in self.faults
        )

    def archive(self, path: str) -> ZipFiles:
        """A file beside the APKs as an archive; Malformed or Unread where it is none."""
        return ZipFiles(_open(self._outer, path, MEMORY)[0], self.budget)

    @property
    def archives(self) -> tuple[tuple[str, ZipFiles], ...]:
        """Every archive with what stands before its names: the set's own, then each APK."""
        own = (("", self._outer),) if isinstance(self._outer, ZipFiles) else ()
        return (*own, *((f"{path}!/", apk) for path, apk in self.apks.items()))

    @cached_property
    def names(self) -> Sequence[str]:
        """Every file once, the files of an APK in its place."""
        listed: list[str] = []
        for path in self._outer.names:
            files = self.apks.get(path)
            listed += [path] if files is None else (f"{path}!/{name}" for name in files.names)
        return tuple(dict.fromkeys(listed))

    def __contains__(self, name: str) -> bool:
        return name in self._inside or (name in self._outer and name not in self.apks)

    def size(self, name: str) -> int:
        """The size that the directory declares, in bytes."""
        files, inner = self._place(name)
        return files.size(inner)

    def read(self, name: str, limit: int) -> bytes:
        """The inflated file; `Unread` says what is wrong with it."""
        files, inner = self._place(name)
        return files.read(inner, limit)

    def blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """The inflated file in blocks of at most 1 MiB."""
        files, inner = self._place(name)
        yield from files.blocks(inner, limit)

    def _place(self, name: str) -> tuple[ZipFiles | FolderFiles, str]:
        if name in self.faults:
            raise Unread(self.faults[name])
        return self._inside.get(name, (self._outer, name))


def _open(outer: ZipFiles | FolderFiles, path: str, left: int) -> tuple[BinaryIO, int]:
    """An APK as a file of its own, and the memory it takes: none where it is stored in a ZIP."""
    if isinstance(outer, ZipFiles):
        directory = outer.directory
        entry = directory.find(path)
        if path in directory.duplicates:
            raise Unread("occurs more than once")
        if entry and entry.method == STORED and entry.header_offset not in directory.faults:
            window = _Window(outer.file, entry.data_offset, entry.size)
            return cast(BinaryIO, io.BufferedReader(window)), 0
    data = outer.read(path, left)
    return io.BytesIO(data), len(data)


class _Window(io.RawIOBase):
    """A part of a file as a file, without a copy; offset and size in bytes."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as in any file; never before its start."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        """Read what lies at the place, and never beyond the end of the part."""
        view = memoryview(cast(bytearray, buffer)).cast("B")
        size = max(0, min(len(view), self._size - self._at))
        self._file.seek(self._offset + self._at)
        data = self._file.read(size)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class NestedJournal(Journal):
    """A set's journal as one of its APKs writes it: every part is told by its place in the set."""

    def __init__(self, outer: Journal, path: str) -> None:
        super().__init__()
        self._outer = outer
        self._path = path

    def gap(self, fact: str, part: str, reason: str, at: Location | None = None) -> Gap:
        """Note a part of the APK that was not read."""
        place = at or Location(part)
        inside = f"{self._path}!/{place.path}" if place.path else self._path
        return self._outer.gap(fact, f"{self._path}!/{part}", reason, replace(place, path=inside))

    def failure(self, fact: str, reason: str) -> None:
        """Note that a whole fact of the APK failed."""
        self._outer.failure(fact, f"{self._path}: {reason}")

    def cover(self, reader: str, unit: str, declared: int, read: int) -> None:
        """Note how much of the APK a reader has read."""
        self._outer.cover(f"{self._path}: {reader}", unit, declared, read)

    def account(self, fact: str, counter: str, content: str) -> None:
        """Make a gap of content of the APK of which nothing was read."""
        self._outer.account(fact, f"{self._path}: {counter}", f"{self._path}!/{content}")

    def touch(self, fact: str) -> None:
        """Note that somebody asked for a fact of the APK, and so of the set."""
        self._outer.touch(fact)
