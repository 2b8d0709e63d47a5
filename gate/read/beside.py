"""What a set of APKs holds beside them: data, and now and then an app that nothing has judged.

Lists, icons, signatures and expansion files are what an honest set has there. Who installs the set
passes the rest over or does not, so that an archive of APKs leaves open which app there is, and so
does one that cannot be opened. Magic numbers: APPNOTE.TXT 4.3.7; System V ABI, chapter 4.
"""

from collections.abc import Iterator
from typing import Final

from gate.app import Journal, Unread
from gate.app.anomaly import HiddenCode
from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip_records import LOCAL_MAGIC
from gate.read.files import ZipFiles
from gate.read.hidden import FACT, in_file
from gate.read.nested import SetFiles, begins_with

MAX_PEEKS: Final = 5_000
"""Files in archives beside the APKs that are begun to be read; beginning one inflates 1 MiB."""

_ELF: Final = b"\x7fELF"
_DEX: Final = b"dex\n0"
_EXPANSIONS: Final = "Android/obb/"
_ARCHIVES: Final = (".apk", ".apks", ".xapk", ".apkm", ".aab")


def doubts_beside(files: SetFiles) -> Iterator[tuple[str, str]]:
    """Each file beside the APKs that may be or bring an app, and why nobody knows."""
    left = MAX_PEEKS
    for path in files.beside:
        try:
            if begins_with(files, path, _ELF):
                yield path, "a native library outside the APKs of the set, which nothing judges"
            elif begins_with(files, path, LOCAL_MAGIC):
                archive = files.archive(path)
                reason, peeks = _in_archive(archive, path.startswith(_EXPANSIONS), left)
                left -= peeks
                if reason:
                    yield path, reason
        except (Malformed, Unread) as reason:
            # An expansion file may be of any form, and as large as it likes.
            if not path.startswith(_EXPANSIONS):
                yield path, str(reason)


def _in_archive(archive: ZipFiles, is_expansion: bool, most: int) -> tuple[str, int]:
    """Why an archive beside the APKs leaves the app open, or ""; and how many files were begun."""
    for name in archive.names:
        if name.lower().endswith(_ARCHIVES):
            return f"it holds {name[:100]}: an archive in an archive of a set is not opened", 0
    if is_expansion:
        return "", 0
    for count, name in enumerate(archive.names):
        if count >= most:
            return f"it is one of archives with more than {MAX_PEEKS} files together", count
        if begins_with(archive, name, LOCAL_MAGIC, _DEX):
            return f"it holds {name[:100]}: what lies in an archive of a set is not opened", count
    return "", len(archive.names)


def hidden_beside(files: SetFiles, journal: Journal) -> tuple[HiddenCode, ...]:
    """Code in the files beside the APKs, as in those inside; one that cannot be read is a gap."""
    found: list[HiddenCode] = []
    read = 0
    for path in files.beside:
        try:
            found += in_file(files, path)
            read += 1
        except (OverLimit, Unread) as reason:
            journal.gap(FACT, path, str(reason))
    journal.cover("files beside the APKs", "files", len(files.beside), read)
    return tuple(found)
