"""What the code signatures of an iOS app seal, hashed anew: programs, and the files of bundles."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property

from gate.app import Bundle, Files, IosApp, Journal, Program, Unread
from gate.app.native import (
    CmsSeal,
    CodeSignature,
    DirectorySeal,
    ResourceSeal,
    Seals,
    Slice,
    SliceSeal,
)
from gate.formats import cms_verify, code_resources, code_seal, macho
from gate.formats.code_resources import Contents, Digests, Envelope
from gate.formats.errors import Malformed
from gate.read.files import ZipFiles

FACT = "seals"
RESOURCES = "_CodeSignature/CodeResources"
MAX_TARGET = 1024


def seals(app: IosApp, files: Files, journal: Journal) -> Seals:
    """Every seal of the app; what could not be verified is a gap in the fact `seals`."""
    return _Sealer(app, files, journal).seals()


class _Sealer:
    """Compares, and remembers the digests of files, so that each is read for them once."""

    def __init__(self, app: IosApp, files: Files, journal: Journal) -> None:
        self._app = app
        self._files = files
        self._budget = files.budget
        self._journal = journal
        self._digested: dict[str, Digests | None] = {}

    def seals(self) -> Seals:
        """The programs first, whose bytes are then at hand to be digested as files too."""
        archive = self._files.directory if isinstance(self._files, ZipFiles) else None
        for name in sorted(archive.duplicates)[:1] if archive else ():
            self._gap(name, "two entries of this name; which one is installed?")
        programs = [each for each in self._app.programs if any(s.signature for s in each.slices)]
        slices = tuple(seal for program in programs for seal in self._program(program))
        signed = sum(s.signature is not None for each in programs for s in each.slices)
        self._journal.cover("code signature", "slices", signed, len(slices))
        resources = [seal for bundle in self._app.bundles for seal in self._bundle(bundle)]
        return Seals(slices, tuple(resources))

    def _gap(self, part: str, reason: str) -> None:
        self._journal.gap(FACT, part, reason)

    def _program(self, program: Program) -> Iterator[SliceSeal]:
        """The seals of a program's signed slices; a slice that cannot be compared is a gap."""
        try:
            data = self._files.read(program.path, self._budget.code)
            images = macho.parse(data)
        except (Malformed, Unread) as reason:
            self._gap(program.path, str(reason))
            return
        if program.bundle is not self._app.main:  # which no list of files seals
            self._digested[program.path] = _digests(data)
        outside = dict(self._outside(program.bundle))
        for image, each in zip(images, program.slices, strict=True):
            if each.signature is None or image.code_signature is None:
                continue
            part = memoryview(data)[image.offset : image.offset + image.size]
            try:
                directories = code_seal.directory_seals(
                    part, image.code_signature, each.signature, outside, encrypted=each.encrypted
                )
                cms = _cms(each.signature, code_seal.blobs(image.signature))
            except Malformed as reason:
                self._gap(program.path, f"{each.architecture}: {reason}")
                continue
            self._note(program, each, directories, cms)
            differ = each.signature.entitlements_differ
            yield SliceSeal(program.path, each.architecture, directories, cms, differ)

    def _outside(self, bundle: Bundle | None) -> Iterator[tuple[int, bytes | None]]:
        """The files of a bundle that its program's signature seals; None for one not there."""
        if bundle is None:
            return
        for slot, path in (
            (code_seal.INFO_PLIST, bundle.info_path),
            (code_seal.CODE_RESOURCES, _below(bundle.path, RESOURCES)),
        ):
            try:
                there = path in self._files
                yield slot, self._files.read(path, self._budget.manifest) if there else None
            except Unread as reason:
                self._gap(path, str(reason))

    def _note(
        self,
        program: Program,
        each: Slice,
        directories: tuple[DirectorySeal, ...],
        cms: CmsSeal | None,
    ) -> None:
        """Note as gaps what a slice's seal leaves open."""
        for directory in directories:
            for reason in directory.unchecked:
                where = f"{each.architecture}, code directory {directory.slot:#x}"
                self._gap(program.path, f"{where}: {reason}")
        if cms and cms.unchecked:
            self._gap(program.path, f"{each.architecture}: {cms.unchecked}")

    def _bundle(self, bundle: Bundle) -> Iterator[ResourceSeal]:
        """Each form of a bundle's list of files, compared; none for a bundle without a list."""
        path = _below(bundle.path, RESOURCES)
        if path not in self._files:
            return
        try:
            data = self._files.read(path, self._budget.manifest)
            for envelope in code_resources.parse(data, max_bytes=self._budget.manifest):
                yield self._compared(bundle, envelope)
        except (Malformed, Unread) as reason:
            self._gap(path, str(reason))

    def _compared(self, bundle: Bundle, envelope: Envelope) -> ResourceSeal:
        found = code_resources.compare(envelope, self._contents(bundle, envelope))
        for name in found.unread:
            self._gap(_below(bundle.path, name), "it is sealed and could not be digested")
        return ResourceSeal(bundle.path, envelope.form, found.files, found.omitted, found.unread)

    def _contents(self, bundle: Bundle, envelope: Envelope) -> Contents:
        """What a bundle holds; of links in a folder nothing is known but the sealed ones' names."""
        start = _below(bundle.path, "")
        names = frozenset(name[len(start) :] for name in self._under(start))
        if isinstance(self._files, ZipFiles):
            links = {
                name: self._links[start + name] for name in names if start + name in self._links
            }
        else:
            links = {
                name: None
                for name, sealed in envelope.files.items()
                if sealed.link is not None and name not in names
            }
        return Contents(
            files=names - links.keys(),
            links=links,
            program=bundle.executable.removeprefix(start),
            digests=lambda name: self._digest(start + name),
        )

    def _under(self, start: str) -> Iterator[str]:
        """The names that begin so."""
        at = bisect_left(self._names, start)
        while at < len(self._names) and self._names[at].startswith(start):
            yield self._names[at]
            at += 1

    @cached_property
    def _names(self) -> list[str]:
        return sorted(self._files.names)

    @cached_property
    def _links(self) -> Mapping[str, str | None]:
        """The targets of the archive's symbolic links."""
        if not isinstance(self._files, ZipFiles):
            return {}
        links = (e.name for e in self._files.directory.entries if e.is_symlink)
        return {name: self._target(name) for name in links}

    def _target(self, name: str) -> str | None:
        try:
            return self._files.read(name, MAX_TARGET).decode("utf-8", "backslashreplace")
        except Unread:
            return None

    def _digest(self, name: str) -> Digests | None:
        """A file's digests, None (and a gap that says why) where it cannot be read to its end."""
        if name not in self._digested:
            try:
                self._digested[name] = self._streamed(name)
            except Unread as reason:
                self._gap(name, str(reason))
                self._digested[name] = None
        return self._digested[name]

    def _streamed(self, name: str) -> Digests:
        sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        for block in self._files.blocks(name, self._budget.total):
            sha1.update(block)
            sha256.update(block)
        return Digests(sha1.digest(), sha256.digest())


def _digests(data: bytes) -> Digests:
    return Digests(
        hashlib.sha1(data, usedforsecurity=False).digest(), hashlib.sha256(data).digest()
    )


def _cms(signature: CodeSignature, blobs: Mapping[int, bytes]) -> CmsSeal | None:
    """The CMS message against the directories; None for a signature without one."""
    if not signature.cms:
        return None
    return cms_verify.cms_seal(
        signature.cms,
        [
            cms_verify.Directory(each.slot, each.hash_type, blobs[each.slot])
            for each in signature.code_directories
        ],
    )


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
