"""Tricks in the elements and attributes of AndroidManifest.xml that no compiler writes.

What a device goes by: AOSP frameworks/base core/java/android/content/pm/parsing/
ParsingPackageUtils.java (elements by local name, the first <application> alone) and
libs/androidfw/AttributeResolution.cpp (attributes by resource id, the first of an id).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gate.formats.axml import ANDROID_NAMESPACE, Attribute, Element
from gate.read.manifest import COMPONENTS, IDS

_NAMES: Final = {resource_id: name for name, resource_id in IDS.items()}
_KNOWN: Final = frozenset(
    (
        "manifest",
        "application",
        "intent-filter",
        "permission",
        "uses-permission",
        "uses-permission-sdk-23",
        "uses-sdk",
        *COMPONENTS,
    )
)
MAX_TRICKS: Final = 200


def manifest_tricks(root: Element) -> Iterator[tuple[str, Element]]:
    """Each trick as a phrase, and the element that it lies in; at most `MAX_TRICKS`."""
    found = _tricks(root)
    for _, each in zip(range(MAX_TRICKS), found, strict=False):
        yield each


def _tricks(root: Element) -> Iterator[tuple[str, Element]]:
    package = root.attribute("package")
    if package and package.namespace:
        yield "the package in a namespace", root
    applications = root.find_all("application")
    if len(applications) > 1:
        yield "a second <application>", applications[1]
    elements = (root, *root.children, *(each for one in applications for each in one.children))
    for element in elements:
        if element.name in _KNOWN and element.namespace:
            yield f"<{element.name}> element in a namespace", element
        if element.name == "application" or element.name in COMPONENTS:
            for trick in _attribute_tricks(element):
                yield f"{trick} on <{element.name}>", element


def _attribute_tricks(element: Element) -> Iterator[str]:
    """Of attributes that facts are read from, in the namespace android: or in none."""
    own = [each for each in element.attributes if each.namespace in ("", ANDROID_NAMESPACE)]
    names = Counter(filter(None, map(_meant, own)))
    for attribute in own:
        wanted = IDS.get(attribute.name)
        if wanted and not attribute.resource_id:
            yield f"android:{attribute.name} has no resource id"
        elif wanted and attribute.resource_id != wanted:
            yield f"android:{attribute.name} has another resource id"
        elif wanted and attribute.value.text and attribute.raw is None:
            yield f"android:{attribute.name} has a value without its text"
        elif not wanted and attribute.name and attribute.resource_id in _NAMES:
            name = _NAMES[attribute.resource_id]
            yield f"{attribute.name[:40]!r} has the resource id of another attribute, {name}"
    for name, count in names.items():
        if count > 1:
            yield f"android:{name} is there twice"


def _meant(attribute: Attribute) -> str:
    """The known attribute that its id, or its name where it has no id, stands for."""
    if attribute.resource_id:
        return _NAMES.get(attribute.resource_id, "")
    return attribute.name if attribute.name in IDS else ""
