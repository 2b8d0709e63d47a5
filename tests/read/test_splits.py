import io
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gate.app import Budget, Journal, Location, Unread
from gate.check import Outcome
from gate.formats.res_value import REFERENCE
from gate.read import NotAnApp, nested
from gate.read.files import ZipFiles
from gate.read.nested import NestedJournal, SetFiles
from tests.formats import write_arsc, write_axml
from tests.formats.write_arsc import FALSE, TRUE, Package, Type, config
from tests.formats.write_axml import Attr, Node
from tests.formats.write_zip import Member, write_zip
from tests.read.write_builds import (
    CONFIG,
    activity,
    apk,
    archive,
    debuggable,
    judged,
    manifest,
    opened,
    subjects,
    written,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
BASE = "splits/base-master.apk"
PLENTY = Budget()
FEATURE = "splits/feature-master.apk"
REFERRING = debuggable((REFERENCE, 0x7F010000))


def table(value: tuple[int, int], **configuration: Any) -> bytes:
    return write_arsc.write(Package((Type({0: value}, config(**configuration)),)))


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    ("base", "feature", "beside"),
    [
        (BASE, FEATURE, "toc.pb"),
        ("org.example.app.apk", "config.zh.apk", "manifest.json"),
        ("base.apk", "split_feature.apk", "info.json"),
        ("x/Zz.APK", "x/Aa.apk", "x/icon.png"),
    ],
)
def test_every_known_set_is_one_app_with_the_components_of_all_its_apks(
    tmp_path: Path, base: str, feature: str, beside: str, deflate: bool
) -> None:
    entries = {
        feature: apk(manifest(activity(".Extra"), split="feature", sdk=None)),
        base: apk(manifest(activity(".Main"))),
        beside: b"{}",
    }
    build = written(tmp_path, archive(entries, deflate=deflate))
    with opened(build) as app:
        assert app.build.kind == "apks"
        found = app.manifest
        assert (found.min_sdk, found.target_sdk, found.split) == (26, 35, "")
        places = {each.name.rpartition(".")[2]: each.at.path for each in found.components}
        assert places == {
            "Main": f"{base}!/AndroidManifest.xml",
            "Extra": f"{feature}!/AndroidManifest.xml",
        }
        assert not app.journal.gaps
        assert set(app.files.names) == {beside, *places.values()}
    assert len(subjects("android-activity-exported", build)) == 2


def test_a_folder_of_apks_is_a_set(tmp_path: Path) -> None:
    (tmp_path / "base.apk").write_bytes(apk(manifest(flag=debuggable(True))))
    (tmp_path / "config.apk").write_bytes(apk(manifest(split="config")))
    assert subjects("android-debuggable", tmp_path) == ["application"]
    assert subjects("android-unsigned", tmp_path) == ["base.apk", "config.apk"]


def test_a_flag_that_permits_counts_from_any_split(tmp_path: Path) -> None:
    feature = manifest(split="feature", flag=debuggable(True))
    build = written(tmp_path, archive({BASE: apk(manifest()), FEATURE: apk(feature)}))
    (finding,) = judged("android-debuggable", build).findings
    assert finding.at.path == f"{FEATURE}!/AndroidManifest.xml"


def test_a_reference_leads_into_the_tables_of_all_splits(tmp_path: Path) -> None:
    base = apk(manifest(flag=REFERRING), resources_arsc=table(FALSE))
    calm = apk(manifest(split="config.v30"), resources_arsc=table(FALSE, sdk=30))
    loud = apk(manifest(split="config.v30"), resources_arsc=table(TRUE, sdk=30))
    for split, expected in ((calm, []), (loud, ["application"])):
        build = written(tmp_path, archive({BASE: base, FEATURE: split}))
        assert subjects("android-debuggable", build) == expected


def test_a_network_configuration_may_lie_in_any_split(tmp_path: Path) -> None:
    named = Attr("networkSecurityConfig", "res/xml/n.xml", CONFIG)
    rules = write_axml.write(
        Node(
            "network-security-config",
            (),
            (Node("base-config", (Attr("cleartextTrafficPermitted", True, namespace=None),)),),
        )
    )
    base = apk(manifest(flag=named))
    config = apk(manifest(split="config"), res__xml__n_xml=rules)
    with opened(written(tmp_path, archive({BASE: base, FEATURE: config}))) as app:
        assert [each.path for each in app.network_configs] == [f"{FEATURE}!/res/xml/n.xml"]
    with opened(written(tmp_path, archive({BASE: base}))) as app:
        assert app.network_configs == ()
        assert [gap.part for gap in app.journal.gaps] == [f"{BASE}!/res/xml/n.xml"]


