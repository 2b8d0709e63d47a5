"""The signature algorithms of the APK Signing Block.

Source: source.android.com, APK Signature Scheme v2, "Signature algorithm IDs"; AOSP tools/apksig,
SignatureAlgorithm and ContentDigestAlgorithm.
"""

from collections.abc import Iterable
from typing import Final

from gate.formats.apk_digest import SHA256, SHA512, VERITY
from gate.formats.verify import DSA, ECDSA, RSA, RSA_PSS
from gate.frozen import dataclass

_N: Final = 24
_P: Final = 28


@dataclass(frozen=True, slots=True)
class Algorithm:
    """`kind` and `digest` of the signature (names of `gate.formats.verify`), `contents` the digest
    that the file is taken by, `since` the first API level that knows it."""

    kind: str
    digest: str
    contents: str
    since: int


ALGORITHMS: Final = {
    0x0101: Algorithm(RSA_PSS, "SHA-256", SHA256, _N),
    0x0102: Algorithm(RSA_PSS, "SHA-512", SHA512, _N),
    0x0103: Algorithm(RSA, "SHA-256", SHA256, _N),
    0x0104: Algorithm(RSA, "SHA-512", SHA512, _N),
    0x0201: Algorithm(ECDSA, "SHA-256", SHA256, _N),
    0x0202: Algorithm(ECDSA, "SHA-512", SHA512, _N),
    0x0301: Algorithm(DSA, "SHA-256", SHA256, _N),
    0x0421: Algorithm(RSA, "SHA-256", VERITY, _P),
    0x0423: Algorithm(ECDSA, "SHA-256", VERITY, _P),
    0x0425: Algorithm(DSA, "SHA-256", VERITY, _P),
}

_RANK: Final = {SHA256: 0, VERITY: 1, SHA512: 2}


def best(ids: Iterable[int], level: int) -> tuple[int, ...]:
    """The signatures that have to verify on an API level: those with the strongest digest.

    One of those that Android 7 knows and one of those that Android 9 added, as apksig has it
    (ApkSigningBlockUtilsLite.getSignaturesToVerify); () where the level knows none.
    """
    chosen: dict[int, int] = {}
    for each in ids:
        algorithm = ALGORITHMS.get(each)
        if algorithm is None or algorithm.since > level:
            continue
        rival = chosen.get(algorithm.since)
        if rival is None or _RANK[algorithm.contents] > _RANK[ALGORITHMS[rival].contents]:
            chosen[algorithm.since] = each
    return tuple(chosen[since] for since in sorted(chosen))


def strongest(ids: Iterable[int]) -> int | None:
    """The id whose digest of the file is the strongest, None where none is known."""
    known = [each for each in ids if each in ALGORITHMS]
    return max(known, key=lambda each: _RANK[ALGORITHMS[each].contents], default=None)
