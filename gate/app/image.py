"""What a Mach-O image is made of: segments, libraries, and the names that it uses or leaves in."""

from typing import Final

from gate.app.native import Slice
from gate.frozen import dataclass

_WRITE, _EXECUTE = 0x2, 0x4  # VM_PROT_WRITE, VM_PROT_EXECUTE (mach/vm_prot.h)
DEBUG_SEGMENTS: Final = ("__DWARF", "__LLVM")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment and what may be done with its memory: `initial` at the start, `most` at most."""

    name: str
    initial: int
    most: int

    @property
    def writable_executable(self) -> bool:
        """Whether it is both from the start, so that code can be written and run there."""
        return bool(self.initial & _WRITE and self.initial & _EXECUTE)


@dataclass(frozen=True, slots=True)
class Residue:
    """What a build leaves in an image that nobody needs to run it.

    `local_symbols` are names of functions and variables that nothing outside can use, and
    `debug_map` the object files and functions of the debugger's map, each the first few;
    `source_paths` are absolute paths of source files below a home folder, without the user's name.
    """

    local_symbols: tuple[str, ...] = ()
    debug_map: tuple[str, ...] = ()
    source_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """One slice of the Mach-O file `path`, and what its tables say.

    `imports` are the symbols that other libraries give it, as the linker has them (`_malloc`,
    `_OBJC_CLASS_$_NSURL`); `selectors` are the Objective-C selectors that it names, its own methods
    among them; None where the part that holds them is encrypted. `objc_classes` counts classes
    written in Objective-C, not Swift's. `functions` is None where the image does not list them.
    `languages` are swift, dart, go and rust, by what their compilers leave.
    """

    path: str
    part: Slice
    segments: tuple[Segment, ...]
    libraries: tuple[str, ...]
    run_paths: tuple[str, ...]
    imports: frozenset[str]
    selectors: frozenset[str] | None
    objc_classes: int
    functions: int | None
    languages: frozenset[str]
    residue: Residue

    @property
    def subject(self) -> str:
        """The name of the slice in findings."""
        return f"{self.path} ({self.part.architecture})"

    def uses(self, *symbols: str) -> tuple[str, ...]:
        """Those of the symbols that it imports, in the given order."""
        return tuple(symbol for symbol in symbols if symbol in self.imports)
