"""Rulesets: what is shipped, what the format says, and where a mistake is reported."""

import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.catalogue import catalogue
from gate.policy import Action, PolicyError, Rules, Ruleset, Text
from gate.policy import file as policy_file
from gate.policy.ruleset import load_ruleset, shipped_rulesets

CHECKS = ("android-debuggable", "ios-get-task-allow", "app-private-key-embedded")
RULESET = """\
format: 1
name: ours
version: "3"
title: Our release policy
description: What our apps keep to.
default-profile: store
profiles:
  store: {en: Store app, zh-Hant: 上架應用程式}
  staff: {en: Staff app, zh-Hant: 內部應用程式}
areas:
  debug: {en: Debug flags, zh-Hant: 除錯旗標}
sources:
  cwe: MITRE Common Weakness Enumeration
  manual: Our security manual, chapter 4
controls:
- id: OUR-1
  title: {en: The build is not debuggable, zh-Hant: 正式版不得開啟可除錯旗標}
  area: debug
  severity: critical
  action: {store: block, staff: warn}
  checks: [android-debuggable, ios-get-task-allow]
  sources: [manual]
  references:
    cwe: [CWE-489]
"""


def load(tmp_path: Path, text: str | bytes) -> Ruleset:
    file = tmp_path / "ours.yml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_ruleset(str(file), CHECKS)


def complaint(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    return str(caught.value).replace(str(tmp_path / "ours.yml"), "F")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_ruleset_is_read_as_written(tmp_path: Path) -> None:
    ruleset = load(tmp_path, RULESET)
    control = ruleset.controls[0]
    assert (ruleset.name, ruleset.version, ruleset.default_profile) == ("ours", "3", "store")
    assert ruleset.title == Text("Our release policy", "Our release policy")
    assert ruleset.rules == Rules()
    assert ruleset.checks == ("android-debuggable", "ios-get-task-allow")
    assert control.title.zh_hant == "正式版不得開啟可除錯旗標"
    assert control.action == {"store": Action.BLOCK, "staff": Action.WARN}
    assert control.platforms == ("android", "ios")
    assert control.automatable == "yes"
    assert control.references == {"cwe": ("CWE-489",)}


def test_the_digest_is_of_the_bytes_of_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, RULESET).sha256 != load(tmp_path, RULESET + "# more\n").sha256


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path: Path) -> None:
    text = "\ufeff" + RULESET.replace("\n", "\r\n")
    assert load(tmp_path, text).controls == load(tmp_path, RULESET).controls


def test_one_action_may_stand_for_every_profile(tmp_path: Path) -> None:
    ruleset = load(tmp_path, RULESET.replace("{store: block, staff: warn}", "note"))
    assert ruleset.controls[0].action == {"store": Action.NOTE, "staff": Action.NOTE}


def test_no_and_yes_are_words_and_no_booleans(tmp_path: Path) -> None:
    by_hand = """\
- id: OUR-2
  title: A person has looked
  area: debug
  severity: low
  automatable: no
  action: warn
  evidence: [external, attestation]
  attestation: [who, day]
"""
    control = load(tmp_path, RULESET + by_hand).controls[1]
    assert control.automatable == "no"
    assert control.evidence == ("external", "attestation: who, day")


def test_the_rules_are_read(tmp_path: Path) -> None:
    rules = "rules: {undecided: warn, unresolved: block, low-confidence: same, third-party: same}\n"
    wanted = Rules(Action.WARN, Action.BLOCK, "same", "same", "list")
    assert load(tmp_path, RULESET + rules).rules == wanted


