"""Symbols, debug data and build paths left in a release."""

from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location
from gate.app.image import DEBUG_SEGMENTS, Image
from gate.check import Finding, Severity, Undecided, check

SYSTEM = ("/usr/lib/", "/System/")


@check(IosApp, severity=Severity.LOW, cwe=497, masvs="MASVS-RESILIENCE-3")
def symbols_left(app: IosApp) -> Iterator[Finding]:
    """
    The app's code still has local symbols, debug data or paths of the build machine.

    Looks at: The programs of the app and its extensions, and the frameworks and libraries whose
    bundle identifier begins as the app's does: local symbols, entries of the debugger's map (the
    object files and functions of N_OSO and N_FUN), segments __DWARF and __LLVM (bitcode), paths of
    source files in a home folder among the strings, and run paths and libraries at absolute places
    outside /usr/lib and /System. Exported and imported symbols, names of Objective-C and Swift that
    the run time needs, relative paths, @rpath and the like are in order.

    Matters because: Names of functions and files tell an attacker where log-in, keys and checks
    against tampering are, which saves days of work. Paths tell how the build machine is set up and
    who works there; a library that is looked for in such a folder can be put there by others.

    Fix by: Setting for Release STRIP_INSTALLED_PRODUCT YES, COPY_PHASE_STRIP YES, STRIP_STYLE all
    for the app and non-global for frameworks, DEPLOYMENT_POSTPROCESSING YES, ENABLE_BITCODE NO and
    DEBUG_INFORMATION_FORMAT dwarf-with-dsym, and keeping the dSYM for crash reports. Against paths
    use #fileID instead of #file and #filePath in Swift, and -ffile-prefix-map=$(SRCROOT)=. in
    OTHER_CFLAGS. Set LD_RUNPATH_SEARCH_PATHS to @executable_path/Frameworks alone.

    Cannot see: The strings of a program that the store encrypted, which is then undecided, and who
    wrote a library that was linked into the program and brought its paths along.
    """
    hidden = []
    owners = {program.path: program.bundle for program in app.programs}
    for image in app.images:
        if not _is_own(app, owners[image.path]):
            continue
        for what, message, evidence in _left(image):
            yield Finding(
                subject=f"{image.subject} {what}",
                message=f"{message}{image.part.caveat}.",
                at=Location(
                    image.path,
                    element=f"{image.part.architecture} {what}",
                    snippet=", ".join(evidence[:3])[:200],
                ),
            )
        if image.part.encrypted:
            hidden.append(image.subject)
    if hidden:
        raise Undecided(f"the strings are encrypted in {', '.join(hidden[:3])}")


def _is_own(app: IosApp, owner: Bundle | None) -> bool:
    """Whether the app's makers built it: its programs, and what has their identifier."""
    if owner is None or owner.kind not in ("framework", "bundle"):
        return owner is not None
    whose = ".".join(app.main.identifier.split(".")[:2])
    return "." in whose and owner.identifier.startswith(f"{whose}.")


def _left(image: Image) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What is left, the sentence that says so, and the first few examples."""
    left = image.residue
    if left.local_symbols:
        text = f"Local symbols are left, such as {left.local_symbols[0][:120]}"
        yield "local symbols", text, left.local_symbols
    if left.debug_map:
        yield (
            "debug map",
            "The debugger's map of object files and functions is left",
            left.debug_map,
        )
    for segment in image.segments:
        if segment.name in DEBUG_SEGMENTS:
            what = "debug data" if segment.name == "__DWARF" else "bitcode"
            yield segment.name, f"The segment {segment.name} holds {what}", (segment.name,)
    if left.source_paths:
        text = f"Paths of the build machine are among the strings, such as {left.source_paths[0]}"
        yield "source paths", text[:300], left.source_paths
    for kind, paths in (("run path", image.run_paths), ("library", image.libraries)):
        for path in sorted({each for each in paths if _is_elsewhere(each)}):
            text = f"The {kind} {path[:200]} is a place of the build machine"
            yield f"{kind} {path}", text, (path,)


def _is_elsewhere(path: str) -> bool:
    """Whether a library is looked for at an absolute place that is not the system's."""
    return path.startswith("/") and not f"{path}/".startswith(SYSTEM)
