"""Network security configuration and backup rules, from binary XML to facts.

Sources: AOSP frameworks/base core/java/android/security/net/config/XmlConfigSource.java and
core/java/android/app/backup/FullBackup.java.
"""

from collections.abc import Iterable

from gate.app import Location, Unread
from gate.app.network import Anchor, BackupRules, Domain, NetworkConfig, NetworkRule
from gate.formats import axml
from gate.formats.axml import Element

MAX_NESTING = 32
BACKUP_SECTIONS = ("full-backup-content", "cloud-backup", "device-transfer")


def network_config(root: Element, path: str) -> NetworkConfig:
    """A network security configuration; `Unread` where the device would refuse the file."""
    if root.name != "network-security-config":
        raise Unread(f"the root element is <{root.name[:40]}>, not <network-security-config>")
    bases = [_rule(each, path, 0) for each in root.find_all("base-config")]
    if len(bases) > 1:
        raise Unread("more than one <base-config>, which Android refuses")
    return NetworkConfig(
        path,
        base=bases[0] if bases else None,
        domains=tuple(_rule(each, path, 0) for each in root.find_all("domain-config")),
        at=Location(path, root.name, line=_line(root)),
    )


def _rule(element: Element, path: str, depth: int) -> NetworkRule:
    if depth > MAX_NESTING:
        raise Unread(f"<domain-config> is nested deeper than {MAX_NESTING}")
    anchors = element.find_all("trust-anchors")
    pins = element.find_all("pin-set")
    return NetworkRule(
        domains=tuple(
            Domain(each.text.strip().lower(), _is_true(each, "includeSubdomains", False))
            for each in element.find_all("domain")
        ),
        cleartext=_cleartext(element),
        anchors=_anchors(anchors, path) if anchors else None,
        pins=sum(len(each.find_all("pin")) for each in pins) if pins else None,
        nested=tuple(_rule(each, path, depth + 1) for each in element.find_all("domain-config")),
        at=Location(path, element.name, line=_line(element)),
    )


def _cleartext(element: Element) -> bool | None:
    """The last attribute of that name, in whatever namespace; None where there is none."""
    found = [each for each in element.attributes if each.name == "cleartextTrafficPermitted"]
    return _converted(found[-1], True) if found else None


def _anchors(elements: Iterable[Element], path: str) -> tuple[Anchor, ...]:
    return tuple(
        Anchor(
            _source(each),
            _is_true(each, "overridePins", False),
            Location(path, "trust-anchors/certificates", line=_line(each)),
        )
        for element in elements
        for each in element.find_all("certificates")
    )


def _source(element: Element) -> str:
    found = element.named("src")
    if found is None:
        raise Unread("<certificates> has no src, which Android refuses")
    if found.value.is_reference:
        return f"@{found.value.data:#010x}"
    return found.text or ""


def _is_true(element: Element, name: str, default: bool) -> bool:
    found = element.named(name)
    return _converted(found, default) if found else default


def _converted(found: axml.Attribute, default: bool) -> bool:
    """AOSP XmlBlock.Parser.getAttributeBooleanValue: what is no integer counts as the default."""
    return found.value.data != 0 if found.value.is_integer else default


def backup_rules(root: Element, path: str) -> BackupRules:
    """A backup rule file of either form; `Unread` for any other root element."""
    if root.name not in ("full-backup-content", "data-extraction-rules"):
        raise Unread(f"the root element is <{root.name[:40]}>, which holds no backup rules")
    sections = {
        section.name: sum(len(section.find_all(rule)) for rule in ("include", "exclude"))
        for section in (root, *root.children)
        if section.name in BACKUP_SECTIONS
    }
    return BackupRules(
        path,
        rules=sum(sections.values()),
        sections=tuple(sorted(name for name, count in sections.items() if count)),
    )


def _line(element: Element) -> int | None:
    return element.line if element.line > 0 else None
