"""One signer of a JAR signature: its signature block over its .SF file, and that over the manifest.

The rules are those of AOSP tools/apksig, V1SchemeVerifier.Signer, level by level. Each reason is a
plain sentence without a full stop.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from gate.formats import ber, cms, verify, x509
from gate.formats.errors import Malformed, OverLimit
from gate.formats.jar_algorithms import DIGEST_OIDS, JDK, SIGNATURE_OIDS, is_supported
from gate.formats.jar_manifest import (
    NamedDigest,
    Section,
    expected_digest,
    read_sections,
    standard_digests,
)
from gate.frozen import dataclass

_CONTENT_TYPE: Final = bytes.fromhex("2a864886f70d010903")  # RFC 5652 section 11.1
_MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")  # section 11.2
_KITKAT, _NOUGAT = 19, 24


class Refused(Exception):
    """Android refuses the file for this signer; the message says why."""


class Ignored(Exception):
    """Android takes no notice of this signer; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """MANIFEST.MF: its bytes, its main section and the others by the entry they are about."""

    data: bytes
    main: Section | None
    sections: Mapping[str, Section]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A signer that some API level takes notice of.

    `certificates` are its own and then the others of the bag; `digests` are pairs of the file that
    holds a digest which counted, and its algorithm; `entry_names` are those of the .SF file.
    """

    block_path: str
    sf_path: str
    certificates: tuple[bytes, ...]
    digests: tuple[tuple[str, str], ...]
    entry_names: frozenset[str]


@dataclass(slots=True)
class JarSigner:
    """A signature block file and its .SF file, by their entry names and contents."""

    block_path: str
    sf_path: str
    block: bytes
    sf: bytes
    _names: frozenset[str] = frozenset()
    _known: dict[tuple[bool, bool, frozenset[int]], tuple[str, ...] | Ignored | Refused] = field(
        default_factory=dict
    )
    _verified: dict[tuple[int, bool, bool], bool | Refused] = field(default_factory=dict)
    _main: Section | None = None
    _sections: list[Section] = field(default_factory=list)
    _infos: tuple[cms.SignerInfo, ...] = ()
    _hashes: dict[str, bytes] = field(default_factory=dict)

    def read(self) -> None:
        """Take both files apart; `Refused` where the signature block cannot be."""
        try:
            self._infos = cms.signers(self.block)
            for certificate in cms.certificates(self.block):
                x509.public_key(certificate)
        except OverLimit:
            raise
        except Malformed as cause:
            raise Refused(f"{self.block_path} cannot be read: {cause.reason}") from cause
        if not self._infos:
            raise Refused(f"{self.block_path} holds no signature")
        sections = read_sections(self.sf)
        self._main = next(sections, None)
        self._sections = list(sections)
        self._names = frozenset(each.name for each in self._sections if each.name is not None)

    def accepted(self, manifest: Manifest, level: int, missing: frozenset[int]) -> Accepted:
        """
        Verify both files as Android of this level does, or raise `Refused` or `Ignored`.

        `missing` are the schemes that this level knows and did not find: a .SF file that announces
        one shows that it was stripped.
        """
        certificate, digest = self._verified_block(level)
        # What a level makes of the .SF file depends on no more than this.
        era = (level >= 9, level >= 18, missing)
        if era not in self._known:
            try:
                self._known[era] = self._verified_manifest(manifest, level, missing)
            except (Refused, Ignored) as outcome:
                self._known[era] = outcome
        known = self._known[era]
        if isinstance(known, Exception):
            raise known
        others = (each for each in cms.certificates(self.block) if each != certificate)
        uses = ((self.block_path, digest), *((self.sf_path, each) for each in known))
        return Accepted(self.block_path, self.sf_path, (certificate, *others), uses, self._names)

    def refuse(self, level: int) -> None:
        """Raise `Refused` where the signature block does not verify over the .SF file."""
        self._verified_block(level)

    def _verified_block(self, level: int) -> tuple[bytes, str]:
        """The certificate and digest algorithm of the SignerInfo that counts, or `Refused`.

        Before Android 7 only the first SignerInfo counts; since then the first that verifies.
        """
        infos = self._infos if level >= _NOUGAT else self._infos[:1]
        for index, info in enumerate(infos):
            algorithms = self._algorithms(info, level)
            key = (index, level >= _KITKAT, level >= _NOUGAT)
            if key not in self._verified:
                try:
                    self._verified[key] = self._verifies(info, algorithms, level)
                except Refused as refused:
                    self._verified[key] = refused
            verified = self._verified[key]
            if isinstance(verified, Refused):
                raise verified
            if verified and info.certificate is not None:
                return info.certificate, algorithms[1]
        raise Refused(f"the signature in {self.block_path} does not verify over {self.sf_path}")

    def _algorithms(self, info: cms.SignerInfo, level: int) -> tuple[str, str, str]:
        """Kind of the key, digest algorithm, and the one that the signature is made with."""
        digest = DIGEST_OIDS.get(info.digest_algorithm, "")
        kind, own = SIGNATURE_OIDS.get(info.signature_algorithm, ("", ""))
        if not digest or not kind or not is_supported(kind, digest, own, level):
            pair = f"{digest or 'an unknown digest'} with {own} {kind or 'an unknown algorithm'}"
            signed = f"{self.block_path} is signed by {' '.join(pair.split())}"
            if level != JDK:
                raise Refused(f"{signed}, which Android of API level {level} does not take")
            if digest and kind:
                raise Refused(f"{signed}, which the JDK does not take")
            raise Malformed(f"{signed}, which the gate cannot verify")  # the JDK knows more
        return kind, digest, own or digest

    def _verifies(self, info: cms.SignerInfo, algorithms: tuple[str, str, str], level: int) -> bool:
        kind, digest, used = algorithms
        key = x509.public_key(self._certificate(info))
        if info.attributes is None:
            hashed = self._sf_digest(used)
        elif self._attributes_fit(info, digest, level):
            hashed = verify.digest(used, info.attribute_bytes)
        else:
            return False
        return not verify.refusal(key, kind, used, info.signature, hashed)

    def _certificate(self, info: cms.SignerInfo) -> bytes:
        if info.certificate is None:
            raise Refused(f"{self.block_path} does not hold its signer's certificate")
        try:
            objection = x509.signing_objection(info.certificate)
        except Malformed as cause:
            raise Refused(f"{self.block_path} has a bad certificate: {cause.reason}") from cause
        if objection:
            raise Refused(f"{self.block_path} does not count: {objection}")
        return info.certificate

    def _attributes_fit(self, info: cms.SignerInfo, digest: str, level: int) -> bool:
        """Whether the signed attributes are about the .SF file."""
        if level < _KITKAT:
            raise Refused(
                f"{self.block_path} has signed attributes, which Android before 4.4 does not check"
            )
        assert info.attributes is not None
        attributes = dict(info.attributes)
        if len(attributes) < len(info.attributes):
            raise Refused(f"{self.block_path} has a signed attribute twice")
        if level >= _NOUGAT:
            kind = self._single(attributes, _CONTENT_TYPE, ber.OBJECT_IDENTIFIER)
            if kind != info.content_type:
                return False
        expected = self._single(attributes, _MESSAGE_DIGEST, ber.OCTET_STRING)
        return expected == self._sf_digest(digest)

    def _single(self, attributes: dict[bytes, tuple[bytes, ...]], oid: bytes, tag: int) -> bytes:
        values = attributes.get(oid, ())
        if len(values) != 1:
            raise Refused(
                f"{self.block_path} has {len(values)} values of a signed attribute that needs one"
            )
        value = ber.element(values[0], 0, len(values[0]))
        if value.tag != tag:
            raise Refused(f"{self.block_path} has a signed attribute of another type")
        return values[0][value.body : value.body_end]

    def _sf_digest(self, algorithm: str) -> bytes:
        if algorithm not in self._hashes:
            self._hashes[algorithm] = verify.digest(algorithm, self.sf)
        return self._hashes[algorithm]

    def _verified_manifest(
        self, manifest: Manifest, level: int, missing: frozenset[int]
    ) -> tuple[str, ...]:
        """The algorithms by which the .SF file vouches for MANIFEST.MF."""
        used: dict[str, None] = {}
        main = self._main
        if main is None or "signature-version" not in main.attributes:
            raise Ignored(f"{self.sf_path} has no Signature-Version")
        if stripped := announced_schemes(main) & missing:
            raise Refused(
                f"{self.sf_path} says that the file is signed with APK Signature Scheme "
                f"v{min(stripped)}, of which there is no signature"
            )
        signtool = level != JDK and "signtool" in main.attributes.get("created-by", "")
        whole = self._expected(main, "-digest" if signtool else "-digest-manifest", level)
        # One that is wrong is no error yet: the digests of the sections may be right.
        is_whole = whole is not None and _digest_of(manifest.data, whole) == whole.value
        used |= {whole.algorithm: None} if whole and is_whole else {}
        if not signtool and manifest.main is not None:
            suffix = "-digest-manifest-main-attributes"
            used |= self._part(main, suffix, manifest, manifest.main, level)
        seen: set[str] = set()
        for section in self._sections:
            if section.name is None:
                raise Ignored(f"{self.sf_path} has a section without a name")
            if section.name in seen:
                raise Ignored(f"{self.sf_path} has two sections about {section.name[:200]!r}")
            seen.add(section.name)
            if not is_whole:
                used |= self._section(section, manifest, level, signtool=signtool)
        return tuple(used)

    def _section(
        self, section: Section, manifest: Manifest, level: int, *, signtool: bool
    ) -> dict[str, None]:
        name = section.name or ""
        target = manifest.sections.get(name)
        if target is None:
            raise Ignored(f"{self.sf_path} is about {name[:200]!r}, which MANIFEST.MF is not")
        end = target.end
        if signtool and manifest.data[target.start : end].endswith(b"\n\n"):
            end -= 1  # Mozilla's signtool left the empty line out
        target = Section(target.start, end, target.name, target.attributes)
        used = self._part(section, "-digest", manifest, target, level)
        if not used:
            raise Refused(f"{self.sf_path} has no digest for {name[:200]!r}")
        return used

    def _part(
        self, section: Section, suffix: str, manifest: Manifest, target: Section, level: int
    ) -> dict[str, None]:
        """Compare the digest of a part of the manifest; {} where there is none to compare."""
        expected = self._expected(section, suffix, level)
        if expected is None:
            return {}
        if _digest_of(manifest.data[target.start : target.end], expected) != expected.value:
            about = "its main section" if target.name is None else repr(target.name[:200])
            raise Refused(
                f"the {expected.algorithm} digest of {about} in MANIFEST.MF "
                f"is not the one in {self.sf_path}"
            )
        return {expected.algorithm: None}

    def _expected(self, section: Section, suffix: str, level: int) -> NamedDigest | None:
        try:
            if level == JDK:
                return next(iter(standard_digests(section, suffix)), None)
            return expected_digest(section, suffix, level)
        except Malformed as cause:
            raise Refused(f"{self.sf_path} has a {cause.reason}") from cause


def _digest_of(data: bytes, expected: NamedDigest) -> bytes:
    return verify.digest(expected.algorithm, data)


def announced_schemes(main: Section) -> frozenset[int]:
    """The newer schemes that X-Android-APK-Signed says the file is signed with."""
    return frozenset(_numbers(main.attributes.get("x-android-apk-signed", "")))


def _numbers(text: str) -> Iterator[int]:
    for each in text.split(","):
        number = each.strip()
        if number.isascii() and number.isdecimal() and len(number) < 10:
            yield int(number)
