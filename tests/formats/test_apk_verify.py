import io
import struct
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app.signing import DigestUse, Verification
from gate.formats import apk_digest
from gate.formats.apk_digest import Contents
from gate.formats.apk_verify import CURRENT, verify
from gate.formats.errors import Malformed
from gate.formats.verify import refusal, same_key
from gate.formats.zip import read_directory
from tests.formats.sign_apk import (
    Key,
    Signer,
    apk,
    chunked,
    dsa_key,
    ec_key,
    jar,
    lineage,
    manifest,
    own_certificate,
    public,
    second_rsa_key,
    signature_block,
    signature_file,
    verity,
)
from tests.formats.write_signing import rsa_key, tlv
from tests.formats.write_zip import Member, write_zip

DEX = Member(b"classes.dex", b"dex\n035\0" * 100)
ENTRIES = {b"classes.dex": b"dex", b"res/a": b"a"}
LINEAGE, ROTATION_FROM, ANNOUNCES = 0x3BA06F8C, 0x559F8B02, 0xBEEFF00D
V2 = (Signer(),)


def number(value: int) -> bytes:
    return struct.pack("<L", value)


def verified(
    data: bytes, *, min_sdk: int = 24, target_sdk: int = 29, sandbox: int = 1
) -> Verification:
    file = io.BytesIO(data)
    directory = read_directory(file)
    return verify(
        file,
        directory,
        min_sdk=min_sdk,
        target_sdk=target_sdk,
        target_sandbox_version=sandbox,
    )


def runs(found: Verification) -> list[tuple[int, int, str, bool]]:
    return [(v.from_api, v.to_api, v.scheme, v.verified) for v in found.verdicts]


def reasons(found: Verification) -> list[str]:
    return [verdict.reason for verdict in found.verdicts if verdict.reason]


def test_a_v2_signature_is_read_from_android_7_on() -> None:
    found = verified(apk(DEX, v2=V2), min_sdk=1)
    assert runs(found) == [(1, 23, "", False), (24, 36, "v2", True)]
    assert reasons(found) == ["there is no META-INF/MANIFEST.MF"]
    assert not found.verified
    assert verified(apk(DEX, v2=V2)).verified


def test_the_verdict_names_signer_and_digest() -> None:
    (verdict,) = verified(apk(DEX, v2=V2)).verdicts
    assert verdict.digests == (DigestUse("contents", "SHA-256"),)
    assert [each.scheme for each in verdict.signers] == ["v2"]
    assert verdict.signers[0].certificates[0].key_bits == 2048
    (scheme,) = verified(apk(DEX, v2=V2)).schemes
    assert (scheme.scheme, scheme.verified, scheme.errors) == ("v2", True, ())
    assert (scheme.min_sdk, scheme.max_sdk) == (24, CURRENT)


ALGORITHMS = [
    (rsa_key, 0x101),
    (rsa_key, 0x102),
    (rsa_key, 0x103),
    (rsa_key, 0x104),
    (ec_key, 0x201),
    (ec_key, 0x202),
    (dsa_key, 0x301),
    (rsa_key, 0x421),
    (ec_key, 0x423),
    (dsa_key, 0x425),
]


@pytest.mark.parametrize(("key", "algorithm"), ALGORITHMS)
def test_every_algorithm_of_the_format_verifies(key: object, algorithm: int) -> None:
    assert callable(key)
    signer = Signer(key(), (algorithm,))
    page = 4096 if algorithm > 0x400 else 0
    assert verified(apk(DEX, page=page, v3=(signer,)), min_sdk=28).verified
    wrong = replace(signer, digests={algorithm: bytes(40)})
    assert reasons(verified(apk(DEX, page=page, v3=(wrong,)), min_sdk=28))


def test_a_hash_tree_off_the_page_is_refused() -> None:
    found = verified(apk(DEX, v3=(Signer(algorithms=(0x421,)),)), min_sdk=28)
    assert "needs on whole pages" in reasons(found)[0]


def test_android_7_does_not_know_hash_trees() -> None:
    signer = Signer(algorithms=(0x421,))
    found = verified(apk(DEX, page=4096, v2=(signer,)))
    assert runs(found) == [(24, 27, "v2", False), (28, 36, "v2", True)]
    assert "no signature by an algorithm that Android supports" in reasons(found)[0]


