"""Signing certificates that are not for release."""

from collections.abc import Iterator
from datetime import UTC

from gate.app import IosApp, Location
from gate.app.native import CmsSeal
from gate.app.signing import Certificate
from gate.check import Finding, Severity, Unresolved, check

DEVELOPMENT = ("iPhone Developer", "Apple Development", "Mac Developer")
DISTRIBUTION = ("iPhone Distribution:", "Apple Distribution:")
STORE = "Apple iPhone OS Application Signing"
# SHA-256 of Apple Root CA, its G2 and its G3, as www.apple.com/certificateauthority has them.
APPLE_ROOTS = (
    "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024",
    "c2b9b042dd57830e7d117dac55ac8ae19407d38e41d88f3215bc3a890444a050",
    "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
)


@check(IosApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-2")
def signing_certificate_unfit(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A certificate signed the build that is for development, is out of date or not from Apple.

    Looks at: The signer's certificate in the CMS signature of every program and library: its kind
    by its common name (iPhone Developer and Apple Development are for development; iPhone
    Distribution and Apple Distribution are for release; the store's own is Apple iPhone OS
    Application Signing), its dates against the day the build is judged for (--as-of), and the chain
    of certificates that comes with it, each verified with the next one's key. A chain that ends at
    none of Apple's roots is told as unresolved; a certificate that signed itself is a finding. Only
    the kind and the team are told, never the name of a person.

    Matters because: A build signed for development runs on the devices of developers alone and can
    be debugged. The store refuses a certificate that is not for distribution, and devices refuse an
    ad hoc or enterprise build whose certificate has expired or was never Apple's.

    Fix by: Making an Apple Distribution certificate (Xcode, Settings, Accounts, Manage
    Certificates), setting CODE_SIGN_IDENTITY to Apple Distribution for Release, or
    signingCertificate in exportOptions.plist, and exporting the archive again. Renew a certificate
    that has run out, and the profiles made with it; keep its key off shared build machines.

    Cannot see: Whether the certificate was revoked, and who holds its key.
    """
    seen: dict[str, Finding | Unresolved] = {}
    for seal in app.seals.slices:
        if seal.cms is None or not seal.cms.chain:
            continue
        at = Location(seal.path, element=f"{seal.architecture} CMS signature")
        for what, message in _unfit(app, seal.cms):
            key = f"{seal.cms.chain[0].sha256} {what}"
            seen.setdefault(key, Finding(subject=f"{seal.path} {what}", message=message, at=at))
        if reason := _unanchored(seal.cms.chain):
            key = f"{seal.cms.chain[0].sha256} chain"
            seen.setdefault(key, Unresolved(f"{seal.path} chain", reason, at))
    yield from seen.values()


def _unfit(app: IosApp, cms: CmsSeal) -> Iterator[tuple[str, str]]:
    """What is wrong with a signer's certificate, and the sentence that says so."""
    leaf = cms.chain[0]
    name = next(iter(leaf.common_names), "")
    team = f" of team {cms.team_id}" if cms.team_id else ""
    if name.startswith(STORE):  # it may run out: the store signs anew for each system
        return
    if name.startswith(DEVELOPMENT):
        yield (
            "development",
            f"A certificate for development{team} signed this.",
        )
    elif not name.startswith(DISTRIBUTION):
        yield "kind", f"A certificate{team} signed this that is none of Apple's for distribution."
    if leaf.issuer_text == leaf.subject_text:
        yield "self-signed", f"The certificate{team} is signed by itself: Apple did not issue it."
    if leaf.not_after and leaf.not_after.astimezone(UTC).date() < app.as_of:
        ended = leaf.not_after.astimezone(UTC).date()
        yield "expired", f"The certificate{team} expired on {ended}, before {app.as_of}."
    if leaf.not_before and leaf.not_before.astimezone(UTC).date() > app.as_of:
        begins = leaf.not_before.astimezone(UTC).date()
        yield "not yet valid", f"The certificate{team} is valid from {begins}, after {app.as_of}."


def _unanchored(chain: tuple[Certificate, ...]) -> str:
    """Why it is open whether Apple stands behind a chain, "" where it does or plainly does not."""
    own = chain[0].issuer_text == chain[0].subject_text
    if own or chain[-1].sha256 in APPLE_ROOTS:
        return ""
    return "the chain of the signer's certificate does not end at one of Apple's roots"
