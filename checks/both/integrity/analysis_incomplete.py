"""Parts of the build that were not read, and so were not judged."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from typing import Any

from gate.app import AndroidApp, App, Gap, IosApp, Location, Unread
from gate.check import Finding, Severity, Undecided, check

ENCRYPTED = "is encrypted (cryptid 1) and came from the store; scan the output of the build."
# The keys of App Transport Security and their types (Apple, Information Property List).
RULES = {"AllowsInsecureHTTPLoads": bool, "RequiresForwardSecrecy": bool, "MinimumTLSVersion": str}
WHO = "", "Temporary", "ThirdParty"
TYPES: dict[str, type] = {
    **dict.fromkeys(("NSAppTransportSecurity", "NSExceptionDomains", "NSPinnedDomains"), dict),
    **dict.fromkeys(("NSAllowsLocalNetworking", "NSIncludesSubdomains"), bool),
    **{f"NSAllowsArbitraryLoads{of}": bool for of in ("", "ForMedia", "InMedia", "InWebContent")},
    **{f"NS{who}Exception{rule}": kind for who in WHO for rule, kind in RULES.items()},
    "NSRequiresCertificateTransparency": bool,
}


@check(App, severity=Severity.HIGH, last=True)
def analysis_incomplete(app: App) -> Iterator[Finding]:
    """
    A part of the build was not read, so nothing is known of it.

    Looks at: Every part that a check asked for and that could not be read: a malformed manifest,
    Info.plist, network configuration, profile, DEX or Mach-O file, an unsupported format, a limit
    that was hit. Also programs that are still encrypted as the store delivers them (cryptid 1),
    DEX files of which no method was read, and keys of NSAppTransportSecurity that are misspelt or
    of the wrong type, so that it is not certain what the system makes of them.

    Matters because: What was not read was not judged: a flaw there would pass unseen. Malformed
    parts are also a means to hide code from tools while the device still runs it.

    Fix by: Scanning the file that the build made (the signed APK, or the IPA that xcodebuild
    -exportArchive wrote), not a download from the store or the output of a tool that rewrites
    packages. Spell the ATS keys in Info.plist as Apple does and give switches the type Boolean
    (<true/>, not the string YES or the number 1).

    Cannot see: Parts that no check asks for, and what a part would have shown.
    """
    found = [*_android(app)] if isinstance(app, AndroidApp) else []
    found += _ios(app) if isinstance(app, IosApp) else []
    found += map(_gap, app.journal.gaps)  # last, since asking makes gaps
    yield from found
    if found:
        raise Undecided(f"{len(found)} part{'s were' if len(found) > 1 else ' was'} not read")


def _gap(gap: Gap) -> Finding:
    """A gap; its subject is without offsets and sizes, which change from build to build."""
    reason = re.sub(r"(?<![\w.])(0x[0-9a-f]+|\d+)\b", "N", gap.reason).replace(" (at offset N)", "")
    return Finding(f"{gap.part}: {reason}", f"{gap.part} was not read: {gap.reason}.", gap.at)


def _android(app: AndroidApp) -> Iterator[Finding]:
    for fact in ("network_configs", "code"):
        with suppress(Unread):  # which is a gap then
            getattr(app, fact)
    for each in app.journal.coverage:
        if each.unit == "methods" and each.declared and not each.read:
            message = f"None of the {each.declared} methods of {each.reader} was read."
            yield Finding(f"{each.reader}: no method was read", message, Location(each.reader))


def _ios(app: IosApp) -> Iterator[Finding]:
    with suppress(Unread):
        for bundle in app.bundles:
            own = bundle.info if bundle.kind not in ("framework", "bundle") else {}
            for key, fault in _odd_keys(own):
                name = f"{bundle.info_path}: {key} {fault}"
                yield Finding(name, f"{name}.", Location(bundle.info_path, element=key))
        for program in app.programs:
            for each in filter(lambda part: part.encrypted, program.slices):
                name = f"{program.path} ({each.architecture})"
                at = Location(program.path, element=each.architecture, snippet="cryptid 1")
                yield Finding(f"{name}: encrypted", f"{name}{each.caveat} {ENCRYPTED}", at)


def _odd_keys(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Place and fault of each ATS key that the system may read otherwise than it was meant."""
    ats = info.get("NSAppTransportSecurity")
    domains = ats.get("NSExceptionDomains") if isinstance(ats, dict) else None
    levels = [("", info), ("NSAppTransportSecurity.", ats)]
    if isinstance(domains, dict):
        levels += [(f"NSExceptionDomains.{name}.", rules) for name, rules in domains.items()]
    entries = (
        (at, *each) for at, keys in levels if isinstance(keys, dict) for each in keys.items()
    )
    for place, key, value in islice(entries, 5_000):
        wanted = TYPES.get(key)
        if wanted and not isinstance(value, wanted):
            yield place + key, "is of the wrong type"
        elif not wanted and (near := get_close_matches(key[:60], TYPES, 1, 0.88)):
            yield place + key, f"is not a key of the system ({near[0]} is)"
