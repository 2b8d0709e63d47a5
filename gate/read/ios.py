"""An IPA or an .app folder to an `IosApp`: what each fact is read from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from gate.app import Build, Bundle, Files, IosApp, Journal, Program, Unread
from gate.app.anomaly import Anomaly, HiddenCode
from gate.app.image import Image
from gate.app.keys import PrivateKey
from gate.app.machine import MachineCode
from gate.app.native import CodeSignature, ProvisioningProfile, Seals, Slice
from gate.app.privacy import PrivacyManifest, PrivacyRules
from gate.app.strings import Strings
from gate.formats import codesign, macho, plist, provisioning
from gate.formats.errors import Malformed
from gate.read import keys, privacy, seals, second
from gate.read.anomalies import ios_anomalies
from gate.read.hidden import hidden_in_ios
from gate.read.images import ImageReader
from gate.read.machine_code import machine_code
from gate.read.text import FileText

MAX_BUNDLES = 2_000
PROFILE = "embedded.mobileprovision"
BUNDLE = re.compile(r"\.(app|appex|framework|bundle|xctest|xpc)\Z")
APP_FOLDER = re.compile(r"(?:Payload/)?[^/]+\.app(?=/)")
KINDS = {"appex": "extension", "framework": "framework"}
JAVA_CLASS = b"\xca\xfe\xba\xbe"  # the magic of a fat Mach-O too; a class has its version next
MAX_FAT_SLICES = 40
MAGICS = (
    b"\xfe\xed\xfa\xce",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)


def app_folders(files: Files) -> tuple[str, ...]:
    """Every `Payload/Name.app`, sorted; without one every `Name.app`, as in a zipped app."""
    found = {match[0] for name in files.names if (match := APP_FOLDER.match(name))}
    installed = {folder for folder in found if folder.startswith("Payload/")}
    return tuple(sorted(installed or found))


def open_ipa(build: Build, files: Files, journal: Journal, as_of: date) -> IosApp:
    """The app of a build that holds at least one app folder; a second one is a gap."""
    first, *others = app_folders(files)
    for other in others:
        journal.gap("bundles", other, "a second app in one build; which one is installed?")
    return IosReader(files, journal, first).open(build, as_of)


def open_app_folder(build: Build, files: Files, name: str, journal: Journal, as_of: date) -> IosApp:
    """The app that a folder is; inside, paths begin with the folder's own name."""
    return IosReader(files, journal, "").open(build, as_of)


