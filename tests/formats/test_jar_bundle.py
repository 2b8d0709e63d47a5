import io
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.formats.errors import Malformed
from gate.formats.jar_bundle import BundleVerdict, verify_bundle
from gate.formats.zip import read_directory
from tests.formats.sign_apk import (
    base64_digest,
    ec_key,
    jar,
    manifest,
    second_rsa_key,
    signature_block,
    signature_file,
)
from tests.formats.write_zip import Member, write_zip

ENTRIES = {b"BundleConfig.pb": b"\x0a", b"base/dex/classes.dex": b"dex" * 1000}
MF, CONFIG = b"META-INF/MANIFEST.MF", b"BundleConfig.pb"
SHA256 = manifest(ENTRIES, "sha256")
BOTH = manifest(ENTRIES, "sha1", "sha256")


def replaced(members: tuple[Member, ...], name: bytes, data: bytes) -> tuple[Member, ...]:
    return tuple(Member(name, data) if each.name == name else each for each in members)


def renamed(members: tuple[Member, ...], old: bytes, new: bytes) -> tuple[Member, ...]:
    return tuple(Member(each.name.replace(old, new), each.data) for each in members)


def second(sf: bytes, block: bytes | None = None) -> tuple[Member, ...]:
    block = signature_block(sf, second_rsa_key()) if block is None else block
    return Member(b"META-INF/B.SF", sf), Member(b"META-INF/B.RSA", block)


def only(name: bytes) -> bytes:
    """A .SF file about one entry alone."""
    sections = signature_file(SHA256, "sha256").split(b"Name: ")
    return sections[0] + b"".join(b"Name: " + each for each in sections if each.startswith(name))


def with_sf(*, main: bytes = b"", whole: bool = True) -> tuple[Member, ...]:
    return jar(ENTRIES, SHA256, signature_file(SHA256, "sha256", main=main, whole=whole))


def of_both(name: str) -> tuple[Member, ...]:
    """Digests by SHA-1 and SHA-256, the one by `name` of other bytes."""
    wrong = BOTH.replace(base64_digest(name, b"\x0a"), base64_digest(name, b"x"))
    return jar(ENTRIES, wrong, signature_file(wrong, "sha256"))


def in_ec() -> tuple[Member, ...]:
    sf = signature_file(SHA256, "sha256")
    return renamed(jar(ENTRIES, SHA256, sf, signature_block(sf, ec_key())), b".RSA", b".EC")


SIGNED = jar(ENTRIES)
GOOD: Mapping[str, tuple[Member, ...]] = {
    "plain": SIGNED,
    "sha384": jar(ENTRIES, None, None, None, "sha384"),
    "sha512": jar(ENTRIES, None, None, None, "sha512"),
    "ec": in_ec(),
    "signed attributes": jar(
        ENTRIES,
        SHA256,
        signature_file(SHA256, "sha256"),
        signature_block(signature_file(SHA256, "sha256"), attributes=True),
    ),
    "sections alone": with_sf(whole=False),
    "a scheme of Android announced": with_sf(main=b"X-Android-APK-Signed: 2, 3\r\n"),
    "disabled digest wrong": of_both("sha1"),
    "a folder": (*SIGNED, Member(b"base/res/")),
    "lower case": renamed(SIGNED, b"CERT", b"cert"),
    "a lone .SF": (*SIGNED, Member(b"META-INF/X.SF", b"")),
    "a file taken out": tuple(each for each in SIGNED if each.name != CONFIG),
    "two signers": (*SIGNED, *second(signature_file(SHA256, "sha256"))),
    "each file by another signer": (
        *jar(ENTRIES, SHA256, only(b"Bundle")),
        *second(only(b"base")),
    ),
}
BAD: Mapping[str, tuple[tuple[Member, ...], str]] = {
    "changed": (replaced(SIGNED, CONFIG, b"x"), "'BundleConfig.pb' is not what was signed"),
    "added": ((*SIGNED, Member(b"base/assets/x.js", b"x")), "'base/assets/x.js' is not sealed"),
    "added to a folder's name": ((*SIGNED, Member(b"base/x/", b"x")), "'base/x/' is not sealed"),
    "added to META-INF": ((*SIGNED, Member(b"META-INF/x.txt", b"x")), "'META-INF/x.txt' is not"),
    "added below META-INF": (
        (*SIGNED, Member(b"META-INF/services/A.SF", b"x")),
        "'META-INF/services/A.SF' is not sealed",
    ),
    "junk for a block": (jar(ENTRIES, None, None, b"junk"), "META-INF/CERT.RSA cannot be read"),
    "block over another file": (
        jar(ENTRIES, None, None, signature_block(b"other")),
        "does not verify over META-INF/CERT.SF",
    ),
    "manifest changed": (
        replaced(SIGNED, MF, SHA256.replace(base64_digest("sha256", b"\x0a"), b"AAAA")),
        "in MANIFEST.MF is not the one in META-INF/CERT.SF",
    ),
    "one of two signers broken": (
        (*SIGNED, *second(signature_file(SHA256, "sha256"), signature_block(b"other"))),
        "does not verify over META-INF/B.SF",
    ),
    "signed in part": (jar(ENTRIES, SHA256, only(b"Bundle")), "'base/dex/classes.dex' is not"),
    "stronger digest wrong": (of_both("sha256"), "'BundleConfig.pb' is not what was signed"),
    "md5 alone": (
        jar(ENTRIES, manifest(ENTRIES, "md5"), signature_file(manifest(ENTRIES, "md5"), "sha256")),
        "2 files are not sealed by the signature, the first is 'BundleConfig.pb'",
    ),
    "no version": (
        jar(ENTRIES, SHA256, signature_file(SHA256, "sha256").replace(b"Signature-V", b"Other-V")),
        "no signature counts: META-INF/CERT.SF has no Signature-Version",
    ),
    "signtool's digest": (
        jar(
            ENTRIES,
            SHA256,
            b"Signature-Version: 1.0\r\nCreated-By: signtool\r\nSHA-256-Digest: "
            + base64_digest("sha256", SHA256)
            + b"\r\n\r\nName: BundleConfig.pb\r\n\r\nName: base/dex/classes.dex\r\n\r\n",
        ),
        "has no digest for 'BundleConfig.pb'",
    ),
    "signature block of another CRC-32": (
        (
            *SIGNED[:-1],
            Member(SIGNED[-1].name, SIGNED[-1].data, local={"crc32": 1}, central={"crc32": 1}),
        ),
        "META-INF/CERT.RSA cannot be read: its CRC-32",
    ),
    "no manifest": (tuple(each for each in SIGNED if each.name != MF), "there is no META-INF/MAN"),
    "no block": (SIGNED[:-1], "there is no signature in META-INF"),
}