def test_the_strongest_digest_is_the_one_that_counts() -> None:
    both = Signer(algorithms=(0x103, 0x104))
    assert verified(apk(DEX, v2=(both,))).verdicts[0].digests[0].algorithm == "SHA-512"
    weak = apk(DEX, v2=(replace(both, signatures=None, digests={0x103: b"x", 0x104: b"y"}),))
    assert "SHA-512 digest of the file" in reasons(verified(weak))[0]


def test_an_unknown_algorithm_beside_a_known_one_is_ignored() -> None:
    honest = Signer()
    data = apk(DEX, v2=(replace(honest, algorithms=(0x103, 0x777)),))
    assert verified(data).verified
    alone = replace(honest, algorithms=(0x777,))
    assert "no signature by an algorithm" in reasons(verified(apk(DEX, v2=(alone,))))[0]


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@given(st.data())
def test_a_change_outside_the_signing_block_never_verifies(data: st.DataObject) -> None:
    signed = apk(DEX, Member(b"a", b"b" * 50, deflate=True), comment=b"hello", v2=V2)
    block = signed.index(b"APK Sig Block 42") + 16
    start = block - 8 - int.from_bytes(signed[block - 24 : block - 16], "little")
    places = st.integers(0, start - 1) | st.integers(block, len(signed) - 1)
    at, bit = data.draw(places), data.draw(st.integers(0, 7))
    try:
        found = verified(signed[:at] + bytes([signed[at] ^ 1 << bit]) + signed[at + 1 :])
    except Malformed:
        return
    assert not found.verified


@cache
def signed_by_all() -> bytes:
    proof = ((LINEAGE, lineage(second_rsa_key(), rsa_key())),)
    return apk(
        *jar(ENTRIES),
        v2=V2,
        v3=(Signer(attributes=proof),),
        v31=(Signer(sdks=(33, 0x7FFFFFFF)),),
    )


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
def test_a_mutated_file_is_judged_or_malformed(changes: list[tuple[float, bytes]]) -> None:
    data = signed_by_all()
    for where, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + len(new) :]
    try:
        found = verified(data, min_sdk=1)
    except Malformed:
        return
    levels = [level for v in found.verdicts for level in range(v.from_api, v.to_api + 1)]
    assert levels == list(range(1, CURRENT + 1))
    assert all(verdict.verified != bool(verdict.reason) for verdict in found.verdicts)


@given(st.binary(max_size=200))
def test_any_block_is_judged(body: bytes) -> None:
    size = struct.pack("<Q", len(body) + 24)
    pair = struct.pack("<QL", 4 + len(body), 0x7109871A) + body
    for raw in (body, pair):
        size = struct.pack("<Q", len(raw) + 24)
        block = size + raw + size + b"APK Sig Block 42"
        found = verified(write_zip(DEX, before_directory=block))
        assert not found.verified


@pytest.mark.parametrize(
    ("signer", "reason"),
    [
        (Signer(signatures={}), "has no signature"),
        (Signer(signatures={0x103: b"x" * 256}), "does not match what it is over"),
        (Signer(signatures={0x201: b"x"}), "of another kind than ECDSA"),
        (Signer(certificates=()), "has no certificate"),
        (Signer(certificates=(b"noise",)), "certificate that cannot be read"),
        (Signer(public_key=b"noise"), "is not one that can be read"),
        (Signer(certificates=(own_certificate(ec_key()),)), "is of another key"),
        (Signer(digests={}), "signatures and digests by other algorithms"),
        (Signer(digests={0x103: b"", 0x104: b""}), "signatures and digests by other algorithms"),
        (Signer(digests={0x103: bytes(32)}), "SHA-256 digest of the file is not the one"),
        (Signer(attributes=None), "has no room for attributes"),
        (Signer(attributes=((ANNOUNCES, b"12"),)), "attribute that is cut short"),
    ],
)
def test_a_signer_that_does_not_add_up_is_refused(signer: Signer, reason: str) -> None:
    found = verified(apk(DEX, v2=(signer,)))
    assert runs(found) == [(24, 36, "v2", False)]
    assert reason in reasons(found)[0]
    assert reason in found.schemes[0].errors[0]
    beside = verified(apk(DEX, v2=(Signer(), signer)))
    assert reason in reasons(beside)[0]


