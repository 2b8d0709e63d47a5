import base64
import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app import Budget, Files, Gap, Journal
from gate.app.keys import PrivateKey
from gate.formats.errors import OverLimit
from gate.formats.private_key import Patience, from_der, from_pem, from_pkcs12
from gate.read.files import FolderFiles
from gate.read.keys import MAX_CANDIDATES_IN_FILE, private_keys

MIB = 1 << 20
PLAIN = forms.NoEncryption()
PEM, DER = forms.Encoding.PEM, forms.Encoding.DER
TRADITIONAL, PKCS8 = forms.PrivateFormat.TraditionalOpenSSL, forms.PrivateFormat.PKCS8
# RFC 8410 section 10.3 prints this one.
PRINTED = (
    b"-----BEGIN PRIVATE KEY-----\n"
    b"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    b"-----END PRIVATE KEY-----\n"
)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKeyTypes, form: forms.PrivateFormat = PKCS8, password: bytes = b"") -> bytes:
    return key.private_bytes(
        PEM, form, forms.BestAvailableEncryption(password) if password else PLAIN
    )


def store(password: bytes) -> bytes:
    lock = forms.BestAvailableEncryption(password) if password else PLAIN
    return pkcs12.serialize_key_and_certificates(b"TEST ONLY", ec_key(), None, None, lock)


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST ONLY")])
    unsigned = x509.CertificateBuilder(name, name, ec_key().public_key(), 1)
    dated = unsigned.not_valid_before(datetime(2024, 1, 1)).not_valid_after(datetime(2099, 1, 1))
    return dated.sign(ec_key(), hashes.SHA256())


def openssh(cipher: bytes, kdf: bytes, private: bytes) -> bytes:
    """The framing of OpenSSH's PROTOCOL.key around made-up contents."""
    strings = [
        struct.pack(">I", len(part)) + part for part in (cipher, kdf, b"", b"public", private)
    ]
    data = b"openssh-key-v1\0" + b"".join(strings[:3]) + b"\0\0\0\1" + b"".join(strings[3:])
    return (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
        + base64.encodebytes(data)
        + b"-----END OPENSSH PRIVATE KEY-----\n"
    )


@contextmanager
def folder(files: dict[str, bytes], path: Path) -> Iterator[Files]:
    for name, data in files.items():
        (path / name).write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    try:
        yield FolderFiles(fd, Budget())
    finally:
        os.close(fd)


def search(path: Path, **files: bytes) -> tuple[tuple[PrivateKey, ...], tuple[Gap, ...]]:
    journal = Journal()
    with folder(files, path) as found:
        return private_keys(found, journal), journal.gaps


def only(path: Path, data: bytes) -> PrivateKey:
    keys, gaps = search(path, file=data)
    assert len(keys) == 1 and not gaps
    return keys[0]


@pytest.mark.parametrize(
    ("data", "form", "algorithm", "bits"),
    [
        (pem(rsa_key(), TRADITIONAL), "PEM", "RSA", 2048),
        (pem(rsa_key()), "PEM", "RSA", 2048),
        (pem(ec_key(), TRADITIONAL), "PEM", "EC", 256),
        (pem(dsa.generate_private_key(1024), TRADITIONAL), "PEM", "DSA", 1024),
        (pem(ed25519.Ed25519PrivateKey.generate()), "PEM", "Ed25519", 0),
        (pem(ec_key(), forms.PrivateFormat.OpenSSH), "OpenSSH", "OpenSSH", 0),
        (rsa_key().private_bytes(DER, TRADITIONAL, PLAIN), "DER PKCS#1", "RSA", 2048),
        (rsa_key().private_bytes(DER, PKCS8, PLAIN), "DER PKCS#8", "RSA", 2048),
        (ec_key().private_bytes(DER, TRADITIONAL, PLAIN), "DER SEC1", "EC", 256),
        (store(b"changeit"), "PKCS#12", "EC", 256),
        (store(b""), "PKCS#12", "EC", 256),
    ],
)
def test_a_key_of_every_kind_is_found(
    data: bytes, form: str, algorithm: str, bits: int, tmp_path: Path
) -> None:
    key = only(tmp_path, data)
    assert (key.form, key.algorithm, key.bits) == (form, algorithm, bits)
    assert (key.at.path, key.at.offset) == ("file", 0)


