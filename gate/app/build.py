"""The artifact that is judged."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from gate.app.budget import Budget
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Build:
    """One artifact: what was given, and what identifies its bytes.

    `path` is as the caller wrote it; `kind` is one of apk, aab, apks (a set of split APKs), ipa,
    app-folder, or '' while nobody could tell; `sha256` is lower-case hex, of the file, or for a
    folder of the sorted list of its files' digests and names; `size` is in bytes.
    """

    path: str
    kind: str = ""
    sha256: str = ""
    size: int = 0


class Files(Protocol):
    """The only reader of a build's bytes; names are data and never become a path of this host."""

    @property
    def budget(self) -> Budget:
        """How much of the build may be read."""

    @property
    def names(self) -> Sequence[str]:
        """The name of every file in the build, in the build's own order, folders left out."""

    def __contains__(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """The declared size in bytes; `Unread` when there is no such file."""

    def read(self, name: str, limit: int) -> bytes:
        """The whole file; `Unread` when it is missing, unreadable or larger than `limit` bytes."""

    def blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """The same bytes in blocks of at most 1 MiB, for files that need not be in memory."""
