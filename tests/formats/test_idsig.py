import io
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app.signing import SchemeVerdict, Verification
from gate.formats.apk_signing import find_signers
from gate.formats.apk_verify import CURRENT, verify
from gate.formats.errors import Malformed
from gate.formats.hash_tree import hash_tree
from gate.formats.idsig import read_idsig
from gate.formats.zip import read_directory
from tests.formats.sign_apk import (
    Idsig,
    Key,
    Signer,
    apk,
    dsa_key,
    ec_key,
    jar,
    own_certificate,
    page_tree,
    public,
    second_rsa_key,
)
from tests.formats.write_signing import rsa_key
from tests.formats.write_zip import Member

DEX = Member(b"classes.dex", bytes(range(256)) * 4000)  # more than one page of digests
V31 = 0x1B93AD61
OWN = (Signer(),)


@cache
def signed(*schemes: str) -> bytes:
    return apk(DEX, v2=OWN, v3=OWN) if "v3" in schemes else apk(DEX, v2=OWN)


def contents(data: bytes, scheme: str) -> bytes:
    file = io.BytesIO(data)
    signers = find_signers(file, read_directory(file)).schemes[scheme]
    assert not isinstance(signers, str)
    return signers[0].digests[-1].value


def with_idsig(data: bytes, idsig: bytes, *, min_sdk: int = 24) -> Verification:
    file = io.BytesIO(data)
    directory = read_directory(file)
    made = read_idsig(idsig)
    return verify(file, directory, min_sdk=min_sdk, target_sdk=29, idsig=made)


def verdict(signer: Idsig, data: bytes | None = None, scheme: str = "v3") -> SchemeVerdict:
    data = signed("v2", "v3") if data is None else data
    found = with_idsig(data, signer.encoded(data, contents(data, scheme))).beside
    assert found is not None
    assert found.verified == (not found.errors)
    return found


RSA, EC, DSA = (rsa_key, 0x103), (ec_key, 0x201), (dsa_key, 0x301)


@pytest.mark.parametrize(
    ("owner", "algorithm"),
    [(RSA, 0x101), (RSA, 0x102), (RSA, 0x103), (RSA, 0x104), (RSA, 0x421)]
    + [(EC, 0x201), (EC, 0x202), (EC, 0x423), (DSA, 0x301), (DSA, 0x425)],
)
def test_every_algorithm_of_the_format_verifies(
    owner: tuple[Callable[[], Key], int], algorithm: int
) -> None:
    key, usual = owner
    data = apk(DEX, v3=(Signer(key(), (usual,)),))
    assert verdict(Idsig(key(), algorithm), data).errors == ()


def test_the_verdict_stands_last_and_names_signer_file_and_levels() -> None:
    data = signed("v2", "v3")
    found = with_idsig(data, Idsig().encoded(data, contents(data, "v3")))
    assert [each.scheme for each in found.schemes] == ["v2", "v3", "v4"]
    assert found.verified and found.beside is not None
    assert (found.beside.min_sdk, found.beside.max_sdk) == (30, CURRENT)
    assert len(found.beside.file_sha256) == 64
    assert [each.scheme for each in found.beside.signers] == ["v4"]
    assert found.beside.signers[0].certificates[0].key_bits == 2048


def test_without_an_idsig_there_is_no_word_of_v4() -> None:
    file = io.BytesIO(signed("v2"))
    found = verify(file, read_directory(file), min_sdk=24, target_sdk=29)
    assert found.beside is None and found.verified


def test_v2_alone_suffices_and_v1_alone_does_not() -> None:
    data = signed("v2")
    assert verdict(Idsig(), data, "v2").verified
    plain = apk(*jar({b"classes.dex": b"dex"}))
    found = with_idsig(plain, Idsig().encoded(plain, bytes(32))).beside
    assert found is not None
    assert found.errors == ("the APK has no v2 or v3 signature, without which it does not count",)


def test_the_tree_may_be_absent_and_the_root_salted() -> None:
    assert verdict(Idsig(with_tree=False)).verified
    assert verdict(Idsig(salt=b"salt" * 8)).verified


@pytest.mark.parametrize(
    ("signer", "words"),
    [
        (Idsig(root=bytes(32)), "its root hash is not that of the file"),
        (Idsig(tree=bytes(4096)), "its hash tree is not that of the file"),
        (Idsig(tree=b""), "its hash tree is not that of the file"),
        (Idsig(hashing=(2, 12)), "hashed by the algorithm 2"),
        (Idsig(hashing=(1, 16)), "hashed in pages of 2^16 bytes"),
        (Idsig(hashing=(1, 255)), "hashed in pages of 2^255 bytes"),
        (Idsig(salt=bytes(33)), "its salt has 33 bytes"),
        (Idsig(additional=bytes(8000)), "more than 8096"),
        (Idsig(algorithm=0x999, signature=b""), "the unknown algorithm 0x999"),
        (Idsig(signature=bytes(256)), "the signature does not match what it is over"),
        (Idsig(public_key=b"no key"), "the public key is not one that can be read"),
        (Idsig(public_key=public(second_rsa_key())), "does not match what it is over"),
        (
            Idsig(second_rsa_key(), certificate=own_certificate(rsa_key())),
            "its certificate is of another key than the signature",
        ),
        (Idsig(second_rsa_key()), "by another certificate than the v3 signature"),
        (Idsig(apk_digest=bytes(32)), "its APK digest is not the one in the v3 signature"),
        (Idsig(apk_digest=b""), "its APK digest is not the one in the v3 signature"),
    ],
)
def test_an_idsig_that_contradicts_its_apk_is_refused(signer: Idsig, words: str) -> None:
    (reason,) = verdict(signer).errors
    assert words in reason
    data = signed("v2", "v3")
    assert not with_idsig(data, signer.encoded(data, contents(data, "v3"))).verified


