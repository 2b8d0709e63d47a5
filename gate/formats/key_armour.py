"""The outside of private keys as text: the lines of an armour, and who protects what is in them.

Sources: RFC 7468 and RFC 1421 (PEM), OpenSSH PROTOCOL.key, RFC 9580 (OpenPGP). Of OpenSSH and
OpenPGP keys only the framing is read, which says whether a passphrase guards the key.
"""

from typing import Final

_OPENSSH: Final = b"openssh-key-v1\0"
# How many numbers the public part of an OpenPGP key has, by algorithm (RFC 9580 5.5.5).
_PUBLIC_NUMBERS: Final = {1: 2, 2: 2, 3: 2, 16: 3, 17: 4, 18: 1, 19: 1, 22: 1, 25: 0, 27: 0}


def armour(body: bytes) -> tuple[bytes, bytes]:
    """The header lines and the base64 text between the BEGIN and END lines."""
    for written, meant in ((b"\\r", b""), (b"\\n", b"\n"), (b"&#10;", b"\n"), (b"\\/", b"/")):
        body = body.replace(written, meant)
    lines = [line.strip(b" \t\r\0\\,;").strip(b"\"'`").strip() for line in body.splitlines()]
    lines = [line.rpartition(b'"')[2] for line in lines if line != b"+"]
    headers = [line for line in lines if b":" in line]
    text = [line for line in lines if b":" not in line]
    if text and len(text[-1]) == 0:
        text.pop()
    if text and len(text[-1]) == 5 and text[-1].startswith(b"="):
        text.pop()  # the checksum of an OpenPGP armour (RFC 9580 6.1)
    return b"\n".join(headers), b"".join(text)


def is_open_openssh(data: bytes) -> bool:
    """Whether an OpenSSH key has no passphrase: cipher `none`, and check numbers that agree."""
    if not data.startswith(_OPENSSH):
        return False
    fields, at = [], len(_OPENSSH)
    for field in ("cipher", "kdf", "kdf options", "number", "public key", "private keys"):
        size = 0 if field == "number" else int.from_bytes(data[at : at + 4], "big")
        at += 4
        fields.append(data[at : at + size])
        at += size
    private = fields[-1]
    return fields[0] == b"none" and len(private) > 8 and private[:4] == private[4:8]


def is_open_pgp(data: bytes) -> bool:
    """Whether the first packet is a secret key (tag 5) that no passphrase protects.

    RFC 9580 4.2 and 5.5: behind the public numbers an octet says how the secret ones are protected.
    """
    if len(data) < 16 or not data[0] & 0x80:
        return False
    if data[0] & 0x40:
        tag, at = data[0] & 0x3F, 2 + (data[1] >= 192) + 3 * (data[1] == 255)
    else:
        tag, at = data[0] >> 2 & 0xF, 1 + (1, 2, 4, 0)[data[0] & 3]
    if tag != 5:
        return False
    end = _end_of_public(data, at)
    return end is None or data[end : end + 1] == b"\0"


def _end_of_public(data: bytes, at: int) -> int | None:
    """Where the public numbers of a version 4 or 6 key end; None where that cannot be told."""
    version, algorithm = data[at], data[at + 5]
    at += {4: 6, 6: 10}.get(version, len(data))
    numbers = _PUBLIC_NUMBERS.get(algorithm)
    if numbers is None or at >= len(data):
        return None
    if algorithm in (25, 27):  # X25519 and Ed25519 are 32 octets
        return at + 32
    if algorithm in (18, 19, 22):  # the curve's identifier
        at += 1 + data[at]
    for _ in range(numbers):
        at += 2 + (int.from_bytes(data[at : at + 2], "big") + 7) // 8
    if algorithm == 18:  # how the ECDH secret is derived
        at += 1 + int.from_bytes(data[at : at + 1], "big")
    return at
