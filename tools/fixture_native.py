"""Compiles shared libraries for Android with Debian's clang and lld, against stub libraries."""

from __future__ import annotations

import threading
import zlib
from functools import lru_cache
from pathlib import Path

import yaml
from fixture_recipe import STUBS, Library, RecipeError
from fixture_toolbox import run

_TARGETS = {
    "aarch64": "aarch64-linux-android26",
    "armv7a": "armv7a-linux-androideabi26",
    "x86_64": "x86_64-linux-android26",
    "i686": "i686-linux-android26",
}
_ABIS = {"arm64-v8a": "aarch64", "armeabi-v7a": "armv7a", "x86_64": "x86_64", "x86": "i686"}
_COMPILE = (
    *("clang-14", "-fuse-ld=/usr/bin/ld.lld-14", "-O2", "-nostdlib"),
    *("-nostdinc", "-Wno-everything", "-fdebug-compilation-dir=.", "-fstack-protector-strong"),
    f"-ffile-prefix-map={STUBS}=stubs",  # no build may hold the path of a checkout
)
_KINDS = {
    "library": ("-shared", "-fPIC"),
    "program": ("-pie", "-fPIE", "-Wl,-e,main"),
    "fixed-program": ("-no-pie", "-fno-PIE", "-Wl,-e,main"),
}
_LINK = "-Wl,-z,relro,-z,now,-z,noexecstack,-z,max-page-size=16384,--as-needed"
_building = threading.Lock()


def build_library(entry: str, library: Library, folder: Path, work: Path) -> bytes:
    """The bytes of the library at `entry` (``lib/<abi>/lib<name>.so``)."""
    target = _TARGETS[library.target or _target_of(entry)]
    source = library.source
    if source == "default":
        source = str(STUBS / "android" / "sample.c")
    output = work / Path(entry).name
    stubs = [_stub(target, name, names, work) for name, names in _offered(library)]
    strip = ("-Wl,--strip-all",) if library.strip else ()
    soname = f"-Wl,-soname,{output.name}"
    flags = (_LINK, soname, *strip, "-o", output, source, *stubs, *library.flags)
    run(*_COMPILE, *_KINDS[library.kind], f"--target={target}", *flags, cwd=folder)
    return output.read_bytes()


def _target_of(entry: str) -> str:
    """The processor that the ABI folder of `entry` speaks of."""
    abi = Path(entry).parent.name
    if abi not in _ABIS:
        raise RecipeError(f"{entry}: the folder names no ABI, so say the target")
    return _ABIS[abi]


def _offered(library: Library) -> list[tuple[str, tuple[str, ...]]]:
    """The stub libraries and the symbols they offer."""
    known = _known_symbols()
    libraries = sorted({*known, *library.imports})
    return [(name, (*known.get(name, ()), *library.imports.get(name, ()))) for name in libraries]


@lru_cache(maxsize=1)
def _known_symbols() -> dict[str, tuple[str, ...]]:
    """The symbols of the system libraries that fixtures use."""
    said = yaml.safe_load((STUBS / "android" / "symbols.yml").read_text(encoding="utf-8"))
    return {library: tuple(names) for library, names in said.items()}


def _stub(target: str, library: str, names: tuple[str, ...], work: Path) -> Path:
    """A library that defines `names` as functions and nothing else; made once a run."""
    folder = work.parent / "stubs" / f"{target}-{zlib.crc32(' '.join(names).encode()):08x}"
    output = folder / library
    with _building:
        if not output.exists():
            folder.mkdir(parents=True, exist_ok=True)
            source = folder / f"{library}.c"
            source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))
            flags = ("-fno-builtin", f"-Wl,-soname,{library}", "-o", output, source)
            run(*_COMPILE, *_KINDS["library"], f"--target={target}", *flags)
    return output
