import hashlib
import io
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gate.formats.apk_signing import (
    BlockSigner,
    SigningBlock,
    Tagged,
    jar_signature_files,
    read_signing_block,
)
from gate.formats.errors import Malformed, OverLimit
from gate.formats.zip import read_directory
from tests.formats.write_zip import Member, write_zip

V2, V3, V31, PADDING = 0x7109871A, 0xF05368C0, 0x1B93AD61, 0x42726577
MAGIC = b"APK Sig Block 42"
DEX = Member(b"classes.dex", b"dex\n035\0")


def prefixed(*parts: bytes) -> bytes:
    """Parts, each with its length before it."""
    return b"".join(struct.pack("<L", len(part)) + part for part in parts)


def tagged(id_: int, value: bytes) -> bytes:
    return struct.pack("<L", id_) + prefixed(value)


def signer(
    *,
    certificates: tuple[bytes, ...] = (b"certificate",),
    digests: tuple[bytes, ...] = (tagged(0x103, b"digest"),),
    signatures: tuple[bytes, ...] = (tagged(0x103, b"signature"),),
    attributes: bytes | None = b"",
    sdks: bytes = b"",
    signed_sdks: bytes | None = None,
) -> bytes:
    signed = prefixed(prefixed(*digests), prefixed(*certificates))
    signed += sdks if signed_sdks is None else signed_sdks
    if attributes is not None:
        signed += prefixed(attributes)
    return prefixed(signed) + sdks + prefixed(prefixed(*signatures), b"public key")


def scheme_block(*signers: bytes) -> bytes:
    return prefixed(prefixed(*signers))


def signing_block(*pairs: tuple[int, bytes], before: int = 0, after: int = 0) -> bytes:
    """A block of these pairs; `before` and `after` are added to its two sizes."""
    body = b"".join(struct.pack("<QL", 4 + len(value), id_) + value for id_, value in pairs)
    return raw_block(body, before, after)


def raw_block(body: bytes, before: int = 0, after: int = 0) -> bytes:
    size = len(body) + 24
    return struct.pack("<Q", size + before) + body + struct.pack("<Q", size + after) + MAGIC


def read(block: bytes, max_size: int = 1 << 20) -> SigningBlock | None:
    return read_apk(write_zip(DEX, before_directory=block), max_size)


def read_apk(data: bytes, max_size: int = 1 << 20) -> SigningBlock | None:
    file = io.BytesIO(data)
    return read_signing_block(file, read_directory(file), max_size=max_size)


def found(*pairs: tuple[int, bytes]) -> SigningBlock:
    block = read(signing_block(*pairs))
    assert block
    return block


def tricks(block: SigningBlock) -> list[str]:
    return [anomaly.trick for anomaly in block.anomalies]


def test_an_archive_without_a_block_has_none() -> None:
    assert read(b"") is None
    assert read(MAGIC[:-1] + b"3") is None
    assert read_apk(write_zip(Member(b"a"))) is None


def test_a_v2_signer_is_read_whole() -> None:
    attribute = struct.pack("<L", 0xBEEFF00D) + b"\3\0\0\0"
    one = signer(certificates=(b"leaf", b"root"), attributes=prefixed(attribute))
    block = found((V2, scheme_block(one)))
    assert block.schemes == ("v2",)
    assert block.anomalies == ()
    assert block.signers == (
        BlockSigner(
            scheme="v2",
            certificates=(b"leaf", b"root"),
            digests=(Tagged(0x103, b"digest"),),
            attributes=(Tagged(0xBEEFF00D, b"\3\0\0\0"),),
            signatures=(Tagged(0x103, b"signature"),),
            public_key=b"public key",
            signed_data=one[4 : 4 + int.from_bytes(one[:4], "little")],
            min_sdk=None,
            max_sdk=None,
        ),
    )
    assert block.signers[0].algorithms == (0x103,)


def test_the_place_of_the_block_is_told() -> None:
    plain = write_zip(DEX).index(b"PK\1\2")
    raw = signing_block((V2, scheme_block(signer())))
    block = read(raw)
    assert block
    assert (block.offset, block.size) == (plain, len(raw))


def test_v3_signers_carry_their_sdk_bounds() -> None:
    sdks = struct.pack("<LL", 28, 0x7FFFFFFF)
    block = found(
        (V31, scheme_block(signer(sdks=struct.pack("<LL", 33, 99)))),
        (V3, scheme_block(signer(sdks=sdks), signer(sdks=sdks))),
    )
    assert block.schemes == ("v3", "v3.1")
    assert [(s.scheme, s.min_sdk, s.max_sdk) for s in block.signers] == [
        ("v3", 28, 0x7FFFFFFF),
        ("v3", 28, 0x7FFFFFFF),
        ("v3.1", 33, 99),
    ]
    assert block.anomalies == ()