def test_the_fingerprint_is_the_same_in_every_form_and_no_byte_of_the_key_is_kept(
    tmp_path: Path,
) -> None:
    keys, _ = search(
        tmp_path,
        a=pem(rsa_key()),
        b=pem(rsa_key(), TRADITIONAL),
        c=rsa_key().private_bytes(DER, PKCS8, PLAIN),
        d=base64.b64encode(rsa_key().private_bytes(DER, TRADITIONAL, PLAIN)),
    )
    assert [key.at.path for key in keys] == ["a", "b", "c", "d"]
    assert len({key.fingerprint for key in keys}) == 1
    body = pem(rsa_key()).splitlines()[1].decode()
    assert not any(body[8:24] in repr(key) for key in keys)


def written(text: str) -> dict[str, bytes]:
    lines = text.strip().splitlines()
    return {
        "JSON": json.dumps({"key": text}).encode(),
        "JSON in JSON": json.dumps(json.dumps({"key": text})).encode(),
        "JSON of PHP": json.dumps(text).replace("/", "\\/").encode(),
        "joined strings": ('"' + '\\n" +\n  "'.join(lines) + '"').encode(),
        "a list of strings": ("['" + "',\n'".join(lines) + "']").encode(),
        "carriage returns": text.replace("\n", "\r\n").encode(),
        "indented": "".join(f"    {line}\n" for line in lines).encode(),
        "XML": f"<string>{text.replace(chr(10), '&#10;')}</string>".encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-16 behind a length": b"\xf0\x01" + text.encode("utf-16-le") + b"\0\0zz",
        "UTF-16 at an odd place": b"x" + text.encode("utf-16-le"),
        "code": b"\x7fELF\0\0" + text.encode() + b"\0\xff\xfe",
    }


@pytest.mark.parametrize("how", written("").keys())
def test_an_armour_is_read_however_it_is_written(how: str, tmp_path: Path) -> None:
    key = only(tmp_path, written(pem(ec_key()).decode())[how])
    assert (key.form, key.algorithm) == ("PEM", "EC")
    assert key.at.snippet == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("key", "form"), [(rsa_key(), PKCS8), (rsa_key(), TRADITIONAL), (ec_key(), PKCS8)]
)
def test_base64_without_an_armour_is_found(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: forms.PrivateFormat, tmp_path: Path
) -> None:
    text = base64.b64encode(key.private_bytes(DER, form, PLAIN))
    found = only(tmp_path, b'\xd0\x06const k = "' + text + b'";')
    assert found.form.startswith("base64 ")
    assert found.at.offset == 13


def test_two_keys_of_a_file_are_two(tmp_path: Path) -> None:
    keys, _ = search(tmp_path, file=pem(rsa_key()) + b"between" + pem(ec_key(), TRADITIONAL))
    assert [key.algorithm for key in keys] == ["RSA", "EC"]


@pytest.mark.parametrize("before", [MIB - 900, MIB - 10, MIB + 49_000, 3 * MIB - 40_000])
def test_a_key_across_the_blocks_of_a_file_is_found_once(before: int, tmp_path: Path) -> None:
    key = only(tmp_path, b"x" * before + pem(rsa_key()) + b"y" * MIB)
    assert key.at.offset == before


@pytest.mark.parametrize("password", ["changeit", "password", "android", "123456", "notasecret"])
def test_an_encrypted_key_that_a_known_password_opens_is_told_with_it(
    password: str, tmp_path: Path
) -> None:
    keys, _ = search(
        tmp_path,
        a=pem(ec_key(), PKCS8, password.encode()),
        b=pem(ec_key(), TRADITIONAL, password.encode()),
        c=store(password.encode()),
    )
    assert [key.at.snippet for key in keys] == [f"opens with a known password: {password}"] * 3


