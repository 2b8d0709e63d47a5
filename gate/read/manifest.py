"""AndroidManifest.xml from binary XML to facts, attributes found by resource id as a device does.

Sources: AOSP frameworks/base core/res/res/values/public-final.xml for the ids, and
core/java/android/content/pm/parsing/ParsingPackageUtils.java for what is read where.
"""

import re
from collections.abc import Iterator

from gate.app import Attribute, Location, Unread
from gate.app.manifest import Application, Component, IntentFilter, Manifest
from gate.formats.axml import Document, Element
from gate.read.values import Values

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
LEVEL = re.compile(r"[0-9]{1,9}")
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
        package = self._package()
        application = next(iter(self._root.find_all("application")), None)
        minimum, target = self._sdk_levels()
        return Manifest(
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
            anomalies=self._anomalies,
        )

    def _package(self) -> str:
        found = self._root.attribute("package")
        if found is None or not found.value.text:
            raise Unread("the manifest names no package")
        return found.value.text

    def _split(self) -> str:
        """The attribute `split`, which ApkLiteParseUtils.java looks for by its name."""
        found = self._root.attribute("split")
        return found.value.text or "" if found else ""

    def _sdk_levels(self) -> tuple[int, int]:
        minimum, target = 1, 0
        for element in self._root.find_all("uses-sdk"):
            minimum = self._level(element, "minSdkVersion", minimum)
            target = self._level(element, "targetSdkVersion", target)
        return minimum, target or minimum

    def _level(self, element: Element, name: str, default: int) -> int:
        texts = tuple(self._text(element, "manifest/uses-sdk", name))
        levels = [int(text) if LEVEL.fullmatch(text) else PREVIEW for text in texts]
        return min(levels, default=default)

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
            permission=self._text(element, where, "permission"),
            label=self._text(element, where, "label"),
            at=self._at(element, where),
        )

    def _components(self, application: Element | None, package: str) -> Iterator[Component]:
        for element in application.children if application else ():
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
            permission=self._text(element, where, "permission"),
            read_permission=self._text(element, where, "readPermission"),
            write_permission=self._text(element, where, "writePermission"),
            filters=tuple(self._filter(each, where) for each in element.find_all("intent-filter")),
            at=self._at(element, where),
        )

    def _filter(self, element: Element, parent: str) -> IntentFilter:
        where = f"{parent}/intent-filter"
        data = element.find_all("data")
        return IntentFilter(
            actions=self._each(element.find_all("action"), where, "name"),
            categories=self._each(element.find_all("category"), where, "name"),
            schemes=self._each(data, where, "scheme"),
            hosts=self._each(data, where, "host"),
            at=self._at(element, where),
        )

    def _names(self, *tags: str) -> tuple[str, ...]:
        elements = [element for tag in tags for element in self._root.find_all(tag)]
        return tuple(sorted(set(self._each(elements, "manifest", "name"))))

    def _each(
        self, elements: tuple[Element, ...] | list[Element], where: str, name: str
    ) -> tuple[str, ...]:
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

    def _at(self, element: Element | None, where: str, attribute: str = "") -> Location:
        place = f"{where}/@android:{attribute}" if attribute else where
        return Location(self._path, place, line=element.line or None if element else None)


def class_name(name: str, package: str) -> str:
    """The fully qualified class, as AOSP's ParsingUtils.buildClassName completes it."""
    if name.startswith("."):
        return package + name
    return name if "." in name else f"{package}.{name}"