def test_further_pairs_are_listed_by_id() -> None:
    block = found((PADDING, bytes(100)), (V2, scheme_block(signer())), (0x2146444E, b""))
    assert block.schemes == ("v2",)
    assert block.other_ids == (PADDING, 0x2146444E)


def test_a_block_without_a_scheme_signs_nothing() -> None:
    block = found((0x12345678, b"x"))
    assert (block.schemes, block.signers) == ((), ())


def test_a_v2_signer_may_have_no_attributes() -> None:
    assert found((V2, scheme_block(signer(attributes=None)))).signers[0].attributes == ()


def test_the_first_of_two_blocks_of_a_scheme_counts() -> None:
    block = found(
        (V2, scheme_block(signer(certificates=(b"first",)))),
        (V2, scheme_block(signer(certificates=(b"second",)))),
    )
    assert [s.certificates for s in block.signers] == [(b"first",)]
    assert tricks(block) == ["a second v2 signature block, which Android ignores"]


def test_a_scheme_without_a_signer_is_present_and_odd() -> None:
    block = found((V3, scheme_block()))
    assert (block.schemes, block.signers) == (("v3",), ())
    assert tricks(block) == ["no signer in its v3 block"]


def test_sdk_bounds_that_are_not_the_signed_ones_are_odd() -> None:
    one = signer(sdks=struct.pack("<LL", 28, 99), signed_sdks=struct.pack("<LL", 28, 30))
    block = found((V3, scheme_block(one)))
    assert tricks(block) == ["a v3 signer for other SDK versions than are signed"]


def test_signatures_without_their_digest_are_odd() -> None:
    block = found((V2, scheme_block(signer(digests=()))))
    assert tricks(block) == ["a v2 signer whose signatures and digests do not pair"]


def test_a_gap_after_the_directory_hides_the_block_from_android() -> None:
    block = signing_block((V2, scheme_block(signer())))
    odd = read_apk(write_zip(DEX, before_directory=block, after_directory=b"gap"))
    assert odd
    assert tricks(odd) == [
        "a signing block Android does not see: its ZIP directory has no end record after it"
    ]


