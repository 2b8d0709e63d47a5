"""Signed Mach-O images and the CMS messages over them, written field by field."""

import hashlib
import plistlib
import struct
from collections.abc import Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.formats.write_macho import blob, command, image, superblob
from tests.formats.write_signing import certificate, der, rsa_key, tlv

HASH = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
SPACE = 65536  # set aside for a signature
XML = blob(0xFADE7171, plistlib.dumps({"get-task-allow": False}))
REQUIREMENTS = blob(0xFADE0C01, struct.pack(">I", 0))

DATA, SIGNED_DATA = "2a864886f70d010701", "2a864886f70d010702"
CONTENT_TYPE, MESSAGE_DIGEST = "2a864886f70d010903", "2a864886f70d010904"
LISTED_PLIST, LISTED_DER = "2a864886f763640901", "2a864886f763640902"
SHA1, SHA256, SHA384 = "2b0e03021a", "608648016503040201", "608648016503040202"
DIGEST_OID = {1: SHA1, 2: SHA256, 3: SHA256, 4: SHA384}
RSA, SHA256_RSA, SHA256_ECDSA = "2a864886f70d010101", "2a864886f70d01010b", "2a8648ce3d040302"


def digest(hash_type: int, data: bytes) -> bytes:
    name, size = HASH[hash_type]
    return hashlib.new(name, data).digest()[:size]


def prefix(code: bytes) -> bytes:
    """The image up to its signature: header, LC_CODE_SIGNATURE and `code`."""
    limit = 48 + len(code)
    return image(command(0x1D, struct.pack("<II", limit, SPACE)), tail=code)


def directory(
    code: bytes,
    slots: Mapping[int, bytes] | None = None,
    *,
    hash_type: int = 2,
    page: int = 12,
    special: int = 7,
    limit: int | None = None,
    scatter: int = 0,
    pages: int | None = None,
    hash_size: int | None = None,
) -> bytes:
    """A code directory of version 0x20400 over `code`; `slots` are the data of special slots."""
    limit = len(code) if limit is None else limit
    step = (1 << page) if page else max(limit, 1)
    known, size = hash_type in HASH, HASH.get(hash_type, ("", 32))[1]
    kind = hash_type if known else 2
    sealed = [
        digest(kind, slots[n]) if slots and n in slots else bytes(size)
        for n in range(special, 0, -1)
    ]
    found = [digest(kind, code[at : min(at + step, limit)]) for at in range(0, limit, step)]
    found = found if pages is None else found[:pages]
    names = b"org.example.app\0"
    payload = struct.pack(
        ">7I4BI3I4Q",
        *(0x20400, 0, 88 + len(names) + special * size, 88, special, len(found), limit),
        *(size if hash_size is None else hash_size, hash_type, 0, page, 0),
        *(scatter, 0, 0, 0, 0, 0, 0),
    )
    return blob(0xFADE0C02, payload + names + b"".join(sealed) + b"".join(found))


def signed(code: bytes, blobs: Mapping[int, bytes]) -> bytes:
    """The image whose signature holds these blobs; `code` is all of it before that."""
    signature = superblob(dict(blobs))
    return code + signature + bytes(SPACE - len(signature))


def oid(value: str) -> bytes:
    return tlv(6, bytes.fromhex(value))


def attribute(kind: str, *values: bytes) -> bytes:
    return tlv(0x30, oid(kind) + tlv(0x31, b"".join(values)))


def listed(*directories: bytes) -> tuple[bytes, bytes]:
    """Apple's two attributes for these directories, of whatever hash type each is."""
    kinds = [each[37] for each in directories]
    found = [digest(kind, each) for kind, each in zip(kinds, directories, strict=True)]
    plist = plistlib.dumps({"cdhashes": [each[:20] for each in found]})
    pairs = [
        tlv(0x30, oid(DIGEST_OID[kind]) + tlv(4, each))
        for kind, each in zip(kinds, found, strict=True)
    ]
    return attribute(LISTED_PLIST, tlv(4, plist)), attribute(LISTED_DER, *pairs)


def message_digest(content: bytes) -> bytes:
    return attribute(MESSAGE_DIGEST, tlv(4, hashlib.sha256(content).digest()))


def signer_info(
    content: bytes,
    attributes: Sequence[bytes] | None,
    *,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    signer: x509.Certificate | None = None,
    digest_oid: str = SHA256,
    algorithm: str = RSA,
) -> bytes:
    """A SignerInfo with these attributes, or over the content itself where they are None."""
    key, signer = key or rsa_key(), signer or certificate()
    body = b"" if attributes is None else b"".join(attributes)
    to_sign = content if attributes is None else tlv(0x31, body)
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(to_sign, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(to_sign, ec.ECDSA(hashes.SHA256()))
    name, serial = signer.issuer.public_bytes(), signer.serial_number
    return tlv(
        0x30,
        tlv(2, b"\1")
        + tlv(0x30, name + tlv(2, serial.to_bytes(serial.bit_length() // 8 + 1, "big")))
        + tlv(0x30, oid(digest_oid))
        + (b"" if attributes is None else tlv(0xA0, body))
        + tlv(0x30, oid(algorithm))
        + tlv(4, signature),
    )


def message(
    infos: Sequence[bytes], certificates: Sequence[x509.Certificate] | None = None
) -> bytes:
    """A detached SignedData of these SignerInfos."""
    carried = (certificate(),) if certificates is None else certificates
    return tlv(
        0x30,
        oid(SIGNED_DATA)
        + tlv(
            0xA0,
            tlv(
                0x30,
                tlv(2, b"\1")
                + tlv(0x31, tlv(0x30, oid(SHA256)))
                + tlv(0x30, oid(DATA))
                + tlv(0xA0, b"".join(der(each) for each in carried))
                + tlv(0x31, b"".join(infos)),
            ),
        ),
    )
