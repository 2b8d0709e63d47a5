"""AndroidManifest.xml from binary XML to facts, attributes found by resource id as a device does.

Sources: AOSP frameworks/base core/res/res/values/public-final.xml for the ids, and
core/java/android/content/pm/parsing/ParsingPackageUtils.java for what is read where.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from gate.app import Attribute, Location, Unread
from gate.app.manifest import Application, Component, IntentFilter, Manifest
from gate.formats.axml import ANDROID_NAMESPACE, Document, Element
from gate.read.merge import merged
from gate.read.values import Values, to_number

IDS = {
    "label": 0x01010001,
    "name": 0x01010003,
    "permission": 0x01010006,
    "readPermission": 0x01010007,
    "writePermission": 0x01010008,
    "hasCode": 0x0101000C,
    "enabled": 0x0101000E,
    "debuggable": 0x0101000F,
    "exported": 0x01010010,
    "scheme": 0x01010027,
    "host": 0x01010028,
    "targetActivity": 0x01010202,
    "minSdkVersion": 0x0101020C,
    "versionCode": 0x0101021B,
    "versionName": 0x0101021C,
    "targetSdkVersion": 0x01010270,
    "testOnly": 0x01010272,
    "backupAgent": 0x0101027F,
    "allowBackup": 0x01010280,
    "fullBackupContent": 0x010104EB,
    "usesCleartextTraffic": 0x010104EC,
    "networkSecurityConfig": 0x01010527,
    "dataExtractionRules": 0x0101063E,
}
COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
# Since Android 11 the package parser does not skip what lies inside these, but goes on with it as
# if it lay beside them; Android 10 and before skip it (PackageParser.java).
OPEN_IN_MANIFEST = frozenset(
    (
        "adopt-permissions",
        "application",
        "original-package",
        "overlay",
        "protected-broadcast",
        "restrict-update",
        "supports-screens",
        "uses-configuration",
        "uses-feature",
    )
)
OPEN_IN_APPLICATION = frozenset(
    (
        "library",
        "meta-data",
        "profileable",
        "property",
        "sdk-library",
        "static-library",
        "uses-library",
        "uses-native-library",
        "uses-package",
        "uses-static-library",
    )
)
OPEN_IN_COMPONENT = frozenset(("layout", "meta-data", "property"))
LEVEL = re.compile(r"-?[0-9]{1,10}")
PREVIEW = 10_000  # Build.VERSION_CODES.CUR_DEVELOPMENT, what a codename counts as


class ManifestReader:
    """Turns one parsed manifest into facts; `path` is where it lies in the build."""

    def __init__(self, document: Document, values: Values, path: str) -> None:
        self._path = path
        self._root = document.root
        self._anomalies = document.anomalies
        self._values = values

    def read(self) -> Manifest:
        """The manifest; `Unread` where the device would refuse it for want of the essentials."""
        if self._root.name != "manifest":
            raise Unread(f"the root element is <{self._root.name[:40]}>, not <manifest>")
        self._check_ids()
        package = self._package()
        minimum, target = self._sdk_levels()
        first, *others = [
            Manifest(
                package=package,
                version_name=self._first(self._root, "manifest", "versionName"),
                version_code=self._number(self._root, "manifest", "versionCode", 0),
                min_sdk=minimum,
                target_sdk=target,
                application=self._application(application),
                components=tuple(self._components(application, package)),
                permissions_used=self._names("uses-permission", "uses-permission-sdk-23"),
                permissions_defined=self._names("permission"),
                split=self._split(),
            )
            for application in applications(self._root) or (None,)
        ]
        return replace(merged(first, (first, *others)), anomalies=self._anomalies)

    def _check_ids(self) -> None:
        """Refuse attributes whose ids the table may turn into others, android: ones.

        Source: AOSP libs/androidfw/ResourceTypes.cpp (`ResXMLParser::getAttributeNameResID`,
        `DynamicRefTable::lookupResourceId`).
        """
        attributes = (each for element in self._root.walk() for each in element.attributes)
        if self._values.may_become_framework({each.resource_id for each in attributes}):
            raise Unread("resources.arsc gives android: attributes other ids")

    def _package(self) -> str:
        """The attribute `package`, which ApkLiteParseUtils.java looks for by its name."""
        found = self._root.named("package")
        if found is None or not found.text:
            raise Unread("the manifest names no package")
        return found.text

    def _split(self) -> str:
        """The attribute `split`, which is looked for as `package` is."""
        found = self._root.named("split")
        return found.text or "" if found else ""

    def _sdk_levels(self) -> tuple[int, int]:
        """The levels of the last <uses-sdk>, which takes back what one before it said."""
        minimum, target = 1, 0
        for element in self._all("uses-sdk"):
            minimum = self._level(element, "minSdkVersion", 1)
            target = self._level(element, "targetSdkVersion", minimum)
        return minimum, target or minimum

    def _level(self, element: Element, name: str, default: int) -> int:
        texts = tuple(self._text(element, "manifest/uses-sdk", name))
        levels = [int(text) if LEVEL.fullmatch(text) else PREVIEW for text in texts]
        return min(levels, default=default)

    def _all(self, *tags: str) -> tuple[Element, ...]:
        return tuple(each for each in manifest_level(self._root) if each.name in tags)

    def _application(self, element: Element | None) -> Application:
        where = "manifest/application"
        return Application(
            debuggable=self._boolean(element, where, "debuggable"),
            allow_backup=self._boolean(element, where, "allowBackup"),
            full_backup_content=self._text(element, where, "fullBackupContent"),
            data_extraction_rules=self._text(element, where, "dataExtractionRules"),
            backup_agent=self._text(element, where, "backupAgent"),
            test_only=self._boolean(element, where, "testOnly"),
            cleartext=self._boolean(element, where, "usesCleartextTraffic"),
            network_security_config=self._text(element, where, "networkSecurityConfig"),
            has_code=self._boolean(element, where, "hasCode"),
            permission=self._constant(element, where, "permission"),
            label=self._text(element, where, "label"),
            at=self._at(element, where),
        )

    def _components(self, application: Element | None, package: str) -> Iterator[Component]:
        for element in application.reached(OPEN_IN_APPLICATION) if application else ():
            if element.name in COMPONENTS:
                yield self._component(element, package)

    def _component(self, element: Element, package: str) -> Component:
        name = class_name(
            self._first(element, f"manifest/application/{element.name}", "name"), package
        )
        where = f"manifest/application/{element.name}[{name}]"
        return Component(
            kind=element.name,
            name=name,
            exported=self._boolean(element, where, "exported"),
            enabled=self._boolean(element, where, "enabled"),
            permission=self._constant(element, where, "permission"),
            read_permission=self._constant(element, where, "readPermission"),
            write_permission=self._constant(element, where, "writePermission"),
            filters=tuple(
                self._filter(each, where)
                for each in element.reached(OPEN_IN_COMPONENT)
                if each.name == "intent-filter"
            ),
            at=self._at(element, where),
            target=self._target(element, package),
        )

    def _target(self, element: Element, package: str) -> str:
        if element.name != "activity-alias":
            return ""
        where = f"manifest/application/{element.name}"
        return class_name(self._first(element, where, "targetActivity"), package)

    def _filter(self, element: Element, parent: str) -> IntentFilter:
        where = f"{parent}/intent-filter"
        data = element.find_all("data")
        return IntentFilter(
            actions=_by_name(element.find_all("action")),
            categories=_by_name(element.find_all("category")),
            schemes=self._each(data, where, "scheme"),
            hosts=self._each(data, where, "host"),
            at=self._at(element, where),
        )

    def _names(self, *tags: str) -> tuple[str, ...]:
        return tuple(sorted(set(self._each(self._all(*tags), "manifest", "name"))))

    def _each(self, elements: tuple[Element, ...], where: str, name: str) -> tuple[str, ...]:
        texts = (self._text(element, where, name).values for element in elements)
        return tuple(value for values in texts for value in values)

    def _first(self, element: Element, where: str, name: str) -> str:
        return next(iter(self._text(element, where, name).values), "")

    def _number(self, element: Element, where: str, name: str, default: int) -> int:
        found = element.attribute(name, IDS[name])
        return next(
            iter(self._values.number(found, name, self._at(element, where)).values), default
        )

    def _boolean(self, element: Element | None, where: str, name: str) -> Attribute[bool]:
        found = element.attribute(name, IDS[name]) if element else None
        return self._values.boolean(found, f"android:{name}", self._at(element, where, name))

    def _text(self, element: Element | None, where: str, name: str) -> Attribute[str]:
        found = element.attribute(name, IDS[name]) if element else None
        return self._values.text(found, f"android:{name}", self._at(element, where, name))

    def _constant(self, element: Element | None, where: str, name: str) -> Attribute[str]:
        found = element.attribute(name, IDS[name]) if element else None
        return self._values.constant(found, f"android:{name}", self._at(element, where, name))

    def _at(self, element: Element | None, where: str, attribute: str = "") -> Location:
        place = f"{where}/@android:{attribute}" if attribute else where
        return Location(self._path, place, line=element.line or None if element else None)


def written_level(root: Element) -> int | None:
    """The lowest minSdkVersion that any Android reads out of a manifest; None for a split's.

    1 stands for what only the resource table or the running system knows.
    """
    split = root.named("split")
    if split and split.text:
        return None
    if not root.find_all("uses-sdk"):
        return 1
    every = (each for each in root.walk() if each.name == "uses-sdk")
    found = (each.attribute("minSdkVersion", IDS["minSdkVersion"]) for each in every)
    return min(to_number(each.value) if each and each.value.is_integer else 1 for each in found)


def manifest_level(root: Element) -> Iterator[Element]:
    """What is read as if it lay directly in <manifest>, in file order."""
    reached = tuple(root.reached(OPEN_IN_MANIFEST))
    first = next((each for each in reached if each.name == "application"), None)
    inside = frozenset(first.reached(OPEN_IN_MANIFEST)) if first else ()
    return (each for each in reached if each not in inside)


def applications(root: Element) -> tuple[Element, ...]:
    """The <application> of Android 11 and later, and that of earlier versions if it is another."""
    reached = (each for each in root.reached(OPEN_IN_MANIFEST) if each.name == "application")
    return tuple(dict.fromkeys((*islice(reached, 1), *root.find_all("application")[:1])))


def _by_name(elements: tuple[Element, ...]) -> tuple[str, ...]:
    """What actions and categories are called: found by name (ParsedIntentInfoUtils.java)."""
    found = (each.named("name", ANDROID_NAMESPACE) for each in elements)
    return tuple(each.text for each in found if each and each.text is not None)


def class_name(name: str, package: str) -> str:
    """The fully qualified class, as AOSP's ParsingUtils.buildClassName completes it."""
    if name.startswith("."):
        return package + name
    return name if "." in name else f"{package}.{name}"
