import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats.errors import Malformed, OverLimit
from gate.formats.jar_algorithms import is_supported
from gate.formats.jar_manifest import (
    MAX_ATTRIBUTES,
    MAX_SECTION,
    MAX_SECTIONS,
    Section,
    expected_digest,
    read_sections,
)
from gate.formats.jar_verify import JarVerdict, verify_jar
from gate.formats.verify import ECDSA, RSA
from gate.formats.zip import read_directory
from tests.formats.sign_apk import (
    base64_digest,
    ec_key,
    jar,
    manifest,
    own_certificate,
    second_rsa_key,
    signature_block,
    signature_file,
)
from tests.formats.write_signing import rsa_key
from tests.formats.write_zip import Member, write_zip

ENTRIES = {b"classes.dex": b"dex" * 1000, b"res/a.txt": b"a"}
LEVELS = (1, 9, 18, 19, 21, 24, 28)
NONE: frozenset[int] = frozenset()


def verified(*members: Member, levels: tuple[int, ...] = LEVELS) -> JarVerdict:
    file = io.BytesIO(write_zip(*members))
    return verify_jar(file, read_directory(file), dict.fromkeys(levels, NONE))


def refused(*members: Member, levels: tuple[int, ...] = (24,)) -> str:
    (reason,) = {verified(*members, levels=levels).reasons[level] for level in levels}
    return reason


def accepting(found: JarVerdict) -> tuple[int, ...]:
    return tuple(level for level, reason in found.reasons.items() if not reason)


def replaced(members: tuple[Member, ...], name: bytes, data: bytes) -> list[Member]:
    return [Member(name, data) if each.name == name else each for each in members]


def test_a_sha256_signature_is_read_since_android_4_3() -> None:
    found = verified(*jar(ENTRIES))
    assert found.present
    assert accepting(found) == (18, 19, 21, 24, 28)
    assert "MD5" not in str(found.digests)
    assert found.signers[24][0].certificates == (own_certificate(rsa_key()),)


def test_the_first_android_wants_sha1_digests() -> None:
    found = verified(*jar(ENTRIES, None, None, None, "sha1", "sha256"), levels=(1, 8, 18))
    assert accepting(found) == (1, 8, 18)
    assert found.digests[1][0] == ("MANIFEST.MF", "SHA-1")
    assert found.digests[18][0] == ("MANIFEST.MF", "SHA-256")


def test_each_version_looks_at_its_own_digest() -> None:
    mf = manifest(ENTRIES, "sha1", "sha256")
    wrong_old = mf.replace(base64_digest("sha1", b"a"), base64_digest("sha1", b"b"))
    found = verified(
        *jar(ENTRIES, wrong_old, signature_file(wrong_old, "sha1", "sha256")), levels=(8, 18)
    )
    assert accepting(found) == (18,)
    assert "the SHA-1 digest of 'res/a.txt'" in found.reasons[8]
    wrong_new = mf.replace(base64_digest("sha256", b"a"), base64_digest("sha256", b"b"))
    found = verified(
        *jar(ENTRIES, wrong_new, signature_file(wrong_new, "sha1", "sha256")), levels=(8, 18)
    )
    assert accepting(found) == (8,)


@pytest.mark.parametrize("name", ["sha384", "sha512"])
def test_longer_digests_verify(name: str) -> None:
    assert accepting(verified(*jar(ENTRIES, None, None, None, name), levels=(18, 24))) == (18, 24)


def test_an_ec_key_signs() -> None:
    mf = manifest(ENTRIES, "sha256")
    sf = signature_file(mf, "sha256")
    block = signature_block(sf, ec_key())
    found = verified(*jar(ENTRIES, mf, sf, block), levels=(18, 21, 24))
    assert accepting(found) == (21, 24)
    assert "SHA-256 with SHA-256 ECDSA" in found.reasons[18]


