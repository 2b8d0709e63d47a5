"""What a signature claims against what a profile grants."""

import pytest

from gate.app.entitlements import objection, reserved

TEAM = "ABCDE12345"


@pytest.mark.parametrize(
    ("value", "grant"),
    [
        ("production", "production"),
        ([f"{TEAM}.a", f"{TEAM}.b"], [f"{TEAM}.*"]),
        (["b", "a"], ["a", "b", "c"]),
        (["applinks:x.example"], "*"),
        (f"{TEAM}.org.example", f"{TEAM}.*"),
        ("CloudKit", ["CloudKit", "CloudDocuments"]),
        (True, True),
        (7, 7),
    ],
)
def test_a_claim_within_the_grant_has_no_objection(value: object, grant: object) -> None:
    assert objection("com.apple.developer.x", value, {"com.apple.developer.x": grant}) == ""


@pytest.mark.parametrize(
    ("value", "grant"),
    [
        ("development", "production"),
        ([f"{TEAM}.a", "OTHER00000.b"], [f"{TEAM}.*"]),
        (["a"], []),
        (True, False),
        (True, 1),
        ({"a": 1}, {"a": 2}),
    ],
)
def test_a_claim_beyond_the_grant_has_one(value: object, grant: object) -> None:
    assert "another value" in objection("x", value, {"x": grant})


def test_a_claim_that_is_not_granted_counts_only_where_it_asks_for_something() -> None:
    assert "does not grant" in objection("x", True, {})
    nothing: list[object] = [False, [], {}, ""]
    assert [objection("x", value, {}) for value in nothing] == [""] * 4
    assert objection("com.apple.security.network.client", True, {}) == ""
    assert objection("com.apple.security.application-groups", ["group.a"], {})


def test_what_is_apples_own_and_wildcard_groups_are_reserved() -> None:
    assert reserved("com.apple.private.tcc.allow", ["x"])
    assert reserved("platform-application", True) and not reserved("platform-application", False)
    assert reserved("keychain-access-groups", [f"{TEAM}.a", f"{TEAM}.*"])
    assert not reserved("keychain-access-groups", [f"{TEAM}.a"])