def verified(members: tuple[Member, ...]) -> BundleVerdict:
    file = io.BytesIO(write_zip(*members))
    return verify_bundle(file, read_directory(file))


@pytest.mark.parametrize("name", GOOD)
def test_what_the_jdk_accepts_verifies(name: str) -> None:
    found = verified(GOOD[name])
    assert found.reasons == []
    assert found.hashed == found.files > 0
    assert found.signers


@pytest.mark.parametrize("name", BAD)
def test_what_the_jdk_does_not_accept_has_its_reason(name: str) -> None:
    members, reason = BAD[name]
    assert reason in "; ".join(verified(members).reasons)


def test_what_changed_and_what_was_added_is_both_told() -> None:
    added = Member(b"base/x", b"x"), Member(b"base/y", b"y")
    found = verified((*replaced(SIGNED, CONFIG, b"x"), *added))
    assert found.reasons == [
        "'BundleConfig.pb' is not what was signed",
        "2 files are not sealed by the signature, the first is 'base/x'",
    ]
    assert (found.files, found.hashed) == (4, 2)


def test_digests_that_count_are_the_strongest_of_each_file() -> None:
    mf = BOTH
    found = verified(jar(ENTRIES, mf, signature_file(mf, "sha1")))
    assert list(found.digests) == [
        ("META-INF/CERT.RSA", "SHA-256"),
        ("META-INF/CERT.SF", "SHA-1"),
        ("MANIFEST.MF", "SHA-256"),
    ]


def test_a_file_that_was_taken_out_is_a_warning() -> None:
    assert verified(GOOD["a file taken out"]).warnings == [
        "'BundleConfig.pb' is sealed and not there"
    ]


@pytest.mark.parametrize("name", [CONFIG, b"META-INF/cert.sf"])
def test_a_name_that_occurs_twice_is_refused(name: bytes) -> None:
    (reason,) = verified((*SIGNED, Member(name, b"\x0a"))).reasons
    assert reason.startswith("two entries are named")


def test_a_local_header_is_no_matter_of_the_jdk() -> None:
    lying = tuple(
        Member(each.name, each.data, local={"crc32": 1}) if each.name == CONFIG else each
        for each in SIGNED
    )
    assert verified(lying).reasons == []


def test_an_unknown_algorithm_is_no_verdict() -> None:
    oid, other = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a")
    block = signature_block(signature_file(SHA256, "sha256"))
    at = block.rindex(oid)
    block = block[:at] + other + block[at + len(oid) :]
    with pytest.raises(Malformed, match="cannot verify"):
        verified(jar(ENTRIES, SHA256, None, block))


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
def test_mutated_archives_are_judged_or_malformed(changes: list[tuple[float, bytes]]) -> None:
    data = write_zip(*SIGNED)
    for where, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + len(new) :]
    try:
        file = io.BytesIO(data)
        found = verify_bundle(file, read_directory(file))
    except Malformed:
        return
    assert found.reasons or found.hashed == found.files


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("jarsigner"), reason="jarsigner is not installed")
@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_jarsigner_agrees(name: str, tmp_path: Path) -> None:
    members = GOOD[name] if name in GOOD else BAD[name][0]
    path = tmp_path / "build.aab"
    path.write_bytes(write_zip(*members))
    command = ["jarsigner", "-verify", "-strict", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # 16: some file is not signed; other bits are about trust (documentation of jarsigner).
    accepted = "jar verified" in done.stdout and done.returncode != 1 and not done.returncode & 16
    assert accepted is (not verified(members).reasons), done.stdout + done.stderr