def test_a_malformed_block_is_a_refusal_and_no_absence() -> None:
    data = apk(DEX, v2=V2)
    at = data.index(number(0x7109871A)) + 4
    found = verified(data[:at] + number(1 << 30) + data[at + 4 :])
    assert "the v2 block cannot be read" in reasons(found)[0]
    empty = verified(apk(DEX, v2=()))
    assert reasons(empty) == ["the v2 block has no signer"]


def test_ten_signers_are_accepted_and_eleven_are_not() -> None:
    ten = (Signer(ec_key(), (0x201,)), *(Signer() for _ in range(9)))
    assert verified(apk(DEX, v2=ten)).verified
    assert "11 signers" in reasons(verified(apk(DEX, v2=(*ten, Signer()))))[0]


def test_unknown_attributes_and_pairs_are_ignored() -> None:
    assert verified(apk(DEX, v2=(Signer(attributes=((0x1234, b""),)),))).verified


def test_a_v2_signer_that_announces_v3_is_refused_without_it() -> None:
    signer = (Signer(attributes=((ANNOUNCES, number(3)),)),)
    found = verified(apk(DEX, v2=signer))
    assert runs(found) == [(24, 27, "v2", True), (28, 36, "v2", False)]
    assert "says that there is a v3 signature" in reasons(found)[0]
    assert verified(apk(DEX, v2=signer, v3=V2)).verified


def test_v3_is_read_from_android_9_on_and_v2_is_not_looked_at_then() -> None:
    broken = (Signer(digests={0x103: bytes(32)}),)
    found = verified(apk(DEX, v2=broken, v3=V2))
    assert runs(found) == [(24, 27, "v2", False), (28, 36, "v3", True)]
    assert verified(apk(DEX, v2=broken, v3=V2), min_sdk=28).verified
    fallen = verified(apk(DEX, v2=V2, v3=broken))
    assert runs(fallen) == [(24, 27, "v2", True), (28, 36, "v3", False)]


@pytest.mark.parametrize(
    ("signers", "reason"),
    [
        ((Signer(sdks=(28, 30), signed_sdks=(28, 99)),), "for other API levels than are signed"),
        ((Signer(sdks=(30, 28)),), "has 0 signers for API level"),
        ((Signer(sdks=(29, 99)),), "the v3 block has 0 signers for API level 28"),
        ((Signer(sdks=(28, 30)), Signer(sdks=(32, 99))), "0 signers for API level 31"),
        ((Signer(), Signer()), "the v3 block has 2 signers for API level 28"),
        ((Signer(), Signer(sdks=(40, 30))), "API levels 40 to 30"),
    ],
)
def test_v3_signers_have_to_share_the_api_levels_out(
    signers: tuple[Signer, ...], reason: str
) -> None:
    assert reason in " ".join(reasons(verified(apk(DEX, v3=signers), min_sdk=28)))


def rotated(*keys: Key, **lies: bool) -> Signer:
    return Signer(keys[-1], attributes=((LINEAGE, lineage(*keys, **lies)),))


def test_a_proof_of_rotation_is_verified() -> None:
    keys = second_rsa_key(), ec_key(), rsa_key()
    chain = Signer(rsa_key(), attributes=((LINEAGE, lineage(second_rsa_key(), rsa_key())),))
    assert verified(apk(DEX, v3=(chain,)), min_sdk=28).verified
    broken = rotated(second_rsa_key(), rsa_key(), broken=True)
    assert "proof of rotation in which" in reasons(verified(apk(DEX, v3=(broken,)), min_sdk=28))[0]
    other_kind = apk(DEX, v3=(rotated(*keys),))  # the EC key did not sign by RSA
    assert "of another kind than RSA" in reasons(verified(other_kind, min_sdk=28))[0]


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (lineage(rsa_key(), second_rsa_key()), "does not end at its certificate"),
        (number(1), "does not end at its certificate"),
        (number(2), "unknown version 2"),
        (b"", "ends inside 4 bytes"),
        (lineage(rsa_key(), rsa_key()), "occurs twice"),
        (lineage(second_rsa_key(), rsa_key())[:-1], "longer than what holds it"),
    ],
)
def test_a_proof_that_does_not_add_up_is_refused(proof: bytes, reason: str) -> None:
    signer = Signer(attributes=((LINEAGE, proof),))
    assert reason in reasons(verified(apk(DEX, v3=(signer,)), min_sdk=28))[0]


