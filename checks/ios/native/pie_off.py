"""A program that is always loaded at the same address."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.MEDIUM, cwe=693, masvs="MASVS-CODE-4")
def pie_off(app: IosApp) -> Iterator[Finding]:
    """
    An executable is linked without PIE and always loads at the same address.

    Looks at: The header flags of every Mach-O executable (file type MH_EXECUTE), of each
    architecture for itself: the flag MH_PIE (0x200000) has to be set. Libraries, frameworks and
    object files never carry the flag, since they load anywhere, and are not judged.

    Matters because: Address space layout randomisation cannot move such a program. An attacker who
    finds a memory error knows where every function lies and builds an exploit far more easily.

    Fix by: Setting the Xcode build settings LD_NO_PIE (Create Position-Dependent Executables) and
    GCC_DYNAMIC_NO_PIC (Generate Position-Dependent Code) to NO, and remove -no_pie and -Wl,-no_pie
    from OTHER_LDFLAGS. A program linked for iOS 4.3 or later is PIE by default; one built by
    another tool chain has to be linked with -pie. Check with otool -hv, which then shows PIE.

    Cannot see: Whether the code has a memory error, and libraries that were linked statically into
    the program with their own settings.
    """
    for program in app.programs:
        for each in program.slices:
            if each.file_type == "execute" and not each.pie:
                yield Finding(
                    subject=f"{program.path} ({each.architecture})",
                    message="The executable has no MH_PIE flag: it loads at a fixed address"
                    f"{each.caveat}.",
                    at=Location(
                        program.path,
                        element=f"{each.architecture} mach_header.flags",
                        offset=each.offset,
                        snippet=f"flags {each.flags:#x}",
                    ),
                )
