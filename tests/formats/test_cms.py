import hashlib
import shutil
import subprocess
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.x509 import SubjectKeyIdentifier
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gate.app.signing import Certificate
from gate.formats import ber, cms
from gate.formats.errors import Malformed, OverLimit
from tests.formats import write_signing as signing
from tests.formats.write_signing import indefinite, tlv

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


def signed_data(content: bytes, certificates: bytes = b"", signers: bytes = b"") -> bytes:
    """A SignedData of our own; `content` is the encoded content, `certificates` the encoded set."""
    return tlv(
        0x30,
        SIGNED_DATA
        + tlv(
            0xA0,
            tlv(
                0x30,
                tlv(2, b"\1")
                + tlv(0x31, b"")
                + tlv(0x30, DATA + content)
                + certificates
                + tlv(0x31, signers),
            ),
        ),
    )


def altered(der: bytes, old: bytes, new: bytes) -> bytes:
    assert der.count(old) >= 1
    assert len(old) == len(new)
    return der.replace(old, new)


def test_content_comes_back() -> None:
    assert cms.content(signing.cms(b"hello")) == b"hello"


def test_content_in_chunks_of_indefinite_length_comes_back() -> None:
    chunks = indefinite(0x24, tlv(4, b"he") + indefinite(0x24, tlv(4, b"l")) + tlv(4, b"lo"))
    inner = (
        tlv(2, b"\1")
        + tlv(0x31, b"")
        + indefinite(0x30, DATA + indefinite(0xA0, chunks))
        + tlv(0x31, b"")
    )
    message = indefinite(0x30, SIGNED_DATA + indefinite(0xA0, indefinite(0x30, inner)))
    assert cms.content(message) == b"hello"


def test_a_detached_signature_has_no_content() -> None:
    with pytest.raises(Malformed, match="detached"):
        cms.content(signing.cms(b"hello", detached=True))


def test_all_certificates_are_listed_and_the_signer_is_told_apart() -> None:
    signer, other = signing.certificate(), signing.certificate(serial=99)
    message = signing.cms(b"x", extra=(other,), signer=signer)
    assert set(cms.certificates(message)) == {signing.der(signer), signing.der(other)}
    assert cms.signer_certificates(message) == (signing.der(signer),)


def test_a_signer_is_found_by_its_key_identifier() -> None:
    made = signing.certificate(key_id=True)
    extension = made.extensions.get_extension_for_class(SubjectKeyIdentifier)
    identifier = extension.value.digest
    info = tlv(0x30, tlv(2, b"\3") + tlv(0x80, identifier))
    message = signed_data(b"", tlv(0xA0, signing.der(made)), info)
    assert cms.signer_certificates(message) == (signing.der(made),)


def test_a_signer_is_found_though_its_issuer_is_spelt_otherwise() -> None:
    made = signing.certificate(serial=5)
    spelt = altered(made.issuer.public_bytes(), b"Example, Inc.", b"EXAMPLE, inc.")
    info = tlv(0x30, tlv(2, b"\1") + tlv(0x30, spelt + tlv(2, b"\5")))
    message = signed_data(b"", tlv(0xA0, signing.der(made)), info)
    assert cms.signer_certificates(message) == (signing.der(made),)


def test_a_signer_without_its_certificate_adds_nothing() -> None:
    made = signing.certificate(serial=5)
    info = tlv(0x30, tlv(2, b"\1") + tlv(0x30, made.issuer.public_bytes() + tlv(2, b"\6")))
    assert cms.signer_certificates(signed_data(b"", tlv(0xA0, signing.der(made)), info)) == ()


def test_attribute_certificates_are_left_out() -> None:
    made = signing.der(signing.certificate())
    assert cms.certificates(signed_data(b"", tlv(0xA0, tlv(0xA2, b"") + made))) == (made,)


def test_facts_of_a_certificate() -> None:
    made = signing.certificate()
    facts = cms.certificate(signing.der(made))
    assert facts == Certificate(
        sha256=hashlib.sha256(signing.der(made)).hexdigest(),
        subject=(
            ("C", "TW"),
            ("O", "Example, Inc."),
            ("CN", "Apple Development: Test (ABCDE12345)"),
        ),
        subject_text=r"CN=Apple Development: Test (ABCDE12345),O=Example\, Inc.,C=TW",
        issuer_text=r"CN=Apple Development: Test (ABCDE12345),O=Example\, Inc.,C=TW",
        serial="1234",
        not_before=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        not_after=datetime(2034, 1, 2, 3, 4, 5, tzinfo=UTC),
        signature_algorithm="sha256_rsa",
        key_algorithm="rsa",
        key_bits=2048,
    )
    assert facts.common_names == ("Apple Development: Test (ABCDE12345)",)


