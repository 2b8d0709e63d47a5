"""A signer of APKs for tests, which can lie: schemes v1, v2, v3 and v3.1 by `cryptography`."""

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from tests.formats.write_signing import certificate, der, rsa_key
from tests.formats.write_zip import Member, write_zip

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey
PAIRS = {"v2": 0x7109871A, "v3": 0xF05368C0, "v3.1": 0x1B93AD61}
SHA512 = (0x102, 0x104, 0x202)
VERITY = (0x421, 0x423, 0x425)
STAMPS = {"v1": 0x2B09189E, "v2": 0x6DFF800D}
SCHEME_NUMBERS = {"jar": 1, "v2": 2, "v3": 3, "v31": 31}
MANIFEST = b"META-INF/MANIFEST.MF"


@cache
def second_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def dsa_key() -> dsa.DSAPrivateKey:
    return dsa.generate_private_key(1024)


def public(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def own_certificate(key: Key) -> bytes:
    return der(certificate(key))


def prefixed(*parts: bytes) -> bytes:
    return b"".join(struct.pack("<L", len(part)) + part for part in parts)


def tagged(id_: int, value: bytes) -> bytes:
    return struct.pack("<L", id_) + prefixed(value)


def sign(key: Key, algorithm: int, data: bytes) -> bytes:
    function = hashes.SHA512() if algorithm in SHA512 else hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(function))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(data, function)
    if algorithm in (0x101, 0x102):
        return key.sign(data, padding.PSS(padding.MGF1(function), function.digest_size), function)
    return key.sign(data, padding.PKCS1v15(), function)


def chunked(name: str, *parts: bytes) -> bytes:
    """The digest of the format's description, written down once more for the tests."""
    chunks = [part[at : at + 1048576] for part in parts for at in range(0, len(part), 1048576)]
    digests = [
        hashlib.new(name, b"\xa5" + struct.pack("<L", len(chunk)) + chunk).digest()
        for chunk in chunks
    ]
    head = b"\x5a" + struct.pack("<L", len(chunks))
    return hashlib.new(name, head + b"".join(digests)).digest()


def verity(*parts: bytes) -> bytes:
    data = b"".join(parts)
    level = data
    while True:
        level += bytes(-len(level) % 4096)
        pages = [level[at : at + 4096] for at in range(0, len(level), 4096)]
        level = b"".join(hashlib.sha256(bytes(8) + page).digest() for page in pages)
        if len(level) <= 4096:
            top = level + bytes(-len(level) % 4096)
            return hashlib.sha256(bytes(8) + top).digest() + struct.pack("<Q", len(data))


def content_digest(algorithm: int, parts: tuple[bytes, ...]) -> bytes:
    if algorithm in VERITY:
        return verity(*parts)
    return chunked("sha512" if algorithm in SHA512 else "sha256", *parts)


@dataclass(frozen=True)
class Signer:
    """One signer; what is not None replaces what an honest one writes."""

    key: Key = field(default_factory=rsa_key)
    algorithms: tuple[int, ...] = (0x103,)
    certificates: tuple[bytes, ...] | None = None
    public_key: bytes | None = None
    digests: Mapping[int, bytes] | None = None
    signatures: Mapping[int, bytes] | None = None
    attributes: tuple[tuple[int, bytes], ...] | None = ()
    sdks: tuple[int, int] = (28, 0x7FFFFFFF)
    signed_sdks: tuple[int, int] | None = None

    def encoded(self, scheme: str, parts: tuple[bytes, ...]) -> bytes:
        digests = self.digests
        if digests is None:
            digests = {each: content_digest(each, parts) for each in self.algorithms}
        chain = self.certificates
        if chain is None:
            chain = (own_certificate(self.key),)
        signed = prefixed(prefixed(*(tagged(*pair) for pair in digests.items())), prefixed(*chain))
        bounds = b"" if scheme == "v2" else struct.pack("<LL", *self.sdks)
        if scheme != "v2":
            signed += struct.pack("<LL", *(self.signed_sdks or self.sdks))
        if self.attributes is not None:
            each = (struct.pack("<L", id_) + value for id_, value in self.attributes)
            signed += prefixed(prefixed(*each))
        signatures = self.signatures
        if signatures is None:
            signatures = {each: sign(self.key, each, signed) for each in self.algorithms}
        listed = prefixed(*(tagged(*pair) for pair in signatures.items()))
        key = public(self.key) if self.public_key is None else self.public_key
        return prefixed(signed) + bounds + prefixed(listed, key)