def test_signed_attributes_are_checked_since_android_4_4() -> None:
    mf = manifest(ENTRIES, "sha256")
    sf = signature_file(mf, "sha256")
    found = verified(*jar(ENTRIES, mf, sf, signature_block(sf, attributes=True)))
    assert accepting(found) == (19, 21, 24, 28)
    assert "does not check" in found.reasons[18]
    other = verified(*jar(ENTRIES, mf, sf, signature_block(sf + b"x", attributes=True)))
    assert accepting(other) == ()
    assert "does not verify over META-INF/CERT.SF" in other.reasons[24]


def test_a_change_is_seen_wherever_it_is() -> None:
    members = jar(ENTRIES)
    assert "digest of 'res/a.txt'" in refused(*replaced(members, b"res/a.txt", b"b"))
    mf, sf = members[2].data, members[3].data
    changed_mf = mf + b"Name: META-INF/CERT.SF\r\n\r\n"
    assert accepting(verified(*replaced(members, b"META-INF/MANIFEST.MF", changed_mf)))
    swapped = mf.replace(base64_digest("sha256", b"a"), base64_digest("sha256", b"b"))
    assert "of 'res/a.txt' in MANIFEST.MF is not the one in" in refused(
        *replaced(members, b"META-INF/MANIFEST.MF", swapped)
    )
    assert "does not verify over" in refused(
        *replaced(members, b"META-INF/CERT.SF", sf.replace(b"1.0", b"1.1"))
    )


def test_sections_count_where_the_whole_manifest_does_not() -> None:
    mf = manifest(ENTRIES, "sha256")
    sf = signature_file(mf, "sha256", whole=False)
    assert not refused(*jar(ENTRIES, mf, sf))
    empty = signature_file(mf, "sha256", whole=False, sections=False)
    assert "'classes.dex' is not signed" in refused(*jar(ENTRIES, mf, empty))


def test_the_main_section_has_a_digest_of_its_own() -> None:
    mf = manifest(ENTRIES, "sha256")
    name = b"SHA-256-Digest-Manifest-Main-Attributes: "
    right = name + base64_digest("sha256", b"Manifest-Version: 1.0\r\n\r\n") + b"\r\n"
    assert not refused(*jar(ENTRIES, mf, signature_file(mf, "sha256", main=right)))
    wrong = name + base64_digest("sha256", b"") + b"\r\n"
    reason = refused(*jar(ENTRIES, mf, signature_file(mf, "sha256", main=wrong)))
    assert "digest of its main section" in reason


def test_an_announced_scheme_that_is_missing_refuses_the_file() -> None:
    mf = manifest(ENTRIES, "sha256")
    sf = signature_file(mf, "sha256", main=b"X-Android-APK-Signed: 2,3\r\n")
    file = io.BytesIO(write_zip(*jar(ENTRIES, mf, sf)))
    levels = {18: NONE, 24: frozenset({2}), 28: frozenset({2, 3})}
    found = verify_jar(file, read_directory(file), levels)
    assert accepting(found) == (18,)
    assert "APK Signature Scheme v2, of which there is no signature" in found.reasons[24]


@pytest.mark.parametrize(
    ("mf", "reason"),
    [
        (manifest({b"res/a.txt": b"a"}, "sha256"), "'classes.dex' is not in MANIFEST.MF"),
        (manifest({**ENTRIES, b"gone": b""}, "sha256"), "'gone', which does not exist"),
        (manifest(ENTRIES, "sha256") + b"X: y\r\n\r\n", "section without a name"),
        (manifest(ENTRIES, "sha256") + b"Name: res/a.txt\r\n\r\n", "two sections about"),
        (manifest(ENTRIES), "no digest of 'classes.dex'"),
        (manifest(ENTRIES, "md5"), "no digest of 'classes.dex'"),
        (manifest(ENTRIES, "sha256").replace(b"Digest: ", b"Digest: ?"), "is not Base64"),
    ],
)
def test_a_manifest_that_does_not_add_up_is_refused(mf: bytes, reason: str) -> None:
    assert reason in refused(*jar(ENTRIES, mf, signature_file(mf, "sha256")))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"Signature-Version", b"Other-Version"), "no Signature-Version"),
        ((b"Name: res/a.txt", b"Name: classes.dex"), "two sections about 'classes.dex'"),
        ((b"Name: res/a.txt", b"Other: res/a.txt"), "a section without a name"),
    ],
)
def test_a_signature_file_that_does_not_add_up_does_not_count(
    change: tuple[bytes, bytes], reason: str
) -> None:
    mf = manifest(ENTRIES, "sha256")
    sf = signature_file(mf, "sha256").replace(*change)
    found = refused(*jar(ENTRIES, mf, sf))
    assert found.startswith("no JAR signature counts: ")
    assert reason in found


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"", "META-INF/CERT.RSA cannot be read"),
        (b"\x30\x80", "META-INF/CERT.RSA cannot be read"),
        (signature_block(b"other"), "does not verify over"),
    ],
)
def test_a_signature_block_that_does_not_add_up_is_refused(block: bytes, reason: str) -> None:
    assert reason in refused(*jar(ENTRIES, None, None, block))


