"""Makes a finished archive lie: what `lies` of a recipe asks for, done to the bytes of the file."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path
from typing import Literal

from fixture_recipe import Lie, content_bytes
from fixture_zip import DATE

# Offsets in the local header and in the central directory record (APPNOTE.TXT 4.3.7, 4.3.12).
_FIELDS: dict[str, tuple[int, int]] = {"flags": (6, 8), "method": (8, 10), "crc": (14, 16)}
_END = b"PK\x05\x06"


def tell(path: Path, lie: Lie, folder: Path) -> None:
    """Changes the archive as `lie` says."""
    content = content_bytes(lie.content, lie.entry, folder)
    if lie.do == "add":
        _add(path, lie.entry, content, lie.mode)
    elif lie.do in ("prefix", "gap"):
        _insert(path, content, lie.do)
    else:
        _set(path, lie.entry, lie.do, lie.value)


def _add(path: Path, name: str, data: bytes, mode: int) -> None:
    """One more entry, whatever there is already."""
    info = zipfile.ZipInfo(name, DATE)
    info.create_system = 3
    info.external_attr = mode << 16
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore", UserWarning)  # that the name is there already
        archive.writestr(info, data)


def _insert(path: Path, data: bytes, where: Literal["prefix", "gap"]) -> None:
    """Bytes in front of everything, or in front of the central directory; offsets are mended."""
    old = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
        entries = len(archive.infolist())
    new = bytearray(old)
    end = new.rindex(_END)
    struct.pack_into("<I", new, end + 16, directory + len(data))
    if where == "prefix":
        at = directory
        for _ in range(entries):
            (offset,) = struct.unpack_from("<I", new, at + 42)
            struct.pack_into("<I", new, at + 42, offset + len(data))
            at += 46 + sum(struct.unpack_from("<HHH", new, at + 28))
    place = 0 if where == "prefix" else directory
    path.write_bytes(new[:place] + data + new[place:])


def _set(path: Path, name: str, field: str, value: int) -> None:
    """Another value in both headers of an entry."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo(name).header_offset
        central = data.index(name.encode(), archive.start_dir) - 46
    width = "<I" if field == "crc" else "<H"
    for place, offset in zip((local, central), _FIELDS[field], strict=True):
        struct.pack_into(width, data, place + offset, value)
    path.write_bytes(data)
