"""What aapt and aapt2 read of an APK: androidfw's own parser, as an oracle for tests.

aapt prints the XML as `ResXMLTree` walks it (AOSP frameworks/base tools/aapt/Resource.cpp,
`printXMLBlock`) and every value of `ResTable`; what a device makes of both is computed here.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

NAME, EXPORTED, DEBUGGABLE = 0x01010003, 0x01010010, 0x0101000F
MIN_SDK, TARGET_SDK = 0x0101020C, 0x01010270
COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
SECONDS = 60
STEPS = 20  # of references, as AssetManager2 follows

_ELEMENT = re.compile(r"( *)E: (.*) \(line=-?\d+\)", re.S)
_ATTRIBUTE = re.compile(
    r" *A: (?P<name>.*?)(?:\(0x(?P<id>[0-9a-f]{8})\))?="
    r'(?P<value>\(null\)|@0x[0-9a-f]+|\?0x[0-9a-f]+|\(type 0x[0-9a-f]+\)0x[0-9a-f]+|".*?")'
    r'(?: \(Raw: "(?P<raw>.*)"\))?',
    re.S,
)
_TYPED = re.compile(r"\(type 0x([0-9a-f]+)\)0x([0-9a-f]+)")
_RESOURCE = re.compile(
    r" *(?:INVALID RESOURCE|resource) 0x([0-9a-f]{8})(?: .*)?: t=0x([0-9a-f]+) d=0x([0-9a-f]+) "
)
# Where `ResXMLParser` ends a walk with BAD_DOCUMENT, aapt prints what it has and exits with 0,
# while a device throws XmlPullParserException (core/jni/android_util_XmlBlock.cpp).
_REFUSALS = (b"ERROR", b"Bad XML block", b"ResXMLTree_")
_ESCAPED = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}

Value = int | str
Table = dict[int, list[Value]]


class Unknown(Exception):
    """A value that the file does not tell: a reference into the framework, a theme attribute."""


@dataclass(slots=True)
class Seen:
    """An element as aapt prints it; an attribute is its id (0 for none), local name and value."""

    name: str
    depth: int
    attributes: list[tuple[int, str, str]] = field(default_factory=list)
    children: list["Seen"] = field(default_factory=list)

    def first(self, resource_id: int) -> str | None:
        """The value of the first attribute with that id, which is the one a device takes."""
        return next((value for each, _, value in self.attributes if each == resource_id), None)

    def named(self, *names: str) -> "list[Seen]":
        return [child for child in self.children if child.name in names]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a device goes by; `debuggable` and the exported components are what some device sees."""

    package: str
    debuggable: bool
    exported: tuple[str, ...]
    permissions: tuple[str, ...]


def run(*command: str) -> str | None:
    """What the tool prints; None where it refuses the file or dies of it."""
    done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    if done.returncode or any(word in done.stderr for word in _REFUSALS):
        return None
    return done.stdout.decode("utf-8", "ignore")


def tree(apk: Path) -> Seen | None:
    """The first root element of AndroidManifest.xml; None where aapt does not read it whole."""
    printed = run("aapt", "dump", "xmltree", str(apk), "AndroidManifest.xml")
    top = Seen("", -1)
    open_ = [top]
    # A value may hold line breaks itself, so a line is what begins like one.
    for line in re.split(r"\n(?= *[ENAC]: | ?\*\*\*)", (printed or "").rstrip("\n")):
        if element := _ELEMENT.fullmatch(line):
            depth = len(element[1])
            while open_[-1].depth >= depth:
                open_.pop()
            # It prints the prefix of the namespace; a device goes by the local name.
            seen = Seen(element[2].rpartition(":")[2], depth)
            open_[-1].children.append(seen)
            open_.append(seen)
        elif found := _ATTRIBUTE.fullmatch(line):
            name = found["name"].rpartition(":")[2]
            open_[-1].attributes.append((int(found["id"] or "0", 16), name, _plain(found["value"])))
    return top.children[0] if top.children else None


