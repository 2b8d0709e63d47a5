"""Objective-C code whose objects are retained and released by hand."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check

# What clang calls for automatic reference counting (LLVM, Objective-C ARC, runtime support).
CALLS = (
    "_objc_release",
    "_objc_storeStrong",
    "_objc_retainAutoreleasedReturnValue",
    "_objc_retainAutoreleaseReturnValue",
    "_objc_claimAutoreleasedReturnValue",
    "_objc_autoreleaseReturnValue",
)
MESSAGES = ("_objc_msgSend", "_objc_msgSendSuper2")


@check(IosApp, severity=Severity.LOW, cwe=693, masvs="MASVS-CODE-4")
def arc_off(app: IosApp) -> Iterator[Finding]:
    """
    Objective-C code is compiled without automatic reference counting (ARC).

    Looks at: Every architecture of every Mach-O file that defines classes in Objective-C and sends
    messages: the functions that the compiler calls for ARC, such as objc_release,
    objc_retainAutoreleasedReturnValue and objc_storeStrong, have to be among its imports, by symbol
    table, chained fixups or bind opcodes. Classes of Swift, which counts references itself, and
    files without a class of their own are silent.

    Matters because: Objects that are released by hand are released once too often or too early
    sooner or later. What is used after that is memory that an attacker may have filled, which is
    how crashes become code execution.

    Fix by: Setting the Xcode build setting CLANG_ENABLE_OBJC_ARC (Objective-C Automatic Reference
    Counting) to YES and converting the code with Edit, Convert, To Objective-C ARC. Take
    -fno-objc-arc out of the Compiler Flags of single files under Build Phases, Compile Sources. For
    a library of others, take a release that is built with ARC.

    Cannot see: Single files without ARC among others with it, libraries of C and C++, and code
    without ARC by a compiler that turns release messages into calls of objc_release (clang 9 and
    later, for recent systems).
    """
    for image in app.images:
        plain = image.objc_classes > 0 and image.uses(*MESSAGES) and "swift" not in image.languages
        if plain and not any(name.startswith(CALLS) for name in image.imports):
            yield Finding(
                subject=image.subject,
                message="Objective-C classes are here, but no call of automatic reference counting"
                f"{image.part.caveat}.",
                at=Location(image.path, element=f"{image.part.architecture} imports"),
            )
