"""Change valid bytes as an attacker would: flips, lies about sizes, parts moved, seeds joined."""

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Final

MAX_SIZE: Final = (1 << 20) - 1  # the promise about time is for inputs below 1 MiB
_WIDTHS: Final = (2, 4, 8)
_EDGES: Final = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 20, 1 << 28)
_TEXT_NUMBER: Final = re.compile(rb"\d+")


def mutate(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """One to five changes, one after the other; `seeds` give the other half of a splice."""
    for _ in range(min(5, 1 + int(chance.expovariate(1)))):
        data = chance.choice(_CHANGES)(chance, data, seeds)[:MAX_SIZE]
    return data


def mutate_archive(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change one file inside a ZIP archive and write it anew, or, half the time, its own bytes.

    A change of the archive's bytes seldom gets past the directory to the files that it holds.
    """
    if chance.random() < 0.5:
        return mutate(chance, data, seeds)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  # an archive that Python does not read, of whatever reason
        return mutate(chance, data, seeds)
    name = chance.choice(sorted(files)) if files else ""
    others = [content for other, content in files.items() if other != name]
    files[name or "a"] = mutate(chance, files.get(name, b""), others)
    return _archive(files)[:MAX_SIZE]


def _archive(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


def _flip(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Turn a few bits over."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _byte(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put another byte in one place."""
    at = chance.randrange(len(data) + 1)
    value = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return data[:at] + bytes((value,)) + data[at + 1 :]


def _lie(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put an edge value where a number of 16, 32 or 64 bits may be, in either byte order."""
    width, order = chance.choice(_WIDTHS), chance.choice(("little", "big"))
    at = chance.randrange(max(1, len(data) - width + 1))
    if chance.random() < 0.5:
        at -= at % width
    old = int.from_bytes(data[at : at + width], order)  # type: ignore[arg-type]  # one of two words
    size, top = len(data), 1 << 8 * width
    near = (old + 1, old - 1, 2 * old, old // 2, at, size, size - 1, size + 1, size - at)
    high = (size - at - width, top - 1, top - 2, top // 2, top // 2 - 1, top - size)
    value = chance.choice((*_EDGES, *near, *high))
    return data[:at] + (value % top).to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def _length(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Lie in one byte by little, as DER lengths, varints and counts in a byte want it."""
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes(((data[at] + chance.choice((-2, -1, 1, 2))) % 256,)) + data[at + 1 :]


def _number(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Lie about a number that is written in digits."""
    found = list(_TEXT_NUMBER.finditer(data[:65_536]))
    if not found:
        return data
    place = chance.choice(found)
    value = chance.choice((b"0", b"-1", b"65536", b"9" * 20, b"9" * 400, b"1e999", b"0x"))
    return data[: place.start()] + value + data[place.end() :]


def _cut(chance: random.Random, data: bytes) -> tuple[int, int]:
    """A part of the data, mostly short and often on a multiple of four."""
    length = int(min(len(data), 1 + chance.expovariate(1 / chance.choice((4, 32, 256, 4096)))))
    start = chance.randrange(len(data) - length + 1)
    if chance.random() < 0.5:
        start, length = start - start % 4, (length + 3) // 4 * 4
    return start, start + length


def _repeat(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Write a part again, once or often, behind itself or elsewhere."""
    start, end = _cut(chance, data)
    at = end if chance.random() < 0.7 else chance.randrange(len(data) + 1)
    return data[:at] + data[start:end] * chance.choice((1, 1, 1, 2, 16, 200)) + data[at:]


def _drop(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _cut(chance, data)
    return data[:start] + data[end:]


def _overwrite(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put one part over another, so that sizes stay true."""
    start, end = _cut(chance, data)
    part = data[start:end]
    at = chance.randrange(len(data) - len(part) + 1)
    return data[:at] + part + data[at + len(part) :]


def _truncate(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _splice(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Begin as this input and go on as another, or put a part of another inside."""
    other = chance.choice(seeds) if seeds else data
    if chance.random() < 0.5:
        at = chance.randrange(min(len(data), len(other)) + 1)
        return data[:at] + other[at:]
    start, end = _cut(chance, other)
    at = chance.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at + chance.choice((0, end - start)) :]


_CHANGES: Final[tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...]] = (
    *(_flip, _byte, _lie, _lie, _lie, _length, _length, _number),
    *(_repeat, _drop, _overwrite, _truncate, _splice),
)
