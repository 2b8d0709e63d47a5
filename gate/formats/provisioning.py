"""Provisioning profiles (embedded.mobileprovision): a property list inside signed CMS.

Source: Apple, "TN3125: Inside Code Signing: Provisioning Profiles". Device identifiers are
personal data: they are counted and never kept.
"""

import hashlib
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypeVar

from gate.app.native import ProvisioningProfile
from gate.formats import cms, plist
from gate.formats.errors import Malformed
from gate.formats.plist import PlistValue

_Fact = TypeVar("_Fact", str, bytes, bool, datetime, list[PlistValue], dict[str, PlistValue])

_BARE: Final = (b"<", b"bplist", b"\xef\xbb\xbf<")


def parse(data: bytes, *, max_bytes: int = plist.MAX_BYTES) -> ProvisioningProfile:
    """Facts of a profile; its signature is not verified.

    Raises Malformed where the bytes are no CMS (an unsigned list is none), the content is no
    property list with a dictionary, or a key holds another type than Apple writes; OverLimit for
    more than `max_bytes`.
    """
    if data.lstrip(b" \t\r\n").startswith(_BARE):
        raise Malformed("provisioning profile is not signed (CMS), it is a bare property list")
    content = cms.content(data, max_bytes=max_bytes)
    facts, twice = plist.parse_strictly(content, max_bytes=max_bytes)
    if not isinstance(facts, dict):
        raise Malformed("provisioning profile whose property list is no dictionary")
    devices = _fact(facts, "ProvisionedDevices", list)
    return ProvisioningProfile(
        name=_fact(facts, "Name", str) or "",
        uuid=_fact(facts, "UUID", str) or "",
        team_ids=_texts(facts, "TeamIdentifier"),
        team_name=_fact(facts, "TeamName", str) or "",
        app_id_name=_fact(facts, "AppIDName", str) or "",
        app_id_prefixes=_texts(facts, "ApplicationIdentifierPrefix"),
        created=_date(facts, "CreationDate"),
        expires=_date(facts, "ExpirationDate"),
        device_count=None if devices is None else len(devices),
        all_devices=_fact(facts, "ProvisionsAllDevices", bool) or False,
        entitlements=MappingProxyType(_fact(facts, "Entitlements", dict) or {}),
        developer_certificates=_certificates(facts),
        platforms=_texts(facts, "Platform"),
        duplicate_keys=twice,
    )


def _fact(facts: dict[str, PlistValue], key: str, kind: type[_Fact]) -> _Fact | None:
    """The value of a key, None where it is absent; Malformed where it has another type."""
    value = facts.get(key)
    if value is None or isinstance(value, kind):
        return value
    raise Malformed(
        f"provisioning profile key {key} holds {type(value).__name__}, not {kind.__name__}"
    )


def _texts(facts: dict[str, PlistValue], key: str) -> tuple[str, ...]:
    texts = _fact(facts, key, list) or []
    found = tuple(text for text in texts if isinstance(text, str))
    if len(found) != len(texts):
        raise Malformed(f"provisioning profile key {key} holds something that is no text")
    return found


def _date(facts: dict[str, PlistValue], key: str) -> datetime | None:
    """Property lists keep dates in UTC without saying so."""
    when = _fact(facts, key, datetime)
    return None if when is None else when.replace(tzinfo=UTC)


def _certificates(facts: dict[str, PlistValue]) -> tuple[str, ...]:
    key = "DeveloperCertificates"
    found = _fact(facts, key, list) or []
    digests = tuple(hashlib.sha256(der).hexdigest() for der in found if isinstance(der, bytes))
    if len(digests) != len(found):
        raise Malformed(f"provisioning profile key {key} holds something that is no data")
    return digests
