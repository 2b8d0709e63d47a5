"""The facts of an Android app from its modules: one for an APK, several for a bundle or a set.

What the system makes of several: AOSP frameworks/base core/java/android/content/pm/parsing/
ParsingPackageUtils.java (`parseBaseApplication`, `parseSplitApplication`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from gate.app import AndroidApp, Files, Journal, Unread
from gate.app.anomaly import Anomaly, HiddenCode
from gate.app.code import Code
from gate.app.keys import PrivateKey
from gate.app.manifest import Manifest
from gate.app.native import ElfLibrary
from gate.app.network import BackupRules, NetworkConfig
from gate.app.strings import Strings
from gate.formats import elf, res_value
from gate.formats.axml import Document, Element
from gate.formats.errors import Malformed
from gate.read import keys, rules
from gate.read.anomalies import android_anomalies
from gate.read.hidden import hidden_in_android
from gate.read.manifest import ManifestReader, written_level
from gate.read.merge import merged
from gate.read.module import APK, Module
from gate.read.second import SecondReader
from gate.read.tables import Tables
from gate.read.text import FileText
from gate.read.values import Values

T = TypeVar("T")


class ModulesReader:
    """Answers the facts of an `AndroidApp` from its modules, the base first where it is known."""

    app: AndroidApp

    def __init__(self, files: Files, journal: Journal, modules: Sequence[Module]) -> None:
        self._files = files
        self._budget = files.budget
        self._journal = journal
        self._modules = tuple(modules)
        self._second = SecondReader(journal)
        self._tables = Tables(files, self._modules, lambda: self._lowest_level)
        self._documents: dict[str, Document] = {}

    def manifest(self) -> Manifest:
        """Every manifest as one; a base that cannot be read is `Unread`, another one a gap."""
        return merged(self._base[1], [each for _, each in self._manifests[0]])

    @property
    def _base(self) -> tuple[Module, Manifest]:
        """The first module that is no split of another."""
        manifests, failures = self._manifests
        base = next((each for each in manifests if self._is_base(each[1])), None)
        if base is None:
            raise failures[0][1] if failures else Unread("every APK is a split, none is the base")
        sound = [*self._sound("manifest")]
        for module, reason in failures:
            if module in sound:
                self._journal.gap("manifest", module.manifest, str(reason))
        return base

    def _is_base(self, manifest: Manifest) -> bool:
        """Whether a manifest is that of the base: it names no split."""
        return not manifest.split

    @cached_property
    def _manifests(
        self,
    ) -> tuple[list[tuple[Module, Manifest]], list[tuple[Module, Unread]]]:
        """The manifest of each module that can be read, and why the others cannot."""
        read, failures = [], []
        for module in self._modules:
            try:
                read.append((module, self._manifest(module)))
            except Unread as reason:
                failures.append((module, reason))
        self._journal.cover("manifest", "files", len(self._modules), len(read))
        roots = [self._documents[module.manifest].root for module, _ in read]
        elements = sum(1 for root in roots for _ in root.walk())
        self._journal.cover("manifest", "elements", elements, elements)
        self._tables.account("manifest", self._journal)
        return read, failures

    def _manifest(self, module: Module) -> Manifest:
        values = Values(lambda: self._tables.seen_from(module))
        try:
            document = self._document(module, module.manifest)
        except Malformed as malformed:
            raise Unread(f"{module.manifest}: {malformed}") from malformed
        return ManifestReader(document, values, module.manifest).read()

    @cached_property
    def _lowest_level(self) -> int:
        """The lowest API level that a manifest says without a table, those of splits aside."""
        try:
            roots = [self._document(each, each.manifest).root for each in self._modules]
        except (Malformed, Unread):
            return 1
        return min((each for each in map(written_level, roots) if each is not None), default=1)

    def _document(self, module: Module, path: str) -> Document:
        if module.fault:
            raise Unread(f"{module.path}: {module.fault}")
        if path not in self._documents:
            data = self._files.read(path, self._budget.manifest)
            self._documents[path] = module.layout.document(data, self._budget)
        return self._documents[path]

    def _sound(self, fact: str) -> Iterator[Module]:
        """The modules that can be read at all; each other is a gap in the fact."""
        for module in self._modules:
            if module.fault:
                self._journal.gap(fact, module.path, module.fault)
            else:
                yield module

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
        self, fact: str, named: tuple[str, ...], read: Callable[[Element, str], T]
    ) -> tuple[T, ...]:
        """A file of the name in every module that has one, or a gap where none has."""
        found, places = [], 0
        for name in named:
            holders = [each for each in self._sound(fact) if name in each.names]
            for module in holders or [self._base[0]]:
                places += 1
                path = module.prefix + name
                try:
                    found.append(read(self._document(module, path).root, path))
                except (Malformed, Unread) as reason:
                    self._journal.gap(fact, path, str(reason))
        self._journal.cover(fact.replace("_", " "), "files", places, len(found))
        return tuple(found)

    def libraries(self) -> tuple[ElfLibrary, ...]:
        """The ELF files that the system may load: those below lib/."""
        paths = sorted(
            module.prefix + name
            for module in self._sound("libraries")
            for name in module.names
            if name.startswith("lib/") and name.endswith(".so")
        )
        found = []
        for path in paths:
            try:
                found.append(self._library(path))
            except Unread as reason:
                self._journal.gap("libraries", path, str(reason))
        read = sum(not each.witness for each in found)
        self._journal.cover("native libraries", "files", len(paths), read)
        return tuple(found)

    def _library(self, path: str) -> ElfLibrary:
        data = self._files.read(path, self._budget.code)
        try:
            ours = _library(path, data)
        except Malformed as reason:
            theirs = self._second.instead("libraries", path, reason, self._second.library, data)
            return replace(theirs, path=path)
        return replace(ours, disputed=self._second.on_library(ours, data))

    def code(self) -> Code:
        """classes.dex, classes2.dex and so on without a gap, as the runtime looks for them."""
        from gate.read.code import program_of, read_code  # late: numpy takes 0.1 s to import

        paths: list[str] = []
        for module in self._sound("code"):
            own = module.dex_files
            self._promise(module, own)
            paths += own
        files = read_code(self._files, self._journal, paths, self._budget.code)
        return program_of(self.app, files, self._texts, self._name)

    def _texts(self, resource_id: int) -> tuple[str, ...]:
        """What a string resource says in every configuration; () where there is no such one."""
        found: dict[str, None] = {}
        for module in self._modules:
            try:
                values = self._tables.seen_from(module).resolve(resource_id)
            except (Malformed, Unread):
                continue
            texts = (each.value.text for each in values if each.value.type == res_value.STRING)
            found.update(dict.fromkeys(text for text in texts if text is not None))
        return tuple(found)

    def _name(self, resource_id: int) -> str:
        """The name of a resource, such as "id/password"; "" where no table names it."""
        for module in self._modules:
            with suppress(Malformed, Unread):
                if name := self._tables.seen_from(module).name(resource_id):
                    return name
        return ""

    def _promise(self, module: Module, dex_files: Sequence[str]) -> None:
        """Note code that a manifest promises and that is not there; splits rarely have any."""
        if dex_files:
            return
        manifests, failures = self._manifests
        reason = next((str(each[1]) for each in failures if each[0] is module), "")
        for each, manifest in manifests:
            has_code = manifest.application.has_code
            whole = not manifest.split and (module.layout is APK or module is self._modules[0])
            try:
                if each is module and has_code.may_be(True, default=whole):
                    reason = "the manifest promises code and there is none"
            except Unread as unread:
                reason = str(unread)
        if reason:
            path = f"{module.prefix}{module.layout.code}classes.dex"
            self._journal.gap("code", path, reason)

    def strings(self) -> Strings:
        """The text of every entry."""
        return FileText(self._files, self._journal)

    def private_keys(self) -> tuple[PrivateKey, ...]:
        """Private keys in any entry."""
        return keys.private_keys(self._files, self._journal)

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Every trick in the archives and in what the system must read."""
        return android_anomalies(
            self.app, list(self._sound("anomalies")), self._document, self._tables.of
        )

    def hidden_code(self) -> tuple[HiddenCode, ...]:
        """Code beside the DEX files that the runtime loads."""
        return hidden_in_android(self._files, self._journal, self._sound("hidden_code"))


def _library(path: str, data: bytes) -> ElfLibrary:
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
        is_dart_snapshot=elf.DART_SNAPSHOT in elf.dynamic_symbols(data),
    )
