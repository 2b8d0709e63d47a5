"""Native code as its headers describe it."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from gate.app.signing import Certificate
from gate.frozen import dataclass

CS_ADHOC: Final = 0x2  # xnu, osfmk/kern/cs_blobs.h: signed without a certificate
# How xnu ranks the hash types of code directories (bsd/kern/ubc_subr.c, hash_rank).
HASH_RANK: Final = {1: 1, 3: 2, 2: 3, 4: 4}


def caveat(witness: str) -> str:
    """The words for a file that `witness` read in place of our reader; "" for ""."""
    return f" (as {witness} reads it; our reader refuses the file)" if witness else ""


@dataclass(frozen=True, slots=True)
class ElfLibrary:
    """A linked ELF file of an Android app.

    `abi` is the Android ABI name (arm64-v8a, armeabi-v7a, x86, x86_64, ...) from the ELF header.
    `witness` names the second reader where ours refused the file; `disputed` says in what that
    reader takes an odd file otherwise.
    """

    path: str
    abi: str
    relro: bool
    bind_now: bool
    gnu_stack_flags: int | None
    writable_executable: tuple[int, ...]
    has_relocations: bool
    has_got: bool
    is_dart_snapshot: bool
    witness: str = ""
    disputed: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """What ends a sentence about it: who read it where our reader did not, else ""."""
        return caveat(self.witness)

    @property
    def name(self) -> str:
        """lib/<abi>/<file>: the path in an installed APK, whatever form the build has."""
        inside = self.path.rpartition("!/")[2]
        return inside if inside.startswith("lib/") else inside.partition("/")[2]


@dataclass(frozen=True, slots=True)
class CodeDirectory:
    """One table of page hashes and what it says of the code. Sizes are in bytes.

    `hash_type` is 1 SHA-1, 2 SHA-256, 3 SHA-256 cut to 20 bytes, 4 SHA-384; `slot` is 0 for the
    primary directory. `team_id` is "" where there is none; a `page_size` of 0 is one page for all.
    """

    slot: int
    identifier: str
    team_id: str
    flags: int
    version: int
    hash_type: int
    hash_size: int
    page_size: int
    code_limit: int
    n_special: int
    n_code: int


@dataclass(frozen=True, slots=True)
class CodeSignature:
    """What a signature holds. Entitlements are None where their blob is absent.

    `cms` is the DER of the CMS message, b"" for an ad-hoc signature; `requirements` tells whether
    there is a set of designated requirements.
    """

    code_directories: tuple[CodeDirectory, ...]
    entitlements_xml: Mapping[str, Any] | None
    entitlements_der: Mapping[str, Any] | None
    cms: bytes = field(repr=False)
    requirements: bool

    @property
    def is_adhoc(self) -> bool:
        """Whether the ad-hoc flag is set or no CMS is there: nobody signed it."""
        flags = (directory.flags for directory in self.code_directories)
        return not self.cms or any(flag & CS_ADHOC for flag in flags)

    @property
    def strongest(self) -> CodeDirectory:
        """The directory that a device goes by: the one whose hash type ranks highest."""
        return max(self.code_directories, key=lambda each: HASH_RANK.get(each.hash_type, 0))

    @property
    def entitlements(self) -> Mapping[str, Any]:
        """The XML entitlements where there are some, else the DER ones, else none."""
        if self.entitlements_xml is not None:
            return self.entitlements_xml
        return self.entitlements_der or {}

    @property
    def entitlements_differ(self) -> bool:
        """Whether both forms are there and say different things: a reader's choice decides."""
        forms = (self.entitlements_xml, self.entitlements_der)
        return None not in forms and forms[0] != forms[1]


@dataclass(frozen=True, slots=True)
class Slice:
    """One architecture of a Mach-O file.

    `platform` is the name that the build version or version-min command gives (ios, iossimulator,
    maccatalyst, ...), '' without one; `signature` is None where no LC_CODE_SIGNATURE is, and where
    there is one that cannot be read, as `signature_unread` then tells. `witness` and `disputed` are
    as in `ElfLibrary`, of the file that the slice lies in.
    """

    architecture: str
    file_type: str
    flags: int
    platform: str
    min_os: str
    sdk: str
    encrypted: bool
    signature: CodeSignature | None
    offset: int
    size: int
    signature_unread: bool = False
    witness: str = ""
    disputed: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """What ends a sentence about it: who read it where our reader did not, else ""."""
        return caveat(self.witness)

    @property
    def pie(self) -> bool:
        """Whether MH_PIE (mach-o/loader.h) is set."""
        return bool(self.flags & 0x200000)


