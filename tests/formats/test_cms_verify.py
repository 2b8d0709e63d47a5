import hashlib
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gate.app.native import CmsSeal
from gate.formats.cms_verify import Directory, cms_seal
from tests.formats import write_signing as signing
from tests.formats.write_seal import (
    CONTENT_TYPE,
    DATA,
    LISTED_DER,
    LISTED_PLIST,
    MESSAGE_DIGEST,
    RSA,
    SHA1,
    SHA256,
    SHA256_ECDSA,
    SHA256_RSA,
    attribute,
    directory,
    listed,
    message,
    message_digest,
    oid,
    signer_info,
)
from tests.formats.write_signing import tlv

PRIMARY = directory(b"code", hash_type=1)
SECOND = directory(b"code", hash_type=2)
DIRECTORIES = (Directory(0, 1, PRIMARY), Directory(0x1000, 2, SECOND))
ATTRIBUTES = (message_digest(PRIMARY), *listed(PRIMARY, SECOND))


def sealed(*attributes: bytes) -> CmsSeal:
    return cms_seal(message([signer_info(PRIMARY, attributes)]), DIRECTORIES)


def test_a_message_over_every_directory_verifies() -> None:
    found = sealed(*ATTRIBUTES)
    assert found.verified
    assert (found.fault, found.unchecked, found.unvouched) == ("", "", ())
    assert [each.sha256 for each in found.chain] == [
        hashlib.sha256(signing.der(signing.certificate())).hexdigest()
    ]


def test_the_signature_may_be_over_the_directory_itself() -> None:
    found = cms_seal(message([signer_info(PRIMARY, None)]), DIRECTORIES[:1])
    assert found.verified
    assert "match" in cms_seal(message([signer_info(SECOND, None)]), DIRECTORIES[:1]).fault


def test_a_message_for_another_directory_does_not_hold() -> None:
    found = cms_seal(message([signer_info(PRIMARY, ATTRIBUTES)]), DIRECTORIES[::-1])
    assert found.fault == "the CMS was made for another code directory"
    assert found.chain


def test_an_alternate_directory_that_no_attribute_lists_is_unvouched() -> None:
    found = sealed(message_digest(PRIMARY))
    assert found.verified
    assert found.unvouched == (0x1000,)


@pytest.mark.parametrize("which", [0, 1])
def test_lists_of_other_directories_do_not_hold(which: int) -> None:
    other = directory(b"other code", hash_type=2)
    found = sealed(message_digest(PRIMARY), listed(PRIMARY, other)[which])
    assert "lists the hashes of other code directories" in found.fault
    assert found.unvouched == (0x1000,)


@pytest.mark.parametrize("which", [0, 1])
def test_a_directory_that_was_taken_out_is_missed_by_the_lists(which: int) -> None:
    attributes = (message_digest(PRIMARY), listed(PRIMARY, SECOND)[which])
    found = cms_seal(message([signer_info(PRIMARY, attributes)]), DIRECTORIES[:1])
    assert "lists the hashes of other code directories" in found.fault


def test_attributes_changed_after_signing_do_not_match_the_signature() -> None:
    whole = message([signer_info(PRIMARY, (*ATTRIBUTES, attribute("2a03", tlv(4, b"before"))))])
    found = cms_seal(whole.replace(b"before", b"behind"), DIRECTORIES)
    assert found.fault == "the signature does not match what it is over"


def test_a_signature_by_another_key_does_not_match() -> None:
    info = signer_info(PRIMARY, ATTRIBUTES, key=rsa.generate_private_key(65537, 2048))
    assert "does not match" in cms_seal(message([info]), DIRECTORIES).fault


def test_an_elliptic_curve_signature_verifies() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = signing.certificate(key)
    info = signer_info(PRIMARY, ATTRIBUTES, key=key, signer=made, algorithm=SHA256_ECDSA)
    assert cms_seal(message([info], [made]), DIRECTORIES).verified


def test_a_signature_of_another_kind_than_the_key_is_a_fault() -> None:
    info = signer_info(PRIMARY, ATTRIBUTES, algorithm=SHA256_ECDSA)
    assert "another kind" in cms_seal(message([info]), DIRECTORIES).fault


def test_the_digest_that_the_signature_names_goes_before_that_of_the_signer() -> None:
    attributes = (attribute(MESSAGE_DIGEST, tlv(4, hashlib.sha1(PRIMARY).digest())),)
    info = signer_info(PRIMARY, attributes, digest_oid=SHA1, algorithm=SHA256_RSA)
    assert cms_seal(message([info]), DIRECTORIES[:1]).verified


@pytest.mark.parametrize(
    ("digest_oid", "algorithm"), [("2a864886f70d0205", RSA), (SHA256, "2a864886f70d01010a")]
)
def test_algorithms_that_are_not_verified_are_unchecked(digest_oid: str, algorithm: str) -> None:
    info = signer_info(PRIMARY, ATTRIBUTES, digest_oid=digest_oid, algorithm=algorithm)
    found = cms_seal(message([info]), DIRECTORIES)
    assert not found.fault and not found.verified
    assert "Apple does not sign with" in found.unchecked


