"""Private keys that lie in a build."""

from gate.app.location import Location
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that parses; the key itself is not kept.

    `form` says what it was found as (PEM, DER PKCS#8, PKCS#12 ...), `algorithm` RSA, EC, DSA,
    Ed25519, OpenSSH or PGP; `bits` is 0 where the size is not known; `fingerprint` is the first
    eight hex digits of the SHA-256 of the key's encoding.
    """

    form: str
    algorithm: str
    bits: int
    fingerprint: str
    at: Location
