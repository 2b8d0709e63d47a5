"""Makes provisioning profiles: a property list in a CMS signature by a TEST ONLY signer."""

from __future__ import annotations

import datetime as dt
import hashlib
import plistlib
import uuid
from typing import Any

from cms_seal import seal
from cryptography.hazmat.primitives.serialization import Encoding
from fixture_keys import Signer
from fixture_recipe import ProfileKind, RecipeError, merged

_MADE = dt.datetime(2025, 1, 1)
_EXPIRES = dt.datetime(2099, 1, 1)


def profile_bytes(said: dict[str, Any] | ProfileKind, identifier: str, team: str) -> bytes | None:
    """The ``embedded.mobileprovision`` for an app of `team`; None when there is to be none.

    A mapping may name its `kind` (store, when it does not) and any key of the property list.
    """
    own: dict[str, Any] = dict(said) if isinstance(said, dict) else {"kind": said}
    kind = own.pop("kind", "store")
    if kind == "none":
        return None
    content = _content(kind, identifier, team)
    entitlements = merged(content["Entitlements"], own.pop("Entitlements", {}))
    content = merged({**content, "Entitlements": entitlements}, own)
    if isinstance(content.get("ProvisionedDevices"), int):
        content["ProvisionedDevices"] = _devices(content["ProvisionedDevices"])
    return seal(plistlib.dumps(content), Signer("ios-profile-signer"), detached=False)


def _content(kind: str, identifier: str, team: str) -> dict[str, Any]:
    """The property list of a profile of this kind, as Apple's portal fills it."""
    name = f"TEST ONLY {kind} {identifier}"
    leaf = Signer("ios-development" if kind == "development" else "ios-distribution").certificate
    return {
        "AppIDName": name,
        "ApplicationIdentifierPrefix": [team],
        "CreationDate": _MADE,
        "DeveloperCertificates": [leaf.public_bytes(Encoding.DER)],
        "Entitlements": {
            "application-identifier": f"{team}.{identifier}",
            "com.apple.developer.team-identifier": team,
            "get-task-allow": kind == "development",
            "keychain-access-groups": [f"{team}.*"],
            **({"beta-reports-active": True} if kind == "store" else {}),
        },
        "ExpirationDate": _EXPIRES,
        "IsXcodeManaged": False,
        "Name": name,
        "Platform": ["iOS"],
        "TeamIdentifier": [team],
        "TeamName": "TEST ONLY",
        "TimeToLive": (_EXPIRES - _MADE).days,
        "UUID": str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16])),
        "Version": 1,
        **_reach(kind),
    }


def _reach(kind: str) -> dict[str, Any]:
    """The devices a profile of this kind reaches; a store profile names none."""
    if kind in ("development", "adhoc"):
        return {"ProvisionedDevices": 2}
    if kind == "enterprise":
        return {"ProvisionsAllDevices": True}
    if kind == "store":
        return {}
    raise RecipeError(f"profile: no such kind: {kind}")


def _devices(count: int) -> list[str]:
    """Identifiers of as many devices that do not exist."""
    return [f"00008101-{number:016X}" for number in range(1, count + 1)]
