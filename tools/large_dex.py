"""Dex files of libraries as apps carry them, compiled from Debian 12's packages, for large builds.

The packages come from the system's own sources by apt, are unpacked into the cache folder (not
installed), and their classes are compiled by dx in groups, one after the other: a few dozen
seconds for each 8 MB of dex. What is compiled stays in the cache folder under a name that depends
on the classes alone, so that a run that was broken off, and one for a larger size, goes on from
there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

from fixture_bullseye import dx_jar
from fixture_toolbox import JAVA, ToolError, run

# Packages and their archives, those that most apps carry first.
LIBRARIES = (
    ("libokhttp-java", "okhttp*.jar"),
    ("libokio-java", "okio.jar"),
    ("libgoogle-gson-java", "gson.jar"),
    ("kotlin", "kotlin-stdlib-1*.jar"),
    ("libprotobuf-java", "protobuf-3*.jar"),
    ("libguava-java", "guava.jar"),
    ("libjackson2-core-java", "*.jar"),
    ("libjackson2-annotations-java", "*.jar"),
    ("libjackson2-databind-java", "*.jar"),
    ("libjoda-time-java", "*.jar"),
    ("libbcprov-java", "*.jar"),
    ("libbcpkix-java", "*.jar"),
    ("libzxing-core-java", "core.jar"),
    ("libjsoup-java", "*.jar"),
    ("libcommons-lang3-java", "*.jar"),
    ("libcommons-io-java", "*.jar"),
    ("libcommons-compress-java", "*.jar"),
    ("libcommons-collections4-java", "*.jar"),
    ("libhttpclient-java", "*.jar"),
    ("kotlin", "kotlin-reflect-1*.jar"),
    ("libpdfbox2-java", "*.jar"),
    ("libicu4j-java", "icu4j-[0-9]*.jar"),
    ("libnetty-java", "*.jar"),
    ("libcommons-math3-java", "*.jar"),
    ("libjts-java", "*.jar"),
    ("libitext5-java", "*.jar"),
    ("libxerces2-java", "*.jar"),
    ("libxalan2-java", "*.jar"),
    ("libbatik-java", "*.jar"),
    ("libfop-java", "*.jar"),
    ("libapache-poi-java", "*.jar"),
    ("libsaxonhe-java", "*.jar"),
    ("libh2-java", "*.jar"),
    ("libderby-java", "*.jar"),
    ("libbyte-buddy-java", "*.jar"),
    ("libjgit-java", "*.jar"),
    ("liblucene4.10-java", "*.jar"),
    ("scala-library", "*.jar"),
    ("groovy", "*.jar"),
    ("libeclipselink-java", "*.jar"),
    ("libaspectj-java", "*.jar"),
    ("libeclipse-jdt-core-java", "*.jar"),
    ("libclosure-compiler-java", "*.jar"),
    ("jython", "*.jar"),
    ("weka", "*.jar"),
    ("josm", "*.jar"),
    ("kotlin", "kotlin-compiler-1*.jar"),
    ("jruby", "*.jar"),
)
GROUP = 17_000_000  # of class files: dx makes one well-filled dex of that
ELSEWHERE = ("META-INF/", "Lib/")  # classes for newer Java, and Jython's, not named as they lie
NEWEST = 53  # the class file version of Java 9; dx knows no later one
_DX = (*JAVA, "-Xss8m", "-Xmx3g", "-cp")
_OPTIONS = ("--dex", "--multi-dex", "--core-library", "--min-sdk-version=26", "--no-warning")

Class = tuple[str, bytes]


def dex_files(total: int) -> Iterator[Path]:
    """Dex files of about `total` bytes together, within some hundredths.

    The groups of a larger total begin with those of a smaller one; only the last is cut to fit,
    by how much dex came of the classes before it.
    """
    classes = _classes()
    read, made = 2, 1
    while total - made > total // 50:
        group = list(_taken(classes, min(GROUP, (total - made) * read // made)))
        if not group:
            raise ToolError(f"all libraries together are {made} bytes of dex, less than {total}")
        read += sum(len(data) for _, data in group)
        for path in _compiled(group):
            made += path.stat().st_size
            yield path


def unpacked(package: str, pattern: str) -> list[Path]:
    """The files of a Debian package whose names match, fetched when they are not there yet."""
    key = hashlib.sha256(pattern.encode()).hexdigest()[:6]
    place = _cache() / "debian-12" / f"{package}-{key}"
    if not place.is_dir():
        _fetch(package, pattern, place)
    return sorted(place.iterdir())


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "mobile-release-gate"


def _fetch(package: str, pattern: str, place: Path) -> None:
    """Download a package and keep the regular files that match, side by side."""
    _say(f"fetching {package}")
    with _made_whole(place) as folder:
        run("apt-get", "-o", "APT::Sandbox::User=", "download", package, cwd=folder)
        (archive,) = folder.glob("*.deb")
        _unpack(archive, pattern, folder)
        archive.unlink()
        if not any(folder.iterdir()):
            raise ToolError(f"{package} has no {pattern}")


def _unpack(archive: Path, pattern: str, folder: Path) -> None:
    reading = subprocess.Popen(("dpkg-deb", "--fsys-tarfile", archive), stdout=subprocess.PIPE)
    with reading, tarfile.open(fileobj=reading.stdout, mode="r|") as files:
        for member in files:
            name = Path(member.name).name
            if member.isreg() and fnmatch(name, pattern):
                source = files.extractfile(member)
                (folder / name).write_bytes(source.read() if source else b"")
    if reading.returncode:
        raise ToolError(f"{archive.name} cannot be unpacked")


@contextmanager
def _made_whole(place: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place only when that went well."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        folder = Path(name) / "folder"
        folder.mkdir()
        yield folder
        folder.rename(place)


def _classes() -> Iterator[Class]:
    """The classes of all libraries in their order, each once, as far as dx can read them."""
    seen = set()
    for jar in chain.from_iterable(unpacked(*each) for each in LIBRARIES):
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                plain = name.endswith(".class") and not name.startswith(ELSEWHERE)
                if not plain or name in seen or name.endswith("module-info.class"):
                    continue
                data = archive.read(name)
                if int.from_bytes(data[6:8], "big") <= NEWEST:
                    seen.add(name)
                    yield name, data


def _taken(classes: Iterator[Class], size: int) -> Iterator[Class]:
    """The next classes, as many as make `size` bytes."""
    for each in classes:
        yield each
        size -= len(each[1])
        if size <= 0:
            return


def _compiled(group: list[Class]) -> list[Path]:
    """The dex files of some classes, in their order."""
    digest = hashlib.sha256()
    for name, data in group:
        digest.update(b"%s\0%d\0" % (name.encode(), len(data)) + data)
    place = _cache() / "large-dex" / digest.hexdigest()[:16]
    if not place.is_dir():
        _say(f"compiling {len(group)} classes from {group[0][0]} on")
        with _made_whole(place) as folder:
            _compile(group, folder)
    return sorted(place.iterdir(), key=lambda path: (len(path.name), path.name))


def _compile(group: list[Class], folder: Path) -> None:
    jar = folder / "classes.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for name, data in group:
            archive.writestr(name, data)
    main = (*_DX, dx_jar(), "com.android.dx.command.Main")
    run(*main, *_OPTIONS, f"--output={folder}", jar)
    jar.unlink()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