def test_standalone_apks_alone_are_judged_all_with_the_lowest_levels(tmp_path: Path) -> None:
    entries = {
        "standalones/standalone-x86.apk": apk(manifest(flag=debuggable(True), sdk=(16, 35))),
        "standalones/standalone-arm.apk": apk(manifest(flag=debuggable(True), sdk=(21, 33))),
    }
    with opened(written(tmp_path, archive(entries))) as app:
        assert (app.manifest.min_sdk, app.manifest.target_sdk) == (16, 33)
        assert not app.journal.gaps
    both = {BASE: apk(manifest(sdk=(21, 35))), **entries}
    build = written(tmp_path, archive(both))
    result = judged("android-debuggable", build)
    assert result.outcome is Outcome.UNDECIDED
    assert [finding.subject for finding in result.findings] == ["application"]
    assert "<application> says other things than the base's" in result.why


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (manifest(split="feature", package="org.example.other"), "of package org.example.other"),
        (manifest(split="feature", version=2), "version code 2, not 1"),
        (manifest(other=Attr("networkSecurityConfig", "res/x.xml", CONFIG)), "says other things"),
        (manifest(other=Attr("permission", "org.example.P", 0x01010006)), "says other things"),
    ],
)
def test_an_apk_that_contradicts_the_base_is_a_gap(tmp_path: Path, other: Node, words: str) -> None:
    build = written(tmp_path, archive({BASE: apk(manifest()), FEATURE: apk(other)}))
    result = judged("android-debuggable", build)
    assert result.outcome is Outcome.UNDECIDED
    assert words in result.why
    assert FEATURE in result.why


def test_a_set_without_a_base_is_undecided(tmp_path: Path) -> None:
    build = written(tmp_path, archive({FEATURE: apk(manifest(split="feature"))}))
    result = judged("android-debuggable", build)
    assert (result.outcome, result.why) == (
        Outcome.UNDECIDED,
        "every APK is a split, none is the base",
    )


@pytest.mark.parametrize("check", ["android-debuggable", "android-unsigned",
                                   "android-debug-certificate", "android-elf-relro-off",
                                   "app-private-key-embedded"])  # fmt: skip
@pytest.mark.parametrize("name", [FEATURE, "splits/a.apk"])
def test_an_apk_that_cannot_be_opened_leaves_no_clean_verdict(
    tmp_path: Path, name: str, check: str
) -> None:
    build = written(tmp_path, archive({name: b"no ZIP", BASE: apk(manifest())}))
    result = judged(check, build)
    assert result.outcome is Outcome.UNDECIDED
    assert name in result.why
    assert "no end of central directory" in result.why


def test_a_name_that_occurs_twice_in_the_set_is_a_gap(tmp_path: Path) -> None:
    two = [Member(BASE.encode(), apk(manifest())), Member(BASE.encode(), apk(manifest()))]
    build = written(tmp_path, write_zip(*two))
    result = judged("android-debuggable", build)
    assert result.outcome is Outcome.UNDECIDED
    assert "occurs more than once" in result.why


def test_each_apk_has_to_be_signed_and_in_the_same_way() -> None:
    build = FIXTURES / "android-unsigned" / "fires-unsigned-split" / "build.apks"
    (finding,) = judged("android-unsigned", build).findings
    assert (finding.subject, finding.at.path) == ("splits/statements-master.apk",) * 2
    build = FIXTURES / "android-v1-signature-only" / "fires-v1-split" / "build.apks"
    (finding,) = judged("android-v1-signature-only", build).findings
    assert finding.at.path == "splits/statements-master.apk!/META-INF/RELEASE.RSA"
    with opened(build) as app:
        assert app.signing.schemes == ("v1", "v2", "v3")
        paths = {(each.scheme, each.path) for each in app.signing.signers}
    assert ("v3", BASE) in paths
    assert ("v1", f"{BASE}!/META-INF/RELEASE.RSA") in paths


def test_a_split_by_another_signer_is_a_gap_whichever_check_comes_first(tmp_path: Path) -> None:
    cases = FIXTURES / "android-debug-certificate"
    release = (cases / "silent-release-key" / "build.apk").read_bytes()
    debug = (cases / "fires-debug-key" / "build.apk").read_bytes()
    build = written(tmp_path, archive({BASE: release, "splits/b.apk": debug}))
    for check in ("android-debug-certificate", "android-unsigned"):
        result = judged(check, build)
        assert result.outcome is Outcome.UNDECIDED
        assert f"splits/b.apk: it is signed with another key than {BASE}" in result.why
    (finding,) = judged("android-debug-certificate", build).findings
    places = {finding.at.path, *(place.path for place in finding.also)}
    assert places == {"splits/b.apk!/META-INF/DEBUG.RSA", "splits/b.apk"}
    same = written(tmp_path, archive({BASE: release, "splits/b.apk": release}))
    assert judged("android-unsigned", same).outcome is Outcome.CLEAN


