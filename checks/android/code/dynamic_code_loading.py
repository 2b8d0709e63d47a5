"""android-dynamic-code-loading: the app runs code that is not part of it."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import (
    Argument,
    Call,
    FieldRead,
    Instance,
    Joined,
    Returned,
    Text,
    Value,
    api,
)  # fmt: skip
from gate.check import Finding, Severity, Unresolved, check

LOADERS = (
    api("dalvik.system.DexClassLoader", "<init>"),
    api("dalvik.system.PathClassLoader", "<init>"),
    api("dalvik.system.InMemoryDexClassLoader", "<init>"),
    api("dalvik.system.DelegateLastClassLoader", "<init>"),
    api("dalvik.system.DexFile", "<init> loadDex"),
)
PACKAGE = api("android.content.Context", "createPackageContext")
LIBRARY = (api("java.lang.System", "load"), api("java.lang.Runtime", "load"))
INCLUDE_CODE_IGNORE_SECURITY = 3
# Parts of the platform's libraries whose work it is to load code that the app or the system brings.
PLATFORM = (
    "androidx.multidex.", "android.support.multidex.", "com.google.android.gms.",
    "com.google.android.play.core.", "org.chromium.", "androidx.startup.",
)  # fmt: skip
OWN_FIELDS = (
    "sourceDir", "publicSourceDir", "splitSourceDirs", "splitPublicSourceDirs", "nativeLibraryDir",
)  # fmt: skip
OWN_CALLS = ("getPackageCodePath", "getPackageResourcePath", "findLibrary", "mapLibraryName")
PATHS = ("getAbsolutePath", "getPath", "getCanonicalPath", "toString")
LOOKUPS = ("getApplicationInfo", "getPackageInfo", "getInstalled", "query", "resolve")
SYSTEM = ("/system/", "/vendor/", "/apex/")
DEPTH = 6


@check(AndroidApp, severity=Severity.HIGH, cwe=494, masvs="MASVS-CODE-4")
def dynamic_code_loading(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    The app loads code at run time that is not part of the build.

    Looks at: Every new DexClassLoader, PathClassLoader, InMemoryDexClassLoader and
    DelegateLastClassLoader, DexFile and DexFile.loadDex; createPackageContext with
    CONTEXT_INCLUDE_CODE and CONTEXT_IGNORE_SECURITY together; System.load and Runtime.load of a
    path that is neither the app's nativeLibraryDir nor on the system partition. Left out: class
    loaders over the app's own APK (sourceDir, getPackageCodePath), and MultiDex, SplitCompat,
    Google Play services and Chromium.

    Matters because: What is loaded was neither reviewed nor signed with the release and has all
    rights of the app. Who can write the file, stand between the app and its server, or install a
    package of the expected name runs code as the app. Google Play forbids it for downloaded code.

    Fix by: Building the code into the app, or shipping it as a feature module by Play Feature
    Delivery, which is signed with the app. For native code System.loadLibrary("name"). Where
    another package of yours brings code, compare its signing certificate before
    createPackageContext, and ask for a bound service instead if you can.

    Cannot see: Loading by native code (dlopen), by a ClassLoader class of a script engine, and what
    the loaded code does. A path that cannot be followed is unresolved.
    """
    code = app.code
    for call in code.calls(*LOADERS):
        path = call.argument(0)
        own = bool(path.values) and all(_is_own(call, path, v, DEPTH) for v in path.values)
        if not own and not _is_platform(call):
            yield _finding(call, call.owner.rpartition(".")[2], f"loads code by {call.owner}")
    for call in code.calls(PACKAGE):
        flags = call.argument(1)
        both = INCLUDE_CODE_IGNORE_SECURITY
        if any(number & both == both for number in flags.numbers) and not _is_platform(call):
            yield _finding(call, call.name, "opens another package's code, whoever signed it")
    for call in code.calls(*LIBRARY):
        yield from _native(call)


def _native(call: Call) -> Iterator[Finding | Unresolved]:
    path = call.argument(0)
    for value in path.values:
        if _is_own(call, path, value, DEPTH) or _is_platform(call):
            continue
        root = _root(path, value, DEPTH)
        if isinstance(root, (Text, Returned)):
            name = root.text if isinstance(root, Text) else root.name
            yield _finding(call, f"load {name}", f"loads a native library from {name}")
        elif call.method.is_first_party:
            yield Unresolved(call.method.name, f"the library's path is {path.why}", call.at)


def _finding(call: Call, what: str, words: str) -> Finding:
    name = call.method.name
    message = f"{name} {words}: code that is not part of the build."
    return Finding(f"{name} {what}", message, at=call.at, origin=call.method.origin)


def _is_platform(call: Call) -> bool:
    return call.method.owner.startswith(PLATFORM) and call.method.origin != "first-party"


def _is_own(call: Call, path: Argument, value: Value, depth: int) -> bool:
    """Whether a path lies in what was installed with the app, or on the system partition."""
    root = _root(path, value, depth)
    if isinstance(root, FieldRead) and root.name in OWN_FIELDS:
        return not any(map(_looks_up_others, call.method.calls))
    if isinstance(root, Text):
        return root.text.startswith(SYSTEM)
    return isinstance(root, Returned) and root.name in OWN_CALLS


def _looks_up_others(call: Call) -> bool:
    """Whether a call asks the system about packages other than the app's own."""
    if call.owner != "android.content.pm.PackageManager" or not call.name.startswith(LOOKUPS):
        return False
    return any(getattr(value, "name", "") != "getPackageName" for value in call.argument(0).values)


def _root(path: Argument, value: Value, depth: int) -> Value:
    """What a path begins with, through texts that are joined and File objects."""
    if isinstance(value, Joined):
        return value.parts[0] if not isinstance(value.parts[0], Joined) else value
    made = path.made_by(value) if isinstance(value, (Returned, Instance)) and depth else None
    if made is None:
        return value
    if made.name == "<init>" and made.owner == "java.io.File" and made.parameters:
        inner = made.argument(0)
    elif made.owner == "java.io.File" and made.name in PATHS:
        inner = made.receiver
    else:
        return value
    return _root(inner, inner.values[0], depth - 1) if len(inner.values) == 1 else value
