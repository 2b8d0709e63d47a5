from pathlib import Path

import pytest

from gate.catalogue import catalogue
from gate.check import Outcome, Result
from gate.formats.res_value import REFERENCE
from gate.read import card
from gate.run import run_one
from tests.formats import write_proto
from tests.formats.sign_apk import jar
from tests.formats.write_axml import Attr, Node
from tests.formats.write_proto import entry, number, table
from tests.formats.write_zip import Member, write_zip
from tests.read.write_builds import (
    CONFIG,
    HAS_CODE,
    activity,
    apk,
    archive,
    bundle,
    debuggable,
    judged,
    manifest,
    opened,
    subjects,
    written,
)

BUILDS = Path(__file__).parents[2] / "fixtures" / "builds"
TRUE = (0x12, 0xFFFFFFFF)
FALSE = (0x12, 0)
REFERRING = debuggable((REFERENCE, 0x7F010000))
NIGHT = number(17, 1)
FEATURE = {"split": "feature"}


def results(build: Path) -> dict[str, Result]:
    """Every Android check but those of signatures, which differ between the forms."""
    with opened(build) as app:
        return {
            name: run_one(check, app)
            for name, check in catalogue().items()
            if name.startswith("android-") and ".signing." not in check.run.__module__
        }


def test_a_bundle_gives_the_findings_of_the_apk_made_from_the_same_sources() -> None:
    of_apk = results(BUILDS / "demo-app" / "build.apk")
    of_bundle = results(BUILDS / "demo-bundle" / "build.aab")
    assert len(of_apk) > 10
    assert any(result.findings for result in of_apk.values())
    for name, result in of_apk.items():
        assert result.outcome is of_bundle[name].outcome, name
        ours = [finding.subject for finding in of_bundle[name].findings]
        assert ours == [finding.subject for finding in result.findings], name


def test_libraries_and_code_have_their_module_in_the_path_and_not_in_the_name() -> None:
    with opened(BUILDS / "demo-bundle" / "build.aab") as app:
        assert app.build.kind == "aab"
        assert [library.path for library in app.libraries] == [
            "base/lib/arm64-v8a/libwallet.so",
            "base/lib/armeabi-v7a/libwallet.so",
        ]
        assert app.libraries[0].name == "lib/arm64-v8a/libwallet.so"
        assert app.code.files == ("base/dex/classes.dex",)
        assert app.network_configs[0].path == "base/res/xml/network_security_config.xml"
        assert not app.journal.gaps


def test_the_app_is_the_base_with_the_components_of_every_module(tmp_path: Path) -> None:
    base = manifest(activity(".Main"), sdk=(26, 35))
    feature = manifest(activity(".Extra"), split="feature", sdk=(21, 21))
    build = written(tmp_path, bundle({"feature": feature, "base": base}))
    with opened(build) as app:
        found = app.manifest
    assert (found.package, found.min_sdk, found.target_sdk) == ("org.example.app", 26, 35)
    places = [(each.name, each.at.path) for each in found.components]
    assert places == [
        ("org.example.app.Main", "base/manifest/AndroidManifest.xml"),
        ("org.example.app.Extra", "feature/manifest/AndroidManifest.xml"),
    ]


@pytest.mark.parametrize("split", ["feature", ""])
def test_a_flag_that_permits_counts_from_any_module(tmp_path: Path, split: str) -> None:
    feature = manifest(split=split, flag=debuggable(True))
    for base in (manifest(), manifest(flag=debuggable(False))):
        build = written(tmp_path, bundle({"base": base, "feature": feature}))
        (finding,) = judged("android-debuggable", build).findings
        assert finding.at.path == "feature/manifest/AndroidManifest.xml"
        assert '"true"' in finding.message


def test_a_module_cannot_take_back_what_the_base_says_or_leaves_to_the_default(
    tmp_path: Path,
) -> None:
    feature = manifest(
        split="feature",
        flag=debuggable(False),
        backup=Attr("allowBackup", False, 0x01010280),
        guard=Attr("permission", "org.example.SECRET", 0x01010006),
    )
    base = manifest(activity(".Main"), flag=debuggable(True))
    build = written(tmp_path, bundle({"base": base, "feature": feature}))
    assert subjects("android-debuggable", build) == ["application"]
    assert subjects("android-backup-unrestricted", build) == ["application"]
    assert subjects("android-activity-exported", build) == ["org.example.app.Main"]


def test_what_a_module_leaves_open_leaves_the_check_undecided(tmp_path: Path) -> None:
    feature = manifest(split="feature", flag=debuggable((REFERENCE, 0x7F990000)))
    for base in (manifest(), manifest(flag=debuggable(False))):
        build = written(tmp_path, bundle({"base": base, "feature": feature}))
        result = judged("android-debuggable", build)
        assert (result.outcome, result.findings) == (Outcome.UNDECIDED, ())
    base = manifest(flag=debuggable(True))
    build = written(tmp_path, bundle({"base": base, "feature": feature}))
    assert judged("android-debuggable", build).outcome is Outcome.FOUND


