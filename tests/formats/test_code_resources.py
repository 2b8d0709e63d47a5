import hashlib
import plistlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.app.native import Disagreement
from gate.formats import code_resources
from gate.formats.code_resources import Comparison, Contents, Digests
from gate.formats.errors import Malformed, OverLimit

RULES: dict[str, Any] = {  # what codesign writes for an iOS bundle
    "^.*": True,
    r"^.*\.lproj/": {"optional": True, "weight": 1000.0},
    r"^.*\.lproj/locversion.plist$": {"omit": True, "weight": 1100.0},
    r"^Base\.lproj/": {"weight": 1010.0},
    r"^Info\.plist$": {"omit": True, "weight": 20.0},
    r"^PkgInfo$": {"omit": True, "weight": 20.0},
}
NESTED: dict[str, Any] = {"^(Frameworks|PlugIns)/": {"nested": True, "weight": 10.0}}


def digests(data: bytes) -> Digests:
    return Digests(hashlib.sha1(data).digest(), hashlib.sha256(data).digest())


def sealed(data: bytes, *, optional: bool = False) -> dict[str, Any]:
    found = digests(data)
    return {"hash": found.sha1, "hash2": found.sha256, **({"optional": True} if optional else {})}


def compared(
    entries: Mapping[str, Any],
    files: Mapping[str, bytes | None],
    *,
    rules: Mapping[str, Any] = RULES,
    links: Mapping[str, str | None] | None = None,
    form: str = "files2",
) -> Comparison:
    data = plistlib.dumps({form: dict(entries), form.replace("files", "rules"): dict(rules)})
    (envelope,) = code_resources.parse(data)

    def digest(name: str) -> Digests | None:
        content = files[name]
        return None if content is None else digests(content)

    return code_resources.compare(
        envelope, Contents(frozenset(files), links or {}, "App", digests=digest)
    )


FILES = {
    "App": b"the program, sealed by its own signature",
    "Info.plist": b"info",
    "_CodeSignature/CodeResources": b"the seal itself",
    "a.png": b"image",
    "en.lproj/a.strings": b"text",
}
ENTRIES = {"a.png": sealed(b"image"), "en.lproj/a.strings": sealed(b"text", optional=True)}


def test_a_bundle_as_it_was_sealed_agrees() -> None:
    found = compared(ENTRIES, FILES)
    assert not found.files
    assert found.omitted == ("Info.plist",)
    assert found.unread == ()


def test_an_altered_file_is_told() -> None:
    found = compared(ENTRIES, {**FILES, "a.png": b"another"})
    assert found.files == Disagreement(altered=("a.png",))


@pytest.mark.parametrize("which", ["hash", "hash2"])
def test_either_digest_alone_counts(which: str) -> None:
    entry = {which: sealed(b"image")[which]}
    assert not compared({**ENTRIES, "a.png": entry}, FILES).files
    other = {**sealed(b"image"), which: sealed(b"another")[which]}
    assert compared({**ENTRIES, "a.png": other}, FILES).files.altered == ("a.png",)


def test_a_file_that_is_not_listed_is_unsealed() -> None:
    found = compared(ENTRIES, {**FILES, "added.js": b"", "en.lproj/added": b""})
    assert found.files == Disagreement(unsealed=("added.js", "en.lproj/added"))


def test_a_listed_file_that_is_gone_is_missing_unless_it_is_optional() -> None:
    files = {"App": b"", "Info.plist": b""}
    assert compared(ENTRIES, files).files == Disagreement(missing=("a.png",))


def test_a_listed_file_that_the_rules_omit_is_missing() -> None:
    found = compared(
        {**ENTRIES, "en.lproj/locversion.plist": sealed(b"")},
        {**FILES, "en.lproj/locversion.plist": b""},
    )
    assert found.files == Disagreement(missing=("en.lproj/locversion.plist",))


def test_of_rules_that_weigh_the_same_the_list_tells_which_was_taken() -> None:
    rules = {**RULES, "^": {"weight": 20.0}}  # as Xcode 8 wrote them
    assert compared(ENTRIES, FILES, rules=rules).omitted == ("Info.plist",)
    listed = {**ENTRIES, "Info.plist": sealed(b"other")}
    found = compared(listed, FILES, rules=rules)
    assert (found.omitted, found.files) == ((), Disagreement(altered=("Info.plist",)))


def test_what_no_rule_matches_is_omitted() -> None:
    found = compared({"res/a": sealed(b"")}, {"res/a": b"", "b": b""}, rules={"^res/": True})
    assert (found.omitted, found.files) == (("b",), Disagreement())


def test_a_rule_that_is_false_omits() -> None:
    assert compared({}, {"a": b""}, rules={"^.*": False}).omitted == ("a",)


def test_nested_code_is_one_entry_and_what_is_inside_is_its_own_matter() -> None:
    rules = {**RULES, **NESTED}
    entry = {"cdhash": bytes(20), "requirement": "anchor apple"}
    inside = {**FILES, "Frameworks/F.framework/F": b"", "Frameworks/F.framework/x": b""}
    listed = {**ENTRIES, "Frameworks/F.framework": entry}
    assert not compared(listed, inside, rules=rules).files
    assert compared(ENTRIES, inside, rules=rules).files.unsealed == ("Frameworks/F.framework",)
    assert compared(listed, FILES, rules=rules).files.missing == ("Frameworks/F.framework",)
    as_file = {**ENTRIES, "Frameworks/F.framework": sealed(b"")}
    assert compared(as_file, inside, rules=rules).files.altered == ("Frameworks/F.framework",)