SILENT = {
    "a public key": rsa_key().public_key().public_bytes(PEM, forms.PublicFormat.PKCS1),
    "header words": b"\0".join(
        b"-----%s %sPRIVATE KEY%s-----" % each
        for each in (
            (b"BEGIN", b"RSA ", b""),
            (b"BEGIN", b"", b""),
            (b"END", b"", b""),
            (b"BEGIN", b"EC ", b""),
            (b"BEGIN", b"PGP ", b" BLOCK"),
        )
    ),
    "words for a body": b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----"
    % (b"no " * 50),
    "base64 that is no key": b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----"
    % base64.b64encode(bytes(600)),
    "an armour without an end": pem(rsa_key())[:700],
    "a locked key": pem(ec_key(), PKCS8, b"a password that nobody guesses"),
    "a locked traditional key": pem(rsa_key(), TRADITIONAL, b"a password that nobody guesses"),
    "a locked OpenSSH key": openssh(b"aes256-ctr", b"bcrypt", bytes(64)),
    "an OpenSSH key whose check numbers differ": openssh(b"none", b"none", bytes(range(64))),
    "a locked store": store(b"a password that nobody guesses"),
    "a store without a key": pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(certificate(), b"TEST ONLY")], PLAIN
    ),
    "a certificate": certificate().public_bytes(DER),
    "the printed sample": PRINTED,
    "an empty file": b"",
    "half a DER key": rsa_key().private_bytes(DER, PKCS8, PLAIN)[:-1],
}


@pytest.mark.parametrize("what", SILENT)
def test_what_is_no_open_private_key_is_silent(what: str, tmp_path: Path) -> None:
    assert search(tmp_path, file=SILENT[what]) == ((), ())


