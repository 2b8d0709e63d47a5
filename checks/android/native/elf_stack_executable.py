"""android-elf-stack-executable: a library asks for memory to write and execute."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, NotApplicable, Severity, check

EXECUTABLE = 0x1  # PF_X in elf.h
CLOSED_BY_DEFAULT = ("arm64-v8a", "riscv64", "x86_64")


@check(AndroidApp, severity=Severity.HIGH, cwe=693, masvs="MASVS-CODE-4")
def elf_stack_executable(app: AndroidApp) -> Iterator[Finding]:
    """
    A native library asks for an executable stack or for memory that is writable and executable.

    Looks at: The program headers of every ELF file under lib/: the execute flag of PT_GNU_STACK,
    and PT_LOAD segments with both the write and the execute flag. Without PT_GNU_STACK the default
    decides: no execution on arm64-v8a, x86_64 and riscv64, execution on the 32-bit ones.

    Matters because: Memory that can be written and executed lets whoever exploits a buffer overflow
    run the bytes they have just written, with no need to piece code together from what is there.
    With targetSdk 26 or higher Android's linker does not even load a library that has a writable
    and executable segment. Either flag shows a build without the usual protections.

    Fix by: Linking with -Wl,-z,noexecstack, the NDK's default: take -z execstack out of
    target_link_options in CMakeLists.txt, and LOCAL_DISABLE_NO_EXECUTE := true out of Android.mk.
    Hand-written assembly asks for an executable stack when it says nothing; end every .S file with
    `.section .note.GNU-stack,"",%progbits`. For a writable segment remove -Wl,-N (--omagic), linker
    scripts that place .text and .data together, and __attribute__((section(".text"))) on variables.
    A library that arrives prebuilt in an .aar or jniLibs needs a newer release from whoever built
    it.

    Cannot see: Memory that code makes executable at run time (mmap, mprotect, a JIT compiler),
    libraries that are unpacked or downloaded at run time, and whether a device heeds the flag of a
    library: some take that of the main program alone.
    """
    if not app.libraries:
        raise NotApplicable("no native code")
    for each in app.libraries:
        reasons = []
        if each.gnu_stack_flags is None and each.abi not in CLOSED_BY_DEFAULT:
            reasons.append(f"has no PT_GNU_STACK, which on {each.abi} means an executable stack")
        if (each.gnu_stack_flags or 0) & EXECUTABLE:
            reasons.append("asks for an executable stack (PT_GNU_STACK with the flag X)")
        if each.writable_executable:
            reasons.append("has PT_LOAD memory that is both writable and executable")
        if reasons:
            yield Finding(
                f"{each.name} ({each.abi})",
                f"{each.path} {' and '.join(reasons)}{each.caveat}.",
                at=Location(each.path, element="program headers"),
            )
