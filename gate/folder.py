"""A folder given as a build: every file below it, without following a link out of it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from gate.frozen import dataclass

MAX_DEPTH = 64


class TooMuch(Exception):
    """A folder with more files than are listed; the message names the limit."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Paths below a folder, with forward slashes and sorted.

    `files` are the regular files and `size` their bytes together; `unread` are links, special
    files and folders that may not be entered, each with the reason.
    """

    files: tuple[str, ...]
    size: int
    unread: tuple[tuple[str, str], ...]


def list_files(folder: int, most: int) -> Listing:
    """Everything below an open folder; TooMuch past `most` files."""
    files: list[str] = []
    total = 0
    unread: list[tuple[str, str]] = []
    waiting = [""]
    while waiting:
        at = waiting.pop()
        if at.count("/") >= MAX_DEPTH:
            unread.append((at, f"nested deeper than {MAX_DEPTH} folders"))
            continue
        try:
            for name, kind, size in _entries(folder, at):
                path = f"{at}/{name}" if at else name
                if kind == "folder":
                    waiting.append(path)
                elif kind == "file":
                    files.append(path)
                    total += size
                else:
                    unread.append((path, f"a {kind}, which is not followed"))
        except OSError as error:
            unread.append((at or ".", f"cannot be entered: {error.strerror}"))
        if len(files) + len(unread) > most:
            raise TooMuch(f"the folder holds more files than {most}")
    return Listing(tuple(sorted(files)), total, tuple(sorted(unread)))


def _entries(folder: int, path: str) -> list[tuple[str, str, int]]:
    with _descend(folder, path.split("/") if path else []) as fd, os.scandir(fd) as entries:
        return [
            (entry.name, _kind(entry), entry.stat(follow_symlinks=False).st_size)
            for entry in entries
        ]


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "special file"


@contextmanager
def open_file(folder: int, path: str) -> Iterator[BinaryIO]:
    """Open a regular file below a folder, step by step; OSError where a step is a link."""
    *folders, name = path.split("/")
    with _descend(folder, folders) as at:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "not a regular file")
        yield file


@contextmanager
def _descend(folder: int, names: list[str]) -> Iterator[int]:
    """The folder at a path below; one descriptor is open at a time, however deep it goes."""
    at = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        for name in names:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(name, flags, dir_fd=at)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)