@pytest.mark.parametrize("count", [0, 2])
def test_a_message_without_exactly_one_signer_is_a_fault(count: int) -> None:
    found = cms_seal(message([signer_info(PRIMARY, ATTRIBUTES)] * count), DIRECTORIES)
    assert found.fault == f"the CMS has {count} signers, not one"


def test_a_signer_whose_certificate_is_not_carried_is_a_fault() -> None:
    other = signing.certificate(serial=77)
    found = cms_seal(message([signer_info(PRIMARY, ATTRIBUTES)], [other]), DIRECTORIES)
    assert "does not carry" in found.fault


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ((), "0 message digests"),
        ((attribute(MESSAGE_DIGEST, tlv(4, b"a"), tlv(4, b"b")),), "2 message digests"),
        ((message_digest(PRIMARY), message_digest(PRIMARY)), "twice"),
        ((message_digest(PRIMARY), attribute(LISTED_PLIST, tlv(4, b"no list"))), "plist"),
        ((message_digest(PRIMARY), attribute(LISTED_DER, tlv(4, b"no pair"))), "not constructed"),
    ],
)
def test_attributes_that_say_nothing_certain_are_a_fault(
    attributes: tuple[bytes, ...], reason: str
) -> None:
    assert reason in sealed(*attributes).fault


def issued(
    name: str, key: rsa.RSAPrivateKey, issuer: str, by: rsa.RSAPrivateKey, serial: int = 0x1234
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(signing.START)
        .not_valid_after(signing.START + timedelta(days=1))
        .sign(by, hashes.SHA256())
    )


def test_a_chain_follows_signatures_and_not_the_order_or_the_names() -> None:
    root_key, middle_key, leaf_key = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    root = issued("root", root_key, "root", root_key)
    middle = issued("middle", middle_key, "root", root_key)
    impostor = issued("middle", leaf_key, "root", leaf_key)
    leaf = issued("TEAM", leaf_key, "middle", middle_key)
    info = signer_info(PRIMARY, ATTRIBUTES, key=leaf_key, signer=leaf)
    found = cms_seal(message([info], [root, impostor, leaf, middle]), DIRECTORIES)
    assert found.verified
    assert [each.subject_text for each in found.chain] == ["OU=TEAM", "OU=middle", "OU=root"]
    assert found.team_id == "TEAM"
    assert found.chain[0].not_after == signing.START + timedelta(days=1)
    alone = cms_seal(message([info], [impostor, leaf]), DIRECTORIES)
    assert [each.subject_text for each in alone.chain] == ["OU=TEAM"]


def test_certificates_that_have_signed_each_other_are_a_chain_that_ends() -> None:
    one, two = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    first, second = issued("one", one, "two", two), issued("two", two, "one", one)
    info = signer_info(PRIMARY, ATTRIBUTES, key=one, signer=first)
    found = cms_seal(message([info], [first, second]), DIRECTORIES)
    assert [each.subject_text for each in found.chain] == ["OU=one", "OU=two"]


def test_more_certificates_than_the_limit_are_unchecked() -> None:
    many = [signing.certificate(serial=0x1234 + at) for at in range(65)]
    found = cms_seal(message([signer_info(PRIMARY, ATTRIBUTES)], many), DIRECTORIES)
    assert "65 certificates" in found.unchecked


def test_what_is_no_message_is_a_fault() -> None:
    assert cms_seal(b"", DIRECTORIES).fault
    assert cms_seal(b"\x30\x00", DIRECTORIES).fault


@given(st.binary(max_size=300))
def test_any_bytes_are_a_fault_and_no_error(data: bytes) -> None:
    assert not cms_seal(data, DIRECTORIES).verified


SEED = message([signer_info(PRIMARY, ATTRIBUTES)])


@given(
    st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 40),
)
def test_a_damaged_message_gives_an_answer(changes: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray(SEED[: len(SEED) - cut])
    for at, value in changes:
        raw[at % len(raw)] = value
    found = cms_seal(bytes(raw), DIRECTORIES)
    assert found.verified is not bool(found.fault or found.unchecked)


@pytest.mark.oracle
@pytest.mark.parametrize("change", ["", "before"])
def test_openssl_agrees(change: str, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl is not installed")
    attributes = (attribute(CONTENT_TYPE, oid(DATA)), *ATTRIBUTES)
    info = signer_info(PRIMARY, (*attributes, attribute("2a03", tlv(4, b"before"))))
    whole = message([info])
    whole = whole.replace(b"before", b"behind") if change else whole
    (tmp_path / "cms").write_bytes(whole)
    (tmp_path / "content").write_bytes(PRIMARY)
    command = [openssl, "cms", "-verify", "-noverify", "-binary", "-inform", "DER"]
    command += ["-in", str(tmp_path / "cms"), "-content", str(tmp_path / "content")]
    verdict = subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert cms_seal(whole, DIRECTORIES).verified is verdict is not bool(change)