def test_text_and_keys_inside_the_apks_are_looked_at(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    base = apk(manifest(), assets__key_pem=key)
    for deflate in (False, True):
        build = written(tmp_path, archive({BASE: base}, deflate=deflate))
        (finding,) = judged("app-private-key-embedded", build).findings
        assert finding.at.path == f"{BASE}!/assets/key.pem"
        with opened(build) as app:
            found = {each.path for each in app.strings.find("PRIVATE KEY")}
        assert found == {f"{BASE}!/assets/key.pem"}


def test_apks_within_apks_are_files_like_any_other(tmp_path: Path) -> None:
    inner = apk(manifest(flag=debuggable(True)))
    build = written(tmp_path, archive({BASE: apk(manifest(), assets__inner_apk=inner)}))
    with opened(build) as app:
        assert f"{BASE}!/assets/inner.apk" in app.files
        assert len(app.splits) == 1
    assert subjects("android-debuggable", build) == []


def set_files(data: bytes, budget: Budget = PLENTY) -> SetFiles:
    return SetFiles(ZipFiles(io.BytesIO(data), budget))


def test_the_files_of_a_set_are_read_in_place() -> None:
    inner = archive({"a": b"first", "b/": b"", "c": b"second"}, deflate=True)
    for deflate in (False, True):
        files = set_files(archive({"x.apk": inner, "note": b"n"}, deflate=deflate))
        assert files.names == ("x.apk!/a", "x.apk!/c", "note")
        assert files.read("x.apk!/c", 10) == b"second"
        assert b"".join(files.blocks("x.apk!/a", 10)) == b"first"
        assert files.size("x.apk!/c") == 6
        assert files.read("note", 10) == b"n"
        assert "x.apk!/a" in files and "note" in files
        assert "x.apk" not in files and "x.apk!/b/" not in files
        with pytest.raises(Unread):
            files.read("x.apk!/nothing", 10)


def test_compressed_apks_share_one_budget_and_stored_ones_need_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = archive({"a": bytes(1000)})
    entries = {"1.apk": inner, "2.apk": inner}
    monkeypatch.setattr(nested, "MEMORY", 2 * len(inner))
    assert not set_files(archive(entries, deflate=True)).faults
    monkeypatch.setattr(nested, "MEMORY", 2 * len(inner) - 1)
    files = set_files(archive(entries, deflate=True))
    assert list(files.faults) == ["2.apk"]
    with pytest.raises(Unread, match=r"2\.apk.*more than"):
        files.read("2.apk", 10)
    assert not set_files(archive(entries)).faults


def test_apks_and_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {f"{number}.apk": archive({"a": b"", "b": b""}) for number in range(3)}
    monkeypatch.setattr(nested, "MAX_APKS", 2)
    assert set_files(archive(entries)).faults == {"2.apk": "the set has more than 2 APKs"}
    monkeypatch.setattr(nested, "MAX_APKS", 3)
    few = set_files(archive(entries), Budget(entries=5))
    assert few.faults == {"2.apk": "the set has more files than the limit entries=5"}


def test_an_entry_that_lies_about_its_place_is_a_fault() -> None:
    inner = archive({"a": b"x"})
    files = set_files(write_zip(Member(b"x.apk", inner, local_name=b"y.apk")))
    assert list(files.faults) == ["x.apk"]
    with pytest.raises(Unread):
        list(files.blocks("x.apk", 1000))


def test_a_nested_journal_tells_the_set_by_the_place_in_it() -> None:
    outer = Journal()
    journal = NestedJournal(outer, "x.apk")
    journal.gap("signing", "META-INF/A.RSA", "broken")
    journal.gap("signing", "block", "broken", Location("", "element"))
    journal.failure("signing", "nothing there")
    journal.cover("DEX", "files", 2, 1)
    journal.touch("signing")
    assert [(gap.part, gap.at.path) for gap in outer.gaps_touched] == [
        ("signing", "signing"),
        ("x.apk!/META-INF/A.RSA", "x.apk!/META-INF/A.RSA"),
        ("x.apk!/block", "x.apk"),
    ]
    assert outer.coverage[0].reader == "x.apk: DEX"


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(NotAnApp, match="no APK"), opened(tmp_path):
        pass