def second_signer(mf: bytes, sf: bytes | None = None) -> tuple[Member, ...]:
    sf = sf or signature_file(mf, "sha256")
    block = signature_block(sf, second_rsa_key())
    return Member(b"META-INF/B.SF", sf), Member(b"META-INF/B.RSA", block)


def test_two_signers_of_everything_are_accepted() -> None:
    mf = manifest(ENTRIES, "sha256")
    found = verified(*jar(ENTRIES, mf), *second_signer(mf))
    assert accepting(found) == (18, 19, 21, 24, 28)
    assert [each.block_path for each in found.signers[24]] == [
        "META-INF/CERT.RSA",
        "META-INF/B.RSA",
    ]


def test_one_broken_signer_of_two_refuses_the_file() -> None:
    mf = manifest(ENTRIES, "sha256")
    sf, block = second_signer(mf)
    broken = Member(sf.name, sf.data + b" ")
    assert "does not verify over META-INF/B.SF" in refused(*jar(ENTRIES, mf), broken, block)


def test_a_signer_of_some_entries_only_is_refused() -> None:
    mf = manifest(ENTRIES, "sha256")
    part = signature_file(mf, "sha256").partition(b"Name: res/a.txt")[0]
    reason = refused(*jar(ENTRIES, mf), *second_signer(mf, part))
    assert "'res/a.txt' is signed by others than the entries before it" in reason


def test_files_without_a_partner_are_no_signature() -> None:
    members = jar(ENTRIES)
    lone = verified(*members, Member(b"META-INF/X.RSA", b""), Member(b"META-INF/Y.SF", b""))
    assert accepting(lone)
    assert lone.warnings == ["2 files in META-INF are not signed, the first is 'META-INF/X.RSA'"]
    none = verified(*(each for each in members if not each.name.endswith(b".RSA")))
    assert not none.present
    assert none.reasons[24] == "there is no signature in META-INF"
    assert refused(Member(b"a")) == "there is no META-INF/MANIFEST.MF"


def test_a_name_that_occurs_twice_refuses_the_file() -> None:
    reason = refused(*jar(ENTRIES), Member(b"res/a.txt", b"a"))
    assert reason == "two entries are named 'res/a.txt'"


def test_more_than_ten_signers_are_refused() -> None:
    members = jar(ENTRIES)
    more = [
        Member(b"META-INF/%d.%s" % (index, kind), members[3].data)
        for index in range(10)
        for kind in (b"SF", b"RSA")
    ]
    assert refused(*members, *more) == "there are 11 JAR signers, more than 10"


@pytest.mark.parametrize("lie", [{"crc32": 1}, {"compressed_size": 2}, {"size": 2}, {"flags": 8}])
def test_a_local_header_that_contradicts_the_directory_is_refused(lie: dict[str, int]) -> None:
    members = [
        Member(each.name, each.data, local=lie) if each.name == b"res/a.txt" else each
        for each in jar(ENTRIES)
    ]
    assert "contradicts the ZIP directory" in refused(*members)


def test_an_empty_archive_of_signed_files_is_refused() -> None:
    mf = manifest({}, "sha256")
    assert refused(*jar({}, mf)) == "no entry is signed"


def test_folders_and_meta_inf_need_no_digest() -> None:
    assert not refused(*jar(ENTRIES), Member(b"res/"), Member(b"META-INF/services/x", b"y"))