MISTAKES = {
    "an unknown key": (
        "  severity: critical",
        "  severty: critical",
        "control OUR-1: unknown key 'severty'; did you mean 'severity'?",
    ),
    "an unknown key at the top": ("sources:", "sourcse:", "unknown key 'sourcse'"),
    "a missing key": ("  area: debug\n", "", "the key 'area' is missing; add 'area: ...'"),
    "a list where a text belongs": ("area: debug", "area: [debug]", "area is a list"),
    "a text where a list belongs": ("sources: [manual]", "sources: manual", "sources is no list"),
    "a text where a mapping belongs": (
        "references:\n    cwe: [CWE-489]",
        "references: cwe",
        "references is no mapping",
    ),
    "an unknown check": (
        "android-debuggable",
        "android-debugable",
        "unknown check 'android-debugable'; did you mean 'android-debuggable'?",
    ),
    "a check named twice": (
        "ios-get-task-allow",
        "android-debuggable",
        "'android-debuggable' stands twice in checks",
    ),
    "an unknown profile": ("staff: warn", "stuff: warn", "unknown profile 'stuff'"),
    "a profile without action": (", staff: warn", "", "no action for the profile staff"),
    "an unknown default profile": (
        "default-profile: store",
        "default-profile: shop",
        "unknown profile 'shop'; use one of staff, store",
    ),
    "an unknown area": ("area: debug", "area: network", "unknown area 'network'"),
    "an unknown source": ("sources: [manual]", "sources: [manul]", "unknown source 'manul'"),
    "an unnamed catalogue": ("    cwe: [CWE-489]", "    masvs: [X-1]", "the catalogue 'masvs'"),
    "an unknown action": (
        "store: block",
        "store: stop",
        "unknown action 'stop'; use one of block, na, note, warn",
    ),
    "an unknown severity": ("severity: critical", "severity: huge", "unknown severity 'huge'"),
    "an unknown format": ("format: 1", "format: 2", "unknown format '2'; use one of 1"),
    "an empty value": ("area: debug", "area:", "area is empty"),
    "a control id that is no name": ("id: OUR-1", "id: OUR 1", "'OUR 1' is no id"),
    "a key that stands twice": ('version: "3"', 'name: "3"', "the key 'name' stands twice"),
    "an anchor": ("title: Our", "title: &t Our", "anchor or alias 't'"),
    "an alias": ("area: debug", "area: *debug", "anchor or alias 'debug'"),
    "a tag": ("title: Our", "title: !!str Our", "tag 'tag:yaml.org,2002:str'"),
    "broken YAML": ("[manual]", "[manual", "not valid YAML"),
    "a tab": ("  area", "\tarea", "not valid YAML"),
    "a control character": ("area: debug", "area: de\x07bug", "'\\x07' is not allowed in YAML"),
    "an escaped control character": ("area: debug", 'area: "\\a"', "an escape makes a control"),
    "a list as a key": ("  area: debug", "  [area]: debug", "is used as a key"),
}


