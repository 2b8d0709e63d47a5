"""The dated lists of what Apple asks for, and the needs that they state."""

from datetime import date

import pytest

from gate.app.image import Image, Residue
from gate.app.native import Slice
from gate.app.privacy import ListedSdk, is_listed, mistakes
from gate.read.privacy import need, rules

SLICE = Slice("arm64", "execute", 0, "ios", "15.0", "26.0", False, None, 0, 0)


def image(imports: str = "", selectors: str | None = "") -> Image:
    names = None if selectors is None else frozenset(selectors.split())
    called = frozenset(imports.split())
    return Image("X", SLICE, (), (), (), called, names, 0, None, frozenset(), Residue())


def test_every_api_belongs_to_a_category_with_reasons() -> None:
    found = rules()
    assert len(found.reasons) == 5
    assert all(found.reasons.values())
    for api in found.apis:
        assert set(api.categories) <= set(found.reasons)
        assert api.need.symbols or api.need.selectors
        assert api.since == date(2024, 5, 1) == found.since()


def test_every_purpose_names_keys_and_an_api() -> None:
    for purpose in rules().purposes:
        assert all(key.endswith("UsageDescription") for key in purpose.keys)
        assert purpose.need.symbols or purpose.need.selectors


def test_a_need_is_met_by_all_of_its_parts() -> None:
    wanted = need("class LAContext + @evaluatePolicy:localizedReason:reply:")
    assert wanted.name == "LAContext evaluatePolicy:localizedReason:reply:"
    context, policy = "_OBJC_CLASS_$_LAContext", "evaluatePolicy:localizedReason:reply:"
    assert wanted.used(image(context, policy)) is True
    assert wanted.used(image(context)) is False
    assert wanted.used(image("", policy)) is False
    assert wanted.used(image(context, None)) is None
    assert need("_stat").used(image("_stat", None)) is True


def test_an_sdk_is_listed_by_any_name_from_its_day_on() -> None:
    listed = (ListedSdk(("Abseil", "absl"), date(2024, 5, 1)),)
    assert is_listed(listed, "absl", date(2024, 5, 1))
    assert not is_listed(listed, "absl", date(2024, 4, 30))
    assert not is_listed(listed, "absl2", date(2025, 1, 1))
    assert is_listed(rules().listed, "webview_flutter_wkwebview", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("root", "what"),
    [
        ({"NSPrivacyTracking": 1}, "NSPrivacyTracking"),
        ({"NSPrivacyTracking": True}, "NSPrivacyTracking"),
        ({"NSPrivacyAccessedAPITypes": ["x"]}, "NSPrivacyAccessedAPITypes"),
        ({"NSPrivacyAccessedAPITypes": [{"NSPrivacyAccessedAPIType": "A"}]}, "A"),
        ({"NSPrivacyAccessedAPITypes": [{"NSPrivacyAccessedAPIType": "B"}]}, "B"),
    ],
)
def test_a_mistake_in_a_manifest_is_named(root: dict[str, object], what: str) -> None:
    assert [name for name, _ in mistakes(root, {"B": ("1",)})] == [what]


def test_reasons_that_are_no_text_are_mistakes() -> None:
    entry = {"NSPrivacyAccessedAPIType": "B", "NSPrivacyAccessedAPITypeReasons": ["1", {}, 2]}
    found = list(mistakes({"NSPrivacyAccessedAPITypes": [entry]}, {"B": ("1",)}))
    assert len(found) == 2
