"""ios-backup-exclusion-loose: secrets in files of a backup, or kept out of it by a flag alone."""

import re
from collections.abc import Iterator

from gate.app import IosApp
from gate.app.credentials import names_account, names_credential
from gate.app.foundation import Place, places, swift_texts, texts
from gate.app.machine import MachineCall, MachineFunction, Mentions, imported, message
from gate.check import Finding, Severity, check

APPEND = message(
    "stringByAppendingPathComponent: URLByAppendingPathComponent:"
    " URLByAppendingPathComponent:isDirectory:"
)
SWIFT_APPEND = imported(
    "$s10Foundation3URLV22appendingPathComponentyACSSF"
    " $s10Foundation3URLV22appendingPathComponent_11isDirectoryACSS_SbtF"
    " $s10Foundation3URLV22appendPathComponentyySSF"
    " $s10Foundation3URLV9appending4path13directoryHintACx_AC09DirectoryF0OtSyRzlF"
)
KEPT = ("Documents", "Application Support")
FOLDERS = {9: "Documents", 14: "Application Support"}
ASKED = ("NSSearchPathForDirectoriesInDomains", "URLsForDirectory:inDomains:",
         "URLForDirectory:inDomain:appropriateForURL:create:error:")  # fmt: skip
FLAG = "NSURLIsExcludedFromBackupKey"
SWIFT_FLAG = "$s10Foundation17URLResourceValuesV20isExcludedFromBackupSbSgvs"
WRITES = frozenset(
    message(
        "writeToFile:atomically: writeToFile:options:error: writeToURL:atomically:"
        " writeToURL:error: writeToURL:options:error: writeToFile:atomically:encoding:error:"
        " writeToURL:atomically:encoding:error: createFileAtPath:contents:attributes:"
        " archiveRootObject:toFile: copyItemAtPath:toPath:error: copyItemAtURL:toURL:error:"
        " fileHandleForWritingAtPath: fileHandleForWritingToURL:error:"
    ).selectors
)
C_WRITES = frozenset(("fopen", "open", "creat", "sqlite3_open", "sqlite3_open_v2"))
SWIFT_WRITES = ("$sSy10FoundationE5write2to", "$s10Foundation4DataV5write2to")
MANY = 3  # methods of one selector, so many that one of them says nothing
FILE = re.compile(r"(?:.*/)?([\w .-]{2,60})\.[A-Za-z]\w{0,11}", re.S)


@check(IosApp, severity=Severity.LOW, cwe=212, masvs="MASVS-STORAGE-2")
def backup_exclusion_loose(app: IosApp) -> Iterator[Finding]:
    """
    A file named after secrets or accounts goes into backups, or is kept out by a flag alone.

    Looks at: In the app's own code: constant file names that speak of a password, token, secret or
    account, put behind the Documents or Application Support folder in a function that writes files
    or that calls, or is called by, one that does; and whether NSURLIsExcludedFromBackupKey is set
    there. Files in Caches and the temporary folder are left out.

    Matters because: Both folders are part of every backup to a computer or to iCloud, which is
    readable with that computer's or account's password. The flag asks the system to leave a file
    out, and is lost whenever the file is written anew, as atomic writing does; it protects nothing
    on the device.

    Fix by: The keychain with kSecAttrAccessibleWhenUnlockedThisDeviceOnly for secrets. Where a file
    has to be, encrypt it with a key from there, write it with NSFileProtectionComplete, and set the
    flag again after every write, on its folder as well.

    Cannot see: Names that are made at run time, folders that are asked for in a function further
    away, and what is in the files.
    """
    told: set[str] = set()
    for call, name, folder in _named(app):
        around = _around(app, call.function)
        if not call.function.is_first_party or not _writes(around):
            continue
        subject = f"{call.function.name} {name}"
        if subject in told:
            continue
        told.add(subject)
        flagged = FLAG in around.imports or SWIFT_FLAG in around.imports
        how = f"and keeps it out of backups by {FLAG} alone, which is lost when the file is "
        how = how + "written anew" if flagged else f"without {FLAG}: it is in every backup"
        message = f'{call.function.name} writes "{name}" below {folder} {how}.'
        yield Finding(subject, message, at=call.at, origin=call.function.origin)


def _named(app: IosApp) -> Iterator[tuple[MachineCall, str, str]]:
    """The calls that put such a name behind one of the folders, the name and the folder."""
    for call in app.code.sends(APPEND):
        names = [name for name in texts(call, call.argument(0)) if _speaks(name)]
        if names:
            for place in places(call, call.receiver):
                if folder := _kept(place):
                    yield call, names[0], folder
    for call in app.code.calls(SWIFT_APPEND):
        names = [name for name in swift_texts(call, 0) if _speaks(name)]
        if names:
            around = (call.function, *_called(call.function))
            for folder in sorted({f for function in around for f in _folders(function)}):
                yield call, names[0], folder


def _speaks(name: str) -> bool:
    """Whether a text is a file name that speaks of a secret or an account."""
    found = FILE.fullmatch(name)
    stem = found[1] if found else ""
    plural = re.sub(r"(?i)(secret|password|token|account|user)s\b", r"\1", stem)
    return names_credential(plural) or names_account(plural)


def _kept(place: Place) -> str:
    """The folder of a place that backups hold, '' for any other."""
    if place.root == "home" and place.parts:
        first = "/".join(place.parts).strip("/")
        kept = {"Documents": "Documents", "Library/Application Support": "Application Support"}
        return next((folder for path, folder in kept.items() if first.startswith(path)), "")
    return place.root if place.root in KEPT else ""


def _folders(function: MachineFunction) -> Iterator[str]:
    for each in function.calls:
        if each.name in ASKED:
            yield from (FOLDERS[n] for n in each.argument(0).numbers if n in FOLDERS)


def _called(function: MachineFunction) -> Iterator[MachineFunction]:
    """The app's functions that a function calls, as far as it is certain which."""
    for each in function.calls:
        targets = each.targets()
        yield from targets if len(targets) < MANY else ()


def _around(app: IosApp, function: MachineFunction) -> Mentions:
    """What a function names, with the blocks in it, those it calls, and those that call it."""
    found = function.mentions
    for block in function.blocks:
        found |= block.mentions
    for each in _called(function):
        found |= each.mentions
    senders = message(function.selector, function.owner) if function.selector else message("")
    for site in (*function.callers(), *app.code.sends(senders)):
        found |= site.function.mentions
    return found


def _writes(around: Mentions) -> bool:
    if around.selectors & WRITES or around.imports & C_WRITES:
        return True
    return any(name.startswith(SWIFT_WRITES) for name in around.imports)