@pytest.mark.parametrize(
    ("key", "algorithm", "bits", "signature"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ec", 256, "sha256_ecdsa"),
        (ec.generate_private_key(ec.SECP521R1()), "ec", 521, "sha256_ecdsa"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519", 256, "ed25519"),
        (dsa.generate_private_key(1024), "dsa", 1024, "sha256_dsa"),
    ],
)
def test_other_keys(key: signing.Key, algorithm: str, bits: int, signature: str) -> None:
    facts = cms.certificate(signing.der(signing.certificate(key)))
    assert (facts.key_algorithm, facts.key_bits) == (algorithm, bits)
    assert facts.signature_algorithm == signature


def test_names_are_written_as_rfc_4514_does() -> None:
    subject = ((NameOID.COMMON_NAME, ' #a+b"c\\<d>;e '), (NameOID.EMAIL_ADDRESS, "#x@y"))
    made = signing.certificate(subject=subject)
    facts = cms.certificate(signing.der(made))
    assert facts.subject_text == r"E=\#x@y,CN=\ #a\+b\"c\\\<d\>\;e\ "


def test_a_modulus_without_its_leading_zero_keeps_its_length() -> None:
    modulus = signing.rsa_key().public_key().public_numbers().n.to_bytes(256, "big")
    key = tlv(0x30, tlv(2, modulus) + tlv(2, b"\1\0\1"))
    bits = tlv(3, b"\0" + key)
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d010101") + b"\5\0")
    facts = cms.certificate(bare_certificate(tlv(0x30, algorithm + bits)))
    assert facts.key_bits == 2048


def bare_certificate(key: bytes, *, name: bytes = b"", dates: bytes | None = None) -> bytes:
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d01010b"))
    if dates is None:
        dates = tlv(0x17, b"240102030405Z") + tlv(0x18, b"20340102030405Z")
    tbs = tlv(2, b"\x81") + algorithm + tlv(0x30, name) + tlv(0x30, dates) + tlv(0x30, name) + key
    return tlv(0x30, tlv(0x30, tbs) + algorithm + tlv(3, b"\0"))


NO_KEY = tlv(0x30, tlv(0x30, tlv(6, b"\x2a\x03")) + tlv(3, b"\0"))


def test_odd_fields_do_not_hide_the_others() -> None:
    def attribute(value: bytes) -> bytes:
        return tlv(0x31, tlv(0x30, bytes.fromhex("0603550403") + value))

    name = (
        attribute(tlv(0x0C, b"\xff\xfe"))
        + attribute(tlv(0x1E, b"\0a\0"))
        + attribute(tlv(4, b"\1"))
        + attribute(tlv(0x13, b"good"))
    )
    dates = tlv(0x17, b"not a date") + tlv(0x18, b"00000101000000Z")
    der = bare_certificate(NO_KEY, name=name, dates=dates) + b"behind it"
    facts = cms.certificate(der)
    assert facts.sha256 == hashlib.sha256(der).hexdigest()
    assert facts.common_names == ("ÿþ", "\0a\0", "#040101", "good")
    assert (facts.not_before, facts.not_after) == (None, None)
    assert facts.serial == "-7f"
    assert (facts.key_algorithm, facts.key_bits) == ("1.2.3", 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x05\x06",
        b"<plist/>",
        tlv(0x30, b""),
        tlv(0x30, SIGNED_DATA),
        tlv(0x30, DATA + tlv(0xA0, b"")),
        tlv(0x30, SIGNED_DATA + tlv(0xA0, b"")),
        signed_data(b"", tlv(0xA0, b"\x30\x84\xff\xff\xff\xff")),
        signed_data(tlv(0xA0, b"")),
        signed_data(tlv(0xA0, tlv(0x30, b""))),
        b"\x1f\x81" + b"\x81" * 1000,
        b"\x30\xff" + b"\xff" * 127,
    ],
)
def test_what_is_no_signed_data_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        (cms.certificates(data), cms.content(data))


