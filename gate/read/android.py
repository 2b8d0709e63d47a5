"""An APK to an `AndroidApp`: what each fact is read from."""

from datetime import date

from gate.app import AndroidApp, Build, Journal, SplitApk, Unread
from gate.app.manifest import Manifest
from gate.app.signing import Certificate, Signer, Signing, Verification
from gate.formats import apk_verify, cms
from gate.formats.apk_signing import jar_signature_files, read_signing_block
from gate.formats.errors import Malformed
from gate.read.files import ZipFiles
from gate.read.module import Module
from gate.read.modules import XML_LIMIT, ModulesReader

TARGET_SANDBOX_VERSION = 0x0101054C  # AOSP frameworks/base, public-final.xml


def open_apk(build: Build, files: ZipFiles, journal: Journal, as_of: date) -> AndroidApp:
    """The app in an APK; nothing but the ZIP directory is read yet."""
    reader = ApkReader(files, journal)
    app = AndroidApp(build, files, journal, reader, as_of)
    reader.app = app
    return app


class ApkReader(ModulesReader):
    """Answers each fact of an `AndroidApp` from the files of an APK."""

    def __init__(self, files: ZipFiles, journal: Journal) -> None:
        super().__init__(files, journal, [Module("", files.names)])
        self._zip = files

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
        return Signing(schemes, tuple(signers))

    def signature(self) -> Verification:
        """The verdict of every supported API level on the signatures."""
        manifest = self.app.manifest
        try:
            return apk_verify.verify(
                self._zip.file,
                self._zip.directory,
                min_sdk=manifest.min_sdk,
                target_sdk=manifest.target_sdk,
                target_sandbox_version=self._target_sandbox_version(),
            )
        except Malformed as malformed:
            raise Unread(f"the signature cannot be verified: {malformed}") from malformed

    def _target_sandbox_version(self) -> int:
        """android:targetSandboxVersion of the manifest, 1 where it says nothing."""
        module = self._modules[0]
        root = self._document(module, module.manifest).root
        written = root.attribute("targetSandboxVersion", TARGET_SANDBOX_VERSION)
        return written.value.data if written and written.value.is_integer else 1

    def _jar_certificates(self, path: str) -> tuple[Certificate, ...]:
        try:
            return self._certificates(
                cms.signer_certificates(self._files.read(path, XML_LIMIT)), path
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
