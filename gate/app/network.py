"""Network security configuration: what Android lets the app trust and send in clear."""

from dataclasses import field

from gate.app.location import Location
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that a rule names."""

    name: str
    include_subdomains: bool


@dataclass(frozen=True, slots=True)
class Anchor:
    """One <certificates> element; `source` is system, user or the name of a resource."""

    source: str
    override_pins: bool
    at: Location


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """A <base-config> or <domain-config>; None means that nothing is written and it inherits."""

    domains: tuple[Domain, ...] = ()
    cleartext: bool | None = None
    anchors: tuple[Anchor, ...] | None = None
    pins: int | None = None
    nested: tuple["NetworkRule", ...] = ()
    at: Location = field(default_factory=Location)


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """One network security configuration file; an app may ship one per configuration."""

    path: str
    base: NetworkRule | None
    domains: tuple[NetworkRule, ...]
    at: Location


@dataclass(frozen=True, slots=True)
class BackupRules:
    """One backup rule file (full-backup-content or data-extraction-rules).

    `sections` are the names of the sections that hold at least one rule: full-backup-content,
    cloud-backup, device-transfer. `rules` counts every <include> and <exclude>.
    """

    path: str
    rules: int
    sections: tuple[str, ...]
