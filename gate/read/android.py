"""An APK to an `AndroidApp`: what each fact is read from."""

import os
from datetime import date

from gate.app import AndroidApp, Build, Journal, Location, SplitApk, Unread
from gate.app.manifest import Manifest
from gate.app.signing import Certificate, Signer, Signing, Verification
from gate.formats import apk_verify, cms
from gate.formats.apk_signing import jar_signature_files, read_signing_block
from gate.formats.errors import Malformed, OverLimit
from gate.formats.idsig import Idsig, read_idsig
from gate.read.files import ZipFiles
from gate.read.module import Module
from gate.read.modules import ModulesReader

TARGET_SANDBOX_VERSION = 0x0101054C  # AOSP frameworks/base, public-final.xml
IDSIG_LIMIT = 64 << 20  # bytes: the hash tree of an APK of 8 GiB


def open_apk(
    build: Build, files: ZipFiles, journal: Journal, as_of: date, idsig: int | str = ""
) -> AndroidApp:
    """The app in an APK; nothing but the ZIP directory is read yet.

    `idsig` is the open .idsig beside it, why that could not be opened, or "" for none.
    """
    reader = ApkReader(files, journal, idsig)
    app = AndroidApp(build, files, journal, reader, as_of)
    reader.app = app
    return app


class ApkReader(ModulesReader):
    """Answers each fact of an `AndroidApp` from the files of an APK."""

    def __init__(self, files: ZipFiles, journal: Journal, idsig: int | str = "") -> None:
        super().__init__(files, journal, [Module("", files.names)])
        self._zip = files
        self._idsig = idsig

    def _is_base(self, manifest: Manifest) -> bool:
        """Always: a split that is scanned alone is judged by what it says itself."""
        return True

    def splits(self) -> tuple[SplitApk, ...]:
        """None: an APK stands alone."""
        return ()

    def signing(self) -> Signing:
        """The schemes and signers, as far as they are there; nothing is verified."""
        try:
            block = read_signing_block(self._zip.file, self._zip.directory)
        except Malformed as malformed:
            raise Unread(f"APK Signing Block: {malformed}") from malformed
        jar_files = jar_signature_files(self._files.names)
        signers = [Signer("v1", self._jar_certificates(path), path) for path in jar_files]
        signers += [
            Signer(each.scheme, self._certificates(each.certificates, each.scheme))
            for each in (block.signers if block else ())
        ]
        schemes = (*(("v1",) if jar_files else ()), *(block.schemes if block else ()))
        known = sum(bool(each.certificates) for each in signers)
        self._journal.cover("signatures", "signers", len(signers), known)
        return Signing(schemes, tuple(signers))

    def signature(self) -> Verification:
        """The verdict of every supported API level on the signatures."""
        manifest = self.app.manifest
        try:
            found = apk_verify.verify(
                self._zip.file,
                self._zip.directory,
                min_sdk=manifest.min_sdk,
                target_sdk=manifest.target_sdk,
                target_sandbox_version=self._target_sandbox_version(),
                idsig=self._read_idsig(),
            )
        except Malformed as malformed:
            raise Unread(f"the signature cannot be verified: {malformed}") from malformed
        levels = apk_verify.CURRENT + 1 - max(1, min(manifest.min_sdk, apk_verify.CURRENT))
        judged = sum(each.to_api + 1 - each.from_api for each in found.verdicts)
        self._journal.cover("signature", "API levels", levels, judged)
        return found

    def _read_idsig(self) -> Idsig | None:
        """The .idsig beside the APK, None for none; one that cannot be read is a gap."""
        if self._idsig == "":
            return None
        try:
            if isinstance(self._idsig, str):
                raise Malformed(self._idsig)
            with os.fdopen(self._idsig, "rb", closefd=False) as file:
                data = file.read(IDSIG_LIMIT + 1)
            if len(data) > IDSIG_LIMIT:
                raise OverLimit(f"it has more than {IDSIG_LIMIT} bytes")
            return read_idsig(data)
        except (Malformed, OSError) as reason:
            part = "the idsig beside the APK"
            self._journal.gap("signature", part, str(reason), Location(element=part))
            return None

    def _target_sandbox_version(self) -> int:
        """android:targetSandboxVersion of the manifest, 1 where it says nothing."""
        module = self._modules[0]
        root = self._document(module, module.manifest).root
        written = root.attribute("targetSandboxVersion", TARGET_SANDBOX_VERSION)
        return written.value.data if written and written.value.is_integer else 1

    def _jar_certificates(self, path: str) -> tuple[Certificate, ...]:
        try:
            return self._certificates(
                cms.signer_certificates(self._files.read(path, self._budget.manifest)), path
            )
        except (Malformed, Unread) as reason:
            self._journal.gap("signing", path, str(reason))
            return ()

    def _certificates(self, ders: tuple[bytes, ...], part: str) -> tuple[Certificate, ...]:
        found = []
        for der in ders:
            try:
                found.append(cms.certificate(der))
            except Malformed as malformed:
                self._journal.gap("signing", part, str(malformed))
        return tuple(found)