class IosReader:
    """Answers each fact of an `IosApp`; `root` is the app's folder in the build, '' for itself."""

    app: IosApp

    def __init__(self, files: Files, journal: Journal, root: str) -> None:
        self._files = files
        self._budget = files.budget
        self._journal = journal
        self._root = root
        self._second = second.SecondReader(journal)
        self._images = ImageReader(journal)

    def open(self, build: Build, as_of: date) -> IosApp:
        """The app with this reader behind it."""
        self.app = IosApp(build, self._files, self._journal, self, as_of)
        return self.app

    def bundles(self) -> tuple[Bundle, ...]:
        """The app and every bundle below it."""
        main = self._bundle(self._root)
        folders = sorted(set(self._bundle_folders()))
        if len(folders) > MAX_BUNDLES:
            raise Unread(f"more than {MAX_BUNDLES} bundles")
        found = [main]
        for folder in folders:
            try:
                found.append(self._bundle(folder))
            except Unread as reason:
                self._journal.gap("bundles", folder, str(reason))
        self._journal.cover("Info.plist", "bundles", len(folders) + 1, len(found))
        profiles = [
            self._below(folder, PROFILE) in self._files for folder in (self._root, *folders)
        ]
        read = sum(bundle.profile is not None for bundle in found)
        self._journal.cover("provisioning profiles", "files", sum(profiles), read)
        return tuple(found)

    def _bundle_folders(self) -> Iterator[str]:
        """Each folder below the app that is a bundle by its name and holds an Info.plist."""
        below = f"{self._root}/" if self._root else ""
        for name in self._files.names:
            folder, _, last = name.rpartition("/")
            inside = name.startswith(below) and folder != self._root
            if inside and last == "Info.plist" and BUNDLE.search(folder):
                yield folder

    def _bundle(self, folder: str) -> Bundle:
        path = self._below(folder, "Info.plist")
        info = self._plist(path)
        name = info.get("CFBundleExecutable")
        executable = self._below(folder, name) if isinstance(name, str) and name else ""
        return Bundle(
            path=folder,
            kind=_kind(folder, self._root),
            info=info,
            info_path=path,
            executable=executable if executable in self._files else "",
            profile=self._profile(self._below(folder, PROFILE)),
        )

    def _plist(self, path: str) -> Mapping[str, Any]:
        try:
            data = self._files.read(path, self._budget.manifest)
            value, twice = plist.parse_strictly(data, max_bytes=self._budget.manifest)
        except Malformed as malformed:
            raise Unread(f"{path}: {malformed}") from malformed
        if not isinstance(value, dict):
            raise Unread(f"{path}: the root is no dictionary")
        for key in twice:
            self._journal.gap("bundles", path, f"the key {key} is there twice; which one counts?")
        return value

    def _profile(self, path: str) -> ProvisioningProfile | None:
        if path not in self._files:
            return None
        try:
            data = self._files.read(path, self._budget.manifest)
            profile = provisioning.parse(data, max_bytes=self._budget.manifest)
            return replace(profile, path=path)
        except (Malformed, Unread) as reason:
            self._journal.gap("bundles", path, str(reason))
            return None

    def programs(self) -> tuple[Program, ...]:
        """Every file that begins as a Mach-O does, and every bundle's main program."""
        owners = {bundle.executable: bundle for bundle in self.app.bundles if bundle.executable}
        names = sorted(name for name in self._files.names if name in owners or self._is_macho(name))
        found = []
        for name in names:
            try:
                found.append(Program(name, self._slices(name), owners.get(name)))
            except Unread as reason:
                self._journal.gap("programs", name, str(reason))
        for bundle in self.app.bundles:
            # Frameworks and bundles of resources need no program, if they do not name one.
            runs = bundle.kind not in ("framework", "bundle")
            if (runs or "CFBundleExecutable" in bundle.info) and not bundle.executable:
                why = f"the program of the {bundle.kind} is missing"
                self._journal.gap("programs", bundle.path, why)
        read = [each for each in found if not any(part.witness for part in each.slices)]
        self._journal.cover("Mach-O", "files", len(names), len(read))
        slices = sum(len(each.slices) for each in read)
        self._journal.cover("Mach-O", "slices", slices, slices)
        return tuple(found)

    def _is_macho(self, name: str) -> bool:
        try:
            head = next(iter(self._files.blocks(name, self._budget.total)), b"")
        except Unread as reason:
            self._journal.gap("programs", name, str(reason))
            return False
        if head[:4] == JAVA_CLASS and int.from_bytes(head[4:8], "big") > MAX_FAT_SLICES:
            return False
        return head[:4] in MAGICS

    def _slices(self, name: str) -> tuple[Slice, ...]:
        """The images of a file, by the second reader where ours refuses it, which is a gap then."""
        data = self._files.read(name, self._budget.code)
        try:
            images, witness = macho.parse(data), ""
        except Malformed as reason:
            witness = second.NAME
            images = self._second.instead("programs", name, reason, self._second.images, data)
        disputed = () if witness else self._second.on_images(images, data)
        if not witness:
            self._images.note(name, images, data)
        return tuple(self._slice(name, each, witness, disputed) for each in images)

    def _slice(
        self, name: str, image: macho.Slice, witness: str, disputed: tuple[str, ...]
    ) -> Slice:
        signature, unread = None, False
        try:
            signature = _signature(image)
        except Malformed as reason:
            self._journal.gap("programs", name, str(reason))
            unread = True
        return Slice(
            architecture=image.architecture,
            file_type=image.file_type,
            flags=image.flags,
            platform=image.platform,
            min_os=image.min_os,
            sdk=image.sdk,
            encrypted=image.encrypted,
            signature=signature,
            offset=image.offset,
            size=image.size,
            signature_unread=unread,
            witness=witness,
            disputed=disputed,
        )

    def images(self) -> tuple[Image, ...]:
        """What each image is made of, as noted when its file was read."""
        return self._images.images(self.app.programs)

    def privacy_manifests(self) -> tuple[PrivacyManifest, ...]:
        """The privacy manifests of all bundles."""
        return privacy.manifests(self.app, self._files)

    def privacy_rules(self) -> PrivacyRules:
        """The tables of what Apple asks for."""
        return privacy.rules()

    def seals(self) -> Seals:
        """What the signatures seal; what could not be verified is a gap."""
        return seals.seals(self.app, self._files, self._journal)

    def code(self) -> MachineCode:
        """The arm64 code of the programs."""
        return machine_code(self.app, self._files, self._journal)

    def strings(self) -> Strings:
        """The text of every file."""
        return FileText(self._files, self._journal)

    def private_keys(self) -> tuple[PrivateKey, ...]:
        """Private keys in any file."""
        return keys.private_keys(self._files, self._journal)

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Every trick in the archive and in what the system must read."""
        folders = dict.fromkeys((self._root, *self._bundle_folders()))
        infos = [self._below(folder, "Info.plist") for folder in folders]
        others = [each for each in app_folders(self._files) if self._root and each != self._root]
        return ios_anomalies(self.app, others, infos[:MAX_BUNDLES])

    def hidden_code(self) -> tuple[HiddenCode, ...]:
        """Mach-O files that are neither a bundle's program nor a framework's."""
        return hidden_in_ios(self.app)

    @staticmethod
    def _below(folder: str, name: str) -> str:
        return f"{folder}/{name}" if folder else name


def _signature(image: macho.Slice) -> CodeSignature | None:
    if image.code_signature and image.code_signature[1] and not image.signature:
        raise Malformed("Mach-O code signature that leaves the image")
    return codesign.parse(image.signature) if image.signature else None


def _kind(folder: str, root: str) -> str:
    if folder == root:
        return "app"
    if folder.endswith(".app"):
        return "app-clip" if "/AppClips/" in folder else "watch-app"
    match = BUNDLE.search(folder)
    return KINDS.get(match[1] if match else "", "bundle")
