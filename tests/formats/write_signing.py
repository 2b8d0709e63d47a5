"""Keys, certificates and CMS messages for tests, made by `cryptography`."""

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
SUBJECT = (
    (NameOID.COUNTRY_NAME, "TW"),
    (NameOID.ORGANIZATION_NAME, "Example, Inc."),
    (NameOID.COMMON_NAME, "Apple Development: Test (ABCDE12345)"),
)
START, END = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2034, 1, 2, 3, 4, 5, tzinfo=UTC)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(
    key: Key | None = None,
    *,
    serial: int = 0x1234,
    key_id: bool = False,
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...] = SUBJECT,
) -> x509.Certificate:
    key = key or rsa_key()
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(START)
        .not_valid_after(END)
    )
    if key_id:
        extension = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm)


def der(made: x509.Certificate) -> bytes:
    return made.public_bytes(Encoding.DER)


def cms(
    content: bytes,
    *,
    detached: bool = False,
    extra: tuple[x509.Certificate, ...] = (),
    signer: x509.Certificate | None = None,
) -> bytes:
    builder = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(content)
        .add_signer(signer or certificate(), rsa_key(), hashes.SHA256())
    )
    for other in extra:
        builder = builder.add_certificate(other)
    options = [pkcs7.PKCS7Options.Binary]
    if detached:
        options.append(pkcs7.PKCS7Options.DetachedSignature)
    return builder.sign(Encoding.DER, options)


def tlv(tag: int, body: bytes) -> bytes:
    """One DER element."""
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, len(body)] if len(body) < 128 else [tag, 0x80 | len(size), *size]) + body


def indefinite(tag: int, body: bytes) -> bytes:
    """One BER element of indefinite length."""
    return bytes([tag, 0x80]) + body + b"\0\0"