@pytest.mark.parametrize("old, new, words", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = RULESET.replace(old, new, 1)
    said = complaint(tmp_path, text)
    assert words in said
    assert all(re.match(r"F:\d+: .+; .+", line) for line in said.splitlines())


@pytest.mark.parametrize(
    "part", ["severity: huge", "- android-debugable", "stuff: block", "colour: red"]
)
def test_the_line_is_that_of_the_mistake(tmp_path: Path, part: str) -> None:
    text = (
        RULESET.replace("severity: critical", "severity: huge")
        .replace("checks: [android-debuggable,", "checks:\n  - android-debugable\n  -")
        .replace("  - ios-get-task-allow]", "  - ios-get-task-allow")
        .replace("{store: block, staff: warn}", "\n    staff: warn\n    stuff: block")
        .replace("  sources: [manual]", "  colour: red")
    )
    assert f"F:{line_of(text, part)}: " in complaint(tmp_path, text)


def test_every_mistake_is_listed_in_one_go_and_by_line(tmp_path: Path) -> None:
    text = RULESET.replace("area: debug", "area: x").replace("critical", "y").replace("cwe", "z", 1)
    lines = [int(line.split(":")[1]) for line in complaint(tmp_path, text).splitlines()]
    assert len(lines) == 3
    assert lines == sorted(lines)


def test_a_control_id_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    again = RULESET[RULESET.index("- id:") :]
    said = complaint(tmp_path, RULESET + again)
    second = RULESET.count("\n") + 1
    assert said.startswith(f"F:{second}: control OUR-1: the id 'OUR-1' stands twice")


def test_checks_under_a_control_for_a_person_are_an_error(tmp_path: Path) -> None:
    said = complaint(tmp_path, RULESET + "  automatable: no\n")
    assert "checks although automatable is no" in said


@pytest.mark.parametrize("empty", ["", "\n", "# a comment\n", "---\n", "null\n", "--- ~\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, empty: str) -> None:
    assert re.match(r"F:\d+: the file is empty; ", complaint(tmp_path, empty))


@pytest.mark.parametrize("text", ["- 1\n", "word\n"])
def test_a_file_without_a_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text).startswith("F:1: the file is no mapping; ")


def test_a_second_document_is_an_error(tmp_path: Path) -> None:
    second = RULESET.count("\n") + 1
    said = complaint(tmp_path, RULESET + "---\nformat: 1\n")
    assert said.startswith(f"F:{second}: a second document starts")


def test_a_ruleset_without_controls_is_an_error(tmp_path: Path) -> None:
    text = RULESET[: RULESET.index("controls:")]
    assert "the key 'controls' is missing" in complaint(tmp_path, text)
    assert "there is no control" in complaint(tmp_path, text + "controls: []\n")


def test_a_ruleset_whose_controls_name_no_check_is_an_error(tmp_path: Path) -> None:
    text = RULESET.replace("  checks: [android-debuggable, ios-get-task-allow]\n", "")
    assert "no control names a check" in complaint(tmp_path, text)


@pytest.mark.parametrize("rule", ["undecided", "unresolved"])
def test_what_could_not_be_told_can_never_be_ignored(tmp_path: Path, rule: str) -> None:
    assert "unknown action 'na'" in complaint(tmp_path, RULESET + f"rules: {{{rule}: na}}\n")


def test_a_waiver_that_nobody_approves_cannot_be_allowed(tmp_path: Path) -> None:
    text = RULESET + "  exceptions: {max-days: 30, approvers: 0}\n"
    assert "a waiver that nobody approves" in complaint(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    said = complaint(tmp_path, RULESET.encode().replace(b"Our release", b"Our \xff release"))
    assert said.startswith("F:4: byte ")
    assert "not UTF-8" in said


def test_a_file_over_the_limit_is_an_error(tmp_path: Path) -> None:
    said = complaint(tmp_path, RULESET + "#" * policy_file.MAX_BYTES)
    assert said == "F:1: larger than 1048576 bytes; split or shorten it"


def test_a_file_at_the_limit_is_read(tmp_path: Path) -> None:
    data = RULESET.encode()
    load(tmp_path, data + b"#" * (policy_file.MAX_BYTES - len(data)))


def test_deep_nesting_is_an_error(tmp_path: Path) -> None:
    said = complaint(tmp_path, "a: " + "[" * 100_000)
    assert said == "F:1: nested deeper than 12 levels; flatten it"


@pytest.mark.parametrize("name", ["missing.yml", ".", "nul\0.yml", "no/such/folder"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError, match=r":1: cannot be read: .+; check the path"):
        load_ruleset(f"{tmp_path}/{name}", CHECKS)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(PolicyError, match=r"no ruleset 'artikel'; use one of all, article-6-3"):
        load_ruleset("artikel", CHECKS)


def test_a_profile_is_found_by_name_and_the_default_without(tmp_path: Path) -> None:
    ruleset = load(tmp_path, RULESET)
    assert ruleset.profile("staff").title.en == "Staff app"
    assert ruleset.profile().name == "store"
    with pytest.raises(PolicyError, match="no profile 'shop'; use one of store, staff"):
        ruleset.profile("shop")


def test_every_check_expands_to_one_control_a_check() -> None:
    ruleset = load_ruleset("all", catalogue())
    assert ruleset.checks == tuple(catalogue())
    for control in ruleset.controls:
        check = catalogue()[control.id]
        assert control.title == Text(check.doc.title, f"檢查項目 {check.id}")
        assert control.checks == (control.id,)
        assert control.action == {"any": Action.WARN}
        assert control.severity == check.severity


def test_every_check_stands_instead_of_controls(tmp_path: Path) -> None:
    said = complaint(tmp_path, RULESET + "every-check: note\n")
    assert "both 'every-check' and 'controls'" in said


def load_or_complain(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        load_ruleset(str(file), CHECKS)
    except PolicyError as error:
        assert all(line.startswith(f"{file}:") for line in str(error).splitlines())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_ruleset_or_a_complaint(tmp_path: Path, data: bytes) -> None:
    load_or_complain(tmp_path / "any.yml", data)


PIECES = st.sampled_from(
    [
        "",
        "\n",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "!!int ",
        "? ",
        "| ",
        "'",
        '"',
        "#",
        "~",
    ]
    + ["id", "checks", "<<: ", "%YAML 1.1\n", "---\n", "...\n", "\t", "\x85", "\u2028", "\ud7ff"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.tuples(st.integers(0, len(RULESET)), st.integers(0, 9), PIECES), max_size=4)
)
def test_a_changed_ruleset_gives_a_ruleset_or_a_complaint(
    tmp_path: Path, cuts: list[tuple[int, int, str]]
) -> None:
    text = RULESET
    for at, length, piece in cuts:
        text = text[:at] + piece + text[at + length :]
    load_or_complain(tmp_path / "any.yml", text.encode())


def test_the_slower_loader_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = load(tmp_path, RULESET)
    broken = complaint(tmp_path, RULESET.replace("area: debug", "area: [x"))
    monkeypatch.setattr(policy_file, "LOADER", yaml.SafeLoader)
    assert load(tmp_path, RULESET) == quick
    place = broken.split(" ")[0]
    assert complaint(tmp_path, RULESET.replace("area: debug", "area: [x")).startswith(place)


SHIPPED = [load_ruleset(name, catalogue()) for name in shipped_rulesets()]
MEASURES = load_ruleset("article-6-3", catalogue())


def texts_of(ruleset: Ruleset) -> list[Text]:
    titles = [profile.title for profile in ruleset.profiles]
    titles += [control.title for control in ruleset.controls]
    return [ruleset.title, ruleset.description, *ruleset.areas.values(), *titles]


def test_what_is_shipped_is_listed() -> None:
    assert shipped_rulesets() == ("all", "article-6-3")


@pytest.mark.parametrize("ruleset", SHIPPED, ids=lambda ruleset: ruleset.name)
def test_a_shipped_ruleset_has_texts_in_both_languages(ruleset: Ruleset) -> None:
    texts = texts_of(ruleset)
    assert all(re.search(r"[一-鿿]", text.zh_hant) and text.en for text in texts)
    assert all(not re.search(r"[一-鿿]", text.en) for text in texts)


# Words and characters of the mainland where Taiwan has its own.
MAINLAND = re.compile(
    "默认|数据|接口|網絡|网络|信息|軟件|硬件|應用程序|服務器|用戶|默認|數據|日志|支持|文件|內存|進程|線程"
    "|代碼|密鑰|證書|权限|加载|訪問|調試|緩存|剪貼板|組件|設備|擴展|登錄頁|程序"
)


def test_the_chinese_is_that_of_taiwan() -> None:
    assert not [text.zh_hant for text in texts_of(MEASURES) if MAINLAND.search(text.zh_hant)]


def test_a_finding_fails_a_measure_and_never_breaches_the_rule() -> None:
    texts = [MEASURES.title.en, MEASURES.description.en]
    texts += [text for each in MEASURES.controls for text in (each.title.en, each.rationale)]
    assert not [text for text in texts if re.search(r"breach|violat|illegal", text, re.I)]
    assert "fails a control of those measures" in MEASURES.description.en


def test_the_measures_name_every_check() -> None:
    assert MEASURES.checks == tuple(catalogue())


def test_the_measures_have_every_control_once_with_a_basis() -> None:
    controls = MEASURES.controls
    assert len({control.id for control in controls}) == len(controls) == 70
    assert all(control.sources and control.rationale and control.clause for control in controls)
    assert [profile.name for profile in MEASURES.profiles] == [
        "trading",
        "info",
        "vendor",
        "internal",
    ]


def test_the_measures_judge_checks_where_the_control_is_meant() -> None:
    for control in MEASURES.controls:
        platforms = {catalogue()[check].platform for check in control.checks}
        assert platforms <= {*control.platforms, "app"}, control.id


def test_what_a_person_must_show_says_what_evidence_it_is() -> None:
    by_hand = [control for control in MEASURES.controls if control.automatable == "no"]
    assert len(by_hand) == 11
    assert all("attestation: " in "; ".join(control.evidence) for control in by_hand)


def test_both_numberings_of_maswe_are_kept_apart_and_named() -> None:
    cleartext = next(each for each in MEASURES.controls if each.id == "A63-NET-01")
    assert cleartext.references is not None
    assert cleartext.references["maswe"] == ("MASWE-0026",)
    assert cleartext.references["maswe_beta"] == ("MASWE-0050",)
    assert {"maswe", "maswe_beta"} <= set(MEASURES.sources)


def test_the_default_actions_of_the_trading_profile_are_those_of_the_plan() -> None:
    actions = [control.action["trading"].value for control in MEASURES.controls]
    assert {each: actions.count(each) for each in set(actions)} == {
        "block": 39,
        "warn": 28,
        "note": 1,
        "na": 2,
    }


def test_no_waiver_is_allowed_for_a_debuggable_trading_app() -> None:
    control = next(each for each in MEASURES.controls if each.id == "A63-DBG-01")
    assert control.exceptions.not_for == ("trading", "vendor")
    assert (control.exceptions.max_days, control.exceptions.approvers) == (30, 2)


def test_the_measures_are_loaded_quickly() -> None:
    took = []
    for _ in range(5):
        start = time.process_time()
        load_ruleset("article-6-3", catalogue())
        took.append(time.process_time() - start)
    assert min(took) < 0.3  # seconds; a fifth of that where the C loader is there


EXAMPLES = Path(__file__).parents[2] / "docs" / "rulesets.md"


def test_the_examples_of_the_documentation_load(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(format: 1\n.*?)```", EXAMPLES.read_text("utf-8"), re.S)
    assert len(examples) >= 2
    for example in examples:
        file = tmp_path / "example.yml"
        file.write_text(example, "utf-8")
        load_ruleset(str(file), catalogue())
