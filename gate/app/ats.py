"""App Transport Security: the rules that the system makes of an Info.plist.

Sources: Apple, Information Property List, NSAppTransportSecurity with its keys; the Information
Property List Key Reference (archive) for the spellings of the first betas, which still work. Dates
and systems as those pages give them: iOS 9 brought the policy, iOS 10 and watchOS 3 the narrower
keys, iOS 14 the pinned domains.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gate.app.ios import Bundle, IosApp
from gate.frozen import dataclass

ARBITRARY: Final = "NSAllowsArbitraryLoads"
WEB_CONTENT: Final = "NSAllowsArbitraryLoadsInWebContent"
MEDIA: Final = "NSAllowsArbitraryLoadsForMedia"
LOCAL: Final = "NSAllowsLocalNetworking"
# Where one of them is present, whatever its value, ARBITRARY is ignored by systems that know it.
NARROWER: Final = (WEB_CONTENT, MEDIA, LOCAL)
DEFAULT_TLS: Final = "TLSv1.2"
TLS_VERSIONS: Final = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_SPELLINGS: Final = ("NSException", "NSTemporaryException", "NSThirdPartyException")
_NARROWER_SINCE: Final = {"ios": 10, "watchos": 3}
_ADDRESS: Final = re.compile(r"[\d.]+\Z|.*:")


@dataclass(frozen=True, slots=True)
class DomainRule:
    """What holds for a domain of NSExceptionDomains; a key that it does not write is default.

    `http_key`, `tls_key` and `secrecy_key` are the keys by which it is looser than the default, as
    written there, "" where it is not. `minimum_tls` is the value as written where it is no known
    version.
    """

    domain: str
    subdomains: bool = False
    http_key: str = ""
    minimum_tls: str = DEFAULT_TLS
    tls_key: str = ""
    secrecy_key: str = ""
    transparency: bool = False

    def covers(self, host: str) -> bool:
        """Whether the rule speaks of a host, or of one below it where subdomains are included."""
        name, host = self.domain.lower().rstrip("."), host.lower().rstrip(".")
        return host == name or (self.subdomains and host.endswith(f".{name}"))


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """What a connection of URLSession to one host has to meet.

    `by` is the domain of the rule that decides, "" where no rule names the host; `pinned` tells
    whether the host's certificates are pinned, which holds for TLS alone.
    """

    by: str
    plain_http: bool
    minimum_tls: str
    forward_secrecy: bool
    transparency: bool
    pinned: bool


@dataclass(frozen=True, slots=True)
class AtsPolicy:
    """The policy of one process.

    `arbitrary` tells whether ARBITRARY is in force for some system that the bundle runs on, and
    `ignored_by` names the present key that makes newer systems ignore it, "" without one. `pins`
    are the domains of NSPinnedDomains and whether they include their subdomains.
    """

    bundle: Bundle
    arbitrary: bool = False
    ignored_by: str = ""
    web_content: bool = False
    media: bool = False
    local: bool = False
    domains: tuple[DomainRule, ...] = ()
    pins: tuple[DomainRule, ...] = ()

    def for_host(self, host: str) -> HostPolicy:
        """What holds for a host: the closest rule decides, and where none does, the wide keys.

        A domain that is listed is held to its own rule though arbitrary loads be allowed.
        """
        rules = [rule for rule in self.domains if rule.covers(host)]
        rule = max(rules, key=lambda each: len(each.domain.rstrip(".")), default=None)
        pinned = any(pin.covers(host) for pin in self.pins)
        if rule is None:
            free = self.arbitrary or (self.local and is_local(host))
            tls = TLS_VERSIONS[0] if free else DEFAULT_TLS
            return HostPolicy("", free, tls, not free, False, pinned)
        return HostPolicy(
            by=rule.domain,
            plain_http=bool(rule.http_key),
            minimum_tls=rule.minimum_tls,
            forward_secrecy=not rule.secrecy_key,
            transparency=rule.transparency,
            pinned=pinned,
        )


def policies(app: IosApp) -> Iterator[AtsPolicy]:
    """The policy of each process that states one; a framework lives under its app's rules."""
    for bundle in app.bundles:
        if bundle.kind not in ("framework", "bundle"):
            found = policy(bundle, _oldest(bundle, app))
            if found:
                yield found


def is_local(host: str) -> bool:
    """Whether local networking covers a host: one of .local, a bare name, an address."""
    return host.lower().endswith(".local") or "." not in host or bool(_ADDRESS.match(host))


def policy(bundle: Bundle, oldest: int) -> AtsPolicy | None:
    """What a bundle states, for systems from the major version `oldest` on; None for nothing."""
    said = bundle.info.get("NSAppTransportSecurity")
    if not isinstance(said, dict):
        return None
    present = [key for key in NARROWER if key in said]
    since = _NARROWER_SINCE["watchos" if _is_for_watch(bundle) else "ios"]
    wanted = said.get(ARBITRARY) is True
    domains, pins = said.get("NSExceptionDomains"), said.get("NSPinnedDomains")
    return AtsPolicy(
        bundle=bundle,
        arbitrary=wanted and not (present and oldest >= since),
        ignored_by=present[0] if present else "",
        web_content=said.get(WEB_CONTENT) is True,
        media=said.get(MEDIA) is True,
        local=said.get(LOCAL) is True,
        domains=tuple(_rules(domains)) if isinstance(domains, dict) else (),
        pins=tuple(_rules(pins)) if isinstance(pins, dict) else (),
    )


def _rules(domains: Mapping[str, Any]) -> Iterator[DomainRule]:
    for domain, rules in domains.items():
        if isinstance(rules, dict):
            yield _rule(domain, rules)


def _rule(domain: str, rules: Mapping[str, Any]) -> DomainRule:
    """One domain's rule; of several spellings that differ the loosest counts."""
    versions = [
        (value, key)
        for key in _spelt("MinimumTLSVersion")
        if isinstance(value := rules.get(key), str) and value != DEFAULT_TLS
    ]
    tls, tls_key = min(versions, default=(DEFAULT_TLS, ""))
    return DomainRule(
        domain=domain,
        subdomains=rules.get("NSIncludesSubdomains") is True,
        http_key=_first(rules, "AllowsInsecureHTTPLoads", value=True),
        minimum_tls=tls,
        tls_key="" if tls == TLS_VERSIONS[-1] else tls_key,
        secrecy_key=_first(rules, "RequiresForwardSecrecy", value=False),
        transparency=rules.get("NSRequiresCertificateTransparency") is True,
    )


def _spelt(key: str) -> tuple[str, ...]:
    return tuple(spelling + key for spelling in _SPELLINGS)


def _first(rules: Mapping[str, Any], key: str, *, value: bool) -> str:
    """The first spelling of a key that has this value, "" where none has."""
    return next((name for name in _spelt(key) if rules.get(name) is value), "")


def _is_for_watch(bundle: Bundle) -> bool:
    """Whether it runs on watchOS, whose version 3 is of the same year as iOS 10."""
    platforms = bundle.info.get("CFBundleSupportedPlatforms")
    return isinstance(platforms, list) and "WatchOS" in platforms


def _oldest(bundle: Bundle, app: IosApp) -> int:
    """The major version of the oldest system that runs the bundle; 0 where nothing says."""
    for info in (bundle.info, app.main.info):
        written = info.get("MinimumOSVersion")
        if isinstance(written, str) and (match := re.match(r"\d{1,4}(?=\.|\Z)", written)):
            return int(match[0])
    return 0
