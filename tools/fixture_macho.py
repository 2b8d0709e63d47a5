"""Compiles Mach-O programs for iOS with Debian's clang and lld, against stub libraries."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

import yaml
from fixture_recipe import STUBS, Program
from fixture_toolbox import run

_IOS = STUBS / "ios"
_SDK = "26.0"
_COMPILE = (
    *("clang-14", "-O1", "-nostdinc", "-I", str(_IOS), "-Wno-everything"),
    *("-fobjc-arc", "-fstack-protector-strong", "-fdebug-compilation-dir=."),
    f"-ffile-prefix-map={STUBS}=stubs",  # no build may hold the path of a checkout
)
_LC_ENCRYPTION_INFO_64 = 0x2C
_LC_BUILD_VERSION = 0x32
_MAC_CATALYST = 6  # PLATFORM_MACCATALYST, mach-o/loader.h
_MH_PIE = 0x200000
# cputype and cpusubtype of a fat header: mach/machine.h of XNU.
_CPU = {"arm64": (0x0100000C, 0), "x86_64": (0x01000007, 3)}
_SLICE_ALIGNMENT = 14


def link_slice(
    program: Program, arch: str, sample: str, options: tuple[str, ...], folder: Path, work: Path
) -> bytes:
    """One unsigned slice.

    `sample` is the source in ``stubs/ios`` that stands in when the recipe names none; `options`
    tell the linker what kind of file to write.
    """
    source = str(_IOS / sample) if program.source == "default" else program.source
    simulator = "-simulator" if program.platform == "ios-simulator" else ""
    target = f"{arch}-apple-ios{program.min_os}{simulator}"
    run(*_COMPILE, "-target", target, *program.flags, "-c", source, "-o", work / "o.o", cwd=folder)
    first, *others = _stubs(program, work)
    platform = f"ios{simulator}"  # Mac Catalyst too: the linker does not know it, see _marked
    link = ("ld64.lld-14", "-arch", arch, "-platform_version", platform, program.min_os)
    form = (_SDK, *options, "-dead_strip_dylibs", "-no_adhoc_codesign", "-headerpad", "0x100")
    form += ("-oso_prefix", f"{work.resolve()}/")  # the debug map names o.o, not where it lay
    libraries = ("-syslibroot", "/nonexistent", "-needed_library", str(first), *map(str, others))
    run(*link, *form, *libraries, *program.link_flags, "-o", "linked", "o.o", cwd=work)
    if program.strip:
        run("llvm-strip-14", "-x", "linked", cwd=work)
    return _marked((work / "linked").read_bytes(), program)


def fat(slices: dict[str, bytes]) -> bytes:
    """The slices in one file, each at a multiple of 16 KB; a single one stays as it is."""
    if len(slices) == 1:
        return next(iter(slices.values()))
    head = struct.pack(">2I", 0xCAFEBABE, len(slices))
    body = b""
    start = 1 << _SLICE_ALIGNMENT
    for arch, data in slices.items():
        body += bytes(-len(body) % (1 << _SLICE_ALIGNMENT))
        head += struct.pack(">5I", *_CPU[arch], start + len(body), len(data), _SLICE_ALIGNMENT)
        body += data
    return head + bytes(start - len(head)) + body


def _marked(data: bytes, program: Program) -> bytes:
    """The header as the recipe wants it: encryption claimed, PIE taken away, Mac Catalyst."""
    marked = bytearray(data)
    kind, count = struct.unpack_from("<2I", data, 12)
    (flags,) = struct.unpack_from("<I", data, 24)
    if kind == 2 and not program.pie:
        struct.pack_into("<I", marked, 24, flags & ~_MH_PIE)
    at = 32
    for _ in range(count):
        command, length = struct.unpack_from("<2I", data, at)
        if command == _LC_ENCRYPTION_INFO_64 and program.encrypted:
            struct.pack_into("<I", marked, at + 16, 1)
        if command == _LC_BUILD_VERSION and program.platform == "mac-catalyst":
            struct.pack_into("<I", marked, at + 8, _MAC_CATALYST)
        at += length
    return bytes(marked)


def _stubs(program: Program, work: Path) -> list[Path]:
    """Text stubs of the system's libraries, libSystem first since every program needs it."""
    known = _known_symbols()
    stubs = []
    for number, name in enumerate(list(dict.fromkeys((*known, *program.imports)))):
        symbols = (*known.get(name, ()), *program.imports.get(name, ()))
        stub = work / f"{number}.tbd"
        stub.write_text(_stub(name, symbols))
        stubs.append(stub)
    return stubs


def _stub(install_name: str, symbols: tuple[str, ...]) -> str:
    """A text-based stub (TAPI version 4) of one library."""
    targets = "[ arm64-ios, x86_64-ios, arm64-ios-simulator, x86_64-ios-simulator ]"
    quoted = ", ".join(f"'{symbol}'" for symbol in symbols)
    return (
        f"--- !tapi-tbd\ntbd-version: 4\ntargets: {targets}\n"
        f"install-name: '{install_name}'\ncurrent-version: 1.0\n"
        f"exports:\n  - targets: {targets}\n    symbols: [ {quoted} ]\n...\n"
    )


@lru_cache(maxsize=1)
def _known_symbols() -> dict[str, tuple[str, ...]]:
    """The symbols of the system libraries that fixtures use, by install name."""
    said = yaml.safe_load((_IOS / "symbols.yml").read_text(encoding="utf-8"))
    return {
        library: tuple(linked for name in names for linked in _linker_names(name))
        for library, names in said.items()
    }


def _linker_names(name: str) -> tuple[str, ...]:
    """What the linker calls a C symbol, or an Objective-C class written ``class Name``."""
    if name.startswith("class "):
        bare = name.removeprefix("class ")
        return (f"_OBJC_CLASS_$_{bare}", f"_OBJC_METACLASS_$_{bare}")
    return (name,)