def rotation(start: int, v31: tuple[Signer, ...] | None = None) -> bytes:
    """v3 by the old key up to a level, v3.1 by the new one from it on."""
    old = Signer(second_rsa_key(), attributes=((ROTATION_FROM, number(start)),))
    new = replace(rotated(second_rsa_key(), rsa_key()), sdks=(start, 0x7FFFFFFF))
    return apk(DEX, v3=(old,), v31=v31 or (new,))


@pytest.mark.parametrize("start", [33, 35])
def test_v31_counts_from_its_api_level_on(start: int) -> None:
    found = verified(rotation(start), min_sdk=28)
    assert runs(found) == [(28, start - 1, "v3", True), (start, 36, "v3.1", True)]


def test_a_v31_block_for_later_versions_does_not_count_yet() -> None:
    assert runs(verified(rotation(10_000), min_sdk=28)) == [(28, 36, "v3", True)]


def test_a_v31_block_that_was_removed_or_moved_is_refused() -> None:
    old = (Signer(attributes=((ROTATION_FROM, number(33)),)),)
    found = verified(apk(DEX, v3=old), min_sdk=28)
    assert runs(found) == [(28, 32, "v3", True), (33, 36, "v3", False)]
    assert "counts from API level 33, and there is none" in reasons(found)[0]
    moved = rotation(33, v31=(Signer(sdks=(34, 99)),))
    assert "counts from API level 33, not 34" in reasons(verified(moved, min_sdk=28))[0]


def test_a_v31_block_alone_is_refused() -> None:
    found = verified(apk(DEX, v31=(Signer(sdks=(33, 99)),)), min_sdk=33)
    assert reasons(found) == ["there is a v3.1 block without a v3 block"]


def test_v1_is_read_where_there_is_no_newer_scheme() -> None:
    both = verified(apk(*jar(ENTRIES), v2=V2), min_sdk=18)
    assert runs(both) == [(18, 23, "v1", True), (24, 36, "v2", True)]
    alone = verified(write_zip(*jar(ENTRIES)), min_sdk=18)
    assert runs(alone) == [(18, 36, "v1", True)]
    assert alone.verdicts[0].digests == (
        DigestUse("MANIFEST.MF", "SHA-256"),
        DigestUse("META-INF/CERT.RSA", "SHA-256"),
        DigestUse("META-INF/CERT.SF", "SHA-256"),
    )
    assert alone.verdicts[0].signers[0].path == "META-INF/CERT.RSA"


def test_a_newer_scheme_is_demanded_of_newer_apps() -> None:
    data = write_zip(*jar(ENTRIES))
    found = verified(data, target_sdk=30)
    assert runs(found) == [(24, 29, "v1", True), (30, 36, "v1", False)]
    assert "targetSdkVersion 30 needs" in reasons(found)[0]
    assert found.verdicts[1].demanded
    assert runs(verified(data, sandbox=2)) == [(24, 25, "v1", True), (26, 36, "v1", False)]
    unsigned = verified(write_zip(DEX), sandbox=2)
    assert [v.demanded for v in unsigned.verdicts] == [False, True]
    assert verified(apk(DEX, v2=V2), target_sdk=36, sandbox=2).verified


def test_a_stripped_block_is_missed_by_the_levels_that_know_it() -> None:
    mf = manifest(ENTRIES, "sha256")
    data = write_zip(*jar(ENTRIES, mf, signature_file(mf, "sha256", main=ANNOUNCED)))
    found = verified(data, min_sdk=18)
    assert runs(found) == [(18, 27, "v1", True), (28, 36, "v1", False)]
    assert "signed with APK Signature Scheme v3" in reasons(found)[0]


ANNOUNCED = b"X-Android-APK-Signed: 9, 3, x\r\n"