def test_everything_that_is_wrong_is_told() -> None:
    first, second = verdict(Idsig(certificate=b"no certificate")).errors
    assert first.startswith("its certificate cannot be read: ")
    assert second == "it is by another certificate than the v3 signature of the APK"


def test_an_apk_that_was_changed_or_signed_again_has_another_root() -> None:
    data = signed("v2", "v3")
    idsig = Idsig().encoded(data, contents(data, "v3"))
    changed = data.replace(b"classes.dex", b"classes.dey")
    found = with_idsig(changed, idsig).beside
    assert found is not None and found.errors == ("its root hash is not that of the file",)
    longer = apk(DEX, v3=(Signer(attributes=((1, bytes(9)),)),))
    found = with_idsig(longer, idsig).beside
    assert found is not None and found.errors == ("the signature does not match what it is over",)


def test_the_strongest_digest_of_the_apk_counts() -> None:
    data = apk(DEX, v3=(Signer(algorithms=(0x103, 0x104)),))
    strong = contents(data, "v3")
    assert len(strong) == 64
    assert verdict(Idsig(apk_digest=strong), data).verified
    assert not verdict(Idsig(apk_digest=strong[:32]), data).verified


def test_two_signers_of_v2_are_too_many() -> None:
    data = apk(DEX, v2=(Signer(), Signer(second_rsa_key())))
    (reason,) = verdict(Idsig(), data, "v2").errors
    assert reason == "the APK has 2 signers of v2, where it goes with one alone"


def rotated() -> bytes:
    newer = Signer(second_rsa_key(), sdks=(33, 0x7FFFFFFF))
    return apk(DEX, v3=(Signer(sdks=(28, 32)),), v31=(newer,))


def test_a_v3_1_signature_needs_one_of_its_own() -> None:
    data = rotated()
    (reason,) = verdict(Idsig(), data).errors
    assert reason == "it has no signature that goes with the v3.1 signature of the APK"
    assert verdict(Idsig(blocks=((V31, Idsig(second_rsa_key())),)), data).verified
    (reason,) = verdict(Idsig(blocks=((V31, Idsig()),)), data).errors
    assert reason == "it is by another certificate than the v3.1 signature of the APK"
    broken = Idsig(second_rsa_key(), signature=bytes(256))
    assert verdict(Idsig(blocks=((V31, broken),)), data).errors


def test_levels_that_know_no_v4_do_not_ask_for_it() -> None:
    data = apk(DEX, v2=(Signer(second_rsa_key()),), v3=OWN)
    found = with_idsig(data, Idsig().encoded(data, contents(data, "v3")), min_sdk=24)
    assert found.beside is not None and found.beside.verified


@pytest.mark.parametrize("pages", [1, 127, 128, 129, 128 * 128 + 1])
def test_the_tree_is_that_of_the_description(pages: int) -> None:
    data = b"".join(struct.pack("<L", at) * 1024 for at in range(pages)) + b"rest" * (pages % 2)
    tree = hash_tree(data[at : at + 65536] for at in range(0, len(data), 65536))
    root, stored = page_tree(data)
    assert tree.root == root
    assert tree.stored_as(stored)
    assert not tree.stored_as(stored + bytes(4096)) and not tree.stored_as(b"\1" + stored[1:])


def test_a_version_that_is_not_known_is_malformed() -> None:
    data = signed("v2", "v3")
    with pytest.raises(Malformed, match="of version 3"):
        read_idsig(Idsig(version=3).encoded(data, bytes(32)))


@given(st.integers(0, 2000))
@settings(max_examples=60)
def test_a_file_that_is_cut_short_is_malformed(size: int) -> None:
    data = signed("v2", "v3")
    whole = Idsig().encoded(data, bytes(32))
    head = read_idsig(whole).head_size
    if size == head:
        assert read_idsig(whole[:size]).tree is None
        return
    with pytest.raises(Malformed):
        read_idsig(whole[:size])


def test_more_signers_than_fit_are_over_the_limit() -> None:
    data = signed("v2", "v3")
    other = (1, Idsig(certificate=b"", public_key=b"", signature=b""))
    with pytest.raises(Malformed, match="more than 100 signers"):
        read_idsig(Idsig(blocks=(other,) * 100).encoded(data, b""))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_idsig_or_malformed(data: bytes) -> None:
    for each in (data, b"\2\0\0\0" + data):
        try:
            read_idsig(each)
        except Malformed:
            continue


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_changed_idsig_is_refused_or_malformed(at: int, new: bytes) -> None:
    data = signed("v2", "v3")
    whole = bytearray(Idsig().encoded(data, contents(data, "v3")))
    before = bytes(whole)
    whole[at : at + len(new)] = new
    try:
        found = with_idsig(data, bytes(whole)).beside
    except Malformed:
        return
    assert found is not None
    assert found.verified == (bytes(whole) == before)


@given(st.binary(max_size=64), st.binary(max_size=64), st.integers(0, 0x500))
@settings(max_examples=60, deadline=None)
def test_any_key_and_certificate_give_a_verdict(key: bytes, der: bytes, algorithm: int) -> None:
    signer = replace(Idsig(), public_key=key, certificate=der, signature=der)
    assert not verdict(replace(signer, algorithm=algorithm)).verified