def signing_block(pairs: list[tuple[int, bytes]], pad_to: int = 0) -> bytes:
    body = b"".join(struct.pack("<QL", 4 + len(value), id_) + value for id_, value in pairs)
    if pad_to:
        missing = -(len(body) + 32 + 12) % pad_to
        body += struct.pack("<QL", 4 + missing, 0x42726577) + bytes(missing)
    size = struct.pack("<Q", len(body) + 24)
    return size + body + size + b"APK Sig Block 42"


def apk(
    *members: Member,
    comment: bytes = b"",
    page: int = 0,
    stamp: "Stamp | None" = None,
    **schemes: tuple[Signer, ...],
) -> bytes:
    """The members in an archive signed by the schemes (`v2`, `v3`, `v31`)."""
    if page:
        at = write_zip(*members).index(b"PK\1\2") + 30 + 3
        members = (*members, Member(b"pad", bytes(-at % page)))
    plain = write_zip(*members, comment=comment)
    directory, end = plain.index(b"PK\1\2"), plain.rindex(b"PK\5\6")
    parts = plain[:directory], plain[directory:end], plain[end:]
    pairs = []
    for name, signers in schemes.items():
        scheme = "v3.1" if name == "v31" else name
        encoded = (signer.encoded(scheme, parts) for signer in signers)
        pairs.append((PAIRS[scheme], prefixed(prefixed(*encoded))))
    if stamp is not None:
        signed = {name: content_digest(0x103, parts) for name in schemes}
        pairs.append((STAMPS[stamp.scheme], prefixed(stamp.encoded(signed))))
    block = signing_block(pairs, page)
    return write_zip(*members, comment=comment, before_directory=block)


def lineage(*keys: Key, algorithm: int = 0x103, broken: bool = False) -> bytes:
    """A proof of rotation from the first key to the last."""
    nodes = []
    for index, key in enumerate(keys):
        signed = prefixed(own_certificate(key)) + struct.pack("<L", algorithm if index else 0)
        signature = sign(keys[index - 1], algorithm, signed) if index else b""
        if broken and index:
            signature = bytes([signature[0] ^ 1]) + signature[1:]
        following = algorithm if index + 1 < len(keys) else 0
        nodes.append(prefixed(signed) + struct.pack("<LL", 0, following) + prefixed(signature))
    return struct.pack("<L", 1) + prefixed(*nodes)


@dataclass(frozen=True)
class Stamp:
    """A source stamp by `key`; `jar` is the SHA-256 of the manifest of a JAR signature."""

    key: Key = field(default_factory=second_rsa_key)
    scheme: str = "v2"
    algorithm: int = 0x103
    jar: bytes | None = None
    leave_out: tuple[str, ...] = ()
    attributes: tuple[tuple[int, bytes], ...] | None = None
    broken: bool = False

    @property
    def entry(self) -> Member:
        """The entry that names the certificate."""
        return Member(b"stamp-cert-sha256", hashlib.sha256(own_certificate(self.key)).digest())

    def encoded(self, digests: Mapping[str, bytes]) -> bytes:
        """The stamp over the SHA-256 digests of the signature schemes."""
        lists = {name: tagged(1, digest) for name, digest in digests.items()}
        if self.jar is not None:
            lists["jar"] = tagged(4, self.jar)
        signed = {name: prefixed(self.signatures(prefixed(each))) for name, each in lists.items()}
        head = prefixed(own_certificate(self.key))
        if self.scheme == "v1":
            return head + signed[max(signed)]
        schemes = (
            struct.pack("<L", SCHEME_NUMBERS[name]) + each
            for name, each in signed.items()
            if name not in self.leave_out
        )
        body = head + prefixed(prefixed(*schemes))
        if self.attributes is None:
            return body
        listed = prefixed(
            prefixed(*(struct.pack("<L", id_) + value for id_, value in self.attributes))
        )
        return body + prefixed(listed, self.signatures(listed))

    def signatures(self, data: bytes) -> bytes:
        made = sign(self.key, self.algorithm, data)
        made = bytes([made[0] ^ 1]) + made[1:] if self.broken else made
        return prefixed(tagged(self.algorithm, made))


def page_tree(data: bytes, salt: bytes = b"") -> tuple[bytes, bytes]:
    """The root of the hash tree over pages of 4 KiB, and the tree as files hold it."""
    levels: list[bytes] = []
    while not levels or len(data) > 4096:
        data += bytes(-len(data) % 4096)
        pages = (data[at : at + 4096] for at in range(0, len(data), 4096))
        data = b"".join(hashlib.sha256(salt + page).digest() for page in pages)
        levels.insert(0, data + bytes(-len(data) % 4096))
    return hashlib.sha256(salt + levels[0]).digest(), b"".join(levels)


