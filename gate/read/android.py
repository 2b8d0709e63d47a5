"""An APK to an `AndroidApp`: what each fact is read from."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from gate.app import AndroidApp, Build, Journal, Unread
from gate.app.keys import PrivateKey
from gate.app.manifest import Manifest
from gate.app.native import DexFile, ElfLibrary
from gate.app.network import BackupRules, NetworkConfig
from gate.app.signing import Certificate, Signer, Signing
from gate.app.strings import Strings
from gate.formats import axml, cms, dex, elf
from gate.formats.apk_signing import jar_signature_files, read_signing_block
from gate.formats.axml import Element
from gate.formats.errors import Malformed
from gate.read import keys, rules
from gate.read.files import ZipFiles
from gate.read.manifest import PATH, ManifestReader
from gate.read.text import FileText
from gate.read.values import TABLE, TABLE_LIMIT, Values

XML_LIMIT = 16 << 20
CODE_LIMIT = 512 << 20
DART_SNAPSHOT = "_kDartIsolateSnapshotData"

T = TypeVar("T")


def open_apk(build: Build, files: ZipFiles, journal: Journal, as_of: date) -> AndroidApp:
    """The app in an APK; nothing but the ZIP directory is read yet."""
    reader = ApkReader(files, journal)
    app = AndroidApp(build, files, journal, reader, as_of)
    reader.app = app
    return app


class ApkReader:
    """Answers each fact of an `AndroidApp` from the files of an APK."""

    app: AndroidApp

    def __init__(self, files: ZipFiles, journal: Journal) -> None:
        self._files = files
        self._journal = journal

    def manifest(self) -> Manifest:
        """AndroidManifest.xml."""
        values = Values(lambda: self._files.read(TABLE, TABLE_LIMIT))
        try:
            document = axml.parse(self._files.read(PATH, XML_LIMIT))
        except Malformed as malformed:
            raise Unread(f"{PATH}: {malformed}") from malformed
        return ManifestReader(document, values).read()

    def network_configs(self) -> tuple[NetworkConfig, ...]:
        """Every network security configuration that the manifest names."""
        named = self.app.manifest.application.network_security_config
        return self._rule_files("network_configs", tuple(named), rules.network_config)

    def full_backup_content(self) -> tuple[BackupRules, ...]:
        """Every file that android:fullBackupContent names."""
        named = self.app.manifest.application.full_backup_content
        paths = tuple(value for value in named if value not in ("true", "false"))
        return self._rule_files("full_backup_content", paths, rules.backup_rules)

    def data_extraction_rules(self) -> tuple[BackupRules, ...]:
        """Every file that android:dataExtractionRules names."""
        named = self.app.manifest.application.data_extraction_rules
        return self._rule_files("data_extraction_rules", tuple(named), rules.backup_rules)

    def _rule_files(
        self, fact: str, paths: tuple[str, ...], read: Callable[[Element, str], T]
    ) -> tuple[T, ...]:
        found = []
        for path in paths:
            try:
                found.append(read(axml.parse(self._files.read(path, XML_LIMIT)).root, path))
            except (Malformed, Unread) as reason:
                self._journal.gap(fact, path, str(reason))
        return tuple(found)

    def signing(self) -> Signing:
        """The schemes and signers, as far as they are there; nothing is verified."""
        try:
            block = read_signing_block(self._files.file, self._files.directory)
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

    def libraries(self) -> tuple[ElfLibrary, ...]:
        """The ELF files that the system may load: those below lib/."""
        names = sorted(n for n in self._files.names if n.startswith("lib/") and n.endswith(".so"))
        found = []
        for name in names:
            try:
                found.append(self._library(name))
            except (Malformed, Unread) as reason:
                self._journal.gap("libraries", name, str(reason))
        self._journal.cover("native libraries", "files", len(names), len(found))
        return tuple(found)

    def _library(self, path: str) -> ElfLibrary:
        data = self._files.read(path, CODE_LIMIT)
        header = elf.parse(data)
        return ElfLibrary(
            path,
            abi=header.abi,
            relro=header.relro,
            bind_now=header.bind_now,
            gnu_stack_flags=header.gnu_stack_flags,
            writable_executable=header.writable_executable,
            has_relocations=header.has_relocations,
            # An import is reached through the table even where no PLT, and so no PLTGOT, is.
            has_got=header.has_got or bool(elf.imported_symbols(data)),
            is_dart_snapshot=DART_SNAPSHOT in elf.dynamic_symbols(data),
        )

    def code(self) -> tuple[DexFile, ...]:
        """classes.dex, classes2.dex and so on without a gap, as the runtime looks for them."""
        names: list[str] = []
        while (name := f"classes{len(names) + 1 if names else ''}.dex") in self._files:
            names.append(name)
        found = []
        for name in names:
            try:
                header = dex.read_header(self._files.read(name, CODE_LIMIT))
            except (Malformed, Unread) as reason:
                self._journal.gap("code", name, str(reason))
                continue
            found.append(
                DexFile(name, header.version, header.classes, header.methods, header.strings)
            )
        if not names and self.app.manifest.application.has_code.may_be(True, default=True):
            self._journal.gap("code", "classes.dex", "the manifest promises code and there is none")
        self._journal.cover("DEX", "files", len(names), len(found))
        return tuple(found)

    def strings(self) -> Strings:
        """The text of every entry."""
        return FileText(self._files, self._journal)

    def private_keys(self) -> tuple[PrivateKey, ...]:
        """Private keys in any entry."""
        return keys.private_keys(self._files, self._journal)
