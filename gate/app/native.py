"""Native code as its headers describe it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

CS_ADHOC: Final = 0x2  # xnu, osfmk/kern/cs_blobs.h: signed without a certificate


@dataclass(frozen=True, slots=True)
class ElfLibrary:
    """A linked ELF file of an Android app.

    `abi` is the Android ABI name (arm64-v8a, armeabi-v7a, x86, x86_64, ...) from the ELF header.
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


@dataclass(frozen=True, slots=True)
class DexFile:
    """The header and the strings of a DEX file; `strings` are only read where a check asks."""

    path: str
    version: str
    classes: int
    methods: int
    strings: int


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
    maccatalyst, ...), '' without one; `signature` is None where no LC_CODE_SIGNATURE is.
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