def test_a_reference_leads_into_the_tables_of_all_modules(tmp_path: Path) -> None:
    modules = {"base": manifest(), "feature": manifest(split="feature", flag=REFERRING)}
    calm, night = table(entry(0, (FALSE, b""))), table(entry(0, (TRUE, NIGHT)))
    for tables, expected in (
        ({"base/resources.pb": calm}, []),
        ({"base/resources.pb": calm, "feature/resources.pb": night}, ["application"]),
        ({"feature/resources.pb": night}, ["application"]),
    ):
        build = written(tmp_path, bundle(modules, tables))
        result = judged("android-debuggable", build)
        assert [finding.subject for finding in result.findings] == expected
        assert result.outcome is (Outcome.FOUND if expected else Outcome.CLEAN)


@pytest.mark.parametrize(
    "broken", [{"feature/manifest/AndroidManifest.xml": b"\x0a\x80"}, {"feature/dex/a.dex": b""}]
)
def test_a_module_without_a_readable_manifest_leaves_no_clean_verdict(
    tmp_path: Path, broken: dict[str, bytes]
) -> None:
    base = manifest(activity(".Main"))
    build = written(tmp_path, bundle({"base": base}, broken))
    result = judged("android-activity-exported", build)
    assert result.outcome is Outcome.UNDECIDED
    assert [finding.subject for finding in result.findings] == ["org.example.app.Main"]
    assert "feature/manifest/AndroidManifest.xml" in result.why


def test_a_bundle_without_a_base_is_undecided(tmp_path: Path) -> None:
    for modules in ({}, {"feature": manifest(split="feature")}):
        build = written(tmp_path, bundle(modules))
        result = judged("android-debuggable", build)
        assert result.outcome is Outcome.UNDECIDED
        assert "base/manifest/AndroidManifest.xml" in result.why


def test_folders_that_are_no_modules_are_left_alone(tmp_path: Path) -> None:
    others = {
        "BUNDLE-METADATA/manifest/AndroidManifest.xml": b"\x0a\x80",
        "META-INF/lib/x.so": b"",
        "readme/notes.txt": b"",
        "base/assets/feature/manifest/AndroidManifest.xml": b"\x0a\x80",
    }
    build = written(tmp_path, bundle({"base": manifest()}, others))
    assert judged("android-debuggable", build).outcome is Outcome.CLEAN


def test_code_counts_in_the_order_of_the_runtime_in_each_module(tmp_path: Path) -> None:
    dex = (Path(BUILDS) / "demo-bundle" / "build.aab").read_bytes()[:0] + b"dex\n035\0"
    names = ("base/dex/classes.dex", "feature/dex/classes.dex", "feature/dex/classes2.dex")
    hidden = ("feature/dex/classes4.dex", "base/classes.dex")
    others = dict.fromkeys((*names, *hidden), dex)
    modules = {"base": manifest(), "feature": manifest(split="feature")}
    with opened(written(tmp_path, bundle(modules, others))) as app:
        assert app.code.files == ()
        assert [gap.part for gap in app.journal.gaps if gap.fact == "code"] == [*names]
        counted = {(each.reader, each.unit): each for each in app.journal.coverage}
        assert (counted["DEX", "files"].declared, counted["DEX", "files"].read) == (3, 0)
        assert counted["DEX", "methods"].read == 0


def test_code_that_a_manifest_promises_is_missed_where_it_counts(tmp_path: Path) -> None:
    promise = Node("application", (Attr("hasCode", True, HAS_CODE),))
    silent = Node("application")
    head = Attr("package", "org.example.app", namespace=None)
    split = Attr("split", "feature", namespace=None)
    for application, others, expected in (
        (silent, (), ["base/dex/classes.dex"]),
        (silent, (split,), []),
        (promise, (split,), ["feature/dex/classes.dex"]),
    ):
        module = Node("manifest", (head, *others), (application,))
        modules = {"base": manifest(), "feature": module} if others else {"base": module}
        with opened(written(tmp_path, bundle(modules))) as app:
            assert app.code.files == ()
            assert [gap.part for gap in app.journal.gaps] == expected


def test_a_rule_file_that_no_module_has_is_a_gap(tmp_path: Path) -> None:
    named = Attr("networkSecurityConfig", (REFERENCE, 0x7F010000), CONFIG)
    tables = {"base/resources.pb": table(entry(0, ("res/xml/rules.xml", b"")))}
    rules = Node("network-security-config", (), (Node("base-config"),))
    modules = {"base": manifest(flag=named), "feature": manifest(split="feature")}
    with opened(written(tmp_path, bundle(modules, tables))) as app:
        assert app.network_configs == ()
        assert [gap.part for gap in app.journal.gaps] == ["base/res/xml/rules.xml"]
    tables["feature/res/xml/rules.xml"] = write_proto.xml(rules)
    with opened(written(tmp_path, bundle(modules, tables))) as app:
        assert [each.path for each in app.network_configs] == ["feature/res/xml/rules.xml"]
        assert not app.journal.gaps