def test_an_entry_inside_the_block_is_odd() -> None:
    hidden = write_zip(Member(b"a", b"x")).partition(b"PK\1\2")[0]
    at = len(write_zip(DEX, Member(b"a")).partition(b"PK\1\2")[0]) + 20
    block = signing_block((PADDING, hidden))
    data = write_zip(
        DEX, Member(b"a", b"x", raw=b"", central={"offset": at}), before_directory=block
    )
    odd = read_apk(data)
    assert odd
    assert [(a.entry, a.trick) for a in odd.anomalies] == [
        ("a", "lies in the APK Signing Block, which no signature covers")
    ]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (signing_block((V2, b""), before=1), "gives its size as 37 before and 36 after it"),
        (signing_block(after=-1), "does not fit"),
        (signing_block(after=100_000), "does not fit"),
        (raw_block(b"")[8:], "before and 24 after it"),
        (struct.pack("<Q", 1 << 63) * 2 + MAGIC, "does not fit"),
        (raw_block(b"\0" * 7), "ends inside 8 bytes"),
        (raw_block(struct.pack("<QL", 5, V2)), "longer than what holds it"),
        (raw_block(struct.pack("<QL", 1 << 63, V2)), "longer than what holds it"),
        (raw_block(struct.pack("<QL", 3, V2)), "ends inside 4 bytes"),
        (signing_block((V2, b"")), "APK Signing Block ends inside 4 bytes"),
        (signing_block((V2, prefixed(prefixed(b"")))), "ends inside 4 bytes"),
        (signing_block((V2, struct.pack("<L", 0xFFFFFFFF))), "v2 block of 4294967295 bytes"),
        (signing_block((V3, scheme_block(signer()))), "v3 signed data ends inside 4 bytes"),
        (signing_block((V2, scheme_block(signer(signatures=(b"abc",))))), "v2 signature ends"),
        (signing_block((V2, scheme_block(signer(digests=(bytes(4),))))), "v2 digest ends"),
        (signing_block((V2, scheme_block(signer(attributes=prefixed(b"abc"))))), "v2 attribute"),
        (signing_block((V2, scheme_block(signer(attributes=b"abc")))), "v2 attributes ends"),
    ],
)
def test_a_block_that_does_not_add_up_is_malformed(block: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read(block)


def test_limits_hold_and_one_more_is_refused() -> None:
    raw = signing_block((V2, scheme_block(signer())))
    assert read(raw, max_size=len(raw) - 8)
    with pytest.raises(OverLimit, match="more than"):
        read(raw, max_size=len(raw) - 9)
    assert len(found(*[(1, b"")] * 10_000).other_ids) == 10_000
    with pytest.raises(OverLimit, match="more than 10000 pairs"):
        found(*[(1, b"")] * 10_001)
    most = found((V2, scheme_block(signer(certificates=(b"",) * 1000))))
    assert len(most.signers[0].certificates) == 1000
    with pytest.raises(OverLimit, match="v2 certificates holds more than 1000 parts"):
        found((V2, scheme_block(signer(certificates=(b"",) * 1001))))


def read_or_malformed(block: bytes) -> None:
    try:
        result = read(block)
    except Malformed:
        return
    assert result is None or {s.scheme for s in result.signers} <= set(result.schemes)


@given(st.binary(max_size=300))
def test_arbitrary_blocks_are_read_or_malformed(data: bytes) -> None:
    read_or_malformed(data + MAGIC)
    read_or_malformed(raw_block(data))
    read_or_malformed(signing_block((V2, data), (V31, data)))
    read_or_malformed(signing_block((V3, prefixed(prefixed(data)))))


@given(
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
def test_mutated_blocks_are_read_or_malformed(changes: list[tuple[float, bytes]]) -> None:
    sdks = struct.pack("<LL", 28, 99)
    data = signing_block((V2, scheme_block(signer())), (V3, scheme_block(signer(sdks=sdks))))
    for where, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + len(new) :]
    read_or_malformed(data)


MANIFEST = "META-INF/MANIFEST.MF"


@pytest.mark.parametrize("kind", ["RSA", "DSA", "EC", "rsa", "Ec"])
def test_a_jar_signature_is_a_block_file_beside_its_signature_file(kind: str) -> None:
    names = ["classes.dex", MANIFEST, "META-INF/CERT.SF", f"META-INF/CERT.{kind}"]
    assert jar_signature_files(names) == (f"META-INF/CERT.{kind}",)


def test_every_jar_signer_is_named_in_the_order_of_the_archive() -> None:
    names = ["META-INF/B.RSA", "META-INF/A.EC", "META-INF/a.sf", "META-INF/B.SF", MANIFEST]
    assert jar_signature_files(iter(names)) == ("META-INF/B.RSA", "META-INF/A.EC")


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["META-INF/CERT.SF", "META-INF/CERT.RSA"],
        [MANIFEST, "META-INF/CERT.RSA"],
        [MANIFEST, "META-INF/CERT.SF"],
        [MANIFEST, "META-INF/OTHER.SF", "META-INF/CERT.RSA"],
        [MANIFEST, "META-INF/x/CERT.SF", "META-INF/CERT.RSA"],
        ["meta-inf/MANIFEST.MF", "meta-inf/CERT.SF", "meta-inf/CERT.RSA"],
        [MANIFEST, "a/META-INF/CERT.SF", "a/META-INF/CERT.RSA"],
        [MANIFEST, "META-INF/CERT.SF", "META-INF/CERT.RSA.txt"],
    ],
)
def test_files_that_only_resemble_a_jar_signature_are_none(names: list[str]) -> None:
    assert jar_signature_files(names) == ()


def key_and_certificate(folder: Path) -> tuple[Path, Path, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signing test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2054, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "key.pk8", folder / "certificate.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file, certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("apksigner"), reason="apksigner is not installed")
def test_certificates_are_those_apksigner_signs_with_and_prints(tmp_path: Path) -> None:
    key, certificate, der = key_and_certificate(tmp_path)
    apk = tmp_path / "app.apk"
    apk.write_bytes(write_zip(Member(b"AndroidManifest.xml", b"none"), DEX))
    command: list[str | Path] = [
        "apksigner",
        "sign",
        "--key",
        key,
        "--cert",
        certificate,
        "--v4-signing-enabled",
    ]
    command += ["false", "--v1-signing-enabled", "true", "--min-sdk-version", "23", apk]
    subprocess.run(command, check=True, capture_output=True)
    data = apk.read_bytes()
    block = read_apk(data)
    assert block
    assert block.schemes == ("v2", "v3")
    assert [s.certificates for s in block.signers] == [(der,), (der,)]
    assert [s.algorithms for s in block.signers] == [(0x201,), (0x201,)]  # ECDSA with SHA-256
    assert block.anomalies == ()
    names = [entry.name for entry in read_directory(io.BytesIO(data)).entries]
    assert jar_signature_files(names) == ("META-INF/KEY.EC",)
    verify: list[str | Path] = [
        "apksigner",
        "verify",
        "--print-certs",
        "--min-sdk-version",
        "23",
        apk,
    ]
    printed = subprocess.run(verify, check=True, capture_output=True, text=True).stdout
    assert hashlib.sha256(der).hexdigest() in printed