@pytest.mark.parametrize("data", [b"", b"\x30\x00", tlv(0x30, tlv(0x30, b"") * 3), tlv(2, b"\1")])
def test_what_is_no_certificate_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        cms.certificate(data)


def test_indefinite_lengths_nested_beyond_the_limit_are_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="nested"):
        cms.content(b"\x30\x80" * 100_000)


def test_nested_indefinite_lengths_are_looked_through_once() -> None:
    inside = b"\x30\x80" * 30 + b"\5\0" * 100_000 + bytes(2 * 30)
    before = time.process_time()
    element = ber.element(inside, 0, len(inside))
    while element.tag == ber.SEQUENCE:
        assert element.end == len(inside) - element.start
        element = next(ber.children(inside, element))
    assert time.process_time() - before < 1


def test_countless_elements_of_indefinite_length_are_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="262144 elements"):
        cms.content(b"\x30\x80" + b"\5\0" * 262_144 + b"\0\0")


def test_countless_names_are_over_the_limit() -> None:
    attribute = tlv(0x31, tlv(0x30, tlv(6, b"\x55\4\3") + tlv(0x0C, b"x")))
    key = tlv(0x30, tlv(0x30, tlv(6, b"U")) + tlv(3, b"\0"))

    def carried(attributes: int) -> bytes:
        algorithm, name = tlv(0x30, tlv(6, b"U")), tlv(0x30, attribute * attributes)
        body = tlv(2, b"\1") + algorithm + name + tlv(0x30, b"") + name + key
        return tlv(0x30, tlv(0x30, body) + algorithm + tlv(3, b"\0"))

    assert cms.certificate(carried(64)).subject[-1] == ("CN", "x")
    with pytest.raises(OverLimit, match="more than 64 attributes"):
        cms.certificate(carried(65))
    assert len(cms.certificates(signed_data(b"", tlv(0xA0, carried(1) * 256)))) == 256
    with pytest.raises(OverLimit, match="more than 256 certificates"):
        cms.certificates(signed_data(b"", tlv(0xA0, carried(1) * 257)))


def test_content_of_countless_chunks_is_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="chunks"):
        cms.content(signed_data(tlv(0xA0, tlv(0x24, b"\4\1a" * 262_145))))


def test_sizes_beyond_the_limits_are_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="CMS message"):
        cms.content(bytes(cms.MAX_BYTES + 1))
    with pytest.raises(OverLimit, match="certificates or signers"):
        cms.certificates(signed_data(b"", tlv(0xA0, bytes(cms.MAX_SIGNING))))
    with pytest.raises(OverLimit, match="certificate of"):
        cms.certificate(bytes(65_537))


@given(st.binary(max_size=200))
def test_any_bytes_give_elements_or_malformed(data: bytes) -> None:
    try:
        outer = ber.element(data, 0, len(data))
        assert 0 < outer.end <= len(data)
        assert outer.start <= outer.body <= outer.body_end <= outer.end
    except Malformed:
        return


MESSAGE = signing.cms(b"some content", extra=(signing.certificate(serial=9, key_id=True),))
CERTIFICATE = signing.der(signing.certificate(key_id=True))


@given(st.data())
def test_mutated_messages_give_facts_or_malformed(data: st.DataObject) -> None:
    for raw, reads in (
        (MESSAGE, (cms.content, cms.certificates, cms.signer_certificates)),
        (CERTIFICATE, (cms.certificate,)),
    ):
        changed = bytearray(raw)
        for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
            changed[at] = data.draw(st.integers(0, 255))
        for read in reads:
            try:
                read(bytes(changed))
            except Malformed:
                continue


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_reads_the_same() -> None:
    content = subprocess.run(
        ["openssl", "cms", "-verify", "-noverify", "-inform", "DER"],
        input=MESSAGE,
        capture_output=True,
        check=True,
    ).stdout
    assert cms.content(MESSAGE) == content
    text = subprocess.run(
        [
            "openssl",
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-subject",
            "-serial",
            "-nameopt",
            "RFC2253",
            "-fingerprint",
            "-sha256",
        ],
        input=CERTIFICATE,
        capture_output=True,
        check=True,
    ).stdout.decode()
    facts = cms.certificate(CERTIFICATE)
    assert f"subject={facts.subject_text}\n" in text
    assert f"serial={facts.serial.upper()}\n" in text
    assert facts.sha256.upper() in text.replace(":", "")