def openpgp(usage: int, *, new: bool = False) -> bytes:
    """A version 4 RSA secret key packet (RFC 9580 5.5.3) whose secret numbers are zeros."""
    numbers = b"".join(struct.pack(">H", bits) + b"\xff" * (bits // 8) for bits in (1024, 24))
    body = b"\x04" + bytes(4) + b"\x01" + numbers + bytes([usage]) + bytes(200)
    head = (
        b"\xc5\xff" + struct.pack(">I", len(body))
        if new
        else b"\x95" + struct.pack(">H", len(body))
    )
    text = base64.encodebytes(head + body).decode()
    return (
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: TEST ONLY\n\n{text}=abcd\n"
        "-----END PGP PRIVATE KEY BLOCK-----\n"
    ).encode()


@pytest.mark.parametrize("new", [False, True])
def test_an_openpgp_key_counts_unless_a_passphrase_protects_it(new: bool, tmp_path: Path) -> None:
    keys, gaps = search(tmp_path, open=openpgp(0, new=new), locked=openpgp(254, new=new))
    assert [(key.at.path, key.form) for key in keys] == [("open", "PGP")]
    assert not gaps


def test_an_openpgp_public_key_is_silent(tmp_path: Path) -> None:
    public = openpgp(0).replace(b"lQ", b"mQ", 1)  # tag 6 instead of 5
    assert public != openpgp(0)
    assert search(tmp_path, file=public) == ((), ())


def test_more_candidates_than_the_limit_are_a_gap_and_those_before_it_are_told(
    tmp_path: Path,
) -> None:
    many = pem(ec_key()) * (MAX_CANDIDATES_IN_FILE + 1)
    keys, gaps = search(tmp_path, many=many, one=pem(rsa_key()))
    assert len(keys) == MAX_CANDIDATES_IN_FILE + 1
    assert keys[-1].at.path == "one"
    assert [(gap.fact, gap.part) for gap in gaps] == [("private_keys", "many")]


def test_a_store_whose_password_takes_too_long_to_try_is_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="rounds"):
        from_pkcs12(store(b"changeit"), Patience(rounds=1_000))


def test_guesses_use_patience_up() -> None:
    patience = Patience()
    assert from_pkcs12(store(b"a password that nobody guesses"), patience) is None
    assert 0 < patience.rounds < Patience().rounds


# PKCS#8 of a Diffie-Hellman key with a generator of 0, of which OpenSSL can make no public key.
DH_WITHOUT_SENSE = bytes.fromhex(
    "305d" "020100" "3053" "06092a864886f70d010301" "3046" "024101" + "00" * 63 + "01" "020100"
    "0403" "020101"
)  # fmt: skip


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


def modular(oid: str, bits: int) -> bytes:
    """A PKCS#8 key whose public part is the power of so many bits modulo as many; no real key."""
    number = der(2, b"\1" + bytes(bits // 8 - 1) + b"\1")
    algorithm = der(0x30, der(6, bytes.fromhex(oid)), der(0x30, number, number, der(2, b"\3")))
    return der(0x30, b"\2\1\0", algorithm, der(4, number))


@pytest.mark.parametrize("oid", ["2a8648ce380401", "2a864886f70d010301", "2a8648ce3e0201"])
def test_a_key_that_takes_minutes_to_load_is_over_the_limit(oid: str) -> None:
    with pytest.raises(OverLimit, match="DSA or DH"):
        from_der(modular(oid, 32_000), Patience())
    body = base64.encodebytes(modular(oid, 32_000))
    with pytest.raises(OverLimit, match="DSA or DH"):
        from_pem("PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED\n\n" + body, Patience())


@pytest.mark.filterwarnings("ignore:Diffie-Hellman")
def test_a_key_that_openssl_fails_on_is_none() -> None:
    assert from_der(DH_WITHOUT_SENSE, Patience()) is None


@pytest.mark.parametrize(
    "piece",
    [
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n" + b"A" * 5_000,
        "-----BEGIN PRIVATE KEY-----".encode("utf-16-le"),
        b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        b"PRIVATE KEY",
        b"-",
        b"\0",
    ],
)
def test_hostile_repetition_costs_linear_time(piece: bytes, tmp_path: Path) -> None:
    spent = []
    for size in (4 * MIB, 16 * MIB):
        before = time.process_time()
        keys, _ = search(tmp_path, file=piece * (size // len(piece)))
        spent.append(time.process_time() - before)
        assert not keys
    assert spent[1] < 10 * spent[0] + 0.5


@given(st.binary(max_size=400), st.sampled_from(["PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]))
def test_arbitrary_bytes_give_no_key_and_no_error(data: bytes, label: str) -> None:
    patience = Patience()
    assert from_der(data, patience) is None
    assert from_pem(label, data, patience) is None


SEEDS = (
    ("PRIVATE KEY", ec_key().private_bytes(DER, PKCS8, PLAIN)),
    ("RSA PRIVATE KEY", rsa_key().private_bytes(DER, TRADITIONAL, PLAIN)),
    ("EC PRIVATE KEY", ec_key().private_bytes(DER, TRADITIONAL, PLAIN)),
    ("PRIVATE KEY", store(b"")),
    (
        "OPENSSH PRIVATE KEY",
        base64.b64decode(b"".join(pem(ec_key(), forms.PrivateFormat.OpenSSH).splitlines()[1:-1])),
    ),
    ("PGP PRIVATE KEY BLOCK", base64.b64decode(b"".join(openpgp(0).splitlines()[3:-2]))),
)


@settings(deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_a_damaged_key_gives_a_key_or_none(
    seed: tuple[str, bytes], changes: list[tuple[int, int]], cut: int
) -> None:
    label, data = seed
    damaged = bytearray(data[: len(data) - cut])
    for place, value in changes:
        damaged[place % len(damaged)] = value
    found = bytes(damaged)
    for parse in (
        partial(from_der, found),
        partial(from_pkcs12, found),
        partial(from_pem, label, base64.encodebytes(found)),
    ):
        try:
            key = parse(Patience(rounds=100_000))
        except OverLimit:
            continue
        assert key is None or len(key.fingerprint) == 8
