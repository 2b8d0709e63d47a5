"""The JAR signature of an app bundle, verified as the JDK does (`jarsigner -verify -strict`).

Sources: JAR File Specification, "Signed JAR file"; OpenJDK, sun.security.util
SignatureFileVerifier and ManifestEntryVerifier, sun.security.tools.jarsigner. No API level counts,
since a bundle is for a store alone; whether a certificate is trusted is nobody's question here.
Each reason is a plain sentence without a full stop.
"""

import hashlib
import re
from collections import Counter
from dataclasses import field
from typing import BinaryIO, Final

from gate.formats.apk_block import MAX_SIGNERS
from gate.formats.errors import Malformed, OverLimit
from gate.formats.jar_algorithms import JDK
from gate.formats.jar_manifest import NamedDigest, Section, read_sections, standard_digests
from gate.formats.jar_signer import Accepted, Ignored, JarSigner, Manifest, Refused
from gate.formats.jar_verify import MAX_BLOCK, MAX_FILE
from gate.formats.verify import DIGESTS
from gate.formats.zip import ZipDirectory, ZipEntry, iter_entry, read_entry
from gate.frozen import dataclass

_MANIFEST: Final = "META-INF/MANIFEST.MF"
# SignatureFileVerifier.isSigningRelated, on a name in upper case.
_SIGNING: Final = re.compile(
    r"META-INF/(?:MANIFEST\.MF|[^/]*\.(?:SF|RSA|DSA|EC)|SIG-[^/.]*(?:\.[A-Z0-9]{1,3})?)", re.DOTALL
)
_BLOCKS: Final = (".RSA", ".DSA", ".EC")
_SHOWN: Final = 200  # characters of a name


