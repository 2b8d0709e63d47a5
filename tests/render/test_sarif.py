import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from gate.app import Build
from gate.decide import Decision
from gate.render import render
from gate.render.sarif import for_github
from gate.render.sarif_log import om, to_text
from gate.report import Document, Report
from tests.render.hostile import EVERYTHING, texts
from tests.render.lint_sarif import complaints
from tests.render.samples import (
    ANDROID,
    BLOCKED,
    IOS,
    NAMED,
    REFUSED,
    TOGETHER,
    UNREAD,
    document,
    flood,
    labelled,
)

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parent / "sarif-2.1.0.schema.json").read_text("utf-8-sig"))
)
PROFILES = ("sarif", "sarif-full")


def text_of(scan: Document, profile: str) -> str:
    text = render(scan, profile)
    assert isinstance(text, str)
    return text


def runs(scan: Document, profile: str = "sarif") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text_of(scan, profile))["runs"]
    return found


def results(scan: Document, profile: str = "sarif") -> list[dict[str, Any]]:
    return [result for run in runs(scan, profile) for result in run["results"]]


def named(found: list[dict[str, Any]], rule: str) -> list[dict[str, Any]]:
    return [result for result in found if result["ruleId"] == rule]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMED)
def test_every_sample_is_valid_and_without_complaint(name: str, profile: str) -> None:
    text = text_of(NAMED[name], profile)
    assert [error.message for error in SCHEMA.iter_errors(json.loads(text))] == []
    assert complaints(text, for_github=profile == "sarif") == []


@settings(max_examples=40, deadline=None)
@given(texts)
def test_hostile_labels_leave_a_valid_file_without_complaint(label: str) -> None:
    for profile in PROFILES:
        assert complaints(text_of(labelled(label), profile), for_github=profile == "sarif") == []


def test_the_worst_label_leaves_a_valid_file() -> None:
    for profile in PROFILES:
        text = text_of(labelled(EVERYTHING), profile)
        assert [error.message for error in SCHEMA.iter_errors(json.loads(text))] == []


def test_github_gets_only_what_is_open() -> None:
    found = {(each["ruleId"], each["level"]) for each in results(BLOCKED)}
    assert found == {
        ("android-debuggable", "error"),
        ("android-cleartext", "warning"),
        ("android-exported", "warning"),
        ("android-min-os", "note"),
    }


def test_github_gets_every_rule_so_that_old_alerts_are_closed() -> None:
    rules = [rule["id"] for rule in runs(BLOCKED)[0]["tool"]["driver"]["rules"]]
    assert rules == [card.id for card in ANDROID.checks]


def test_a_finding_of_two_controls_is_one_result_that_names_both() -> None:
    (found,) = named(results(BLOCKED), "android-debuggable")
    assert found["properties"]["mrg/controls"] == [
        {"id": "A63-DBG-01", "action": "block"},
        {"id": "A63-RES-02", "action": "note"},
    ]
    assert found["properties"]["mrg/profile"] == "trading"


def test_the_archive_holds_every_kind() -> None:
    found = results(BLOCKED, "sarif-full")
    kinds = {(each["ruleId"], each["kind"]) for each in found}
    assert kinds >= {
        ("android-native-relro", "open"),
        ("app-private-key", "review"),
        ("android-exported", "review"),
        ("android-webview-debug", "pass"),
        ("android-flutter", "notApplicable"),
        ("android-backup", "informational"),
    }
    assert all(each["level"] == "none" for each in found if each["kind"] != "fail")


def test_a_waived_finding_is_in_the_archive_alone_with_its_waiver() -> None:
    (waived,) = [each for each in results(BLOCKED, "sarif-full") if "suppressions" in each]
    (suppression,) = waived["suppressions"]
    assert (waived["kind"], waived["level"]) == ("fail", "error")
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert (
        "SEC-1042, approved by A. Chen, B. Lin, expires 2026-12-31" in suppression["justification"]
    )
    assert suppression["properties"]["expires"] == "2026-12-31"
    assert waived["properties"]["mrg/subject"] == "quotes.example.com"


def test_a_refused_build_is_one_error_in_both_profiles() -> None:
    for profile in PROFILES:
        (found,) = results(UNREAD, profile)
        assert (found["ruleId"], found["kind"], found["level"]) == (
            "gate-undecided",
            "fail",
            "error",
        )
        assert "central directory" in found["message"]["text"]


def test_the_true_place_is_linked_from_the_message() -> None:
    (found,) = named(results(BLOCKED), "android-exported")
    assert (
        "See [AndroidManifest.xml, manifest/application/activity\\[2\\], line 31](1) and 25 more."
        in (found["message"]["text"])
    )
    first, *rest = found["relatedLocations"]
    assert first["id"] == 1
    assert len(rest) == 20
    place = first["physicalLocation"]
    assert (
        place["artifactLocation"]["uri"]
        == "app/build/outputs/app%20release.apk/AndroidManifest.xml"
    )
    assert place["region"]["startLine"] == 31
    assert first["logicalLocations"][0]["fullyQualifiedName"] == "manifest/application/activity[2]"


