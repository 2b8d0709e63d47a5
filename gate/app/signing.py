"""Who signed a build, and how."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts of one X.509 certificate, as it states them; nothing is verified.

    A field that cannot be read is None, "" or 0. `sha256` is of the bytes as given, in lower-case
    hexadecimal, and `serial` the serial number so (with a minus sign where it is negative).
    `subject` keeps the encoded order, one pair an attribute, named as in RFC 4514 or by its dotted
    identifier; the two texts begin with the most specific name, as RFC 4514 wants it. Dates are
    aware, in UTC. Algorithms have asn1crypto's names (`sha256_rsa`, `rsa`, `ec`) or are dotted.
    `key_bits` is the length of the RSA modulus, the DSA prime or the curve.
    """

    sha256: str
    subject: tuple[tuple[str, str], ...]
    subject_text: str
    issuer_text: str
    serial: str
    not_before: datetime | None
    not_after: datetime | None
    signature_algorithm: str
    key_algorithm: str
    key_bits: int

    @property
    def common_names(self) -> tuple[str, ...]:
        """Every common name (CN) of the subject, in order."""
        return tuple(value for name, value in self.subject if name == "CN")


@dataclass(frozen=True, slots=True)
class Signer:
    """One signer of one scheme (v1, v2, v3, v3.1), its own certificate first."""

    scheme: str
    certificates: tuple[Certificate, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Signing:
    """The signatures that an APK carries, present but not yet verified."""

    schemes: tuple[str, ...]
    signers: tuple[Signer, ...]
