"""Writes gate/dalvik/framework.tsv: the classes of the Android framework.

    python tools/make_framework.py android.jar android-platform-21-37-merged.d.ts

The jar of Android 6 (Debian's libandroid-23-java) says exactly what it holds; what later versions
added comes from TypeScript declarations (see framework_declarations), and what those lack from
framework-newer.tsv. Classes of packages that no app extends or that no check asks for are left out.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from framework_class_file import FINAL, SEEN, STATIC, read_class
from framework_declarations import Declared, read_declarations

NEWER = Path(__file__).with_name("framework-newer.tsv")
OUTPUT = Path(__file__).parents[1] / "gate" / "dalvik" / "framework.tsv"
# Large, and neither extended by apps nor asked for by checks.
_LEFT_OUT = """
android/adservices/ android/app/appfunctions/ android/app/appsearch/ android/app/privatecompute/
android/app/sdksandbox/ android/companion/virtual/ android/drm/ android/flagging/
android/gesture/ android/graphics/pdf/ android/graphics/text/ android/hardware/camera2/params/
android/hardware/soundtrigger/ android/health/ android/icu/ android/media/audiofx/
android/media/effect/ android/media/metrics/ android/media/quality/ android/media/tv/
android/mtp/ android/net/eap/ android/net/ipsec/ android/net/rtp/ android/net/sip/
android/net/vcn/ android/net/wifi/aware/ android/net/wifi/rtt/ android/ondevicepersonalization/
android/opengl/ android/os/strictmode/ android/ranging/ android/renderscript/ android/sax/
android/service/quickaccesswallet/ android/service/settings/ android/speech/tts/
android/telephony/data/ android/telephony/ims/ android/telephony/mbms/ android/test/
android/transition/ android/view/translation/ android/widget/photopicker/ java/awt/ java/beans/
java/time/chrono/ java/time/zone/ java/util/concurrent/atomic/ javax/microedition/ junit/
org/apache/http/cookie/ org/apache/http/impl/conn/ org/apache/http/impl/cookie/
org/apache/http/impl/io/ org/apache/http/message/ org/apache/http/protocol/ org/w3c/dom/ls/
"""
LEFT_OUT = tuple(_LEFT_OUT.split())
OBJECT, ENUM = "java/lang/Object", "java/lang/Enum"
MAX_SIZE = 700_000


@dataclass(slots=True)
class Entry:
    """A class of the framework, by internal names (``a/b/C$D``)."""

    parent: str
    interfaces: tuple[str, ...]
    methods: set[str] = field(default_factory=set)
    final: bool = False
    static: bool = False  # whether it has static methods


def from_jar(path: Path) -> Iterator[tuple[str, Entry]]:
    """The public and protected classes of a jar."""
    with zipfile.ZipFile(path) as jar:
        for name in sorted(jar.namelist()):
            if not name.endswith(".class"):
                continue
            read = read_class(jar.read(name))
            flags = read.flags if read.inner_flags is None else read.inner_flags
            if flags & SEEN:
                seen = [each for each in read.methods if each[0] & SEEN and each[1][0] != "<"]
                methods = {name for access, name in seen if not access & STATIC}
                static = any(access & STATIC for access, _ in seen)
                final = bool(read.flags & FINAL)
                yield read.name, Entry(read.parent, read.interfaces, methods, final, static)


def from_declarations(declared: Iterable[Declared]) -> Iterator[tuple[str, Entry]]:
    """The same from declarations, whose names do not tell a package from an outer class."""
    classes = list(declared)
    names = {each.name for each in classes}

    def internal(name: str) -> str:
        parts = name.split(".")
        text = parts[0]
        for end in range(1, len(parts)):
            text += ("$" if ".".join(parts[:end]) in names else "/") + parts[end]
        return text

    interface_names = {each.name for each in classes if each.is_interface}
    for each in classes:
        parent, interfaces = each.parent, each.interfaces
        if parent in interface_names:  # a generic interface stands in the place of the parent
            parent, interfaces = "java.lang.Object", (parent, *interfaces)
        above = tuple(map(internal, interfaces))
        entry = Entry(internal(parent), above, each.methods, static=each.static)
        yield internal(each.name), entry


def from_table(path: Path) -> Iterator[tuple[str, Entry]]:
    """The classes of a table of the form that this tool writes."""
    for line in path.read_text("ascii").splitlines():
        names = [re.findall(r"L([^;]+);", column) for column in line.split("\t")[:3]]
        methods = set(re.findall(r"\w+", line.split("\t")[3]))
        yield names[0][0], Entry(names[1][0] if names[1] else OBJECT, tuple(names[2]), methods)


def merged(*sources: Iterable[tuple[str, Entry]]) -> dict[str, Entry]:
    """All classes; of one in several sources the first says its parents, all add methods."""
    found: dict[str, Entry] = {}
    for source in sources:
        for name, entry in source:
            if name.startswith(LEFT_OUT):
                continue
            known = found.setdefault(name, entry)
            known.methods |= entry.methods
    return found


def without_holders(classes: dict[str, Entry]) -> dict[str, Entry]:
    """All but the classes that have nothing but constants and are nobody's supertype."""
    above = {entry.parent for entry in classes.values()}
    above |= {each for entry in classes.values() for each in entry.interfaces}
    return {
        name: entry
        for name, entry in classes.items()
        if entry.methods
        or entry.static
        or entry.interfaces
        or entry.parent != OBJECT
        or name in above
    }


def own_methods(classes: dict[str, Entry], name: str) -> set[str]:
    """The methods that a class adds to those of its supertypes; none where no app may extend it."""
    entry = classes[name]
    if entry.final or entry.parent == ENUM:
        return set()
    work, seen = [entry.parent, *entry.interfaces], {name}
    inherited: set[str] = set()
    while work:
        above = work.pop()
        if above in classes and above not in seen:
            seen.add(above)
            inherited |= classes[above].methods
            work += (classes[above].parent, *classes[above].interfaces)
    return entry.methods - inherited


def table(classes: dict[str, Entry]) -> bytes:
    """The file: a line a class, sorted by its bytes."""
    return b"".join(sorted(_line(classes, name) for name in classes))


def _line(classes: dict[str, Entry], name: str) -> bytes:
    entry = classes[name]
    columns = (
        _descriptor(name),
        "" if entry.parent in ("", OBJECT) else _descriptor(entry.parent),
        ",".join(sorted(set(map(_descriptor, entry.interfaces)))),
        ",".join(sorted(own_methods(classes, name))),
    )
    return ("\t".join(columns) + "\n").encode()


def _descriptor(name: str) -> str:
    return f"L{name};"


def main(jar: str, declarations: str) -> None:
    """Writes the table."""
    with Path(declarations).open(encoding="utf-8") as lines:
        declared = list(from_declarations(read_declarations(lines)))
    classes = without_holders(merged(from_jar(Path(jar)), declared, from_table(NEWER)))
    content = table(classes)
    if len(content) > MAX_SIZE:
        raise SystemExit(f"the table has {len(content):,} bytes, more than {MAX_SIZE:,}")
    OUTPUT.write_bytes(content)
    print(f"{OUTPUT}: {len(classes):,} classes, {len(content):,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