def _plain(printed: str) -> str:
    """Undo `ResTable::normalizeForOutput`, which escapes what stands in quotes."""
    return re.sub(r"\\[\\n\"]", lambda found: _ESCAPED[found[0]], printed)


def table(apk: Path) -> Table:
    """The simple values of every resource in the order of the table; empty where it is refused.

    A reference is the text "@0x7f010000", any other text the string in quotes.
    """
    values: Table = {}
    lines = (run("aapt", "dump", "--values", "resources", str(apk)) or "").split("\n")
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if found := _RESOURCE.match(line):
            identity, kind, data = (int(part, 16) for part in found.groups())
            text = re.match(r' *\(string(?:8|16)\) (".*")$', after)
            value: Value = data
            if kind in (1, 7):
                value = f"@{data:#010x}"
            elif kind == 3:
                value = _plain(text[1]) if text else '""'
            elif not 0x10 <= kind <= 0x1F:
                value = f"(type {kind:#x}){data:#x}"
            values.setdefault(identity, []).append(value)
    return values


def ends(value: str | None, resources: Table, steps: int = STEPS) -> list[Value]:
    """Every value that a printed one may end in: texts, or numbers; Unknown where one is not."""
    if value is None or value in ("(null)", "@0x00000000"):
        return []
    if value.startswith('"'):
        return [value[1:-1]]
    if value.startswith("@"):
        following = resources.get(int(value[1:], 16), []) if steps else []
        if not following:
            raise Unknown(value)
        return [
            end
            for each in following
            for end in (ends(each, resources, steps - 1) if isinstance(each, str) else [each])
        ]
    typed = _TYPED.fullmatch(value)
    if typed and 0x10 <= int(typed[1], 16) <= 0x1F:
        return [int(typed[2], 16)]
    raise Unknown(value)


def may_be_true(value: str | None, resources: Table, default: bool) -> bool:
    """AOSP TypedArray.getBoolean in some configuration."""
    found = ends(value, resources)
    said = any(each in ("1", "true", "TRUE") if isinstance(each, str) else each for each in found)
    return said or (default and not found)


def facts(root: Seen, resources: Table) -> Facts:
    """What a device makes of an honest tree (ParsingPackageUtils.java); Unknown values raise."""
    package = next((v for i, name, v in root.attributes if name == "package"), '""')[1:-1]
    minimum, target = _levels(root, resources)
    application = next(iter(root.named("application")), Seen("application", 0))
    exported = []
    for component in application.named(*COMPONENTS):
        default = bool(component.named("intent-filter")) and target <= 30
        if component.name == "provider":
            default = min(minimum, target) <= 16
        if may_be_true(component.first(EXPORTED), resources, default):
            exported.append(f"{component.name} {_class(component, resources, package)}")
    wanted = root.named("uses-permission", "uses-permission-sdk-23")
    permissions = {str(end) for each in wanted for end in ends(each.first(NAME), resources)}
    debuggable = may_be_true(application.first(DEBUGGABLE), resources, False)
    return Facts(package, debuggable, tuple(exported), tuple(sorted(permissions)))


def _class(component: Seen, resources: Table, package: str) -> str:
    name = str(next(iter(ends(component.first(NAME), resources)), ""))
    if name.startswith("."):
        return package + name
    return name if "." in name else f"{package}.{name}"


def _levels(root: Seen, resources: Table) -> tuple[int, int]:
    minimum, target = 1, 0
    for element in root.named("uses-sdk"):
        minimum = _level(element.first(MIN_SDK), resources, minimum)
        target = _level(element.first(TARGET_SDK), resources, target)
    return minimum, target or minimum


def _level(value: str | None, resources: Table, default: int) -> int:
    found = [int(end) if str(end).isdigit() else 10_000 for end in ends(value, resources)]
    return min(found, default=default)
