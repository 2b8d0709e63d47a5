"""The arm64 code of an iOS app's Mach-O files as one answer that checks may question."""

from collections.abc import Iterator

from gate.app import Files, IosApp, Journal, Program, Unread
from gate.app.code import FIRST_PARTY
from gate.app.machine import MachineCode
from gate.app.native import Slice
from gate.formats.errors import Malformed

ARM64 = ("arm64", "arm64e")
LOADED = ("execute", "dylib", "bundle")  # what dyld maps; others hold no code that runs
OWN = ("app", "extension", "watch-app", "app-clip")


def machine_code(app: IosApp, files: Files, journal: Journal) -> MachineCode:
    """The code of every arm64 slice; a program that has none, or an encrypted one, is a gap."""
    from gate.arm64 import code, image, program  # numpy comes with it, for who asks only

    programs, slices = [], 0
    for each in app.programs:
        wanted = list(_wanted(each, journal))
        slices += sum(part.file_type in LOADED for part in each.slices)
        try:
            data = memoryview(files.read(each.path, files.budget.code)) if wanted else None
        except Unread as reason:
            journal.gap("code", each.path, str(reason))
            continue
        for part in wanted:
            assert data is not None
            owner = program.Owner(each.path, part.architecture, _origin(app, each))
            try:
                bytes_ = data[part.offset : part.offset + part.size]
                programs.append(program.Program(image.Image(bytes_, part.offset), owner))
            except Malformed as reason:
                journal.gap("code", each.path, f"{part.architecture} code: {reason}")

    def fault(path: str, reason: str) -> None:
        journal.gap("code", path, reason)

    journal.cover("machine code", "slices", slices, len(programs))
    return code.AppMachineCode(programs, fault)


def _wanted(program: Program, journal: Journal) -> Iterator[Slice]:
    """The slices that are to be read; the reason where none of a program can be."""
    loaded = [each for each in program.slices if each.file_type in LOADED]
    found = [each for each in loaded if each.architecture in ARM64]
    if loaded and not found:
        known = ", ".join(sorted({each.architecture for each in loaded}))
        journal.gap("code", program.path, f"its code is for {known}; only arm64 is analysed")
    for each in found:
        if each.encrypted:
            journal.gap("code", program.path, f"its {each.architecture} code is encrypted")
        else:
            yield each


def _origin(app: IosApp, program: Program) -> str:
    """First-party for programs of the app and its extensions, else the library's own name."""
    folder, _, name = program.path.rpartition("/")
    if program.bundle is not None and program.bundle.kind in OWN:
        return FIRST_PARTY
    if program.path == f"{app.main.executable}.debug.dylib":  # where Xcode's debug builds have it
        return FIRST_PARTY
    return folder.rpartition("/")[2].removesuffix(".framework") if program.bundle else name
