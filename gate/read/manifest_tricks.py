"""Tricks in the elements and attributes of AndroidManifest.xml that no compiler writes.

What a device goes by: AOSP frameworks/base core/java/android/content/pm/parsing/
ParsingPackageUtils.java (elements by local name, the first <application> alone) and
libs/androidfw/AttributeResolution.cpp (attributes by resource id, the first of an id).
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Final

from gate.formats.axml import ANDROID_NAMESPACE, Attribute, Element
from gate.read.manifest import (
    COMPONENTS,
    IDS,
    OPEN_IN_APPLICATION,
    OPEN_IN_COMPONENT,
    manifest_level,
)

_NAMES: Final = {resource_id: name for name, resource_id in IDS.items()}
_IN_MANIFEST: Final = frozenset(
    ("application", "permission", "uses-permission", "uses-permission-sdk-23", "uses-sdk")
)
_KNOWN: Final = frozenset(("manifest", "intent-filter", *_IN_MANIFEST, *COMPONENTS))
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
    for second in root.find_all("application")[1:2]:
        yield "a second <application>", second
    level = [*manifest_level(root)]
    applications = tuple(each for each in level if each.name == "application")
    components = [
        each
        for one in applications
        for each in one.reached(OPEN_IN_APPLICATION)
        if each.name in COMPONENTS
    ]
    direct = set(root.children)
    nested = (
        *(each for each in level if each.name in _IN_MANIFEST and each not in direct),
        *_nested(applications, OPEN_IN_APPLICATION, COMPONENTS),
        *_nested(components, OPEN_IN_COMPONENT, ("intent-filter",)),
    )
    for element in dict.fromkeys(nested):
        yield f"<{element.name}> inside an element that does not hold it", element
    for element in dict.fromkeys((root, *root.children, *nested, *components)):
        if element.name in _KNOWN and element.namespace:
            yield f"<{element.name}> element in a namespace", element
    for element in (*applications, *components, *_by_name(components)):
        for trick in _attribute_tricks(element):
            yield f"{trick} on <{element.name}>", element


def _by_name(components: Iterable[Element]) -> Iterator[Element]:
    """What Android asks for its name by name, not by id."""
    for component in components:
        for intent_filter in component.find_all("intent-filter"):
            yield from intent_filter.find_all("action")
            yield from intent_filter.find_all("category")


def _nested(
    elements: Iterable[Element], through: Container[str], names: Container[str]
) -> Iterator[Element]:
    """What lies deeper than the children and is read all the same."""
    for element in elements:
        direct = set(element.children)
        reached = (each for each in element.reached(through) if each.name in names)
        yield from (each for each in reached if each not in direct)


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