@dataclass(frozen=True)
class Idsig:
    """A signer of .idsig files; what is not None replaces what an honest one writes."""

    key: Key = field(default_factory=rsa_key)
    algorithm: int = 0x103
    certificate: bytes | None = None
    public_key: bytes | None = None
    signature: bytes | None = None
    apk_digest: bytes | None = None
    additional: bytes = b""
    salt: bytes = b""
    root: bytes | None = None
    tree: bytes | None = None
    with_tree: bool = True
    hashing: tuple[int, int] = (1, 12)
    version: int = 2
    blocks: tuple[tuple[int, "Idsig"], ...] = ()

    def encoded(self, apk: bytes, contents: bytes) -> bytes:
        """The file for `apk`, whose signatures sign the digest `contents`."""
        root, tree = page_tree(apk, self.salt.ljust(64, b"\0") if self.salt else b"")
        root = root if self.root is None else self.root
        tree = tree if self.tree is None else self.tree
        hashing = struct.pack("<LB", *self.hashing) + prefixed(self.salt, root)
        infos = self.info(apk, contents, hashing)
        for block_id, other in self.blocks:
            infos += tagged(block_id, other.info(apk, contents, hashing))
        head = struct.pack("<L", self.version) + prefixed(hashing, infos)
        return head + (prefixed(tree) if self.with_tree else b"")

    def info(self, apk: bytes, contents: bytes, hashing: bytes) -> bytes:
        certificate = self.certificate
        certificate = own_certificate(self.key) if certificate is None else certificate
        digest = contents if self.apk_digest is None else self.apk_digest
        fields = prefixed(digest, certificate, self.additional)
        signed = struct.pack("<LQ", 12 + len(hashing) + len(fields), len(apk)) + hashing + fields
        signature = self.signature
        signature = sign(self.key, self.algorithm, signed) if signature is None else signature
        key = public(self.key) if self.public_key is None else self.public_key
        return fields + prefixed(key) + tagged(self.algorithm, signature)


def base64_digest(name: str, data: bytes) -> bytes:
    return base64.b64encode(hashlib.new(name, data).digest())


def manifest(entries: Mapping[bytes, bytes], *names: str) -> bytes:
    """MANIFEST.MF with the digests of the entries by each algorithm of hashlib."""
    lines = [b"Manifest-Version: 1.0\r\n\r\n"]
    for path, data in entries.items():
        lines.append(b"Name: " + path + b"\r\n")
        lines += [
            ATTRIBUTE[name] + b"-Digest: " + base64_digest(name, data) + b"\r\n" for name in names
        ]
        lines.append(b"\r\n")
    return b"".join(lines)


ATTRIBUTE = {
    "md5": b"MD5",
    "sha1": b"SHA1",
    "sha256": b"SHA-256",
    "sha384": b"SHA-384",
    "sha512": b"SHA-512",
}


def signature_file(
    data: bytes, *names: str, main: bytes = b"", sections: bool = True, whole: bool = True
) -> bytes:
    """A .SF file about the manifest; `main` are further lines of its main section."""
    head, *rest = [section + b"\r\n\r\n" for section in data.split(b"\r\n\r\n") if section]
    lines = [b"Signature-Version: 1.0\r\n"]
    if whole:
        lines += [
            ATTRIBUTE[name] + b"-Digest-Manifest: " + base64_digest(name, data) + b"\r\n"
            for name in names
        ]
    lines += [main, b"\r\n"]
    for section in rest if sections else []:
        lines.append(section.partition(b"\r\n")[0] + b"\r\n")
        lines += [
            ATTRIBUTE[name] + b"-Digest: " + base64_digest(name, section) + b"\r\n"
            for name in names
        ]
        lines.append(b"\r\n")
    return b"".join(lines)


def signature_block(
    sf: bytes,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    *,
    attributes: bool = False,
    function: hashes.SHA256 | hashes.SHA512 | None = None,
) -> bytes:
    key = key or rsa_key()
    made = x509.load_der_x509_certificate(own_certificate(key))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(sf)
    builder = builder.add_signer(made, key, function or hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    if not attributes:
        options.append(pkcs7.PKCS7Options.NoAttributes)
    return builder.sign(Encoding.DER, options)


def jar(
    entries: Mapping[bytes, bytes],
    mf: bytes | None = None,
    sf: bytes | None = None,
    block: bytes | None = None,
    *names: str,
) -> tuple[Member, ...]:
    """The members of an archive with a JAR signature by RSA and SHA-256, or what is given."""
    mf = manifest(entries, *(names or ("sha256",))) if mf is None else mf
    sf = signature_file(mf, *(names or ("sha256",))) if sf is None else sf
    block = signature_block(sf) if block is None else block
    return (
        *(Member(path, data) for path, data in entries.items()),
        Member(MANIFEST, mf),
        Member(b"META-INF/CERT.SF", sf),
        Member(b"META-INF/CERT.RSA", block),
    )
