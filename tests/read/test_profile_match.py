import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gate.app import IosApp
from gate.app.ios import ProfileMatch
from gate.read import open_app

BUILD = Path(__file__).parents[2] / "fixtures" / "builds" / "clean-ios" / "build.ipa"
ROOT = "Payload/DemoWallet.app"


def test_the_profile_fits_the_clean_build() -> None:
    with BUILD.open("rb") as file:
        app = open_app(file.fileno(), BUILD.name, date(2026, 6, 1))
        assert isinstance(app, IosApp)
        assert [each.path for each in app.profile_matches] == [
            ROOT,
            f"{ROOT}/PlugIns/Balance.appex",
        ]
    for each in app.profile_matches:
        assert each.team_granted and each.application_granted and each.application_is_bundle


MATCH = ProfileMatch(
    "p", "arm64", "org.a", "TEAM", "TEAM.org.a", ("TEAM",), ("TEAM",), "TEAM.org.a"
)


@pytest.mark.parametrize(
    ("change", "team", "granted", "own"),
    [
        ({}, True, True, True),
        ({"team_id": "OTHER"}, False, True, True),
        ({"team_id": ""}, None, True, True),
        ({"granted_id": "TEAM.*"}, True, True, True),
        ({"granted_id": "TEAM.org.*"}, True, True, True),
        ({"granted_id": "TEAM.org.b"}, True, False, True),
        ({"granted_id": ""}, True, None, True),
        ({"application_id": "TEAM.org.b"}, True, False, False),
        ({"application_id": "OTHER.org.a"}, True, False, False),
        ({"application_id": ""}, True, None, None),
        ({"prefixes": ("OLD",), "application_id": "OLD.org.a"}, True, False, True),
        ({"prefixes": ()}, True, True, True),
        ({"bundle_id": ""}, True, True, None),
        ({"profile_teams": ()}, None, True, True),
    ],
)
def test_what_a_slice_claims_is_held_against_the_profile(
    change: dict[str, Any], team: bool | None, granted: bool | None, own: bool | None
) -> None:
    match = dataclasses.replace(MATCH, **change)
    assert match.team_granted is team
    assert match.application_granted is granted
    assert match.application_is_bundle is own
