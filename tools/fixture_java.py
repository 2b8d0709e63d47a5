"""Compiles a case's Java sources to dex: javac, ProGuard where the case asks for it, dx.

Sources are compiled against Android 6, the members that later versions added to its classes
(``fixtures/stubs/newer-members.txt``) and stubs of newer classes and libraries
(``fixtures/stubs/**/*.java``). Nothing of that goes into the dex.
"""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from fixture_bullseye import android_jar, dx_jar
from fixture_members import with_members
from fixture_recipe import STUBS
from fixture_toolbox import JAVA, run
from fixture_zip import write_zip

_SOURCES = Path(__file__).parent.parent / "fixtures" / "stubs"
_RULES = STUBS / "android" / "obfuscate.pro"
_JAVAC = (
    *("javac", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-proc:none"),
    *("--release", "8", "-Xlint:-options", "-implicit:none", "-encoding", "utf-8"),
)
_stubbing = threading.Lock()


def compile_java(
    groups: Mapping[str, Sequence[Path]], api: int, work: Path, keep: Path | None
) -> dict[str, bytes]:
    """One dex for each named group of sources, for Android version `api`.

    `keep` are the rules that hold what the manifest names; with them the names of all else are
    made short, over all groups together.
    """
    stubs = _stubs(work)
    path = f"{stubs}:{android_jar()}"
    jars = {name: work / f"{name}.jar" for name in groups}
    if len(groups) == 1:
        _compile([each for sources in groups.values() for each in sources], path, *jars.values())
    else:
        together = work / "all-groups.jar"
        _compile([each for sources in groups.values() for each in sources], path, together)
        for name, sources in groups.items():
            _compile(sources, f"{together}:{path}", jars[name])
    if keep is not None:
        jars = _obfuscate(jars, path, keep)
    return {name: _dex(jar, api) for name, jar in jars.items()}


def _compile(sources: Sequence[Path], path: str, jar: Path) -> None:
    """The classes of some sources in one jar, in the order of their names."""
    classes = jar.with_suffix(".classes")
    run(*_JAVAC, "-g:source,lines", "-cp", path, "-d", classes, *sources)
    files = sorted(classes.rglob("*.class"))
    write_zip(jar, {file.relative_to(classes).as_posix(): file.read_bytes() for file in files})


def _obfuscate(jars: Mapping[str, Path], path: str, keep: Path) -> dict[str, Path]:
    short = {name: jar.with_suffix(".short.jar") for name, jar in jars.items()}
    options: list[str | Path] = []
    for name, jar in jars.items():
        options += ("-injars", jar, "-outjars", short[name])
    options += ("-libraryjars", path, f"@{_RULES}", f"@{keep}")
    run("proguard", *options)
    for jar in short.values():  # ProGuard dates its entries by the clock
        with zipfile.ZipFile(jar) as archive:
            entries = {name: archive.read(name) for name in sorted(archive.namelist())}
        write_zip(jar, entries)
    return short


def _dex(jar: Path, api: int) -> bytes:
    output = jar.with_suffix(".dex")
    main = ("-cp", dx_jar(), "com.android.dx.command.Main", "--dex")
    run(*JAVA, *main, f"--min-sdk-version={api}", f"--output={output}", jar)
    return output.read_bytes()


def _stubs(work: Path) -> Path:
    """The jar of what Android 6 lacks; made once a run."""
    jar = work.parent / "stubs.jar"
    with _stubbing:
        if not jar.exists():
            members = _SOURCES / "newer-members.txt"
            newer = work.parent / "newer-members.jar"
            entries = with_members(members.read_text("ascii"), android_jar())
            write_zip(newer, entries)
            classes = work.parent / "stubs.classes"
            sources = sorted(_SOURCES.rglob("*.java"))
            run(*_JAVAC, "-g:none", "-cp", f"{newer}:{android_jar()}", "-d", classes, *sources)
            for file in sorted(classes.rglob("*.class")):
                entries[file.relative_to(classes).as_posix()] = file.read_bytes()
            write_zip(jar, entries)
    return jar
