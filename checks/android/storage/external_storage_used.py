"""android-external-storage-used: the app uses files that others may read."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Code, Joined, Text, Value, api
from gate.check import Confidence, Finding, Severity, check

PLACES = (
    api("android.os.Environment", "getExternalStorageDirectory getExternalStoragePublicDirectory"),
    api(
        "android.content.Context",
        "getExternalFilesDir getExternalFilesDirs getExternalCacheDir getExternalCacheDirs"
        " getExternalMediaDirs getObbDir getObbDirs",
    ),
    api(
        "androidx.core.content.ContextCompat",
        "getExternalFilesDirs getExternalCacheDirs getObbDirs",
    ),
)
OPENED = (
    api("java.io.File", "<init>"),
    api("java.io.FileInputStream", "<init>"),
    api("java.io.FileOutputStream", "<init>"),
    api("java.io.FileReader", "<init>"),
    api("java.io.FileWriter", "<init>"),
    api("java.io.RandomAccessFile", "<init>"),
    api("android.os.StatFs", "<init>"),
    api("android.media.MediaRecorder", "setOutputFile"),
)
ROOTS = ("/sdcard", "/mnt/sdcard", "/storage/emulated", "/storage/sdcard", "/data/media/")
# Questions about the place that touch no file in it.
ASKS = (
    "exists canRead canWrite equals hashCode isDirectory getFreeSpace getTotalSpace getUsableSpace"
    " getExternalStorageState getStorageState isExternalStorageEmulated isExternalStorageRemovable"
)
PLATFORM = ("android.", "androidx.", "com.google.android.", "kotlin.", "kotlinx.")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=922, masvs="MASVS-STORAGE-1")
def external_storage_used(app: AndroidApp) -> Iterator[Finding]:
    """
    The app keeps files on external storage.

    Looks at: Where the app's code takes the folder of Environment.getExternalStorageDirectory or
    getExternalStoragePublicDirectory, or of a Context's getExternalFilesDir(s),
    getExternalCacheDir(s), getExternalMediaDirs and getObbDir(s), and uses it for more than to ask
    whether it is there; and constant paths under /sdcard and its other names that are opened. A
    library of another maker is told once, with low confidence; those of the platform (androidx,
    Google) are not told.

    Matters because: External storage is shared. Up to Android 9, and for apps with
    requestLegacyExternalStorage in 10, every app that may read storage reads these files, and every
    app that may write changes them before they are read again. They also outlive the app in the
    public folders, and are read out over USB or with the card.

    Fix by: Using context.getFilesDir() or getCacheDir(), which only this app reaches. Files that
    the user wants to have, such as pictures and exports, go through MediaStore or
    Intent(Intent.ACTION_CREATE_DOCUMENT), and without customers' data. Check a signature or digest
    of whatever is read from outside.

    Cannot see: What is written into the files, whether it is encrypted, and paths that native code
    or a server makes.
    """
    told = set()
    for call in app.code.calls(*PLACES):
        name = call.method.name
        if call.method.short_name == call.name or not call.result_used:
            continue
        if call.method.is_first_party:
            if not _used(call, app.code):
                continue
            yield _finding(call, f"{name} {call.name}", f"{name} uses files in {call.name}")
        elif call.method.origin not in told and not name.startswith(PLATFORM):
            told.add(call.method.origin)
            what = f"{call.method.origin} uses files on external storage ({name})"
            yield _finding(call, call.method.origin, what, Confidence.LOW)
    for call in app.code.own_calls(*OPENED):
        for value in call.argument(0).values if call.parameters[:1] else ():
            path = _path(value)
            if path:
                name = call.method.name
                yield _finding(call, f"{name} {path}", f"{name} opens a path under {path}")


def _finding(
    call: Call, subject: str, what: str, confidence: Confidence = Confidence.HIGH
) -> Finding:
    message = f"{what}: others may read and change them."
    origin = call.method.origin
    return Finding(subject, message, at=call.at, origin=origin, confidence=confidence)


def _used(call: Call, code: Code) -> bool:
    """Whether the folder goes anywhere but into questions about itself, or may do so."""
    harmless = ASKS.split()
    if any(flow.call.name not in harmless for flow in call.flows()):
        return True
    return not code.flows_complete


def _path(value: Value) -> str:
    """The root of external storage that a path begins with, '' for any other."""
    text = value.text if isinstance(value, Text) else ""
    text = value.begin if isinstance(value, Joined) else text
    text = text.removeprefix("file://")
    return next(
        (root for root in ROOTS if text == root or text.startswith((f"{root}/", f"{root}0"))), ""
    )
