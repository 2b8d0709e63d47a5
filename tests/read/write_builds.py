"""Writes small Android builds in memory, and opens them as a scan does."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from gate.app import AndroidApp
from gate.catalogue import catalogue
from gate.check import Result
from gate.read import open_app
from gate.run import run_one
from tests.formats import write_axml, write_proto
from tests.formats.write_axml import DEBUGGABLE, NAME, Attr, Node
from tests.formats.write_zip import Member, write_zip

DAY = date(2026, 6, 1)
EXPORTED = 0x01010010
HAS_CODE = 0x0101000C
PERMISSION = 0x01010006
VERSION_CODE = 0x0101021B
MIN_SDK = 0x0101020C
TARGET_SDK = 0x01010270
CONFIG = 0x01010527


def manifest(
    *children: Node,
    split: str = "",
    package: str = "org.example.app",
    version: int = 1,
    sdk: tuple[int, int] | None = (26, 35),
    **flags: Attr,
) -> Node:
    """A manifest with these children of <application>, and with the attributes in `flags`."""
    attributes = [Attr("package", package, namespace=None)]
    attributes += [Attr("split", split, namespace=None)] if split else []
    code = Attr("hasCode", False, HAS_CODE)
    application = Node("application", (code, *flags.values()), children, line=5)
    levels = Node(
        "uses-sdk",
        (
            Attr("minSdkVersion", sdk[0], MIN_SDK),
            Attr("targetSdkVersion", sdk[1], TARGET_SDK),
        )
        if sdk
        else (),
    )
    version_code = Attr("versionCode", version, VERSION_CODE)
    return Node("manifest", (*attributes, version_code), (levels, application))


def activity(name: str, *, exported: bool = True) -> Node:
    return Node("activity", (Attr("name", name, NAME), Attr("exported", exported, EXPORTED)))


def debuggable(value: bool | str | tuple[int, int]) -> Attr:
    return Attr("debuggable", value, DEBUGGABLE)


def archive(entries: Mapping[str, bytes], *, deflate: bool = False) -> bytes:
    members = [Member(name.encode(), data, deflate) for name, data in entries.items()]
    return write_zip(*members)


def apk(root: Node, **others: bytes) -> bytes:
    """An unsigned APK; `others` are entries with `__` for a slash and `_` for a full stop."""
    return archive({"AndroidManifest.xml": write_axml.write(root), **named(others)})


def bundle(modules: Mapping[str, Node], others: Mapping[str, bytes] | None = None) -> bytes:
    entries = {
        f"{name}/manifest/AndroidManifest.xml": write_proto.xml(root)
        for name, root in modules.items()
    }
    return archive({"BundleConfig.pb": b"", **entries, **(others or {})})


def named(others: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.replace("__", "/").replace("_", "."): data for name, data in others.items()}


@contextmanager
def opened(build: Path) -> Iterator[AndroidApp]:
    """The app in a file or folder, for as long as it is open."""
    fd = os.open(build, os.O_RDONLY)
    try:
        app = open_app(fd, build.name, DAY)
        assert isinstance(app, AndroidApp)
        yield app
    finally:
        os.close(fd)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "build.bin"
    path.write_bytes(data)
    return path


def judged(check: str, build: Path) -> Result:
    """What one check says of a build."""
    with opened(build) as app:
        return run_one(catalogue()[check], app)


def subjects(check: str, build: Path) -> list[str]:
    return [finding.subject for finding in judged(check, build).findings]
