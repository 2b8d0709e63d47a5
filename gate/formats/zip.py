"""
The entries of a ZIP archive as the system that installs the app reads them.

The rules are those of Android's libziparchive (AOSP system/libziparchive/zip_archive.cc) over the
records of APPNOTE.TXT. Android refuses an archive for many of the anomalies named here; they are
kept as evidence and the archive is read all the same, so that a trick hides nothing.
"""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO

from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip_data import EntryStream
from gate.formats.zip_records import (
    LOCAL_MAGIC,
    LocalHeader,
    Record,
    decode_name,
    find_end,
    read_at,
    read_local_header,
    read_records,
)

STORED = 0
DEFLATED = 8
MAX_RATIO = 200

_MIB = 1024 * 1024
RATIO_FLOOR = 64 * _MIB

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


@dataclass(frozen=True)
class ZipDirectory:
    """
    The counted records in their order, and what is odd about them; offsets and sizes in bytes.

    `duplicates` are the names that occur more than once; `faults` says, by header offset, why the
    data of an entry cannot be read with certainty.
    """

    entries: tuple[ZipEntry, ...]
    anomalies: tuple[Anomaly, ...]
    duplicates: frozenset[str]
    faults: dict[int, str] = field(repr=False, hash=False)
    central_offset: int
    central_size: int
    eocd_offset: int
    comment: bytes

    def find(self, name: str) -> ZipEntry | None:
        """Give the first entry of exactly this name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, ZipEntry]:
        return {entry.name: entry for entry in reversed(self.entries)}


@dataclass(frozen=True, slots=True)
class EntryData:
    """What an entry holds; `unused` counts bytes left over after the end of its deflate stream."""

    data: bytes
    crc_ok: bool
    unused: int


def read_directory(
    file: BinaryIO, *, max_entries: int = 65_535 * 4, max_directory: int = 64 * _MIB
) -> ZipDirectory:
    """
    Read the central directory and every local header, and no entry's data.

    Raises Malformed where Android's reader finds no directory or would leave its bounds, and
    OverLimit for more than `max_entries` records or `max_directory` bytes of them.
    """
    end = find_end(file)
    if end.size > max_directory:
        raise OverLimit(f"ZIP directory of {end.size} bytes, more than {max_directory}")
    if end.count > max_entries:
        raise OverLimit(f"ZIP directory of {end.count} entries, more than {max_entries}")
    anomalies = [Anomaly("", trick) for trick in (*_lead_tricks(file), *end.tricks)]
    entries: list[ZipEntry] = []
    faults: dict[int, str] = {}
    used = 0
    for record in read_records(read_at(file, end.start, end.size), end):
        entry, fault, tricks = _follow(file, record, end.start)
        entries.append(entry)
        anomalies += [Anomaly(entry.name, trick) for trick in tricks]
        if fault:
            faults[entry.header_offset] = fault
            anomalies.append(Anomaly(entry.name, fault))
        used = record.end
    if used < end.size:
        trick = f"{end.size - used} bytes in the central directory after the last counted entry"
        anomalies.append(Anomaly("", trick))
    anomalies += _find_overlaps(entries, faults)
    counts = Counter(entry.name for entry in entries)
    duplicates = frozenset(name for name, count in counts.items() if count > 1)
    anomalies += [Anomaly(name, "occurs more than once") for name in sorted(duplicates)]
    return ZipDirectory(
        entries=tuple(entries),
        anomalies=tuple(anomalies),
        duplicates=duplicates,
        faults=faults,
        central_offset=end.start,
        central_size=end.size,
        eocd_offset=end.offset,
        comment=end.comment,
    )


def _lead_tricks(file: BinaryIO) -> Iterator[str]:
    """Android wants a local header at byte 0 since CVE-2017-13156 was mended."""
    lead = read_at(file, 0, 4)
    if lead.startswith(b"dex\n"):
        yield "data before the first entry: a DEX file (Janus, CVE-2017-13156)"
    elif lead != LOCAL_MAGIC:
        yield "data before the first entry"


def _follow(file: BinaryIO, record: Record, central: int) -> tuple[ZipEntry, str, list[str]]:
    """Follow a record to its data: the entry, why it is unreadable or "", and what is odd."""
    name, tricks = decode_name(record.name, record.flags)
    data_offset, fault = 0, record.fault
    if not fault:
        try:
            local = read_local_header(file, record, central)
            data_offset = local.data_offset
            tricks += _local_tricks(record, local)
        except Malformed as cause:
            fault = cause.reason
    entry = ZipEntry(
        name=name,
        raw_name=record.name,
        size=record.size,
        compressed_size=record.compressed_size,
        method=record.method,
        crc32=record.crc32,
        header_offset=record.offset,
        data_offset=data_offset,
        flags=record.flags,
        version_needed=record.needed,
        version_made_by=record.made_by,
        external_attributes=record.external,
    )
    if data_offset and max(entry.compressed_size, entry.stored_size) > central - data_offset:
        fault = "its data runs into the central directory"
    tricks += _record_tricks(entry)
    return entry, fault, tricks


def _local_tricks(record: Record, local: LocalHeader) -> Iterator[str]:
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


def _record_tricks(entry: ZipEntry) -> Iterator[str]:
    if entry.method not in (STORED, DEFLATED):
        yield f"has the unknown compression method {entry.method}, stored to Android 9 and later"
    elif entry.method == STORED and entry.compressed_size != entry.size:
        yield f"is stored, yet takes {entry.compressed_size} bytes for {entry.size}"
    if entry.version_needed & 0xFF > _NEWEST_VERSION:
        yield f"needs version {entry.version_needed} of the format, which does not exist"
    if entry.name.endswith("/") and entry.size:
        yield "is named as a folder, yet holds data"
    if entry.size > RATIO_FLOOR and entry.size > MAX_RATIO * entry.stored_size:
        yield f"inflates {entry.stored_size} bytes to {entry.size}"


def _find_overlaps(entries: list[ZipEntry], faults: dict[int, str]) -> Iterator[Anomaly]:
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


def iter_entry(
    file: BinaryIO,
    entry: ZipEntry,
    directory: ZipDirectory,
    limit: int,
    *,
    max_ratio: int = MAX_RATIO,
    ratio_floor: int = RATIO_FLOOR,
) -> EntryStream:
    """
    Stream an entry's data in blocks of at most 1 MiB; `limit` and `ratio_floor` are in bytes.

    Raises Malformed for an entry in `directory.faults` and OverLimit for one larger than `limit`,
    or larger than `ratio_floor` and more than `max_ratio` times its compressed size: both before
    any byte is inflated. While it runs, Malformed where the data is not of the declared size.
    """
    name = repr(entry.name[:200])
    if fault := directory.faults.get(entry.header_offset):
        raise Malformed(f"ZIP entry {name}: {fault}", entry.header_offset)
    if entry.size > limit:
        raise OverLimit(f"ZIP entry {name} of {entry.size} bytes, more than {limit}")
    if entry.size > ratio_floor and entry.size > max_ratio * entry.stored_size:
        reason = f"ZIP entry {name} inflates {entry.stored_size} bytes to {entry.size}"
        raise OverLimit(f"{reason}, more than {max_ratio} times as much")
    return EntryStream(
        file,
        offset=entry.data_offset,
        stored_size=entry.stored_size,
        size=entry.size,
        crc32=entry.crc32,
        deflated=entry.method == DEFLATED,
        what=f"ZIP entry {name}",
    )


def read_entry(
    file: BinaryIO,
    entry: ZipEntry,
    directory: ZipDirectory,
    limit: int,
    *,
    max_ratio: int = MAX_RATIO,
    ratio_floor: int = RATIO_FLOOR,
) -> EntryData:
    """Read an entry whole, with the guards of `iter_entry`; a wrong CRC is a fact, no failure."""
    stream = iter_entry(file, entry, directory, limit, max_ratio=max_ratio, ratio_floor=ratio_floor)
    data = io.BytesIO()  # grows in place, where joining the blocks would need twice the memory
    data.writelines(stream)
    return EntryData(data.getvalue(), stream.crc_ok, stream.unused)
