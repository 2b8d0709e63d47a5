"""A module of an Android app: an APK, or a folder of a bundle, and where its parts lie in it."""

from collections.abc import Callable, Sequence

from gate.app import Budget
from gate.formats import arsc, axml, proto_resources, proto_xml
from gate.formats.axml import Document
from gate.formats.resources import Resources
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a module keeps its parts, and how its XML and its resources are written.

    `resources` takes the lowest API level that the app runs on as well.
    """

    manifest: str
    table: str
    code: str
    document: Callable[[bytes, Budget], Document]
    resources: Callable[[bytes, Budget, int], Resources]


def _binary_xml(data: bytes, budget: Budget) -> Document:
    return axml.parse(data, max_depth=budget.depth, max_strings=budget.strings)


def _binary_table(data: bytes, budget: Budget, lowest: int) -> Resources:
    return arsc.parse(data, max_strings=budget.strings, lowest=lowest)


def _proto_xml(data: bytes, budget: Budget) -> Document:
    return proto_xml.parse(data, max_depth=budget.depth)


def _proto_table(data: bytes, _: Budget, __: int) -> Resources:
    return proto_resources.parse(data)


APK = Layout("AndroidManifest.xml", "resources.arsc", "", _binary_xml, _binary_table)
BUNDLE_MODULE = Layout(
    "manifest/AndroidManifest.xml",
    "resources.pb",
    "dex/",
    _proto_xml,
    _proto_table,
)


@dataclass(frozen=True, slots=True)
class Module:
    """An APK, or a module of a bundle.

    `prefix` stands before every one of its `names` in the build (see `gate.app.location`);
    `fault` says why nothing in it can be read, or is "".
    """

    prefix: str
    names: Sequence[str]
    layout: Layout = APK
    fault: str = ""

    @property
    def path(self) -> str:
        """The module itself: its folder, or the APK."""
        return self.prefix.removesuffix("/").removesuffix("!")

    @property
    def manifest(self) -> str:
        """The manifest's path in the build."""
        return self.prefix + self.layout.manifest

    @property
    def dex_files(self) -> list[str]:
        """The paths of the DEX files, in the order of the runtime, up to the first gap."""
        found: list[str] = []
        names, folder = set(self.names), self.layout.code
        while (name := f"{folder}classes{len(found) + 1 if found else ''}.dex") in names:
            found.append(self.prefix + name)
        return found
