"""The bytes of a build, from an archive or from a folder, behind one face."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import BinaryIO

from gate.app import Budget, Unread
from gate.folder import TooMuch, list_files, open_file
from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import ZipDirectory, ZipEntry, iter_entry, read_directory, read_entry
from gate.frozen import dataclass

BLOCK = 1 << 20
# DEX files and Mach-O programs are held by who analyses the code, and others ask for them too.
CODE = (b"dex\n", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
KEEP = 256 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an entry to its end showed; `unused` bytes lie behind its deflate stream."""

    crc_ok: bool
    unused: int


class ZipFiles:
    """The files of a ZIP archive; of a name that occurs twice the first, as the index finds it."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self.file = file
        self.budget = budget
        self.directory: ZipDirectory = read_directory(
            file, max_entries=budget.entries, max_total=budget.total, max_ratio=budget.ratio
        )
        self._readings: dict[str, Reading] = {}
        self._kept: dict[str, bytes] = {}
        self._left = KEEP

    @cached_property
    def names(self) -> Sequence[str]:
        """Every file's name once, in the order of the directory."""
        return tuple(dict.fromkeys(e.name for e in self.directory.entries if not e.is_folder))

    @property
    def declared(self) -> int:
        """The sizes that the directory declares, together."""
        return sum(entry.size for entry in self.directory.entries)

    def __contains__(self, name: str) -> bool:
        return self.directory.find(name) is not None

    def size(self, name: str) -> int:
        """The size that the directory declares, in bytes."""
        return self._entry(name).size

    def read(self, name: str, limit: int) -> bytes:
        """The inflated file; `Unread` says what is wrong with it."""
        if name in self._kept and len(self._kept[name]) <= limit:
            return self._kept[name]
        try:
            found = read_entry(self.file, self._entry(name), self.directory, limit)
        except Malformed as malformed:
            raise Unread(str(malformed)) from malformed
        self._readings[name] = Reading(found.crc_ok, found.unused)
        if found.data[:4] in CODE and len(found.data) <= self._left:
            self._kept[name] = found.data
            self._left -= len(found.data)
        return found.data

    def blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """The inflated file in blocks of at most 1 MiB."""
        if name in self._kept and len(self._kept[name]) <= limit:
            kept = self._kept[name]
            yield from (kept[at : at + BLOCK] for at in range(0, len(kept), BLOCK))
            return
        try:
            stream = iter_entry(self.file, self._entry(name), self.directory, limit)
            yield from stream
        except Malformed as malformed:
            raise Unread(str(malformed)) from malformed
        self._readings[name] = Reading(stream.crc_ok, stream.unused)

    def reading(self, name: str, limit: int) -> Reading:
        """What reading the file showed; it is read for that if nobody has yet."""
        if name not in self._readings:
            for _ in self.blocks(name, limit):
                pass
        return self._readings[name]

    def _entry(self, name: str) -> ZipEntry:
        entry = self.directory.find(name)
        if entry is None:
            raise Unread(f"there is no {name} in the build")
        return entry


class FolderFiles:
    """The regular files below a folder; links are not followed, and told in `unread`."""

    def __init__(self, fd: int, budget: Budget) -> None:
        self._fd = fd
        self.budget = budget
        try:
            listing = list_files(fd, budget.entries)
        except TooMuch as limit:
            raise OverLimit(str(limit)) from limit
        if listing.size > budget.total:
            raise OverLimit(f"a folder of {listing.size} bytes, more than {budget.total}")
        self.names: Sequence[str] = listing.files
        self.declared = listing.size
        self.unread = listing.unread
        self._known = frozenset(listing.files)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def size(self, name: str) -> int:
        """The file's size in bytes."""
        with self._open(name) as file:
            return os.fstat(file.fileno()).st_size

    def read(self, name: str, limit: int) -> bytes:
        """The whole file."""
        return b"".join(self.blocks(name, limit))

    def blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """The file in blocks of 1 MiB."""
        total = 0
        with self._open(name) as file:
            while block := file.read(BLOCK):
                total += len(block)
                if total > limit:
                    raise Unread(f"{name} has more bytes than {limit}")
                yield block

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        if name not in self._known:
            raise Unread(f"there is no {name} in the build")
        try:
            with open_file(self._fd, name) as file:
                yield file
        except OSError as error:
            raise Unread(f"{name} cannot be read: {error.strerror}") from error
