"""Writes zip files whose bytes depend on their content alone."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

DATE = (2025, 1, 1, 0, 0, 0)
_ALIGNMENT_FIELD = 0xD935  # AOSP: tools/apksig, ApkSigner.java, ALIGNMENT_ZIP_EXTRA_DATA_FIELD


def write_zip(
    path: Path,
    entries: Mapping[str, bytes],
    *,
    stored: Callable[[str], bool] = lambda name: False,
    alignment: Callable[[str], int] = lambda name: 1,
    programs: frozenset[str] = frozenset(),
) -> None:
    """Writes `entries` in their order.

    `stored` tells the names that are not compressed, `alignment` the multiple of bytes at which
    their data starts (AOSP's extra field), `programs` the names that carry the execute bit.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3
            info.external_attr = (0o100755 if name in programs else 0o100644) << 16
            info.compress_type = zipfile.ZIP_STORED if stored(name) else zipfile.ZIP_DEFLATED
            if stored(name) and alignment(name) > 1:
                info.extra = _padding(archive.start_dir + 30 + len(name.encode()), alignment(name))
            archive.writestr(info, data, compresslevel=9)


def patch_stored(path: Path, entry: str, change: Callable[[bytes], bytes]) -> None:
    """Changes the bytes of a stored entry in place and corrects its check sums."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(entry)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{entry} is compressed; only a stored entry can be changed in place")
        directory = archive.start_dir
    local = info.header_offset
    names = struct.unpack_from("<HH", data, local + 26)
    start = local + 30 + sum(names)
    new = change(bytes(data[start : start + info.file_size]))
    data[start : start + info.file_size] = new
    central = data.index(entry.encode(), directory) - 46
    struct.pack_into("<I", data, local + 14, zlib.crc32(new))
    struct.pack_into("<I", data, central + 16, zlib.crc32(new))
    path.write_bytes(data)


def strip_signing_block(path: Path) -> None:
    """Removes the APK Signing Block, as someone does who wants an older scheme to count."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    if data[directory - 16 : directory] != b"APK Sig Block 42":
        raise ValueError("no APK Signing Block to remove")
    (size,) = struct.unpack_from("<Q", data, directory - 24)
    start = directory - size - 8
    end_record = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end_record + 16, start)
    path.write_bytes(data[:start] + data[directory:])


def _padding(header_end: int, multiple: int) -> bytes:
    """The extra field that pushes the data behind a header to a multiple."""
    gap = -(header_end + 6) % multiple
    return struct.pack("<HHH", _ALIGNMENT_FIELD, 2 + gap, multiple) + bytes(gap)