@dataclass(frozen=True, slots=True)
class ProvisioningProfile:
    """What a profile grants, to whom and until when.

    Text that is absent is "", a date None. `device_count` is None where the profile has no device
    list at all, which is not the same as an empty one. Dates are aware, in UTC.
    `developer_certificates` are SHA-256 in lower-case hexadecimal. `duplicate_keys` are keys that
    the list holds twice, so that its meaning is uncertain. `path` is the entry it was read from.
    """

    name: str
    uuid: str
    team_ids: tuple[str, ...]
    team_name: str
    app_id_name: str
    app_id_prefixes: tuple[str, ...]
    created: datetime | None
    expires: datetime | None
    device_count: int | None
    all_devices: bool
    entitlements: Mapping[str, Any]
    developer_certificates: tuple[str, ...]
    platforms: tuple[str, ...]
    duplicate_keys: tuple[str, ...]
    path: str = ""

    @property
    def kind(self) -> str:
        """How builds under this profile are handed out, by the keys that Apple sets for each."""
        if self.all_devices:
            return "enterprise"
        if self.device_count is None:
            return "app-store"
        return "development" if self.entitlements.get("get-task-allow") is True else "ad-hoc"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where what was sealed and what is there disagree, by name, sorted; false where nowhere."""

    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    unsealed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.altered or self.unsealed)


@dataclass(frozen=True, slots=True)
class DirectorySeal:
    """One code directory against the bytes that it seals, hashed anew.

    `slot` and `hash_type` are as in `CodeDirectory`; `cdhash` is the 20 bytes that name the
    directory, in hexadecimal. `fault` says why a device refuses the directory itself, "" where it
    does not. `first_bad_page` counts from 0 and is None where every page matches; `uncovered` are
    the image's bytes that neither a page nor the signature takes. `slots` names the special slots
    that disagree: Info.plist, requirements, CodeResources, entitlements, DER entitlements, ...
    """

    slot: int
    hash_type: int
    cdhash: str
    fault: str = ""
    bad_pages: int = 0
    first_bad_page: int | None = None
    uncovered: int = 0
    slots: Disagreement = Disagreement()
    unchecked: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether all that was recomputed agrees; `unchecked` says what was not."""
        return not (self.fault or self.bad_pages or self.slots)


@dataclass(frozen=True, slots=True)
class CmsSeal:
    """The CMS message of a signature against the code directories that it is to cover.

    `fault` says what does not hold, `unchecked` what could not be told; the signature holds where
    both are "". `chain` begins with the signer's certificate; each next one has signed the one
    before. It ends where the CMS carries no further issuer: nothing is trusted for being in it.
    `unvouched` are slots of alternate directories that the CMS names by no hash.
    """

    fault: str = ""
    unchecked: str = ""
    chain: tuple[Certificate, ...] = ()
    unvouched: tuple[int, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the signature was checked and holds for the signer's own certificate."""
        return not (self.fault or self.unchecked)

    @property
    def team_id(self) -> str:
        """The organisational unit of the signer, where Apple writes the team; "" without one."""
        units = (
            (value for name, value in self.chain[0].subject if name == "OU") if self.chain else ()
        )
        return next(iter(units), "")


@dataclass(frozen=True, slots=True)
class SliceSeal:
    """The seal of one signed slice of the Mach-O file `path`; `cms` is None where there is none."""

    path: str
    architecture: str
    directories: tuple[DirectorySeal, ...]
    cms: CmsSeal | None
    entitlements_differ: bool

    @property
    def strongest(self) -> DirectorySeal:
        """The directory that a device goes by: the one whose hash type ranks highest."""
        return max(self.directories, key=lambda each: HASH_RANK.get(each.hash_type, 0))


@dataclass(frozen=True, slots=True)
class ResourceSeal:
    """The files of the bundle `path` against its CodeResources; names are relative to the bundle.

    `form` is files2, or files for the older list beside it (SHA-1 only). `omitted` are files that
    a rule of the list leaves unsealed; `unchecked` says what could not be compared.
    """

    path: str
    form: str
    files: Disagreement
    omitted: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seals:
    """Every signed slice, in the order of the programs, and every bundle's sealed resources."""

    slices: tuple[SliceSeal, ...]
    resources: tuple[ResourceSeal, ...]
