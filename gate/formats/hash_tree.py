"""The hash tree over a file's pages that fs-verity and the APK signatures use, always SHA-256.

Layout: the Linux kernel's Documentation/filesystems/fsverity.rst, "Merkle tree"; AOSP tools/apksig,
VerityTreeBuilder. The data is streamed; a tree takes a 127th of what it is over.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from gate.frozen import dataclass

PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class HashTree:
    """The root digest, and the levels below it, each of whole pages, that over the data first."""

    root: bytes
    levels: tuple[bytes, ...]

    def stored_as(self, tree: bytes) -> bool:
        """Whether `tree` is this one as files hold it: the level below the root comes first."""
        at = len(tree)
        if at != sum(map(len, self.levels)):
            return False
        for level in self.levels:
            at -= len(level)
            if tree[at : at + len(level)] != level:
                return False
        return True


def hash_tree(blocks: Iterable[bytes], salt: bytes = b"") -> HashTree:
    """The tree over blocks of whole pages but for the last; each page is hashed behind `salt`.

    Data of a single page has one level too, as in AOSP's tools/apksig.
    """
    levels = [_level(blocks, salt)]
    while len(levels[-1]) > PAGE:
        levels.append(_level((levels[-1],), salt))
    return HashTree(_hashed(levels[-1], salt), tuple(levels))


def _level(blocks: Iterable[bytes], salt: bytes) -> bytes:
    """The digests of all pages, filled up to whole pages."""
    digests = bytearray()
    for block in blocks:
        for at in range(0, len(block), PAGE):
            digests += _hashed(block[at : at + PAGE], salt)
    return bytes(digests.ljust(-(-len(digests) // PAGE) * PAGE, b"\0"))


def _hashed(page: bytes, salt: bytes) -> bytes:
    """The salted digest of a page, filled up with zeros."""
    return hashlib.sha256(salt + page.ljust(PAGE, b"\0")).digest()
