"""What each supported Android version makes of an APK's signatures.

Which scheme a version reads, and what it demands: AOSP frameworks/base, ApkSignatureVerifier and
ApkSignatureSchemeV3Verifier; tools/apksig, ApkVerifier.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, TypeVar

from gate.app.signing import (
    Certificate,
    DigestUse,
    RangeVerdict,
    SchemeVerdict,
    Signer,
    SourceStamp,
    Verification,
    as_ranges,
)
from gate.formats import x509
from gate.formats.apk_algorithms import ALGORITHMS, best
from gate.formats.apk_block import SCHEMES, BlockSigner
from gate.formats.apk_digest import VERITY, Contents
from gate.formats.apk_signing import find_signers
from gate.formats.block_verify import SignerVerifier, announced, proof_of_rotation, rotation_from
from gate.formats.errors import Malformed
from gate.formats.idsig import Idsig
from gate.formats.idsig_verify import SINCE, refusals
from gate.formats.jar_verify import JarVerdict, verify_jar
from gate.formats.scheme_conflicts import Identities, conflicts
from gate.formats.source_stamp import read_stamp
from gate.formats.zip import ZipDirectory
from gate.formats.zip_records import read_at

CURRENT: Final = 36  # Android 16

T = TypeVar("T")

_V2, _V3, _V31 = 24, 28, 33  # the API levels that brought them
_SANDBOX, _REQUIRES_V2 = 26, 30
# Where the rules of v1 change (OidConstants, getDigestsToVerify), and those of this module.
_CHANGES: Final = (1, 9, 18, 19, 21, 22, _V2, _SANDBOX, _V3, _REQUIRES_V2, _V31)


def verify(
    file: BinaryIO,
    directory: ZipDirectory,
    *,
    min_sdk: int,
    target_sdk: int,
    target_sandbox_version: int = 1,
    idsig: Idsig | None = None,
) -> Verification:
    """
    Verify the signatures of an APK for the API levels from `min_sdk` to `CURRENT`.

    The file is hashed once for v2 and later, its entries once for v1 where some level reads it,
    and the file once more for the `idsig` beside it, if there is one. Raises OverLimit where a
    part is too large to be judged; anything else that is wrong is a verdict.
    """
    judge = _Judge(file, directory, target_sdk, target_sandbox_version)
    return judge.verification(max(1, min(min_sdk, CURRENT)), idsig)


class _Judge:
    """Judges one file level by level."""

    def __init__(
        self, file: BinaryIO, directory: ZipDirectory, target_sdk: int, sandbox: int
    ) -> None:
        self._file = file
        self._directory = directory
        self._target_sdk = target_sdk
        self._sandbox = sandbox
        self._found = find_signers(file, directory)
        self._verifier = SignerVerifier(Contents(file, directory, self._found.offset or 0))
        self._jar = JarVerdict()
        self._certificates: dict[bytes, tuple[Certificate, ...]] = {}

    def verification(self, min_sdk: int, idsig: Idsig | None) -> Verification:
        starts = self._starts(min_sdk)
        to_jar = [level for level in starts if not self._block_scheme(level)]
        if to_jar:
            missing = {level: self._missing(level) for level in to_jar}
            self._jar = verify_jar(self._file, self._directory, missing)
        verdicts = as_ranges([self._opinion(level) for level in starts], CURRENT)
        schemes = [self._scheme(scheme, verdicts) for scheme in self._schemes()]
        if idsig is not None:
            schemes.append(self._beside(idsig, starts))
        return Verification(
            verdicts=verdicts,
            schemes=tuple(schemes),
            conflicts=conflicts(self._identities(verdicts)),
            damage=self._found.damage,
            source_stamp=self._stamp(verdicts),
        )

    def _beside(self, idsig: Idsig, starts: list[int]) -> SchemeVerdict:
        """The verdict on the .idsig beside the file."""
        levels = [level for level in starts if level >= SINCE]
        schemes = [(self._block_scheme(level), level) for level in levels]
        errors = refusals(
            idsig,
            self._file,
            [(scheme, self._read_signers(scheme, level)) for scheme, level in schemes],
        )
        signers = _once(self._signer("v4", each.certificate) for each in idsig.signers)
        digests = (DigestUse("contents", VERITY),)
        first = levels[0]
        return SchemeVerdict(
            "v4", not errors, errors, (), signers, digests, first, CURRENT, idsig.sha256
        )

    def _stamp(self, verdicts: tuple[RangeVerdict, ...]) -> SourceStamp | None:
        read = dict.fromkeys(verdict.scheme for verdict in verdicts if verdict.scheme)
        signers = {scheme: self._signers(scheme) for scheme in read}
        return read_stamp(self._file, self._directory, self._found.stamps, signers)

    def _starts(self, min_sdk: int) -> list[int]:
        """The levels from `min_sdk` on at which something changes, the lowest first."""
        changes = {min_sdk, *_CHANGES}
        for scheme in ("v3", "v3.1"):
            for signer in self._signers(scheme):
                changes |= {signer.min_sdk or 0, (signer.max_sdk or 0) + 1}
        return sorted(level for level in changes if min_sdk <= level <= CURRENT)

    def _signers(self, scheme: str) -> tuple[BlockSigner, ...]:
        signers = self._found.schemes.get(scheme, ())
        return () if isinstance(signers, str) else signers

    def _schemes(self) -> list[str]:
        """The schemes of which something is there, in the order Android counts them."""
        jar = ["v1"] if self._jar.present else []
        return jar + [scheme for scheme in SCHEMES.values() if scheme in self._found.schemes]

    def _block_scheme(self, level: int) -> str:
        """The scheme of the signing block that a level reads, "" where it turns to v1."""
        schemes = self._found.schemes
        if level >= _V31 and "v3.1" in schemes:
            signers = self._signers("v3.1")
            if not signers or any(signer.covers(level) for signer in signers):
                return "v3.1"
        if level >= _V3 and "v3" in schemes:
            return "v3"
        return "v2" if level >= _V2 and "v2" in schemes else ""

    def _missing(self, level: int) -> frozenset[int]:
        """The schemes that a level knows and, since it turns to v1, did not find."""
        return frozenset({2} if level >= _V2 else ()) | frozenset({3} if level >= _V3 else ())

    def _opinion(self, level: int) -> RangeVerdict:
        """What one level makes of the file."""
        scheme = self._block_scheme(level)
        if scheme:
            reason = self._broken_end() or self._block_reason(scheme, level)
            signers = self._block_signers(scheme, level)
            digests = tuple(self._block_digests(scheme, level))
            return RangeVerdict(level, level, scheme, not reason, reason, False, signers, digests)
        demand = self._unmet_demand(level)
        own = self._broken_end() or self._jar.reasons[level]
        reason = own or demand if self._jar.present else demand or own
        accepted = self._jar.signers.get(level, ())
        return RangeVerdict(
            level,
            level,
            "v1" if self._jar.present else "",
            not reason,
            reason,
            bool(demand),
            tuple(self._signer("v1", each.certificates[0], each.block_path) for each in accepted),
            tuple(DigestUse(*use) for use in self._jar.digests.get(level, ())),
        )

    def _broken_end(self) -> str:
        """Why Android finds no end record at the end of the file, or ""."""
        at = self._directory.eocd_offset
        comment = int.from_bytes(read_at(self._file, at + 20, 2), "little")
        if at + 22 + comment == self._file.seek(0, 2):
            return ""
        return "the file does not end with the end record of its ZIP directory"

    def _unmet_demand(self, level: int) -> str:
        """What the manifest demands of a level, where there is no newer signature; or ""."""
        needs = "an APK signature of scheme v2 or newer, and there is none"
        if level >= _SANDBOX and self._sandbox > 1:
            return f"targetSandboxVersion {self._sandbox} needs {needs}"
        if level >= _REQUIRES_V2 and self._target_sdk >= _REQUIRES_V2 and self._jar.present:
            return f"targetSdkVersion {self._target_sdk} needs {needs}"
        return ""

    def _block_reason(self, scheme: str, level: int) -> str:
        """Why a level refuses the block of a scheme, or ""."""
        signers = self._found.schemes[scheme]
        if isinstance(signers, str):
            return signers
        if not signers:
            return f"the {scheme} block has no signer"
        if scheme == "v3.1" and "v3" not in self._found.schemes:
            return "there is a v3.1 block without a v3 block"
        if lost := next(filter(None, (self._stripped(signer, level) for signer in signers)), ""):
            return lost
        current = self._read_signers(scheme, level)
        if len(current) != 1 and scheme != "v2":
            return f"the {scheme} block has {len(current)} signers for API level {level}"
        for signer in (*current, *signers):
            if reason := self._verifier.reason(signer, level):
                return reason
        return ""

    def _stripped(self, signer: BlockSigner, level: int) -> str:
        """What a signer announces and the file does not have, or ""."""
        if signer.scheme == "v2":
            lost = announced(signer) & self._missing(level) - {2}
            return "the v2 signer says that there is a v3 signature, and there is none" * bool(lost)
        start = rotation_from(signer)
        if signer.scheme != "v3" or start is None or level < _V31:
            return ""
        if "v3.1" not in self._found.schemes:
            return f"the v3 signer says that v3.1 counts from API level {start}, and there is none"
        actual = min((each.min_sdk or 0 for each in self._signers("v3.1")), default=start)
        if actual != start:
            return f"the v3 signer says that v3.1 counts from API level {start}, not {actual}"
        return ""

    def _block_signers(self, scheme: str, level: int) -> tuple[Signer, ...]:
        return tuple(
            self._signer(scheme, signer.certificates[0])
            for signer in self._read_signers(scheme, level)
            if signer.certificates
        )

    def _read_signers(self, scheme: str, level: int) -> tuple[BlockSigner, ...]:
        return tuple(each for each in self._signers(scheme) if each.covers(level))

    def _signer(self, scheme: str, certificate: bytes, path: str = "") -> Signer:
        """The signer with its own certificate, as far as that can be read."""
        if certificate not in self._certificates:
            try:
                self._certificates[certificate] = (x509.certificate(certificate),)
            except Malformed:
                self._certificates[certificate] = ()
        return Signer(scheme, self._certificates[certificate], path)

    def _block_digests(self, scheme: str, level: int) -> Iterator[DigestUse]:
        used = {
            ALGORITHMS[each].contents: None
            for signer in self._read_signers(scheme, level)
            for each in best(signer.algorithms, level)
        }
        return (DigestUse("contents", algorithm) for algorithm in used)

    def _identities(self, verdicts: tuple[RangeVerdict, ...]) -> Identities:
        refused = {verdict.scheme for verdict in verdicts if not verdict.verified}
        read = {verdict.scheme for verdict in verdicts} - refused
        blocks = {
            scheme: _once(each.certificates[0] for each in self._signers(scheme))
            for scheme in ("v2", "v3")
            if scheme in read
        }
        jar = _once(
            each.certificates[0]
            for signers in (self._jar.signers.values() if "v1" in read else ())
            for each in signers
        )
        proofs = (
            proof_of_rotation(signer)
            for scheme in sorted(read & {"v3", "v3.1"})
            for signer in self._signers(scheme)
        )
        return Identities(
            v1=jar,
            v2=blocks.get("v2", ()),
            v3=blocks.get("v3", ()),
            history=max(proofs, key=len, default=()),
        )

    def _scheme(self, scheme: str, verdicts: tuple[RangeVerdict, ...]) -> SchemeVerdict:
        mine = [verdict for verdict in verdicts if verdict.scheme == scheme]
        return SchemeVerdict(
            scheme=scheme,
            verified=bool(mine) and all(verdict.verified for verdict in mine),
            errors=_once(verdict.reason for verdict in mine if verdict.reason),
            warnings=tuple(self._jar.warnings) if scheme == "v1" else (),
            signers=_once(signer for verdict in mine for signer in verdict.signers),
            digests=_once(digest for verdict in mine for digest in verdict.digests),
            min_sdk=mine[0].from_api if mine else None,
            max_sdk=mine[-1].to_api if mine else None,
        )


def _once(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
