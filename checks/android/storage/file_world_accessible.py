"""android-file-world-accessible: every app may read or write a file."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import FIRST_PARTY, Argument, Array, Call, Number, Text, Value, api
from gate.check import Finding, Severity, Unresolved, check

CONTEXT = "android.content.Context"
MODES = (
    api(CONTEXT, "openFileOutput getSharedPreferences openOrCreateDatabase getDir"),
    api("android.app.Activity", "getPreferences"),
)
FILE = api("java.io.File", "setReadable setWritable", "boolean boolean")
CHMOD = api("android.system.Os", "chmod fchmod")
EXEC = (api("java.lang.Runtime", "exec"), api("java.lang.ProcessBuilder", "<init> command"))
READABLE, WRITEABLE = 1, 2
OCTAL = re.compile(r"[0-7]{3,4}")
SYMBOLIC = re.compile(r"[ugoa]*[+=][rwxXst]*")


@check(AndroidApp, severity=Severity.HIGH, cwe=732, masvs="MASVS-STORAGE-2")
def file_world_accessible(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    A file, database or folder of the app is open to every app.

    Looks at: The mode of openFileOutput, getSharedPreferences, openOrCreateDatabase, getDir and
    Activity.getPreferences: MODE_WORLD_READABLE (1) and MODE_WORLD_WRITEABLE (2).
    File.setReadable(true, false) and setWritable(true, false). The mode of Os.chmod and Os.fchmod,
    and chmod commands that are run, where they give others access. Every value that the mode may
    have counts, whichever way it comes. Libraries' own files are left out.

    Matters because: Any app on the phone can read the file, or change it below the app's hands.
    From Android 7 on the two modes throw a SecurityException with targetSdk 24 or higher, so that
    the code fails; chmod and setReadable work everywhere.

    Fix by: Context.MODE_PRIVATE as the mode, and setReadable(true, true) or nothing at all. To
    give one file to another app, use androidx.core.content.FileProvider and
    Intent.FLAG_GRANT_READ_URI_PERMISSION.

    Cannot see: What native code does to files, scripts that the app runs, and what is in the file.
    Modes that come from outside of the app's code are told as unresolved.
    """
    for each in _found(app):
        if isinstance(each, Unresolved) or each.origin in ("", FIRST_PARTY):
            yield each


def _found(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    for call in app.code.calls(*MODES):
        mode = call.argument(0 if call.name == "getPreferences" else 1)
        yield from _judged(call, mode, READABLE, WRITEABLE)
    for call in app.code.calls(FILE):
        given = Number(0) not in call.argument(0).values or 1 in call.argument(0).numbers
        if given and 0 in call.argument(1).numbers:
            yield _finding(call, "write" if call.name == "setWritable" else "read")
    for call in app.code.calls(CHMOD):
        yield from _judged(call, call.argument(1), 0o4, 0o2)
    for call in app.code.calls(*EXEC):
        for command in call.argument(0).values:
            for access in _opened(_words(command)):
                yield _finding(call, access)


def _judged(call: Call, mode: Argument, read: int, write: int) -> Iterator[Finding | Unresolved]:
    for value in mode.values:
        if isinstance(value, Number):
            for bit, access in ((read, "read"), (write, "write")):
                if value.number & bit:
                    yield _finding(call, access, mode, value)
    if not mode.complete and call.method.is_first_party:
        yield Unresolved(f"{call.method.name} {call.name}", f"the mode is {mode.why}", call.at)


def _finding(
    call: Call, access: str, mode: Argument | None = None, value: Value | None = None
) -> Finding:
    return Finding(
        f"{call.method.name} {access}",
        f"{call.method.name} calls {call.name} so that every app may {access} what it makes.",
        at=call.at,
        origin=call.method.origin,
        flow=mode.steps(value) if mode and value else (),
    )


def _words(command: Value) -> list[str]:
    """The words of a command line, of one text or of an array of texts."""
    if isinstance(command, Text):
        return command.text.split()
    if isinstance(command, Array):
        parts = [each.text if isinstance(each, Text) else "?" for each in command.items or ()]
        return " ".join(parts).split()
    return []


def _opened(words: list[str]) -> Iterator[str]:
    """What a chmod command lets others do: read, write."""
    for at, word in enumerate(words):
        if word.rpartition("/")[2] != "chmod":
            continue
        mode = next((each for each in words[at + 1 :] if not each.startswith("-")), "")
        if OCTAL.fullmatch(mode):
            yield from _named(int(mode[-1]) & 4, int(mode[-1]) & 2)
        elif SYMBOLIC.fullmatch(mode):
            who, _, what = mode.replace("=", "+").partition("+")
            if not who or "o" in who or "a" in who:
                yield from _named("r" in what, bool(who) and "w" in what)


def _named(read: object, write: object) -> Iterator[str]:
    yield from (access for access, given in (("read", read), ("write", write)) if given)