def test_a_line_goes_on_after_a_space() -> None:
    (section,) = read_sections(b"Name: a/very/\r\n long/na\n me\rX : y\r\n")
    assert section.name == "a/very/long/name"
    assert section.attributes == {"name": "a/very/long/name", "x ": "y"}
    assert (section.start, section.end) == (0, 35)


def test_sections_end_with_their_empty_line() -> None:
    data = b"\r\n\r\nA: 1\r\n\r\nName: b\n\n\n\nName: c"
    found = [(data[each.start : each.end], each.name) for each in read_sections(data)]
    assert found == [(b"A: 1\r\n\r\n", None), (b"Name: b\n\n", "b"), (b"Name: c", "c")]


def test_the_first_attribute_of_a_name_counts_and_only_a_first_line_names() -> None:
    (section,) = read_sections(b"X: 1\nx: 2\nName: a\n")
    assert section.name is None
    assert section.attributes["x"] == "1"


def test_limits_hold_and_one_more_is_refused() -> None:
    line = b"A: b\n"
    assert len(list(read_sections(line * MAX_ATTRIBUTES))) == 1
    with pytest.raises(OverLimit, match="1000 attributes"):
        list(read_sections(line * (MAX_ATTRIBUTES + 1)))
    assert len(list(read_sections(b"A" * MAX_SECTION))) == 1
    with pytest.raises(OverLimit, match="4194304 bytes"):
        list(read_sections(b"A" * (MAX_SECTION + 1)))
    assert len(list(read_sections(b"A\n\n" * MAX_SECTIONS))) == MAX_SECTIONS
    with pytest.raises(OverLimit, match="300000 sections"):
        list(read_sections(b"A\n\n" * (MAX_SECTIONS + 1)))


def by_lines(data: bytes) -> Iterator[list[bytes]]:
    """The sections once more, as the JAR specification describes them."""
    lines: list[bytes] = []
    for line in data.splitlines():
        if not line:
            if lines:
                yield lines
            lines = []
        elif line.startswith(b" ") and lines:
            lines[-1] += line[1:]
        else:
            lines.append(line)
    if lines:
        yield lines


@given(st.text("aN: \r\n\0", max_size=60).map(str.encode) | st.binary(max_size=60))
def test_any_bytes_are_read_in_sections(data: bytes) -> None:
    found = list(read_sections(data))
    assert [len(each) for each in by_lines(data)] == [
        len([line for line in _unfolded(data[each.start : each.end]) if line]) for each in found
    ]
    bounds = [bound for each in found for bound in (each.start, each.end)]
    assert bounds == sorted(bounds)


def _unfolded(section: bytes) -> list[bytes]:
    return [line for lines in by_lines(section) for line in lines]


@given(st.text(max_size=20), st.sampled_from(["-digest", "-digest-manifest"]), st.integers(1, 36))
def test_any_attribute_gives_a_digest_none_or_malformed(text: str, suffix: str, level: int) -> None:
    attributes = {"sha1" + suffix: text, "digest-algorithms": f"{text} SHA1"}
    section = Section(0, 1, None, attributes)
    try:
        found = expected_digest(section, suffix, level)
    except Malformed:
        return
    assert found is None or found.algorithm == "SHA-1"


def test_algorithms_have_the_levels_that_devices_showed() -> None:
    assert [is_supported(RSA, "SHA-256", "SHA-256", level) for level in (8, 9, 17, 18)] == [
        True,
        False,
        False,
        True,
    ]
    assert is_supported(ECDSA, "MD5", "SHA-1", 23)
    assert not is_supported(ECDSA, "MD5", "SHA-1", 24)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
def test_mutated_archives_are_judged_or_malformed(changes: list[tuple[float, bytes]]) -> None:
    data = write_zip(*jar(ENTRIES))
    for where, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + len(new) :]
    try:
        file = io.BytesIO(data)
        found = verify_jar(file, read_directory(file), dict.fromkeys(LEVELS, NONE))
    except Malformed:
        return
    assert set(found.reasons) == set(LEVELS)
    assert all(found.signers[level] for level in accepting(found))
