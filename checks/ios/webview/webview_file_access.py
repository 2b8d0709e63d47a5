"""ios-webview-file-access: web pages that may read the app's files."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.foundation import numbers, places, texts
from gate.app.machine import message
from gate.check import Finding, Severity, Unresolved, check

SET = message("setValue:forKey: setValue:forKeyPath:")
KEYS = ("allowFileAccessFromFileURLs", "allowUniversalAccessFromFileURLs")
PATHS = tuple(f"preferences.{key}" for key in KEYS)
LOAD = message("loadFileURL:allowingReadAccessToURL:")
LOAD_REQUEST = message("loadFileRequest:allowingReadAccessToURL:")
WIDE = {"home": "the app's home folder", "Documents": "the whole Documents folder",
        "Library": "the whole Library folder", "group": "the whole group container",
        "Application Support": "the whole Application Support folder"}  # fmt: skip


@check(IosApp, severity=Severity.HIGH, cwe=200, masvs="MASVS-PLATFORM-2")
def webview_file_access(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A web page may read the app's files.

    Looks at: Calls of setValue:forKey: with the keys allowFileAccessFromFileURLs and
    allowUniversalAccessFromFileURLs and a true value; and the folder that
    loadFileURL:allowingReadAccessToURL: opens to the page: the root, the app's home, all of
    Documents, Library or Application Support, or a group container.

    Matters because: A page from a file then reads every other file that the app can, such as
    databases, cookies and tokens, and with universal access sends them to any server. One injected
    script, or one page that came from outside, is enough.

    Fix by: Removing the two keys, which are no public interface. Give read access to the packaged
    folder of pages alone, allowingReadAccessTo: page.deletingLastPathComponent() in loadFileURL, or
    serve the pages by a WKURLSchemeHandler.

    Cannot see: Keys that are put together at run time, and folders that Swift code hands over as
    values of its own URL type; the latter are unresolved.
    """
    for call in app.code.sends(SET):
        for key in texts(call, call.argument(1)):
            if key not in (*KEYS, *PATHS):
                continue
            function, held = call.function, call.argument(0)
            known = numbers(call, held)
            if any(known):
                yield Finding(
                    f"{function.name} {key}",
                    f'{function.name} sets "{key}" to true, so that pages from files read the '
                    "app's files.",
                    at=call.at,
                    origin=function.origin,
                )
            elif not known and function.is_first_party:
                yield Unresolved(
                    f"{function.name} {key}", f"the value is open: {held.why}", call.at
                )
    for call in app.code.sends(LOAD, LOAD_REQUEST):
        function = call.function
        for place in places(call, call.argument(1)):
            folder = _folder(place.root, place.parts)
            if folder:
                yield Finding(
                    f"{function.name} {folder}",
                    f"{function.name} gives a page from a file read access to {folder}.",
                    at=call.at,
                    origin=function.origin,
                )
            elif not place.root and function.is_first_party:
                subject = f"{function.name} allowingReadAccessToURL:"
                yield Unresolved(subject, f"the folder is open: {place.why}", call.at)


def _folder(root: str, parts: tuple[str, ...]) -> str:
    """The words for a folder that is too wide, '' for another."""
    if root == "text":
        path = "".join(parts).removeprefix("file://")
        return "the root folder" if path and not path.strip("/") else ""
    inner = [part.strip("/") for part in parts if part.strip("/.")]
    if root == "home" and inner in (["Documents"], ["Library"]):
        root = inner.pop()
    return WIDE.get(root, "") if not inner else ""
