"""JAR signatures (APK signature scheme v1), verified as each API level does.

The rules are those of AOSP tools/apksig, V1SchemeVerifier, which are the platform's (frameworks/
base, android.util.jar.StrictJarVerifier). Each reason is a plain sentence without a full stop.
"""

import hashlib
import struct
from collections import Counter
from dataclasses import field
from typing import BinaryIO, Final

from gate.formats.apk_block import MAX_SIGNERS
from gate.formats.errors import Malformed, OverLimit
from gate.formats.jar_manifest import NamedDigest, Section, expected_digest, read_sections
from gate.formats.jar_signer import Accepted, Ignored, JarSigner, Manifest, Refused
from gate.formats.verify import DIGESTS
from gate.formats.zip import ZipDirectory, ZipEntry, iter_entry, read_entry
from gate.formats.zip_records import read_at
from gate.frozen import dataclass

MAX_FILE: Final = 64 << 20  # of MANIFEST.MF, and of all .SF files together
MAX_BLOCK: Final = 16 << 20

_FOLDER: Final = "META-INF/"
_MANIFEST: Final = "META-INF/MANIFEST.MF"
_BLOCKS: Final = (".RSA", ".DSA", ".EC")
_DATA_DESCRIPTOR: Final = 1 << 3


@dataclass(slots=True)
class JarVerdict:
    """What each API level asked about makes of the JAR signature.

    `reasons` is "" for a level that accepts it. `signers` are the accepted ones by level, `digests`
    pairs of a place and an algorithm by level. `present` is False where no file of it is there.
    """

    present: bool = False
    reasons: dict[int, str] = field(default_factory=dict)
    signers: dict[int, tuple[Accepted, ...]] = field(default_factory=dict)
    digests: dict[int, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def verify_jar(
    file: BinaryIO, directory: ZipDirectory, levels: dict[int, frozenset[int]]
) -> JarVerdict:
    """
    Verify for each of `levels`, which gives the newer schemes that it knows and did not find.

    Every entry is hashed at most once. Raises OverLimit for a manifest, or an entry, too large.
    """
    return _Verifier(file, directory, levels).run()


class _Verifier:
    """Verifies step by step; a level that has a reason takes no further step."""

    def __init__(
        self, file: BinaryIO, directory: ZipDirectory, levels: dict[int, frozenset[int]]
    ) -> None:
        self._file = file
        self._directory = directory
        self._missing = levels
        self._verdict = JarVerdict()
        self._names = [each.raw_name.decode("utf-8", "replace") for each in directory.entries]
        self._entries = dict(zip(reversed(self._names), reversed(directory.entries), strict=True))

    def run(self) -> JarVerdict:
        verdict = self._verdict
        try:
            signers = self._signers()
            manifest = self._read_manifest()
            for signer in signers:
                signer.read()
        except Refused as refused:
            verdict.reasons = dict.fromkeys(self._missing, str(refused))
            return verdict
        for level in self._missing:
            try:
                verdict.signers[level] = _accepted(signers, manifest, level, self._missing[level])
            except Refused as refused:
                verdict.reasons[level] = str(refused)
        self._verify_entries(manifest)
        for level in self._missing:
            verdict.reasons.setdefault(level, "")
        self._warn()
        return verdict

    def _signers(self) -> list[JarSigner]:
        """The signature block files that have a .SF file, read."""
        blocks = [
            name for name in self._names if name.startswith(_FOLDER) and name.endswith(_BLOCKS)
        ]
        pairs = [(name, name.rpartition(".")[0] + ".SF") for name in blocks]
        pairs = [(block, sf) for block, sf in pairs if sf in self._entries]
        self._verdict.present = bool(pairs) and _MANIFEST in self._entries
        if len(self._entries) < len(self._names):
            twice = Counter(self._names).most_common(1)[0][0]
            raise Refused(f"two entries are named {twice[:200]!r}")
        if _MANIFEST not in self._entries:
            raise Refused("there is no META-INF/MANIFEST.MF")
        if not pairs:
            raise Refused("there is no signature in META-INF")
        if len(pairs) > MAX_SIGNERS:
            raise Refused(f"there are {len(pairs)} JAR signers, more than {MAX_SIGNERS}")
        left = MAX_FILE
        signers = []
        for block, sf in pairs:
            signer = JarSigner(block, sf, self._read(block, MAX_BLOCK), self._read(sf, left))
            left -= len(signer.sf)
            signers.append(signer)
        return signers

    def _read(self, name: str, limit: int) -> bytes:
        entry = self._entries[name]
        try:
            self._must_agree(entry)
            return read_entry(self._file, entry, self._directory, limit).data
        except OverLimit:
            raise
        except Malformed as cause:
            raise Refused(f"{name} cannot be read: {cause.reason}") from cause

    def _must_agree(self, entry: ZipEntry) -> None:
        if not _agrees_with_local(self._file, entry):
            raise Refused(f"the local header of {entry.name[:200]!r} contradicts the ZIP directory")

    def _read_manifest(self) -> Manifest:
        data = self._read(_MANIFEST, MAX_FILE)
        sections = read_sections(data)
        main = next(sections, None)
        named: dict[str, Section] = {}
        for section in sections:
            if section.name is None:
                raise Refused("MANIFEST.MF has a section without a name")
            if section.name in named:
                raise Refused(f"MANIFEST.MF has two sections about {section.name[:200]!r}")
            if section.name not in self._entries:
                raise Refused(f"MANIFEST.MF is about {section.name[:200]!r}, which does not exist")
            named[section.name] = section
        return Manifest(data, main, named)

    def _verify_entries(self, manifest: Manifest) -> None:
        """Verify every entry outside META-INF for all levels that are still open."""
        alike = self._alike()
        open_levels = list(alike)
        first: dict[int, tuple[Accepted, ...]] = {}
        for name, entry in sorted(self._entries.items(), key=lambda item: item[1].header_offset):
            if name.startswith(_FOLDER) or name.endswith("/"):
                continue
            wanted: dict[int, NamedDigest] = {}
            for level in tuple(open_levels):
                try:
                    wanted[level] = self._wanted(name, manifest, level, first)
                except Refused as refused:
                    self._verdict.reasons[level] = str(refused)
                    open_levels.remove(level)
            if not open_levels:
                break
            self._compare(entry, wanted, open_levels)
        for level, levels in alike.items():
            if level in open_levels and level not in first:
                self._verdict.reasons[level] = "no entry is signed"
            for each in reversed(levels):  # the one that was judged last: others take from it
                self._close(each, level, first.get(level, ()))

    def _alike(self) -> dict[int, list[int]]:
        """Levels that look at the same digests by the same signers, by the first of them."""
        groups: dict[tuple[bool, bool, tuple[str, ...]], list[int]] = {}
        for level, signers in self._verdict.signers.items():
            paths = tuple(each.block_path for each in signers)
            groups.setdefault((level >= 9, level >= 18, paths), []).append(level)
        return {levels[0]: levels for levels in groups.values()}

    def _close(self, level: int, judged: int, signers: tuple[Accepted, ...]) -> None:
        """Take over what was found for `judged`, a level that is alike."""
        if reason := self._verdict.reasons.get(judged):
            self._verdict.reasons[level] = reason
            return
        self._use(level, *self._verdict.digests.get(judged, ()))
        paths = {each.block_path for each in signers}
        own = tuple(each for each in self._verdict.signers[level] if each.block_path in paths)
        self._verdict.signers[level] = own
        for signer in own:
            self._use(level, *signer.digests)

    def _wanted(
        self, name: str, manifest: Manifest, level: int, first: dict[int, tuple[Accepted, ...]]
    ) -> NamedDigest:
        """The digest that an entry must have on a level, where its signers are those of all."""
        section = manifest.sections.get(name)
        if section is None:
            raise Refused(f"{name[:200]!r} is not in MANIFEST.MF")
        signers = tuple(each for each in self._verdict.signers[level] if name in each.entry_names)
        if not signers:
            raise Refused(f"{name[:200]!r} is not signed")
        if first.setdefault(level, signers) != signers:
            raise Refused(f"{name[:200]!r} is signed by others than the entries before it")
        try:
            expected = expected_digest(section, "-digest", level)
        except Malformed as cause:
            raise Refused(f"MANIFEST.MF has a {cause.reason}") from cause
        if expected is None:
            raise Refused(f"MANIFEST.MF has no digest of {name[:200]!r}")
        return expected

    def _compare(
        self, entry: ZipEntry, wanted: dict[int, NamedDigest], open_levels: list[int]
    ) -> None:
        """Hash an entry by every algorithm that is asked for, and close levels it is wrong for."""
        needed = {wanted[level].algorithm for level in open_levels}
        hashes = {each: hashlib.new(DIGESTS[each], usedforsecurity=False) for each in needed}
        reason = ""
        try:
            self._must_agree(entry)
            for block in iter_entry(self._file, entry, self._directory, entry.size):
                for each in hashes.values():
                    each.update(block)
        except OverLimit:
            raise
        except (Malformed, Refused) as cause:
            reason = cause.reason if isinstance(cause, Malformed) else str(cause)
        actual = {name: each.digest() for name, each in hashes.items()}
        for level in tuple(open_levels):
            digest = wanted[level]
            why = reason
            if not why and actual[digest.algorithm] != digest.value:
                name = entry.name[:200]
                why = f"the {digest.algorithm} digest of {name!r} is not the one in MANIFEST.MF"
            if why:
                self._verdict.reasons[level] = why
                open_levels.remove(level)
            else:
                self._use(level, ("MANIFEST.MF", digest.algorithm))

    def _use(self, level: int, *uses: tuple[str, str]) -> None:
        known = self._verdict.digests.get(level, ())
        self._verdict.digests[level] = tuple(dict.fromkeys((*known, *uses)))

    def _warn(self) -> None:
        """Name what lies in META-INF and no signature covers."""
        used = {_MANIFEST}
        for signers in self._verdict.signers.values():
            used |= {path for each in signers for path in (each.block_path, each.sf_path)}
        loose = [
            name
            for name in self._names
            if name.startswith(_FOLDER) and not name.endswith("/") and name not in used
        ]
        if loose:
            self._verdict.warnings.append(
                f"{len(loose)} files in META-INF are not signed, the first is {loose[0][:200]!r}"
            )


def _accepted(
    signers: list[JarSigner], manifest: Manifest, level: int, missing: frozenset[int]
) -> tuple[Accepted, ...]:
    """The signers that Android of a level takes notice of; `Refused` where it refuses one."""
    for signer in signers:
        signer.refuse(level)
    accepted, ignored = [], ""
    for signer in signers:
        try:
            accepted.append(signer.accepted(manifest, level, missing))
        except Ignored as why:
            ignored = str(why)
    if not accepted:
        raise Refused(f"no JAR signature counts: {ignored}")
    return tuple(accepted)


def _agrees_with_local(file: BinaryIO, entry: ZipEntry) -> bool:
    """Whether the local header of an entry says what the directory does (APPNOTE.TXT 4.3.7)."""
    header = read_at(file, entry.header_offset, 30)
    (flags,) = struct.unpack_from("<H", header, 6)
    crc32, packed, size = struct.unpack_from("<3L", header, 14)
    described = flags & _DATA_DESCRIPTOR
    if described != entry.flags & _DATA_DESCRIPTOR:
        return False
    in_zip64 = packed == size == 0xFFFF_FFFF
    return bool(described) or (
        crc32 == entry.crc32 and (in_zip64 or (packed, size) == (entry.compressed_size, entry.size))
    )
