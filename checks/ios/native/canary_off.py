"""Native code without stack canaries."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.image import Image
from gate.check import Finding, Severity, check

GUARDS = ("___stack_chk_fail", "___stack_chk_guard")
# What C, C++ and Objective-C code calls that has something on its stack.
CALLS = (
    *("_memcpy", "_memmove", "_memset", "_bzero", "_strcpy", "_strncpy", "_strcat", "_strlen"),
    *("_sprintf", "_snprintf", "_sscanf", "_malloc", "_read", "_recv", "_fread", "_fgets"),
    *("_objc_msgSend", "___cxa_throw", "__Znwm"),
)
HANDFUL = 5  # functions, below which a file is a stub


@check(IosApp, severity=Severity.LOW, cwe=121, masvs="MASVS-CODE-4")
def canary_off(app: IosApp) -> Iterator[Finding]:
    """
    C or Objective-C code is compiled without stack canaries.

    Looks at: Every architecture of every Mach-O file that calls what such code calls (memcpy,
    strcpy, malloc, objc_msgSend and the like): __stack_chk_fail or __stack_chk_guard has to be
    among its imports, by symbol table, chained fixups or bind opcodes. Code in Swift alone, Rust,
    Go and Dart, which check bounds by themselves, and stubs of fewer than five functions are
    silent.

    Matters because: Without a canary, a buffer on the stack that overflows lets an attacker
    overwrite the return address unnoticed. With it the program ends as soon as the function
    returns.

    Fix by: Building with -fstack-protector-strong: it is Xcode's default, so look for
    -fno-stack-protector in OTHER_CFLAGS, OTHER_CPLUSPLUSFLAGS and the Compiler Flags of single
    files, and for libraries that were built by another build system (add -fstack-protector-strong
    to CFLAGS and CXXFLAGS there). Ask the vendor of a binary framework for a build with it.

    Cannot see: Which functions lack the canary where others have it, and whether any function has a
    buffer on its stack at all: a file without one needs no canary, and then has none.
    """
    for image in app.images:
        if _is_judged(image) and image.uses(*CALLS) and not image.uses(*GUARDS):
            yield Finding(
                subject=image.subject,
                message="Code in C or Objective-C is here, but no stack canary"
                f"{image.part.caveat}.",
                at=Location(image.path, element=f"{image.part.architecture} imports"),
            )


def _is_judged(image: Image) -> bool:
    """Whether it is linked code of a language that has no bounds of its own, and enough of it."""
    if image.languages & {"dart", "go", "rust"}:
        return False
    if "swift" in image.languages and not image.objc_classes:
        return False
    linked = image.part.file_type in ("execute", "dylib", "bundle")
    return linked and (image.functions is None or image.functions >= HANDFUL)