def test_a_build_outside_the_checkout_is_named_by_its_file_alone() -> None:
    paths = {
        "/Users/ci/out/Wallet.ipa": "Wallet.ipa",
        "../out/Wallet.ipa": "Wallet.ipa",
        "./a/../b/Wallet.ipa": "b/Wallet.ipa",
        "..": "build",
        "": "build",
        "Wallet.app/": "Wallet.app",
    }
    for path, uri in paths.items():
        (run,) = runs(document(with_path(IOS, path)))
        assert run["artifacts"][0]["location"]["uri"] == uri


def with_path(report: Report, path: str) -> Report:
    members = {name: getattr(report, name) for name in report.__struct_fields__}
    build = Build(path, report.build.kind, report.build.sha256, report.build.size)
    return Report(**{**members, "build": build})


def test_builds_of_one_app_have_categories_of_their_own() -> None:
    twice = document(with_path(ANDROID, "a/app.apk"), with_path(ANDROID, "b/app.apk"), IOS, REFUSED)
    assert [run["automationDetails"]["id"] for run in runs(twice)] == [
        "mobile-release-gate/android/com.example.wallet/app.apk/",
        "mobile-release-gate/android/com.example.wallet/app.apk/2/",
        "mobile-release-gate/ios/com.example.wallet/",
        "mobile-release-gate/android/broken.apk/",
    ]


def test_a_finding_keeps_its_identity_when_build_and_place_change() -> None:
    (before,) = named(results(BLOCKED), "android-debuggable")
    (after,) = named(results(document(with_path(ANDROID, "other.apk"))), "android-debuggable")
    for kind in ("fingerprints", "partialFingerprints"):
        assert before[kind] == after[kind]


def test_the_invocation_tells_the_truth() -> None:
    (blocked,) = runs(BLOCKED)
    (invocation,) = blocked["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["exitCode"] == 1
    assert invocation["startTimeUtc"] == invocation["endTimeUtc"] == BLOCKED.created
    said = [
        (each["descriptor"]["id"], each.get("level", "warning"))
        for each in invocation["toolExecutionNotifications"]
    ]
    assert said == [
        ("gate-check-undecided", "error"),
        ("gate-gap", "error"),
        ("gate-waiver-expired", "warning"),
        ("gate-waiver-unused", "warning"),
        ("gate-isolation", "warning"),
    ]
    assert [run["invocations"][0]["executionSuccessful"] for run in runs(TOGETHER)] == [False, True]


def test_the_run_says_what_the_verdict_rests_on() -> None:
    properties = runs(BLOCKED)[0]["properties"]
    assert properties["mrg/verdict"] == "block"
    assert properties["mrg/ruleset"]["sha256"] == "5c" * 32
    assert {"reader": "dex", "unit": "classes", "declared": 120, "read": 118} in properties[
        "mrg/coverage"
    ]


@pytest.fixture(scope="module")
def flooded() -> Document:
    return flood(30_000)


def test_of_a_flood_the_hardest_results_are_kept_and_the_rest_is_counted(flooded: Document) -> None:
    text = text_of(flooded, "sarif")
    assert complaints(text, for_github=True) == []
    (run,) = json.loads(text)["runs"]
    assert {result["level"] for result in run["results"]} == {"error"}
    said = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert "25000 more results, the less severe, are left out of this file." in said


def test_the_archive_of_a_flood_holds_it_all(flooded: Document) -> None:
    assert len(results(flooded, "sarif-full")) == 30_000


def test_a_file_that_is_too_large_when_zipped_is_cut_until_it_fits() -> None:
    text = for_github(flood(3_000), most_bytes=20_000)
    assert len(gzip.compress(text.encode())) <= 20_000
    assert 0 < len(json.loads(text)["runs"][0]["results"]) < 3_000


def test_of_too_many_builds_those_that_pass_are_left_out() -> None:
    many = document(*[IOS] * 25, ANDROID, REFUSED)
    found = runs(many)
    assert len(found) == 20
    decisions = [run["properties"]["mrg/verdict"] for run in found]
    assert decisions == [Decision.PASS] * 18 + [Decision.BLOCK, Decision.UNDECIDED]
    said = found[0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert said.startswith("7 more builds are left out")


def test_the_serialiser_keeps_an_explicit_level_and_renames_the_drafts_state() -> None:
    result = om.Result(
        message=om.Message(text="x."),
        level="warning",
        suppressions=[om.Suppression(kind="external", state="accepted")],
    )
    assert json.loads(to_text(result)) == {
        "kind": "fail",
        "level": "warning",
        "message": {"text": "x."},
        "suppressions": [{"kind": "external", "status": "accepted"}],
    }


def test_the_serialiser_refuses_what_is_no_sarif() -> None:
    with pytest.raises(TypeError, match="not a SARIF value: set"):
        to_text(om.Message(text={1}))