def test_a_bundle_has_one_form_of_signature_and_that_is_no_fault(tmp_path: Path) -> None:
    build = written(tmp_path, bundle({"base": manifest()}))
    assert subjects("android-unsigned", build) == ["bundle signature"]
    signed = BUILDS / "demo-bundle" / "build.aab"
    assert subjects("android-unsigned", signed) == []
    assert judged("android-v1-signature-only", signed).outcome is Outcome.NOT_APPLICABLE
    with opened(signed) as app:
        assert app.signing.schemes == ("v1",)
        assert [each.path for each in app.signing.signers] == ["META-INF/RELEASE.RSA"]
        assert "TEST ONLY" in app.signing.signers[0].certificates[0].subject_text
        assert app.splits == ()


def test_a_signature_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    others = {"META-INF/A.RSA": b"\x30\x03", "META-INF/A.SF": b"", "META-INF/MANIFEST.MF": b""}
    build = written(tmp_path, bundle({"base": manifest()}, others))
    assert judged("android-debug-certificate", build).outcome is Outcome.UNDECIDED


def test_a_configuration_without_a_module_makes_no_bundle_of_an_apk(tmp_path: Path) -> None:
    data = archive({"BundleConfig.pb": b""})
    with opened(written(tmp_path, data)) as app:
        assert app.build.kind == "aab"
    with opened(written(tmp_path, apk(manifest(), BundleConfig_pb=b""))) as app:
        assert app.build.kind == "apk"


def signed_bundle(*more: Member, without: str = "", changed: str = "") -> bytes:
    """A bundle with a JAR signature; `more` lies in it and is not sealed."""
    config, base = "BundleConfig.pb", "base/manifest/AndroidManifest.xml"
    sealed = {config.encode(): b"", base.encode(): write_proto.xml(manifest())}
    members = [
        Member(each.name, each.data + b"\x1a\x00" * (each.name == changed.encode()))
        for each in jar(sealed)
        if each.name != without.encode()
    ]
    return write_zip(*members, *more)


def test_the_signature_of_a_bundle_is_verified_over_every_file(tmp_path: Path) -> None:
    build = written(tmp_path, signed_bundle())
    assert judged("android-signature-invalid", build).outcome is Outcome.CLEAN
    with opened(build) as app:
        (scheme,) = app.signature.schemes
        assert (scheme.scheme, scheme.verified, scheme.errors) == ("v1", True, ())
        assert app.signature.verified
        assert scheme.signers[0].certificates[0] == app.signing.signers[0].certificates[0]
        counted = {(each.reader, each.unit): each for each in app.journal.coverage}
        assert counted["signature", "sealed files"].read == 2
        assert not app.journal.gaps


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (signed_bundle(Member(b"base/assets/x.js", b"x")), "'base/assets/x.js' is not sealed"),
        (signed_bundle(changed="BundleConfig.pb"), "'BundleConfig.pb' is not what was signed"),
        (signed_bundle(changed="META-INF/CERT.SF"), "does not verify over META-INF/CERT.SF"),
        (signed_bundle(changed="META-INF/MANIFEST.MF"), "MANIFEST.MF has a section"),
    ],
)
def test_what_the_signature_of_a_bundle_does_not_seal_is_found(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    build = written(tmp_path, data)
    (finding,) = judged("android-signature-invalid", build).findings
    assert finding.subject == "bundle signature"
    assert reason in finding.message
    with opened(build) as app:
        assert not app.signature.verified


def test_an_unsigned_bundle_has_no_signature_to_verify(tmp_path: Path) -> None:
    for data in (bundle({"base": manifest()}), signed_bundle(without="META-INF/CERT.RSA")):
        build = written(tmp_path, data)
        assert judged("android-signature-invalid", build).outcome is Outcome.NOT_APPLICABLE
        assert judged("android-unsigned", build).outcome is Outcome.FOUND
        with opened(build) as app:
            assert app.signature.schemes == ()
            assert not app.signature.verified
            assert not app.journal.gaps


def test_the_card_tells_whether_the_signature_of_a_bundle_verifies(tmp_path: Path) -> None:
    for data, told in (
        (signed_bundle(), "v1 verifies"),
        (
            signed_bundle(changed="BundleConfig.pb"),
            "v1 does not verify: 'BundleConfig.pb' is not what was signed",
        ),
    ):
        with opened(written(tmp_path, data)) as app:
            assert (told,) in [tuple(lines) for lines in card(app).inventory.values()]
