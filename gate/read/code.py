"""The DEX files of an app as one program that checks may question."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from gate.app import AndroidApp, Files, Journal, Unread
from gate.app.manifest import Manifest
from gate.dalvik.code import AppCode
from gate.dalvik.dex import read_files
from gate.dalvik.origin import Origins, Seeds, own_packages
from gate.dalvik.program import Program
from gate.dalvik.search import Code
from gate.formats.errors import Malformed

# What the Android Gradle plugin leaves of each library: group_artifact.version.
VERSION_FILE = re.compile(r"(?:.*/)?META-INF/([\w.-]+)_([\w.-]+)\.version")


def read_code(files: Files, journal: Journal, paths: Sequence[str], limit: int) -> Iterator[Code]:
    """The code of each file that can be read; any other is a gap in the fact `code`."""
    parsed = classes = methods = 0
    for path in paths:
        try:
            codes = [Code(dex) for dex in read_files(files.read(path, limit), path)]
        except (Malformed, Unread) as reason:
            journal.gap("code", path, str(reason))
            continue
        parsed += 1
        classes += sum(len(code.dex.classes) for code in codes)
        methods += sum(len(code.methods.index) for code in codes)
        yield from codes
    journal.cover("DEX", "files", len(paths), parsed)
    journal.cover("DEX", "classes", classes, classes)
    journal.cover("DEX", "methods", methods, methods)


def program_of(
    app: AndroidApp,
    codes: Iterable[Code],
    texts: Callable[[int], tuple[str, ...]],
    name: Callable[[int], str],
) -> AppCode:
    """The whole program of an app; `texts` and `name` are those of a resource id."""
    program = Program(tuple(codes))
    journal = app.journal

    def fault(path: str, method: str, reason: str) -> None:
        journal.gap("code", path, f"{method}: {reason}")

    def followed(complete: bool) -> None:
        if not complete:
            journal.fall_short("following values through the code took more work than allowed")

    return AppCode(program, Origins(program, _seeds(app)), texts, app.asked, fault, followed, name)


def _seeds(app: AndroidApp) -> Seeds:
    libraries = tuple(
        sorted(
            {
                (match[1], f"{match[1]}:{match[2]}")
                for name in app.files.names
                if (match := VERSION_FILE.fullmatch(name))
            }
        )
    )
    try:
        manifest = app.manifest
    except Unread:
        return Seeds((), frozenset(), libraries)
    main = [
        component.name
        for component in manifest.components
        if component.is_launcher
        and not any(component.name.startswith(f"{root}.") for root, _ in libraries)
    ]
    names = frozenset(component.name for component in manifest.components)
    takers: dict[str, tuple[str, ...]] = {}
    for component in manifest.components:
        for action in component.actions:
            takers[action] = (*takers.get(action, ()), component.target or component.name)
    own = own_packages(manifest.package, manifest.package, main)
    return Seeds(own, names, libraries, frozenset(_exposed(manifest)), takers)


def _exposed(manifest: Manifest) -> Iterator[str]:
    """The components that any app reaches; one whose attributes are not known counts as such.

    An alias that is exposed exposes the activity that it stands for.
    """
    for component in manifest.components:
        try:
            if manifest.is_exported(component) and not manifest.guards(component):
                yield component.target or component.name
        except Unread:
            yield component.target or component.name