def test_schemes_by_different_signers_contradict_each_other() -> None:
    other = (Signer(second_rsa_key()),)
    v1_v2 = verified(apk(*jar(ENTRIES), v2=other), min_sdk=18)
    assert all(verdict.verified for verdict in v1_v2.verdicts)
    assert v1_v2.conflicts == ("the v1 signature and the v2 signature are by different signers",)
    assert not v1_v2.verified
    assert verified(apk(DEX, v2=V2, v3=other)).conflicts
    assert not verified(apk(DEX, v2=V2, v3=other), min_sdk=28).conflicts
    proof = (rotated(rsa_key(), second_rsa_key()),)
    assert verified(apk(DEX, v2=V2, v3=proof)).verified
    assert verified(apk(DEX, v2=other, v3=proof)).conflicts
    assert verified(apk(DEX, v2=(*V2, *other), v3=V2)).conflicts


def test_a_damaged_block_is_told_from_none() -> None:
    data = apk(DEX, v2=V2)
    assert verified(write_zip(DEX)).damage == ""
    assert "without its magic" in verified(data.replace(b"Block 42", b"Block 43")).damage
    size = data.index(b"APK Sig Block 42") - 8
    assert (
        "gives its size as" in verified(changed(data, size)).damage
        or "fit" in verified(changed(data, size)).damage
    )
    found = verified(data[: data.rindex(b"PK\5\6")] + b"gap" + data[data.rindex(b"PK\5\6") :])
    assert found.damage == "the ZIP directory does not end at its end record"
    assert runs(found) == [(24, 36, "", False)]


def test_bytes_after_the_archive_are_refused() -> None:
    found = verified(apk(DEX, v2=V2) + b"x")
    assert reasons(found) == ["the file does not end with the end record of its ZIP directory"]


def test_the_oldest_level_asked_about_is_clipped() -> None:
    data = apk(DEX, v2=V2)
    assert runs(verified(data, min_sdk=10_000)) == [(36, 36, "v2", True)]
    assert runs(verified(data, min_sdk=-1))[0][0] == 1
    assert [v.from_api for v in verified(data, min_sdk=1).since(24)] == [24]


def test_many_signers_take_linear_time() -> None:
    data = apk(DEX, v3=tuple(Signer(ec_key(), (0x201,), sdks=(28, 28)) for _ in range(300)))
    assert "300 signers" in reasons(verified(data, min_sdk=28))[0]


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 1048575, 1048576, 1048577, 3_000_000])
def test_content_digests_are_those_of_the_description(size: int) -> None:
    data = write_zip(Member(b"a", bytes(range(256)) * (size // 256) + bytes(size % 256)))
    directory, end = data.index(b"PK\1\2"), data.rindex(b"PK\5\6")
    block = directory - directory % 4096
    file = io.BytesIO(data)
    contents = Contents(file, read_directory(file), block)
    parts = data[:block], data[directory:end], data[end : end + 16] + number(block) + b"\0\0"
    assert contents.digest(apk_digest.SHA256) == chunked("sha256", *parts)
    assert contents.digest(apk_digest.SHA512) == chunked("sha512", *parts)
    if not directory % 4096:
        assert contents.digest(apk_digest.VERITY) == verity(*parts)


def test_a_modulus_without_its_leading_zero_is_the_same_key() -> None:
    key = public(rsa_key())
    body = key[key.index(b"\x02\x82\x01\x01\x00") + 5 :]
    inner = tlv(0x30, b"\x02\x82\x01\x00" + body)
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    negative = tlv(0x30, algorithm + tlv(0x03, b"\0" + inner))
    assert negative != key
    assert same_key(negative, key)
    assert not same_key(key, negative)
    assert not same_key(public(second_rsa_key()), key)
    assert not same_key(b"noise", b"noises")


@given(st.binary(max_size=400), st.sampled_from(["RSA", "RSA-PSS", "ECDSA", "DSA"]))
def test_any_key_and_signature_gives_a_reason(data: bytes, kind: str) -> None:
    assert refusal(data, kind, "SHA-256", data, bytes(32))
    for key in (rsa_key(), ec_key(), dsa_key()):
        assert refusal(public(key), kind, "SHA-256", data, bytes(32))


def test_a_block_beside_a_jar_signature_hides_it() -> None:
    """v1 is not even read where every supported level has something newer."""
    sf = b"Signature-Version: 1.0\r\n\r\n"
    data = apk(*jar(ENTRIES, b"", sf, signature_block(sf)), v2=V2)
    assert [scheme.scheme for scheme in verified(data).schemes] == ["v2"]
    assert runs(verified(data, min_sdk=23))[0] == (23, 23, "v1", False)
