"""An entry of a ZIP archive, and what no plain archive has: a lie, an overlap, a bomb.

What Android makes of each: AOSP system/libziparchive/zip_archive.cc.
"""

from collections.abc import Iterable, Iterator

from gate.formats.zip_records import LocalHeader, Record
from gate.frozen import dataclass

STORED = 0
DEFLATED = 8

_RATIO_FLOOR = 64 << 20  # an entry that is no larger is no danger, whatever its ratio
_ENCRYPTED = 1 << 0
_DATA_DESCRIPTOR = 1 << 3
_NEWEST_VERSION = 63  # APPNOTE.TXT 4.4.3.2 ends at 6.3
_UNIX_HOSTS = (3, 19)  # APPNOTE.TXT 4.4.2.2: UNIX and OS X
_SYMLINK, _FILE_TYPE = 0o120000, 0o170000  # as in POSIX st_mode


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something a plain archive does not have; `entry` is "" where it concerns all of it."""

    entry: str
    trick: str


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """
    One record of the central directory; sizes and offsets in bytes.

    `data_offset` is 0 where the local header could not be followed. The name is data, never a path.
    """

    name: str
    raw_name: bytes
    size: int
    compressed_size: int
    method: int
    crc32: int
    header_offset: int
    data_offset: int
    flags: int
    version_needed: int
    version_made_by: int
    external_attributes: int

    @property
    def is_folder(self) -> bool:
        """Whether this stands for a folder; some Windows tools end their names in a backslash."""
        return self.name.endswith("/") or (self.name.endswith("\\") and not self.size)

    @property
    def is_symlink(self) -> bool:
        """Whether a Unix tool recorded a symbolic link, whose data is the target."""
        mode = self.external_attributes >> 16
        return self.version_made_by >> 8 in _UNIX_HOSTS and mode & _FILE_TYPE == _SYMLINK

    @property
    def stored_size(self) -> int:
        """Bytes of the file that are its data: any method but deflate is taken as stored."""
        return self.compressed_size if self.method == DEFLATED else self.size


def local_tricks(record: Record, local: LocalHeader) -> Iterator[str]:
    """Where a local header contradicts its record in the directory."""
    if local.method != record.method:
        yield f"its local header says method {local.method}, the directory {record.method}"
    # With a data descriptor the local header was written before the sizes were known.
    if not local.flags & _DATA_DESCRIPTOR:
        if (local.compressed_size, local.size) != (record.compressed_size, record.size):
            yield "its local header gives other sizes than the directory"
        if local.crc32 != record.crc32:
            yield "its local header gives another CRC than the directory"
    if (local.flags | record.flags) & _ENCRYPTED:
        yield "is marked as encrypted, which Android ignores"


def record_tricks(entry: ZipEntry) -> Iterator[str]:
    """What is odd about an entry whose header and record agree."""
    if entry.method not in (STORED, DEFLATED):
        yield f"has the unknown compression method {entry.method}, stored to Android 9 and later"
    elif entry.method == STORED and entry.compressed_size != entry.size:
        yield f"is stored, yet takes {entry.compressed_size} bytes for {entry.size}"
    if entry.version_needed & 0xFF > _NEWEST_VERSION:
        yield f"needs version {entry.version_needed} of the format, which does not exist"
    if entry.name.endswith("/") and entry.size:
        yield "is named as a folder, yet holds data"


def inflating(entries: Iterable[ZipEntry], ratio: int) -> Iterator[tuple[ZipEntry, str]]:
    """Entries of more than 64 MiB and `ratio` times their compressed size, and that in words."""
    for entry in entries:
        if entry.size > _RATIO_FLOOR and entry.size > ratio * entry.stored_size:
            yield entry, f"inflates {entry.stored_size} bytes to {entry.size}"


def too_large(entries: list[ZipEntry], most: int) -> Iterator[tuple[int, str]]:
    """Header offsets of the largest entries, without which the others declare at most `most`."""
    declared = left = sum(entry.size for entry in entries)
    for entry in sorted(entries, key=lambda entry: -entry.size) if left > most else ():
        if left <= most:
            break
        left -= entry.size
        yield entry.header_offset, f"is one of the largest of {declared} bytes, more than {most}"


def find_overlaps(entries: list[ZipEntry], faults: dict[int, str]) -> Iterator[Anomaly]:
    """Add every entry that shares bytes with another to `faults`; nothing is inflated for it."""
    reach, widest = 0, None
    sound = [entry for entry in entries if entry.header_offset not in faults]
    for entry in sorted(sound, key=lambda entry: entry.header_offset):
        if widest and entry.header_offset < reach:
            for one, other in ((entry, widest), (widest, entry)):
                fault = f"its data overlaps that of {other.name[:200]!r}"
                if faults.setdefault(one.header_offset, fault) is fault:
                    yield Anomaly(one.name, fault)
        end = entry.data_offset + entry.stored_size
        if end > reach:
            reach, widest = end, entry
