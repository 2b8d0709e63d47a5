"""Programs with memory that can be written and run."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.image import Image
from gate.check import Finding, Severity, check

# mach-o/loader.h
MH_ALLOW_STACK_EXECUTION = 0x20000
MH_NO_HEAP_EXECUTION = 0x1000000
NARROW = ("arm", "armv6", "armv7", "armv7s", "armv7k", "i386")


@check(IosApp, severity=Severity.MEDIUM, cwe=693, masvs="MASVS-CODE-4")
def stack_executable(app: IosApp) -> Iterator[Finding]:
    """
    A program asks for memory that can be both written and run.

    Looks at: Every architecture of every Mach-O file: the header flag MH_ALLOW_STACK_EXECUTION
    (0x20000), and segments whose protection at the start is both write and execute; of 32-bit
    executables also that MH_NO_HEAP_EXECUTION (0x1000000) is set. 64-bit systems forbid code on
    heap and stack by themselves, so that the flag says nothing there, and a maximum protection that
    is wider than the one at the start is in order.

    Matters because: Memory that is written and run lets an attacker who can write a buffer run what
    is in it, without any further trick. iOS refuses it on devices today; a program that asks for
    it was linked with settings that no release has, or changed by a tool.

    Fix by: Removing -allow_stack_execute and -segprot with rwx from OTHER_LDFLAGS, and adding
    -Wl,-no_heap_execution (-no_heap_execution of ld) for 32-bit programs, or dropping the 32-bit
    slices, which no system since iOS 11 runs. Generate no code at run time. Check with otool -hvl.

    Cannot see: Memory that the program maps or changes to executable while it runs.
    """
    for image in app.images:
        for what, message in _asks(image):
            yield Finding(
                subject=f"{image.subject} {what}",
                message=f"{message}{image.part.caveat}.",
                at=Location(
                    image.path,
                    element=f"{image.part.architecture} {what}",
                    offset=image.part.offset,
                    snippet=f"flags {image.part.flags:#x}",
                ),
            )


def _asks(image: Image) -> Iterator[tuple[str, str]]:
    part = image.part
    if part.flags & MH_ALLOW_STACK_EXECUTION:
        yield "stack", "The flag MH_ALLOW_STACK_EXECUTION asks for a stack that can be run"
    for segment in image.segments:
        if segment.writable_executable:
            yield segment.name, f"The segment {segment.name} is both writable and executable"
    narrow = part.architecture in NARROW and part.file_type == "execute"
    if narrow and not part.flags & MH_NO_HEAP_EXECUTION:
        yield "heap", "The 32-bit executable does not forbid code on its heap"
