"""What code directories seal, hashed anew: the pages of the code and the special slots.

Source: Apple's xnu, osfmk/kern/cs_blobs.h (slots, hash types) and bsd/kern/ubc_subr.c
(`cs_validate_csblob`, `cs_validate_codedirectory`: what is refused); the Security framework's
libsecurity_codesigning, codedirectory.cpp and StaticCode.cpp (`validateExecutable`,
`validateComponent`: what is compared); Apple's TN3126. Scattered code (a table that no tool of
Apple's writes any more) is stated and not followed.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from gate.app.native import CodeDirectory, CodeSignature, DirectorySeal, Disagreement
from gate.formats.errors import Malformed

INFO_PLIST, CODE_RESOURCES = 1, 3

# What hashes for each hash type, and how many of its bytes count.
_HASHES: Final[Mapping[int, tuple[Callable[..., Any], int]]] = {
    1: (partial(hashlib.sha1, usedforsecurity=False), 20),
    2: (hashlib.sha256, 32),
    3: (hashlib.sha256, 20),
    4: (hashlib.sha384, 48),
}
_SLOT_NAMES: Final = {
    INFO_PLIST: "Info.plist",
    2: "requirements",
    CODE_RESOURCES: "CodeResources",
    4: "CodeTopDirectory",
    5: "entitlements",
    7: "DER entitlements",
    8: "launch constraint of itself",
    9: "launch constraint of its parent",
    10: "launch constraint of what is responsible",
    11: "library constraint",
}
_EMBEDDED: Final = (2, 5, 7, 8, 9, 10, 11)  # slots whose data lie in the signature or nowhere
_LAST_SLOT: Final = 0xFFF  # the alternate directories and the CMS have numbers above
_MAX_SPECIAL: Final = 64
_SUPERBLOB, _WRAPPER = 0xFADE0CC0, 0xFADE0B01
_SCATTER: Final = (0x20100, 44)  # scatterOffset: the version from which it is there, its offset


def digest(hash_type: int, data: bytes) -> bytes:
    """The digest that a directory of this type keeps of `data`; Malformed for an unknown type."""
    if hash_type not in _HASHES:
        raise Malformed(f"code directory with hash type {hash_type}, which no device knows")
    new, size = _HASHES[hash_type]
    return bytes(new(data).digest()[:size])


def blobs(signature: bytes) -> dict[int, bytes]:
    """Each slot's blob, with its header; the first where a slot is there twice.

    Takes what `codesign.parse` accepts: of a bare code directory slot 0. Malformed otherwise.
    """
    try:
        magic, length, count = struct.unpack_from(">III", signature)
        if magic != _SUPERBLOB:
            return {0: signature[:length]}
        index = list(struct.iter_unpack(">II", signature[12 : 12 + 8 * count]))
        sizes = [struct.unpack_from(">I", signature, offset + 4)[0] for _, offset in index]
    except struct.error as fault:
        raise Malformed("code signature cut short") from fault
    found: dict[int, bytes] = {}
    for (slot, offset), size in zip(index, sizes, strict=True):
        found.setdefault(slot, signature[offset : offset + size])
    return found


def directory_seals(
    image: bytes | memoryview,
    place: tuple[int, int],
    signature: CodeSignature,
    outside: Mapping[int, bytes | None],
    *,
    encrypted: bool = False,
) -> tuple[DirectorySeal, ...]:
    """Every code directory of one Mach-O image, compared with what it seals.

    `place` is the signature's offset and size within the image, `signature` what `codesign.parse`
    says of those bytes. `outside` gives the data of slots that lie in other files (INFO_PLIST,
    CODE_RESOURCES), None for a file that is not there; a slot that it does not name is unchecked.
    The pages of an `encrypted` image may be sealed as they were before. Raises Malformed.
    """
    view = memoryview(image)
    held = blobs(bytes(view[place[0] : place[0] + place[1]]))
    data = {slot: _data(blob) for slot, blob in held.items() if 0 < slot <= _LAST_SLOT}
    known = {**dict.fromkeys(_EMBEDDED), **data, **outside}
    seals: list[DirectorySeal] = []
    for directory in signature.code_directories:
        again = directory.hash_type in {each.hash_type for each in seals}
        fault = _fault(directory, len(view), again=again)
        blob = held[directory.slot]
        if fault:
            seals.append(DirectorySeal(directory.slot, directory.hash_type, "", fault))
        else:
            seals.append(_seal(view, place, directory, blob, known, encrypted=encrypted))
    return tuple(seals)


def _data(blob: bytes) -> bytes:
    """What a slot's digest is of: the blob, or what a mere wrapper holds (Apple's sigblob.cpp)."""
    return blob[8:] if int.from_bytes(blob[:4], "big") == _WRAPPER else blob


def _fault(directory: CodeDirectory, size: int, *, again: bool) -> str:
    """Why a device refuses the directory itself, "" where it does not."""
    kind = directory.hash_type
    if kind not in _HASHES:
        return f"hash type {kind}, which no device knows"
    if directory.hash_size != _HASHES[kind][1]:
        return f"hashes of {directory.hash_size} bytes for hash type {kind}"
    if again:
        return f"a second code directory of hash type {kind}"
    if directory.code_limit > size:
        return f"a code limit of {directory.code_limit} bytes in an image of {size}"
    return ""


def _seal(
    image: memoryview,
    place: tuple[int, int],
    directory: CodeDirectory,
    blob: bytes,
    known: Mapping[int, bytes | None],
    *,
    encrypted: bool,
) -> DirectorySeal:
    unchecked = list(_unchecked(directory, blob, known))
    bad = []
    if _scattered(directory, blob):
        unchecked.append("its pages are scattered, which is not followed")
    else:
        bad = list(_bad_pages(image, directory, blob))
    if bad and encrypted:
        unchecked.append("its pages are encrypted and do not match as they are")
        bad = []
    return DirectorySeal(
        slot=directory.slot,
        hash_type=directory.hash_type,
        cdhash=digest(directory.hash_type, blob)[:20].hex(),
        bad_pages=len(bad),
        first_bad_page=bad[0] if bad else None,
        uncovered=_uncovered(len(image), place, directory),
        slots=_compare_slots(directory, blob, known),
        unchecked=tuple(unchecked),
    )


def _bad_pages(image: memoryview, directory: CodeDirectory, blob: bytes) -> Iterator[int]:
    """The numbers of the pages whose digest is another; a page size of 0 is one page for all."""
    new, size = _HASHES[directory.hash_type]
    limit = directory.code_limit
    page = directory.page_size or limit
    (at,) = struct.unpack_from(">I", blob, 16)
    for number in range(directory.n_code):
        start = min(number * page, limit)
        found = new(image[start : min(start + page, limit)]).digest()[:size]
        if found != blob[at + number * size : at + number * size + size]:
            yield number


def _uncovered(size: int, place: tuple[int, int], directory: CodeDirectory) -> int:
    """How many bytes of the image lie neither on a page nor in the signature."""
    page = directory.page_size or directory.code_limit
    covered = min(directory.code_limit, directory.n_code * page)
    start, end = place[0], place[0] + place[1]
    return size - covered - max(0, end - max(start, covered))


def _scattered(directory: CodeDirectory, blob: bytes) -> bool:
    since, offset = _SCATTER
    if directory.version < since or len(blob) < offset + 4:
        return False
    return bool(struct.unpack_from(">I", blob, offset)[0])


def _sealed(directory: CodeDirectory, blob: bytes) -> dict[int, bytes]:
    """The special slots that hold a digest; all zero means that nothing is sealed."""
    size = directory.hash_size
    (end,) = struct.unpack_from(">I", blob, 16)
    slots = {
        number: blob[end - number * size : end - number * size + size]
        for number in range(1, min(directory.n_special, _MAX_SPECIAL) + 1)
    }
    return {number: found for number, found in slots.items() if any(found)}


def _compare_slots(
    directory: CodeDirectory, blob: bytes, known: Mapping[int, bytes | None]
) -> Disagreement:
    sealed = _sealed(directory, blob)
    there = {slot: data for slot, data in known.items() if data is not None}
    differ = [
        slot
        for slot in sealed.keys() & there.keys()
        if digest(directory.hash_type, there[slot]) != sealed[slot]
    ]
    return Disagreement(
        missing=_names((sealed.keys() & known.keys()) - there.keys()),
        altered=_names(differ),
        unsealed=_names(there.keys() - sealed.keys()),
    )


def _unchecked(
    directory: CodeDirectory, blob: bytes, known: Mapping[int, bytes | None]
) -> Iterator[str]:
    """The special slots whose data are not at hand, in words."""
    if directory.n_special > _MAX_SPECIAL:
        yield f"it has {directory.n_special} special slots"
    for name in _names(_sealed(directory, blob).keys() - known.keys()):
        yield f"what is sealed as {name} is not at hand"


def _names(slots: Iterable[int]) -> tuple[str, ...]:
    return tuple(_SLOT_NAMES.get(slot, f"slot {slot}") for slot in sorted(slots))
