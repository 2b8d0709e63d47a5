"""A set of split APKs (.apks, .xapk, .apkm, or a folder of them) to one `AndroidApp`.

A device gets the base and the splits that fit it, or one standalone APK. Which ones nobody knows
here, so that all are judged: whatever one of them adds counts, and what makes the whole ambiguous
is a gap. Sources: AOSP frameworks/base core/java/android/content/pm/parsing/ApkLiteParseUtils.java
(a set has one package, version and signature) and the layout that bundletool's build-apks writes.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from functools import cached_property

from gate.app import AndroidApp, Attribute, Build, Journal, SplitApk, Unread
from gate.app.anomaly import HiddenCode
from gate.app.manifest import Application, Manifest
from gate.app.signing import Signer, Signing, Verification
from gate.read.android import open_apk
from gate.read.beside import doubts_beside, hidden_beside
from gate.read.files import FolderFiles, ZipFiles
from gate.read.module import Module
from gate.read.modules import ModulesReader
from gate.read.nested import NestedJournal, SetFiles

_FIRST = ("splits/base-master.apk", "base.apk", "universal.apk")
_OTHER_DEVICES = ("standalones/", "instant/", "system/", "archive/")


def open_splits(
    build: Build, outer: ZipFiles | FolderFiles, journal: Journal, as_of: date
) -> AndroidApp:
    """The app in a set; of each APK nothing but its ZIP directory is read yet."""
    files = SetFiles(outer)
    reader = SplitsReader(files, journal, as_of)
    app = AndroidApp(build, files, journal, reader, as_of)
    reader.app = app
    return app


class SplitsReader(ModulesReader):
    """Answers each fact of an `AndroidApp` from all the APKs of a set."""

    def __init__(self, files: SetFiles, journal: Journal, as_of: date) -> None:
        sound = {path: apk.names for path, apk in files.apks.items()}
        paths = sorted((*sound, *files.faults), key=_rank)
        modules = [
            Module(f"{path}!/", sound.get(path, ()), fault=files.faults.get(path, ""))
            for path in paths
        ]
        super().__init__(files, journal, modules)
        self._set = files
        self._apks = {path: files.apks[path] for path in paths if path in sound}
        self._as_of = as_of

    def manifest(self) -> Manifest:
        """Every manifest as one; APKs that stand alone have to say the same as the base."""
        self._doubt("manifest")
        together = super().manifest()
        base = self._base[1]
        alone = [each for _, each in self._manifests[0] if not each.split]
        for module, each in self._manifests[0]:
            for reason in _contradictions(base, each):
                self._journal.gap("manifest", module.manifest, reason)
        return replace(
            together,
            min_sdk=min(each.min_sdk for each in alone),
            target_sdk=min(each.target_sdk for each in alone),
        )

    def hidden_code(self) -> tuple[HiddenCode, ...]:
        """Code beside what the runtime loads, in the APKs and beside them."""
        self._doubt("hidden_code")
        return (*super().hidden_code(), *hidden_beside(self._set, self._journal))

    def _doubt(self, fact: str) -> None:
        for path, reason in self._doubts:
            self._journal.gap(fact, path, reason)

    @cached_property
    def _doubts(self) -> tuple[tuple[str, str], ...]:
        return tuple(doubts_beside(self._set))

    def splits(self) -> tuple[SplitApk, ...]:
        """Every APK that can be opened; one that is signed unlike the first is a gap."""
        for _ in self._sound("splits"):
            pass
        found = []
        for path, files in self._apks.items():
            journal = NestedJournal(self._journal, path)
            apk = open_apk(Build(path, "apk"), files, journal, self._as_of)
            found.append(SplitApk(path, apk))
        self._compare_keys(found)
        return tuple(found)

    def _compare_keys(self, splits: list[SplitApk]) -> None:
        first: tuple[str, frozenset[str]] | None = None
        for split in splits:
            try:
                keys = _keys(split.apk.signing)
            except Unread:
                continue  # the journal has it
            if keys and first is None:
                first = split.path, keys
            elif keys and first and keys != first[1]:
                reason = f"it is signed with another key than {first[0]}, which Android refuses"
                for fact in ("signing", "splits"):
                    self._journal.gap(fact, split.path, reason)

    def signature(self) -> Verification:
        """`Unread`: a device verifies each APK by itself, see `AndroidApp.signed_files`."""
        raise Unread("a set has no signature of its own, each of its APKs has one")

    def signing(self) -> Signing:
        """The schemes and signers of all APKs, each signer with the APK it signed."""
        for _ in self._sound("signing"):
            pass
        schemes: list[str] = []
        signers: list[Signer] = []
        for split in self.app.splits:
            try:
                signing = split.apk.signing
            except Unread:
                continue  # the journal has it
            schemes += signing.schemes
            for signer in signing.signers:
                path = f"{split.path}!/{signer.path}" if signer.path else split.path
                signers.append(replace(signer, path=path))
        return Signing(tuple(sorted(set(schemes))), tuple(signers))


def _rank(path: str) -> tuple[int, str]:
    """What is most likely the base comes first, APKs for other devices last."""
    if path in _FIRST:
        return _FIRST.index(path), path
    return len(_FIRST) + path.startswith(_OTHER_DEVICES), path


def _keys(signing: Signing) -> frozenset[str]:
    """The certificates of the newest scheme, which is the one that new devices look at."""
    newest = max((signer.scheme for signer in signing.signers), default="")
    return frozenset(
        signer.certificates[0].sha256
        for signer in signing.signers
        if signer.scheme == newest and signer.certificates
    )


def _contradictions(base: Manifest, other: Manifest) -> Iterator[str]:
    """What a split may not say, and what a standalone APK says otherwise than the base."""
    if other.package != base.package:
        yield f"it is of package {other.package[:100]}, not {base.package[:100]}"
    if other.version_code != base.version_code:
        yield f"it has version code {other.version_code}, not {base.version_code}"
    if not other.split and _said(other.application) != _said(base.application):
        yield "it is no split, and its <application> says other things than the base's"


def _said(application: Application) -> list[tuple[object, ...]]:
    """The attributes without their places; the label is nobody's concern."""
    attributes = {each.name: getattr(application, each.name) for each in fields(application)}
    return [
        (name, *attribute.values, attribute.unresolved)
        for name, attribute in attributes.items()
        if isinstance(attribute, Attribute) and name != "label"
    ]
