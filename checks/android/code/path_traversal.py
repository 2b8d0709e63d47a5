"""android-path-traversal: a name from outside becomes part of a file's path."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Flow, Input, api
from gate.check import Finding, Severity, check

FILES = {
    "java.io.File": "<init>", "java.io.FileInputStream": "<init>",
    "java.io.FileOutputStream": "<init>", "java.io.FileReader": "<init>",
    "java.io.FileWriter": "<init>", "java.io.RandomAccessFile": "<init>",
    "java.nio.file.Paths": "get", "java.nio.file.Path": "resolve",
}  # fmt: skip
CANONICAL = {"getCanonicalPath", "getCanonicalFile", "toRealPath", "normalize"}
LAST_NAME = api("java.io.File", "getName")
ABOVE = {"..", "../", "/..", "/../"}


@check(AndroidApp, severity=Severity.HIGH, cwe=22, masvs="MASVS-CODE-4")
def path_traversal(app: AndroidApp) -> Iterator[Finding]:
    """
    A name from outside the app becomes part of a file's path.

    Looks at: What callers pass to an exported provider, what comes with the intents of exported
    components, results and display names of other apps, names that web pages and servers give, and
    the names in ZIP archives, followed to new File, FileInputStream, FileOutputStream and their
    like. No finding where the path is made canonical, where File.getName takes the last name off,
    or where the name is searched for "..". Uri.getLastPathSegment does not help: it decodes %2F.

    Matters because: A name such as ../shared_prefs/session.xml leaves the folder that the code
    means: others read or overwrite the app's private files, its databases and its code.

    Fix by: File file = new File(base, name); if (!file.getCanonicalPath()
    .startsWith(base.getCanonicalPath() + File.separator)) throw new SecurityException(). Where the
    name has no folders, new File(base, new File(name).getName()). For providers use FileProvider.

    Cannot see: Whether the comparison of canonical paths is right where there is one, other checks
    of the name's text, and names that pass through databases or native code.
    """
    inputs = app.code.inputs("intent", "provider", "archive", "result", "web", "network")
    sources = [each for each in inputs if each.exposed and each.is_first_party]
    followed = [(source, list(ways(source))) for source in sources]
    searched = {source.method for source, flows in followed if any(map(is_searched, flows))}
    for source, flows in followed:
        if source.method in searched:
            continue
        for flow in flows:
            call = flow.call
            if is_path(call, flow.argument) and not checked(call):
                yield Finding(
                    call.method.name,
                    f"{source.said} becomes part of the path that {call.method.name} opens.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=(source.at, *flow.steps),
                )


def ways(source: Input) -> Iterator[Flow]:
    """Where the data goes, and what a content provider answers that it names."""
    for flow in source.flows(LAST_NAME):
        yield flow
        asks = flow.call.owner == "android.content.ContentResolver" and flow.call.name == "query"
        if asks and flow.argument == 0:
            yield from (each for each in flow.call.flows() if each.call.name != "getName")


def is_path(call: Call, argument: int) -> bool:
    """Whether the parameter is a path's text: a File was judged where it was made."""
    if FILES.get(call.owner) != call.name or not 0 <= argument < len(call.parameters):
        return False
    return call.parameters[argument] in ("java.lang.String", "java.lang.String[]")


def is_searched(flow: Flow) -> bool:
    """Whether the text is searched for a way up."""
    call = flow.call
    searched = call.name in ("contains", "indexOf") and flow.argument == -1
    return searched and bool(ABOVE & set(call.argument(0).texts))


def checked(call: Call) -> bool:
    """Whether the path is made canonical, or the File only serves to take the last name off."""
    uses = {each.name for each in call.on_built()} - {"<init>"}
    if uses & CANONICAL or uses == {"getName"}:
        return True
    return any(each.call.name in CANONICAL for each in call.passes() if each.argument == -1)