@dataclass(slots=True)
class BundleVerdict:
    """What the JDK makes of the signature; `reasons` is empty where it verifies.

    `digests` are pairs of a place and an algorithm. `files` are those that a signature has to
    seal, and `hashed` the number of them that were compared.
    """

    reasons: list[str] = field(default_factory=list)
    signers: tuple[Accepted, ...] = ()
    digests: dict[tuple[str, str], None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: int = 0
    hashed: int = 0


def verify_bundle(file: BinaryIO, directory: ZipDirectory) -> BundleVerdict:
    """
    Verify a signature that is there; every sealed file is read once, block by block.

    Raises OverLimit for a manifest, or a file, too large, and Malformed for a signature by an
    algorithm that is not implemented; anything else that is wrong is a reason.
    """
    return _Verifier(file, directory).run()


class _Verifier:
    """Verifies the signature first, and then every file that it has to seal."""

    def __init__(self, file: BinaryIO, directory: ZipDirectory) -> None:
        self._file = file
        self._directory = directory
        self._verdict = BundleVerdict()
        self._named = [
            (each.raw_name.decode("utf-8", "replace"), each) for each in directory.entries
        ]
        self._sealed = [
            (name, each)
            for name, each in self._named
            if (each.size or not name.endswith("/")) and not _SIGNING.fullmatch(name.upper())
        ]
        self._signing = {
            name.upper(): (name, each)
            for name, each in self._named
            if _SIGNING.fullmatch(name.upper())
        }

    def run(self) -> BundleVerdict:
        verdict = self._verdict
        verdict.files = len(self._sealed)
        try:
            self._must_be_unique()
            manifest = self._manifest()
            verdict.signers = self._accepted(manifest)
        except Refused as refused:
            verdict.reasons.append(str(refused))
            return verdict
        for signer in verdict.signers:
            verdict.digests |= dict.fromkeys(signer.digests)
        self._compare_all(manifest)
        return verdict

    def _must_be_unique(self) -> None:
        """One name is one file; those of the signature are found in any case."""
        names = Counter(
            upper if _SIGNING.fullmatch(upper := name.upper()) else name for name, _ in self._named
        )
        for name, count in names.most_common(1):
            if count > 1:
                raise Refused(f"two entries are named {name[:_SHOWN]!r}")

    def _manifest(self) -> Manifest:
        if _MANIFEST not in self._signing:
            raise Refused("there is no META-INF/MANIFEST.MF")
        data = self._read(_MANIFEST, MAX_FILE)
        sections = read_sections(data)
        main = next(sections, None)
        named: dict[str, Section] = {}
        for section in sections:
            if section.name is None:
                raise Refused("MANIFEST.MF has a section without a name")
            if section.name in named:
                raise Refused(f"MANIFEST.MF has two sections about {section.name[:_SHOWN]!r}")
            named[section.name] = section
        gone = named.keys() - {name for name, _ in self._named}
        if gone:  # of which the JDK warns and no more
            self._verdict.warnings.append(_many(sorted(gone), "sealed and not there"))
        return Manifest(data, main, named)

    def _accepted(self, manifest: Manifest) -> tuple[Accepted, ...]:
        """The signers that count; `Refused` where one is broken or none is left."""
        accepted, ignored = [], "there is no signature in META-INF"
        for signer in self._signers():
            signer.read()
            try:
                accepted.append(signer.accepted(manifest, JDK, frozenset()))
            except Ignored as why:
                ignored = f"no signature counts: {why}"
        if not accepted:
            raise Refused(ignored)
        return tuple(accepted)

    def _signers(self) -> list[JarSigner]:
        blocks = [upper for upper in self._signing if upper.endswith(_BLOCKS)]
        pairs = [(upper, upper.rpartition(".")[0] + ".SF") for upper in blocks]
        pairs = [pair for pair in pairs if pair[1] in self._signing]
        if len(pairs) > MAX_SIGNERS:
            raise OverLimit(f"{len(pairs)} JAR signers, more than {MAX_SIGNERS}")
        left = MAX_FILE
        signers = []
        for block, sf in pairs:
            paths = self._signing[block][0], self._signing[sf][0]
            signer = JarSigner(*paths, self._read(block, MAX_BLOCK), self._read(sf, left))
            left -= len(signer.sf)
            signers.append(signer)
        return signers

    def _read(self, upper: str, limit: int) -> bytes:
        name, entry = self._signing[upper]
        try:
            found = read_entry(self._file, entry, self._directory, limit)
        except OverLimit:
            raise
        except Malformed as cause:
            raise Refused(f"{name} cannot be read: {cause.reason}") from cause
        if not found.crc_ok:
            raise Refused(f"{name} cannot be read: its CRC-32 is not that in the ZIP directory")
        return found.data

    def _compare_all(self, manifest: Manifest) -> None:
        """Compare every file, in the order in which they lie, with its digests."""
        verdict = self._verdict
        unsealed, changed = [], []
        for name, entry in sorted(self._sealed, key=lambda item: item[1].header_offset):
            try:
                wanted = self._wanted(name, manifest)
            except Malformed:  # which is no digest of anything
                changed.append(name)
                continue
            if not wanted:
                unsealed.append(name)
                continue
            verdict.hashed += 1
            if not self._matches(entry, wanted):
                changed.append(name)
            verdict.digests |= {("MANIFEST.MF", wanted[0].algorithm): None}
        if changed:
            verdict.reasons.append(_many(changed, "not what was signed"))
        if unsealed:
            verdict.reasons.append(_many(unsealed, "not sealed by the signature"))
        if not self._sealed:
            verdict.reasons.append("no file is signed")

    def _wanted(self, name: str, manifest: Manifest) -> tuple[NamedDigest, ...]:
        """The digests of a file that some signer vouches for, () where none does."""
        section = manifest.sections.get(name)
        if section is None or not any(name in each.entry_names for each in self._verdict.signers):
            return ()
        return standard_digests(section, "-digest")

    def _matches(self, entry: ZipEntry, wanted: tuple[NamedDigest, ...]) -> bool:
        """Whether the file can be read to its end and has every digest."""
        hashes = [hashlib.new(DIGESTS[each.algorithm], usedforsecurity=False) for each in wanted]
        try:
            for block in iter_entry(self._file, entry, self._directory, entry.size):
                for each in hashes:
                    each.update(block)
        except OverLimit:
            raise
        except Malformed:
            return False
        return all(own.digest() == digest.value for own, digest in zip(hashes, wanted, strict=True))


def _many(names: list[str], what: str) -> str:
    """What holds for one file or for more, of which the first is named."""
    first = repr(names[0][:_SHOWN])
    return (
        f"{first} is {what}"
        if len(names) == 1
        else f"{len(names)} files are {what}, the first is {first}"
    )
