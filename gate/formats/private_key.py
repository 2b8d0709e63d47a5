"""Private keys: PEM, DER, PKCS#12, OpenSSH and OpenPGP bytes to what may be said of the key.

Sources: RFC 7468 (PEM), RFC 8017 A.1.2 (PKCS#1), RFC 5958 (PKCS#8), RFC 5915 (SEC1), RFC 7292
(PKCS#12), OpenSSH PROTOCOL.key, RFC 9580 (OpenPGP). The key itself is dropped once it is digested.
`cryptography` is imported when there is something to parse, since most builds hold no key at all.
"""

import binascii
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from gate.formats import ber
from gate.formats.errors import Malformed, OverLimit
from gate.formats.key_armour import armour, is_open_openssh, is_open_pgp
from gate.formats.published_keys import PUBLISHED
from gate.frozen import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

# Keystores that open with one of these protect nothing: empty, and the defaults of keytool, of
# Android's debug keystore and of Google's service account files among them.
PASSWORDS: Final = (b"", b"changeit", b"password", b"android", b"123456", b"notasecret")
MAX_DER: Final = 16 << 10
MAX_MODULAR: Final = 1_280  # bytes of a DSA or DH key; 4,096 bits take 1,100

_MAX_ROUNDS: Final = 3_000_000  # of one guess; about a second
_MAX_ELEMENTS: Final = 10_000
# DSA and DH (RFC 3279, PKCS#3, RFC 2631): loading such a key computes its public one, in time that
# grows with the third power of its length.
_MODULAR: Final = (
    bytes.fromhex("2a8648ce380401"),
    bytes.fromhex("2a864886f70d010301"),
    bytes.fromhex("2a8648ce3e0201"),
)
_SCRYPT: Final = bytes.fromhex("06092b06010401da47040b")  # RFC 7914 7.1: its cost is memory
_PKCS8_LABELS: Final = ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")  # RFC 7468: without headers
_NAMES: Final = {
    "RSAPrivateKey": "RSA",
    "EllipticCurvePrivateKey": "EC",
    "ECPrivateKey": "EC",
    "DSAPrivateKey": "DSA",
}


@dataclass(frozen=True, slots=True)
class Key:
    """What is told of a key; `password` is the well-known one that opened it, None where none did.

    `bits` is 0 where the size is not known; `fingerprint` is the first eight hex digits of the
    SHA-256 of its PKCS#8 encoding, or of the encoding it was found in for OpenSSH and PGP;
    `published` names the document that printed the key, or is ''.
    """

    form: str
    algorithm: str
    bits: int
    fingerprint: str
    password: bytes | None = None
    published: str = ""


@dataclass(slots=True)
class Patience:
    """How many rounds of key derivation may still be spent on guessing passwords."""

    rounds: int = 20_000_000

    def spend(self, data: bytes) -> None:
        """Pay for one guess on an encrypted key or keystore; OverLimit when it is too dear."""
        asked = _rounds(data)
        if asked > min(self.rounds, _MAX_ROUNDS):
            raise OverLimit(f"trying a well-known password takes {asked} rounds")
        self.rounds -= asked


def from_pem(label: str, body: bytes, patience: Patience) -> Key | None:
    """The key of a PEM armour, whose `label` stood behind BEGIN; None where nothing parses.

    Line ends may be written as backslash and n, and lines may be quoted, as in source code.
    """
    headers, encoded = armour(body)
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        return None
    if label.startswith("PGP"):
        return _opaque("PGP", data) if is_open_pgp(data) else None
    if label.startswith("OPENSSH"):
        return _opaque("OpenSSH", data) if is_open_openssh(data) else None
    if b"ENCRYPTED" in headers and label not in _PKCS8_LABELS:
        return _from_encrypted_pem(label, headers, encoded)
    key = from_der(data, patience)
    return key and _as("PEM", key)


def from_base64(text: bytes, patience: Patience) -> Key | None:
    """The key whose encoding is this base64 text without an armour around it."""
    try:
        data = binascii.a2b_base64(armour(text)[1], strict_mode=True)
    except binascii.Error:
        return None
    key = from_der(data, patience)
    return key and _as("base64 " + key.form.removeprefix("DER "), key)


def from_der(data: bytes, patience: Patience) -> Key | None:
    """The key of a PKCS#1, PKCS#8 or SEC1 encoding; None for anything else.

    Raises OverLimit for one that would take too long to load.
    """
    form = _der_form(data)
    if form is None or len(data) > MAX_DER:
        return None
    if form == "DER PKCS#8" and len(data) > MAX_MODULAR and any(oid in data for oid in _MODULAR):
        raise OverLimit(f"DSA or DH private key of {len(data)} bytes, more than {MAX_MODULAR}")
    if form != "DER encrypted PKCS#8":
        return _key(form, partial(_load, data, None))
    return _guessed(form, data, _load, patience)


def from_pkcs12(data: bytes, patience: Patience) -> Key | None:
    """The key in a PKCS#12 keystore that opens with a well-known password, else None."""
    return _guessed("PKCS#12", data, _key_of_store, patience)


