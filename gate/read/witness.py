"""A second reading of AndroidManifest.xml, by androguard, in a process of its own.

Many scanners rest on androguard. Where it reads another manifest than the device does, the file is
made so that they see another app; this was how Android malware hid from them in practice (Zimperium
2023, "Over 3,000 Android malware samples"; Unit 42 2024, "BadPack").
"""

import re
import struct
from collections.abc import Iterator
from typing import Any, Final

from gate.formats.axml import Attribute, Document, Element
from gate.formats.errors import Malformed
from gate.frozen import dataclass
from gate.read.apart import Allowance, Lost, apart
from gate.read.unlogged import silence

# androguard takes about 50 us for an element or attribute, compares each attribute of an element
# with those before it, and each namespace at each element with the others.
MAX_BYTES: Final = 1 << 20
MAX_NODES: Final = 20_000
MAX_PAIRS: Final = 20_000_000
MAX_TEXT: Final = 10_000_000
ALLOWED: Final = Allowance(cpu=2, wall=6.0)
COMPONENTS: Final = ("activity", "activity-alias", "service", "receiver", "provider")
NAME: Final = 0x01010003
DEBUGGABLE: Final = 0x0101000F
EXPORTED: Final = 0x01010010

_ANDROID: Final = "{http://schemas.android.com/apk/res/android}"
_PLAIN: Final = re.compile(r"[\w.$]+")
# What androguard lets out on documents that it cannot read.
_FAULTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader makes of a manifest.

    `package` is None where there is none; `debuggable` is None where no literal says it.
    `components` has kind, name as written and `exported`.
    """

    package: str | None
    debuggable: bool | None
    components: frozenset[tuple[str, str, bool | None]]

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """Kind and name of each component."""
        return frozenset(each[:2] for each in self.components)


def disagreements(document: Document, data: bytes) -> Iterator[str]:
    """In what androguard reads `data` otherwise than `document` says.

    Nothing where androguard gives up, or where the manifest is made so that it takes its time.
    """
    if len(data) > MAX_BYTES or not _is_quick(document):
        return
    try:
        theirs = apart(by_androguard, data, Reading, ALLOWED)
    except Lost:
        return
    yield from differences(document.root, theirs)


def differences(root: Element, theirs: Reading) -> Iterator[str]:
    """In what another reading differs from `root`.

    Names that are no plain class names are not compared: each reader replaces odd characters in
    its own way.
    """
    ours = _ours(root)
    if ours.package and ours.package != theirs.package and _plain(ours.package, theirs.package):
        yield f"package {_said(ours.package)} or {_said(theirs.package)}"
    if ours.debuggable != theirs.debuggable:
        yield f"debuggable {_said(ours.debuggable)} or {_said(theirs.debuggable)}"
    if not _plain(*(name for _, name in ours.names | theirs.names)):
        return
    if ours.names != theirs.names:
        yield "which components there are"
    elif ours.components != theirs.components:
        yield "which components are exported"


def _is_quick(document: Document) -> bool:
    """Whether androguard is done with a document in about a second, by what it has to compare."""
    elements = [*document.root.walk()]
    counts = [len(element.attributes) for element in elements]
    nodes = len(elements) + sum(counts)
    text = sum(
        len(each.name) + len(each.namespace) + len(each.text or "")
        for element in elements
        for each in element.attributes
    )
    pairs = max(sum(count**2 for count in counts), nodes * document.namespaces**2)
    return nodes <= MAX_NODES and pairs <= MAX_PAIRS and text <= MAX_TEXT


def _plain(*names: str | None) -> bool:
    return all(name is None or _PLAIN.fullmatch(name) for name in names)


def _said(value: str | bool | None) -> str:
    if isinstance(value, str):
        return value
    return "not set" if value is None else str(value).lower()


def _ours(root: Element) -> Reading:
    application = next(iter(root.find_all("application")), None)
    package = root.attribute("package")
    return Reading(
        package.value.text if package else None,
        _literal(application.attribute("debuggable", DEBUGGABLE)) if application else None,
        frozenset(
            (each.name, _text(each.attribute("name", NAME)), _exported(each))
            for each in (application.children if application else ())
            if each.name in COMPONENTS
        ),
    )


def _text(found: Attribute | None) -> str:
    return found.value.text or "" if found else ""


def _exported(component: Element) -> bool | None:
    return _literal(component.attribute("exported", EXPORTED))


def _literal(found: Attribute | None) -> bool | None:
    return found.value.data != 0 if found and found.value.is_integer else None


def by_androguard(data: bytes) -> Reading:
    """What androguard reads; Malformed for a document that it refuses or stumbles over."""
    silence()
    from androguard.core.axml import AXMLPrinter, ResParserError, etree

    try:
        printer = AXMLPrinter(data)
        root = printer.get_xml_obj()
        if printer.is_valid() and root is not None:
            return _theirs(root)
    except (*_FAULTS, ResParserError, etree.LxmlError) as fault:
        raise Malformed("androguard stumbles over it") from fault
    raise Malformed("androguard refuses it")


def _theirs(root: Any) -> Reading:
    application = root.find("application")
    found = [] if application is None else [each for each in application if each.tag in COMPONENTS]
    return Reading(
        root.get("package"),
        None if application is None else _boolean(application.get(f"{_ANDROID}debuggable")),
        frozenset(
            (each.tag, each.get(f"{_ANDROID}name", ""), _boolean(each.get(f"{_ANDROID}exported")))
            for each in found
        ),
    )


def _boolean(text: str | None) -> bool | None:
    """A literal as androguard prints it: true, a number, or hexadecimal; None for the rest."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text or "", 0) != 0
    except ValueError:
        return None
