"""The committed TEST ONLY keys: read by every build, made once.

Keys are RSA, because a PKCS#1 v1.5 signature over the same bytes is always the same bytes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

KEYS = Path(__file__).parent.parent / "fixtures" / "keys"
TEAM = "TESTONLY00"

_APPLE = "1.2.840.113635.100.6.1"  # certificate marks of Apple's WWDR practice statement


@dataclass(frozen=True)
class Signer:
    """A private key and the certificates that vouch for it, its own first."""

    name: str

    @property
    def key_file(self) -> Path:
        """The private key: PKCS#8, DER, no passphrase."""
        return KEYS / f"TEST-ONLY-{self.name}.pk8"

    @property
    def certificate_file(self) -> Path:
        """The certificate, PEM."""
        return KEYS / f"TEST-ONLY-{self.name}.pem"

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The signer's own certificate."""
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificate and its issuers, the root last."""
        return (self.certificate, *(Signer(issuer).certificate for issuer in _ISSUERS[self.name]))

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key."""
        key = serialization.load_der_private_key(self.key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{self.key_file} is no RSA key")
        return key

    def sign(self, data: bytes) -> bytes:
        """A PKCS#1 v1.5 signature over `data` with SHA-256."""
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a certificate says."""

    name: str
    subject: str
    serial: int
    years: tuple[int, int] = (2024, 2099)
    bits: int = 2048
    authority: bool = False
    mark: str = ""


_ISSUERS: dict[str, tuple[str, ...]] = {
    "ios-root": (),
    "ios-authority": ("ios-root",),
    "ios-distribution": ("ios-authority", "ios-root"),
    "ios-development": ("ios-authority", "ios-root"),
    "ios-profile-signer": ("ios-root",),
    "ios-expired": ("ios-authority", "ios-root"),
    "ios-store": ("ios-authority", "ios-root"),
    "ios-self-made": (),
}
_PLANS = (
    _Plan("android-release", "CN=TEST ONLY Release,O=Example,C=TW", 1),
    _Plan("android-second", "CN=TEST ONLY Second,O=Example,C=TW", 2),
    # The subject is what makes it a debug certificate, so it cannot say TEST ONLY.
    _Plan("android-debug", "CN=Android Debug,O=Android,C=US", 3, (2024, 2054)),
    _Plan("android-weak", "CN=TEST ONLY Weak,O=Example,C=TW", 4, bits=1024),
    _Plan("android-expired", "CN=TEST ONLY Expired,O=Example,C=TW", 5, (2010, 2015)),
    _Plan("ios-root", "CN=TEST ONLY Root CA,O=Example,C=TW", 10, authority=True),
    _Plan("ios-authority", "CN=TEST ONLY Relations CA,O=Example,C=TW", 11, authority=True),
    _Plan(
        "ios-distribution",
        f"CN=Apple Distribution: TEST ONLY ({TEAM}),OU={TEAM},O=TEST ONLY,C=TW",
        12,
        mark=f"{_APPLE}.4",
    ),
    _Plan(
        "ios-development",
        f"CN=Apple Development: TEST ONLY ({TEAM}),OU={TEAM},O=TEST ONLY,C=TW",
        13,
        mark=f"{_APPLE}.2",
    ),
    _Plan("ios-profile-signer", "CN=TEST ONLY Provisioning Profile Signing,O=Example,C=TW", 14),
    _Plan(
        "ios-expired",
        f"CN=iPhone Distribution: TEST ONLY ({TEAM}),OU={TEAM},O=TEST ONLY,C=TW",
        15,
        (2019, 2022),
        mark=f"{_APPLE}.4",
    ),
    _Plan(
        "ios-self-made",
        f"CN=Apple Distribution: TEST ONLY ({TEAM}),OU={TEAM},O=TEST ONLY,C=TW",
        16,
        mark=f"{_APPLE}.4",
    ),
    # What the store signs with: its subject is what makes it so, and it outlives its own dates.
    _Plan(
        "ios-store",
        "CN=Apple iPhone OS Application Signing,O=TEST ONLY,C=TW",
        17,
        (2019, 2022),
        mark=f"{_APPLE}.3",
    ),
)
_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
}


def make_missing_keys() -> list[str]:
    """Makes the keys that are not there yet; a key that exists is never touched."""
    KEYS.mkdir(parents=True, exist_ok=True)
    made = [plan for plan in _PLANS if not Signer(plan.name).certificate_file.exists()]
    for plan in sorted(made, key=lambda plan: plan.serial):
        _make(plan)
    return [plan.name for plan in made]


def _make(plan: _Plan) -> None:
    """Writes one key and its certificate."""
    signer = Signer(plan.name)
    key = rsa.generate_private_key(public_exponent=65537, key_size=plan.bits)
    issuers = _ISSUERS.get(plan.name, ())
    issuer_key = Signer(issuers[0]).key if issuers else key
    issuer_name = Signer(issuers[0]).certificate.subject if issuers else _name(plan.subject)
    signer.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    builder = _certificate(plan, issuer_name, key.public_key())
    certificate = builder.sign(issuer_key, hashes.SHA256())
    signer.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _certificate(
    plan: _Plan, issuer: x509.Name, public: rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    """The certificate of `plan`, not yet signed."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(plan.subject))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(plan.serial)
        .not_valid_before(dt.datetime(plan.years[0], 1, 1))
        .not_valid_after(dt.datetime(plan.years[1], 1, 1))
    )
    if plan.authority:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    if plan.mark:
        mark = x509.UnrecognizedExtension(x509.ObjectIdentifier(plan.mark), b"\x05\x00")
        builder = builder.add_extension(mark, critical=True)
    return builder


def _name(text: str) -> x509.Name:
    """A distinguished name, most general part first as certificates hold it."""
    parts = [part.split("=", 1) for part in reversed(text.split(","))]
    return x509.Name([x509.NameAttribute(_ATTRIBUTES[key], value) for key, value in parts])
