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
from gate.formats.zip_entry import (
    DEFLATED,
    STORED,
    Anomaly,
    ZipEntry,
    find_overlaps,
    inflating,
    local_tricks,
    record_tricks,
    too_large,
)
from gate.formats.zip_records import (
    LOCAL_MAGIC,
    Record,
    decode_name,
    find_end,
    read_at,
    read_local_header,
    read_records,
)

__all__ = [
    "DEFLATED",
    "STORED",
    "Anomaly",
    "EntryData",
    "ZipDirectory",
    "ZipEntry",
    "iter_entry",
    "read_directory",
    "read_entry",
]

_MIB = 1024 * 1024


@dataclass(frozen=True)
class ZipDirectory:
    """
    The counted records in their order, and what is odd about them; offsets and sizes in bytes.

    `duplicates` are the names that occur more than once; `faults` says, by header offset, why the
    data of an entry cannot be read with certainty, `beyond` why it is too large to be read.
    """

    entries: tuple[ZipEntry, ...]
    anomalies: tuple[Anomaly, ...]
    duplicates: frozenset[str]
    faults: dict[int, str] = field(repr=False, hash=False)
    beyond: dict[int, str] = field(repr=False, hash=False)
    central_offset: int
    central_size: int
    eocd_offset: int
    comment: bytes

    def find(self, name: str) -> ZipEntry | None:
        """Give the first entry of exactly this name, or None."""
        return self._by_name.get(name)

    @property
    def readable(self) -> int:
        """How many entries lead to data that can be read."""
        lost = self.faults.keys() | self.beyond.keys()
        return sum(entry.header_offset not in lost for entry in self.entries)

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
    file: BinaryIO,
    *,
    max_entries: int = 65_535,
    max_directory: int = 64 * _MIB,
    max_total: int = 8 << 30,
    max_ratio: int = 200,
) -> ZipDirectory:
    """
    Read the central directory and every local header, and no entry's data.

    Raises Malformed where Android's reader finds no directory or would leave its bounds, and
    OverLimit for more than `max_entries` records or `max_directory` bytes of them. Entries of more
    than 64 MiB and `max_ratio` times their compressed size are `beyond`, and so are the largest
    ones where all together declare more than `max_total` bytes.
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
    anomalies += find_overlaps(entries, faults)
    beyond = dict(too_large(entries, max_total))
    for entry, trick in inflating(entries, max_ratio):
        anomalies.append(Anomaly(entry.name, trick))
        beyond[entry.header_offset] = f"{trick}, a ratio over {max_ratio}"
    counts = Counter(entry.name for entry in entries)
    duplicates = frozenset(name for name, count in counts.items() if count > 1)
    anomalies += [Anomaly(name, "occurs more than once") for name in sorted(duplicates)]
    return ZipDirectory(
        entries=tuple(entries),
        anomalies=tuple(anomalies),
        duplicates=duplicates,
        faults=faults,
        beyond=beyond,
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
            tricks += local_tricks(record, local)
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
    tricks += record_tricks(entry)
    return entry, fault, tricks


def iter_entry(
    file: BinaryIO,
    entry: ZipEntry,
    directory: ZipDirectory,
    limit: int,
) -> EntryStream:
    """
    Stream an entry's data in blocks of at most 1 MiB; `limit` is in bytes.

    Raises Malformed for an entry in `directory.faults` and OverLimit for one in `directory.beyond`
    or larger than `limit`, both before any byte is inflated. While it runs, Malformed where the
    data is not of the declared size.
    """
    name = repr(entry.name[:200])
    if fault := directory.faults.get(entry.header_offset):
        raise Malformed(f"ZIP entry {name}: {fault}", entry.header_offset)
    if entry.size > limit:
        raise OverLimit(f"ZIP entry {name} of {entry.size} bytes, more than {limit}")
    if reason := directory.beyond.get(entry.header_offset):
        raise OverLimit(f"ZIP entry {name} {reason}")
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
) -> EntryData:
    """Read an entry whole, with the guards of `iter_entry`; a wrong CRC is a fact, no failure."""
    stream = iter_entry(file, entry, directory, limit)
    data = io.BytesIO()  # grows in place, where joining the blocks would need twice the memory
    data.writelines(stream)
    return EntryData(data.getvalue(), stream.crc_ok, stream.unused)
