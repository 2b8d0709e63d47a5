"""Who signed a build, and how."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gate.frozen import dataclass


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
    """One signer of one scheme (v1, v2, v3, v3.1, v4), its own certificate first."""

    scheme: str
    certificates: tuple[Certificate, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Signing:
    """The signatures that an APK carries, present but not yet verified; v4 lies beside it."""

    schemes: tuple[str, ...]
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class DigestUse:
    """A digest that a verdict rests on: where it stands and by which algorithm it is made.

    `place` is `contents` for v2 and later, and for v1 `MANIFEST.MF` (digests of entries), the path
    of a .SF file (digests of the manifest) or of a signature block file (what its SignerInfo
    signs). `algorithm` is `MD5`, `SHA-1`, `SHA-224` and so on; `SHA-256 (verity)` for a hash tree.
    """

    place: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class RangeVerdict:
    """What Android makes of the signature on the API levels `from_api` to `to_api`, inclusive.

    `scheme` is the one that these levels read (v1, v2, v3, v3.1), "" where the file has none for
    them. `reason` is a plain sentence without a full stop, "" where the signature verifies;
    `demanded` tells that it is a demand of the manifest which no signature here meets.
    """

    from_api: int
    to_api: int
    scheme: str
    verified: bool
    reason: str
    demanded: bool = False
    signers: tuple[Signer, ...] = ()
    digests: tuple[DigestUse, ...] = ()

    @property
    def levels(self) -> str:
        """The API levels in words."""
        return levels_in_words(self.from_api, self.to_api)


@dataclass(frozen=True, slots=True)
class SchemeVerdict:
    """What the levels that read one scheme make of it; one that no level reads has no verdict.

    `min_sdk` and `max_sdk` are the lowest and highest supported API level that reads it, None
    where none does; `errors` are the reasons of those that refuse it, lowest level first.
    `file_sha256` is of the file that holds it where that is not the APK (v4, the .idsig).
    """

    scheme: str
    verified: bool
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    signers: tuple[Signer, ...]
    digests: tuple[DigestUse, ...]
    min_sdk: int | None
    max_sdk: int | None
    file_sha256: str = ""


@dataclass(frozen=True, slots=True)
class SourceStamp:
    """A source stamp, by which a store marks what it hands out; no Android version reads it.

    `scheme` is v1 or v2, "" where the APK Signing Block has none; `certificate` and `listed` are
    the SHA-256 of the stamp's certificate and what the entry stamp-cert-sha256 says it is, in
    lower-case hexadecimal, "" where absent. `reason` is a plain sentence without a full stop, ""
    where the stamp verifies.
    """

    scheme: str
    certificate: str
    listed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The signatures of an APK, verified for every API level from minSdk to the current platform.

    `verdicts` cover those levels without a gap. `conflicts` say how schemes contradict each other
    that each verify; `damage` says why a signing block that was once there is not found, or "".
    The schemes end with v4 where an .idsig lies beside the APK; no verdict rests on that one. For
    an app bundle, which no device reads, there are no verdicts: the scheme v1 says all.
    """

    verdicts: tuple[RangeVerdict, ...]
    schemes: tuple[SchemeVerdict, ...]
    conflicts: tuple[str, ...] = ()
    damage: str = ""
    source_stamp: SourceStamp | None = None

    def since(self, min_sdk: int) -> tuple[RangeVerdict, ...]:
        """The verdicts that concern API level `min_sdk` or a later one.

        A split APK may leave its minSdk to the base, whose level then counts.
        """
        return tuple(verdict for verdict in self.verdicts if verdict.to_api >= min_sdk)

    @property
    def beside(self) -> SchemeVerdict | None:
        """The verdict on the .idsig beside the APK, None where there is none."""
        return next((each for each in self.schemes if each.scheme == "v4"), None)

    @property
    def verified(self) -> bool:
        """Whether every supported API level accepts the file (the JDK, a bundle), all agreeing."""
        if not self.verdicts:
            return bool(self.schemes) and all(each.verified for each in self.schemes)
        agree = not self.conflicts and (self.beside is None or self.beside.verified)
        return agree and all(verdict.verified for verdict in self.verdicts)


def levels_in_words(first: int, last: int) -> str:
    """A run of API levels, such as `API level 23` or `API levels 24 to 27`."""
    return f"API level {first}" if first == last else f"API levels {first} to {last}"


def as_ranges(opinions: Sequence[RangeVerdict], last: int) -> tuple[RangeVerdict, ...]:
    """Each opinion, lowest level first, for the levels up to the next one's or to `last`.

    Neighbours that say the same are one.
    """
    ranges: list[RangeVerdict] = []
    for opinion in reversed(opinions):
        end = ranges[-1].from_api - 1 if ranges else last
        if ranges and replace(ranges[-1], from_api=0, to_api=0) == replace(
            opinion, from_api=0, to_api=0
        ):
            ranges[-1] = replace(ranges[-1], from_api=opinion.from_api)
        else:
            ranges.append(replace(opinion, to_api=end))
    return tuple(reversed(ranges))
