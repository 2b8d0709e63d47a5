"""Tell what a build is, and open it as the app it holds."""

import os
import stat
from datetime import date

from gate.app import App, Budget, Build, IosApp, Journal
from gate.formats.errors import Malformed
from gate.read.android import open_apk
from gate.read.anomalies import archives
from gate.read.bundle import open_bundle
from gate.read.files import FolderFiles, ZipFiles
from gate.read.ios import app_folders, open_app_folder, open_ipa
from gate.read.kinds import marks, two_in_one
from gate.read.splits import open_splits

APPS = (".app", ".apk")
NO_APP = "a folder without an app: it holds neither an Info.plist nor a Payload/*.app, and no APK"


class NotAnApp(Exception):
    """A build that this version does not judge; the message is one sentence, `kind` what it is."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind


def open_app(
    fd: int, name: str, as_of: date, budget: Budget | None = None, idsig: int | str = ""
) -> App:
    """The app in an open file or folder; `name` is the build's own file name, for its kind only.

    `idsig` is the open .idsig beside it, why that could not be opened, or "" for none.
    """
    journal, budget = Journal(), budget or Budget()
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            return _open_folder(_files_of(fd, journal, budget), name, journal, as_of)
        files = ZipFiles(os.fdopen(fd, "rb", closefd=False), budget)
        app = _open_archive(files, journal, as_of, idsig)
    except Malformed as malformed:
        raise NotAnApp(f"not an APK or IPA that can be read: {malformed}") from malformed
    directories = [archive.directory for _, archive in archives(app.files)]
    entries = sum(len(each.entries) for each in directories)
    journal.cover("ZIP archive", "entries", entries, sum(each.readable for each in directories))
    _doubt(app, journal)
    return app


def _doubt(app: App, journal: Journal) -> None:
    """A gap in what rests on a file that is there twice: the first is read, some take the last."""
    doubted: dict[str, str] = {}
    for prefix, archive in archives(app.files):
        for name in sorted(archive.directory.duplicates):
            doubted.setdefault(_fact(app, name), prefix + name)
    for fact, path in doubted.items():
        journal.gap(fact, path, "it is there more than once; which one counts?")


def _fact(app: App, name: str) -> str:
    """The fact that a file is read for first."""
    if isinstance(app, IosApp):
        return "bundles" if name.endswith("Info.plist") else "programs"
    if name.endswith(".dex"):
        return "code"
    return "libraries" if name.startswith("lib/") else "manifest"


def _files_of(fd: int, journal: Journal, budget: Budget) -> FolderFiles:
    """The files of a folder that may be an app; what is not one is not walked through."""
    top = os.listdir(fd)
    if not any(name in ("Info.plist", "Payload") or name.endswith(APPS) for name in top):
        raise NotAnApp(NO_APP)
    files = FolderFiles(fd, budget)
    for path, reason in files.unread:
        journal.gap("files", path, reason)
    journal.cover("folder", "files", len(files.names) + len(files.unread), len(files.names))
    return files


def _open_archive(files: ZipFiles, journal: Journal, as_of: date, idsig: int | str) -> App:
    kind = kind_of(files)
    build = Build("", kind)
    if kind == "apk":
        return open_apk(build, files, journal, as_of, idsig)
    if kind == "aab":
        return open_bundle(build, files, journal, as_of)
    if kind == "apks":
        return open_splits(build, files, journal, as_of)
    if kind == "ipa":
        return open_ipa(build, files, journal, as_of)
    raise NotAnApp(
        "a ZIP archive, but no app: it holds neither an AndroidManifest.xml nor a Payload/*.app,"
        " no module of a bundle and no APK"
    )


def kind_of(files: ZipFiles | FolderFiles) -> str:
    """The one kind that the build bears marks of, '' for none; `NotAnApp` names them if several."""
    found = marks(files)
    if several := two_in_one(found):
        raise NotAnApp(several)
    if found:
        return next(iter(found))
    if app_folders(files):
        return "ipa"
    return "apk" if "classes.dex" in files or "resources.arsc" in files else ""


def _open_folder(files: FolderFiles, name: str, journal: Journal, as_of: date) -> App:
    kind = kind_of(files)
    if kind == "app-folder":
        return open_app_folder(Build("", "app-folder"), files, name, journal, as_of)
    if kind == "ipa":
        return open_ipa(Build("", "app-folder"), files, journal, as_of)
    if kind == "apks":
        return open_splits(Build("", "apks"), files, journal, as_of)
    raise NotAnApp(NO_APP)
