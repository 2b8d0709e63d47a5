"""Look a text up in every file of a build, block by block."""

from collections.abc import Iterator

from gate.app import Files, Journal, Unread
from gate.app.strings import Occurrence


class FileText:
    """The text of a build's files; a file that cannot be read is a gap."""

    def __init__(self, files: Files, journal: Journal) -> None:
        self._files = files
        self._journal = journal

    def find(self, text: str) -> Iterator[Occurrence]:
        """Every occurrence of an ASCII text, in UTF-8 and in UTF-16LE."""
        needles = {"utf-8": text.encode("ascii"), "utf-16-le": text.encode("utf-16-le")}
        for name in self._files.names:
            try:
                yield from self._find_in(name, needles)
            except Unread as reason:
                self._journal.gap("strings", name, str(reason))

    def _find_in(self, name: str, needles: dict[str, bytes]) -> Iterator[Occurrence]:
        longest = max(map(len, needles.values()))
        tail, start = b"", 0
        for block in self._files.blocks(name, self._files.budget.total):
            window = tail + block
            found = sorted(
                (start + place, encoding)
                for encoding, needle in needles.items()
                for place in _places(window, needle)
                if place + len(needle) > len(tail)  # else the block before has told of it
            )
            yield from (Occurrence(name, offset, encoding) for offset, encoding in found)
            tail = window[-(longest - 1) :]
            start += len(window) - len(tail)


def _places(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)
