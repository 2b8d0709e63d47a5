import hashlib
import plistlib
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.formats import provisioning
from gate.formats.errors import Malformed
from tests.formats import write_signing as signing

DEVICE = "00008030-001A2B3C4D5E6F70"
FACTS: dict[str, Any] = {
    "Name": "Example Development",
    "UUID": "0F0F0F0F-1111-2222-3333-444444444444",
    "TeamIdentifier": ["ABCDE12345"],
    "TeamName": "Example, Inc.",
    "AppIDName": "Example App",
    "ApplicationIdentifierPrefix": ["ABCDE12345"],
    "CreationDate": datetime(2024, 5, 6, 7, 8, 9),
    "ExpirationDate": datetime(2025, 5, 6, 7, 8, 9),
    "ProvisionedDevices": [DEVICE],
    "Entitlements": {"get-task-allow": True, "application-identifier": "ABCDE12345.com.example"},
    "DeveloperCertificates": [b"certificate"],
    "Platform": ["iOS"],
}


def profile(**changes: Any) -> bytes:
    facts = {key: value for key, value in {**FACTS, **changes}.items() if value is not None}
    return signing.cms(plistlib.dumps(facts))


def test_facts_of_a_profile() -> None:
    facts = provisioning.parse(profile())
    assert facts.name == "Example Development"
    assert facts.uuid == "0F0F0F0F-1111-2222-3333-444444444444"
    assert facts.team_ids == facts.app_id_prefixes == ("ABCDE12345",)
    assert facts.team_name == "Example, Inc."
    assert facts.app_id_name == "Example App"
    assert facts.created == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert facts.expires == datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert facts.device_count == 1
    assert facts.entitlements["application-identifier"] == "ABCDE12345.com.example"
    assert facts.developer_certificates == (hashlib.sha256(b"certificate").hexdigest(),)
    assert facts.platforms == ("iOS",)
    assert facts.duplicate_keys == ()


def test_device_identifiers_are_not_kept() -> None:
    assert DEVICE not in repr(provisioning.parse(profile()))


NO_DEBUG = {"get-task-allow": False}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "development"),
        ({"Entitlements": NO_DEBUG}, "ad-hoc"),
        ({"ProvisionedDevices": None, "Entitlements": NO_DEBUG}, "app-store"),
        ({"ProvisionedDevices": None, "ProvisionsAllDevices": True}, "enterprise"),
        ({"ProvisionedDevices": []}, "development"),
        ({"Entitlements": None}, "ad-hoc"),
    ],
)
def test_the_kind_follows_from_devices_and_debugging(changes: dict[str, Any], kind: str) -> None:
    assert provisioning.parse(profile(**changes)).kind == kind


def test_no_device_list_is_not_an_empty_one() -> None:
    assert provisioning.parse(profile(ProvisionedDevices=None)).device_count is None
    assert provisioning.parse(profile(ProvisionedDevices=[])).device_count == 0


def test_a_profile_that_says_nothing_is_read() -> None:
    facts = provisioning.parse(signing.cms(plistlib.dumps({})))
    assert (facts.name, facts.expires, facts.entitlements) == ("", None, {})


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_a_bare_property_list_is_told_to_be_unsigned(form: plistlib.PlistFormat) -> None:
    with pytest.raises(Malformed, match="not signed"):
        provisioning.parse(plistlib.dumps(FACTS, fmt=form))


def test_a_list_hidden_beside_the_signed_content_is_not_read() -> None:
    other = plistlib.dumps({"Name": "forged"})
    assert provisioning.parse(profile() + other).name == "Example Development"
    with pytest.raises(Malformed):
        provisioning.parse(b"junk" + other)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Name", 1),
        ("TeamIdentifier", "ABCDE12345"),
        ("TeamIdentifier", [1]),
        ("ExpirationDate", "2025"),
        ("ProvisionedDevices", {}),
        ("ProvisionsAllDevices", 1),
        ("Entitlements", []),
        ("DeveloperCertificates", ["text"]),
        ("Platform", [b"iOS"]),
    ],
)
def test_a_key_of_another_type_is_malformed_and_named(key: str, value: object) -> None:
    with pytest.raises(Malformed, match=key):
        provisioning.parse(profile(**{key: value}))


def test_a_root_that_is_no_dictionary_is_malformed() -> None:
    with pytest.raises(Malformed, match="no dictionary"):
        provisioning.parse(signing.cms(plistlib.dumps([])))


def test_a_key_given_twice_is_named() -> None:
    text = plistlib.dumps(FACTS).replace(
        b"<key>Name</key>", b"<key>UUID</key><string>x</string><key>Name</key>"
    )
    assert provisioning.parse(signing.cms(text)).duplicate_keys == ("UUID",)