def is_pkcs12(data: bytes) -> bool:
    """Whether bytes begin as a PFX does: a sequence of version 3 and a content info."""
    if data[:1] != b"\x30":
        return False
    return 2 <= data.find(b"\x02\x01\x03\x30", 0, 16) <= 6


def _as(form: str, key: Key, password: bytes | None = None) -> Key:
    """`key` as it was found."""
    opened = key.password if password is None else password
    return Key(form, key.algorithm, key.bits, key.fingerprint, opened, key.published)


def _opaque(form: str, data: bytes) -> Key:
    return Key(form, form, 0, hashlib.sha256(data).hexdigest()[:8])


def _guessed(
    form: str,
    data: bytes,
    load: Callable[[bytes, bytes], "PrivateKeyTypes | None"],
    patience: Patience,
) -> Key | None:
    """The key that `load` gives for a well-known password; scrypt is too dear to guess at."""
    if _SCRYPT in data:
        return None
    for password in PASSWORDS:
        patience.spend(data)
        if key := _key(form, partial(load, data, password)):
            return _as(form, key, password)
    return None


def _load(data: bytes, password: bytes | None) -> "PrivateKeyTypes":
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    # Whether the numbers fit together is not asked: it takes seconds for a key of absurd size.
    return load_der_private_key(data, password, unsafe_skip_rsa_key_validation=True)


def _key_of_store(data: bytes, password: bytes) -> "PrivateKeyTypes | None":
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    return load_key_and_certificates(data, password)[0]


def _key(form: str, load: Callable[[], "PrivateKeyTypes | None"]) -> Key | None:
    """What `load` loads, told without the key; None where it holds none."""
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as forms

    try:
        key = load()
        if key is None:
            return None
        encoded = key.private_bytes(
            forms.Encoding.DER, forms.PrivateFormat.PKCS8, forms.NoEncryption()
        )
        public = key.public_key().public_bytes(
            forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo
        )
    except (InternalError, UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return None
    algorithm = type(key).__name__
    return Key(
        form,
        _NAMES.get(algorithm, algorithm.removesuffix("PrivateKey")),
        getattr(key, "key_size", 0),
        hashlib.sha256(encoded).hexdigest()[:8],
        published=PUBLISHED.get(hashlib.sha256(public).hexdigest(), ""),
    )


def _from_encrypted_pem(label: str, headers: bytes, encoded: bytes) -> Key | None:
    """The key behind Proc-Type and DEK-Info headers (RFC 1421), whose derivation is one round."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    lines = b"\n".join(encoded[at : at + 64] for at in range(0, len(encoded), 64))
    name = label.encode()
    pem = b"-----BEGIN %s-----\n%s\n\n%s\n-----END %s-----\n" % (name, headers, lines, name)
    for password in PASSWORDS:
        load = partial(load_pem_private_key, pem, password, unsafe_skip_rsa_key_validation=True)
        if key := _key("PEM", load):
            return _as("PEM", key, password)
    return None


def _der_form(data: bytes) -> str | None:
    """What the first two elements of the outer sequence make of it."""
    try:
        outer = ber.element(data, 0, len(data))
        if outer.tag != ber.SEQUENCE or outer.end != len(data):
            return None
        first = ber.element(data, outer.body, outer.body_end)
        second = ber.element(data, first.end, outer.body_end)
    except Malformed:
        return None
    if (
        first.tag == ber.SEQUENCE
        and second.tag == ber.OCTET_STRING
        and second.end == outer.body_end
    ):
        return "DER encrypted PKCS#8"
    if first.tag != ber.INTEGER or first.body_end - first.body != 1:
        return None
    return {
        ber.SEQUENCE: "DER PKCS#8",
        ber.INTEGER: "DER PKCS#1",
        ber.OCTET_STRING: "DER SEC1",
    }.get(second.tag)


def _rounds(data: bytes) -> int:
    """An upper bound of the rounds that a guess at a password takes.

    The sum of every short INTEGER: besides version numbers and key lengths, those outside the
    encrypted parts are iteration counts (RFC 7292 section 4 and appendix, RFC 8018 A.2).
    """
    try:
        return sum(
            int.from_bytes(data[each.body : each.body_end], "big")
            for each in _elements(data)
            if each.tag == ber.INTEGER and each.body_end - each.body <= 8
        )
    except OverLimit:
        raise
    except Malformed:
        return 0  # cryptography refuses it before any round


def _elements(data: bytes) -> Iterator[ber.Element]:
    """Every element, also of encodings inside octet strings, without recursion."""
    waiting = [ber.element(data, 0, len(data))]
    count = 0
    while waiting:
        each = waiting.pop()
        count += 1
        if count > _MAX_ELEMENTS:
            raise OverLimit(f"keystore of more than {_MAX_ELEMENTS} elements")
        yield each
        inside = each.tag == ber.OCTET_STRING and data[each.body : each.body + 1] == b"\x30"
        if each.tag & ber.CONSTRUCTED or inside:
            try:
                waiting += ber.children(data, each)
            except OverLimit:
                raise
            except Malformed:
                continue  # an octet string that only looked like one that holds elements