def test_a_nested_library_is_a_file() -> None:
    listed = {**ENTRIES, "Frameworks/l.dylib": {"cdhash": bytes(20)}}
    files = {**FILES, "Frameworks/l.dylib": b"code"}
    assert not compared(listed, files, rules={**RULES, **NESTED}).files
    links = {"Frameworks/l.dylib": "other"}
    found = compared(listed, FILES, rules={**RULES, **NESTED}, links=links)
    assert found.files.altered == ("Frameworks/l.dylib",)


def test_links_are_compared_by_their_target() -> None:
    listed = {**ENTRIES, "link": {"symlink": "a.png"}}
    assert not compared(listed, FILES, links={"link": "a.png"}).files
    assert compared(listed, FILES, links={"link": "b.png"}).files.altered == ("link",)
    assert compared(listed, FILES, links={"link": None}).unread == ("link",)
    assert compared(listed, {**FILES, "link": b"a.png"}).files.altered == ("link",)
    assert compared(listed, FILES).files.missing == ("link",)
    assert compared(ENTRIES, FILES, links={"link": "a.png"}).files.unsealed == ("link",)
    swapped = {name: data for name, data in FILES.items() if name != "a.png"}
    assert compared(ENTRIES, swapped, links={"a.png": "x"}).files.altered == ("a.png",)


def test_the_old_form_seals_by_sha_1_and_knows_no_links() -> None:
    listed = {
        "a.png": digests(b"image").sha1,
        "en.lproj/a.strings": {"hash": digests(b"text").sha1, "optional": True},
    }
    found = compared(listed, FILES, links={"link": "a.png"}, form="files")
    assert not found.files
    changed = {**FILES, "a.png": b"another"}
    assert compared(listed, changed, form="files").files.altered == ("a.png",)


def test_a_file_that_cannot_be_read_is_unread_and_not_altered() -> None:
    found = compared(ENTRIES, {**FILES, "a.png": None})
    assert found.unread == ("a.png",)
    assert not found.files


def test_the_seal_of_a_nested_bundle_is_a_file_like_any() -> None:
    files = {**FILES, "F.framework/_CodeSignature/CodeResources": b""}
    found = compared(ENTRIES, files)
    assert found.files.unsealed == ("F.framework/_CodeSignature/CodeResources",)


def test_both_forms_are_given_the_preferred_one_first() -> None:
    both: dict[str, Any] = {"files": {}, "rules": {}, "files2": {}, "rules2": {}}
    forms = code_resources.parse(plistlib.dumps(both))
    assert [each.form for each in forms] == ["files2", "files"]


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ([], "no dictionary"),
        ({}, "lists no files"),
        ({"files2": {}}, "rules are no dictionary"),
        ({"files2": {"a": 1}, "rules2": {}}, "no seal"),
        ({"files2": {"a": {}}, "rules2": {}}, "without a digest"),
        ({"files2": {"a": {"hash": b"short"}}, "rules2": {}}, "digest is none"),
        ({"files2": {"a": {"hash2": "text"}}, "rules2": {}}, "digest is none"),
        ({"files": {"a": b""}, "rules": {}}, "without a digest"),
        ({"files2": {}, "rules2": {"(": True}}, "regular expression"),
        ({"files2": {}, "rules2": {"a": 1}}, "no rule"),
        ({"files2": {}, "rules2": {"a": {"weight": "x"}}}, "weight is none"),
        ({"files2": {}, "rules2": {"a": {"weight": float("nan")}}}, "weight is none"),
    ],
)
def test_what_cannot_be_understood_is_malformed(root: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        code_resources.parse(plistlib.dumps(root))


def test_more_rules_than_the_limit_are_over_it() -> None:
    many = {f"^{at}$": True for at in range(65)}
    with pytest.raises(OverLimit, match="65 rules"):
        code_resources.parse(plistlib.dumps({"files2": {}, "rules2": many}))


def test_a_path_longer_than_the_limit_is_over_it() -> None:
    with pytest.raises(OverLimit, match="1025"):
        compared({}, {"a" * 1025: b""})


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 2000), st.binary(max_size=33), st.text("ab/")),
    lambda inner: st.dictionaries(
        st.sampled_from(["hash", "hash2", "symlink", "cdhash", "optional", "weight", "omit"]),
        inner,
        max_size=3,
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(st.text("ab./", max_size=6), VALUES, max_size=4),
    st.dictionaries(st.text("ab./^$*", max_size=6), VALUES, max_size=3),
    st.dictionaries(st.text("ab./", min_size=1, max_size=6), st.binary(max_size=2), max_size=4),
)
def test_any_list_compares_or_is_malformed(
    entries: dict[str, Any], rules: dict[str, Any], files: dict[str, bytes]
) -> None:
    try:
        found = compared(entries, files, rules=rules)
    except Malformed:
        return
    assert {*found.files.missing} <= entries.keys()
    assert {*found.omitted} <= files.keys()


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    try:
        code_resources.parse(data)
    except Malformed:
        return
