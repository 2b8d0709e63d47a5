"""Entitlements: what a signature claims, against what a profile grants.

Sources: Apple, TN3125 "Inside Code Signing: Provisioning Profiles" (which claims a profile has to
authorise, and how wildcards match); Apple, "Diagnosing issues with entitlements" (TN2415). Plain
property list values on both sides.
"""

from collections.abc import Mapping
from typing import Any, Final

from gate.app.native import CodeSignature

GROUPS: Final = "keychain-access-groups"
# What a Mac's sandbox grants by itself stands in no profile; groups of apps do on iOS.
_UNLISTED: Final = "com.apple.security."
_APP_GROUPS: Final = "com.apple.security.application-groups"


def forms(signature: CodeSignature | None) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """XML and DER, each with its claims, of those forms that claim anything."""
    if signature is None:
        return ()
    both = (("XML", signature.entitlements_xml), ("DER", signature.entitlements_der))
    return tuple((name, claims) for name, claims in both if claims)


def reserved(key: str, value: object) -> str:
    """Why nobody outside Apple may claim this, or nobody should, "" where one may."""
    if value is False:
        return ""
    if key.startswith("com.apple.private.") or key == "platform-application":
        return "it is reserved for Apple's own programs"
    groups = value if isinstance(value, list) else [value]
    if key == GROUPS and any(isinstance(group, str) and group.endswith("*") for group in groups):
        return "its wildcard opens the keychain entries of every app of the team"
    return ""


def objection(key: str, value: object, grants: Mapping[str, Any]) -> str:
    """Why a profile's entitlements do not cover a claim, "" where they do.

    A claim that asks for nothing, and one that needs no profile's leave, is covered.
    """
    asks = value is not False and value not in ([], {}, "")
    if not asks or (key.startswith(_UNLISTED) and key != _APP_GROUPS):
        return ""
    if key not in grants:
        return "the embedded profile does not grant it"
    return "" if _covered(value, grants[key]) else "the embedded profile grants another value"


def _covered(value: object, grant: object) -> bool:
    """Whether a profile's value covers a claimed one; the order of a list says nothing."""
    if isinstance(value, list):
        return all(_equals(each, grant) for each in value)
    return _equals(value, grant)


def _equals(value: object, grant: object) -> bool:
    """One value against a granted one, or any of several; a final `*` stands for anything."""
    grants = grant if isinstance(grant, list) else [grant]
    return any(
        each == "*" or (type(each) is type(value) and (each == value or _is_under(value, each)))
        for each in grants
    )


def _is_under(value: object, wildcard: object) -> bool:
    """Whether text begins as one that ends in `*` does."""
    if not isinstance(value, str) or not isinstance(wildcard, str):
        return False
    return wildcard.endswith("*") and value.startswith(wildcard[:-1])
