"""The bytes of a build, from an archive or from a folder, behind one face."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import BinaryIO

from gate.app import Unread
from gate.formats.errors import Malformed
from gate.formats.zip import ZipDirectory, ZipEntry, iter_entry, read_directory, read_entry

MAX_FILES = 65_535 * 4
BLOCK = 1 << 20


class ZipFiles:
    """The files of a ZIP archive; of a name that occurs twice the first, as the index finds it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.directory: ZipDirectory = read_directory(file, max_entries=MAX_FILES)

    @cached_property
    def names(self) -> Sequence[str]:
        """Every file's name once, in the order of the directory."""
        return tuple(dict.fromkeys(e.name for e in self.directory.entries if not e.is_folder))

    def __contains__(self, name: str) -> bool:
        return self.directory.find(name) is not None

    def size(self, name: str) -> int:
        """The size that the directory declares, in bytes."""
        return self._entry(name).size

    def read(self, name: str, limit: int) -> bytes:
        """The inflated file; `Unread` says what is wrong with it."""
        try:
            return read_entry(self.file, self._entry(name), self.directory, limit).data
        except Malformed as malformed:
            raise Unread(str(malformed)) from malformed

    def blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """The inflated file in blocks of at most 1 MiB."""
        try:
            yield from iter_entry(self.file, self._entry(name), self.directory, limit)
        except Malformed as malformed:
            raise Unread(str(malformed)) from malformed

    def _entry(self, name: str) -> ZipEntry:
        entry = self.directory.find(name)
        if entry is None:
            raise Unread(f"there is no {name} in the build")
        return entry


class FolderFiles:
    """The regular files below a folder; links are neither followed nor listed as files."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._files: dict[str, tuple[str, ...]] = {}
        for folder, folders, names, _ in os.fwalk(".", dir_fd=fd):
            folders.sort()
            at = tuple(part for part in folder.split("/") if part != ".")
            for name in sorted(names):
                self._files["/".join((*at, name))] = (*at, name)
            if len(self._files) > MAX_FILES:
                raise Malformed(f"the folder holds more than {MAX_FILES} files")

    @cached_property
    def names(self) -> Sequence[str]:
        """Every regular file's name, sorted."""
        return tuple(sorted(name for name in self._files if self._is_regular(name)))

    def __contains__(self, name: str) -> bool:
        return name in self._files

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
                    raise Unread(f"{name} is larger than {limit} bytes")
                yield block

    def _is_regular(self, name: str) -> bool:
        try:
            with self._open(name):
                return True
        except Unread:
            return False

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        """Open one file step by step below the folder, so that no link leads out of it."""
        if name not in self._files:
            raise Unread(f"there is no {name} in the build")
        *folders, last = self._files[name]
        at, opened = self._fd, []
        try:
            for folder in folders:
                at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                opened.append(at)
            fd = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
            opened.append(fd)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unread(f"{name} is not a regular file")
            with os.fdopen(os.dup(fd), "rb") as file:
                yield file
        except OSError as error:
            raise Unread(f"{name} cannot be read: {error.strerror}") from error
        finally:
            for each in opened:
                os.close(each)
