"""An Android App Bundle (.aab) to one `AndroidApp`.

Layout: developer.android.com/guide/app-bundle/app-bundle-format. A module is a folder at the top
with a manifest, resources, code or libraries of its own; the store makes the APKs out of them.
"""

from collections.abc import Sequence
from datetime import date

from gate.app import AndroidApp, Build, Journal, SplitApk, Unread
from gate.app.signing import (
    Certificate,
    DigestUse,
    SchemeVerdict,
    Signer,
    Signing,
    Verification,
)
from gate.formats import cms
from gate.formats.apk_signing import jar_signature_files
from gate.formats.errors import Malformed
from gate.formats.jar_bundle import verify_bundle
from gate.read.files import ZipFiles
from gate.read.module import BUNDLE_MODULE, Module
from gate.read.modules import ModulesReader

BASE = "base"
CONFIG = "BundleConfig.pb"
_NO_MODULES = ("META-INF", "BUNDLE-METADATA")
_PARTS = ("manifest", "dex", "lib", "resources.pb")


def open_bundle(build: Build, files: ZipFiles, journal: Journal, as_of: date) -> AndroidApp:
    """The app in a bundle; nothing but the ZIP directory is read yet."""
    reader = BundleReader(files, journal)
    app = AndroidApp(build, files, journal, reader, as_of)
    reader.app = app
    return app


class BundleReader(ModulesReader):
    """Answers each fact of an `AndroidApp` from the modules of a bundle."""

    def __init__(self, files: ZipFiles, journal: Journal) -> None:
        super().__init__(files, journal, _modules(files))
        self._zip = files

    def splits(self) -> tuple[SplitApk, ...]:
        """None: a bundle is signed as a whole, with the key for the upload to the store."""
        return ()

    def signing(self) -> Signing:
        """The JAR signature, the only form that a bundle has, as far as it is there."""
        paths = jar_signature_files(self._files.names)
        signers = tuple(Signer("v1", self._certificates(path), path) for path in paths)
        known = sum(bool(each.certificates) for each in signers)
        self._journal.cover("signatures", "signers", len(signers), known)
        return Signing(("v1",) if paths else (), signers)

    def signature(self) -> Verification:
        """The JAR signature held against every file, as the JDK does; no scheme for unsigned."""
        if not jar_signature_files(self._files.names):
            return Verification((), ())
        try:
            found = verify_bundle(self._zip.file, self._zip.directory)
            signers = tuple(
                Signer("v1", (cms.certificate(each.certificates[0]),), each.block_path)
                for each in found.signers
            )
        except Malformed as malformed:
            raise Unread(f"the signature cannot be verified: {malformed}") from malformed
        self._journal.cover("signature", "sealed files", found.files, found.hashed)
        verdict = SchemeVerdict(
            scheme="v1",
            verified=not found.reasons,
            errors=tuple(found.reasons),
            warnings=tuple(found.warnings),
            signers=signers,
            digests=tuple(DigestUse(*use) for use in found.digests),
            min_sdk=None,
            max_sdk=None,
        )
        return Verification((), (verdict,))

    def _certificates(self, path: str) -> tuple[Certificate, ...]:
        try:
            ders = cms.signer_certificates(self._files.read(path, self._budget.manifest))
            return tuple(cms.certificate(der) for der in ders)
        except (Malformed, Unread) as reason:
            self._journal.gap("signing", path, str(reason))
            return ()


def _modules(files: ZipFiles) -> list[Module]:
    """The base first, then the others by name; a base that is not there has a fault."""
    names: dict[str, list[str]] = {BASE: []}
    for name in files.names:
        module, slash, inside = name.partition("/")
        if slash and module not in _NO_MODULES:
            names.setdefault(module, []).append(inside)
    found = {module: inside for module, inside in names.items() if module == BASE or _is(inside)}
    return [
        Module(f"{module}/", tuple(found[module]), BUNDLE_MODULE)
        for module in sorted(found, key=lambda module: (module != BASE, module))
    ]


def _is(inside: Sequence[str]) -> bool:
    """Whether a folder holds a part that only modules have."""
    return any(name.partition("/")[0] in _PARTS for name in inside)
