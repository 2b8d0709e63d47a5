"""Nested code that does not belong to the app it lies in."""

from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location, Program
from gate.app.native import Slice
from gate.check import Finding, NotApplicable, Severity, check

OWN_PROCESS = ("extension", "watch-app", "app-clip")
VERSIONS = ("CFBundleShortVersionString", "CFBundleVersion")


@check(IosApp, severity=Severity.HIGH, cwe=347, masvs="MASVS-RESILIENCE-2")
def nested_code_mismatch(app: IosApp) -> Iterator[Finding]:
    """
    Code inside the app is unsigned, signed by another team, or of another app or version.

    Looks at: Every program and library inside the app folder but the app's own: whether a
    certificate signed it, and with the team that signed the app, by the team in its code directory.
    Of extensions, watch apps and app clips also whether the bundle identifier begins with the app's
    and a dot, and whether CFBundleShortVersionString and CFBundleVersion are the app's. Frameworks
    have identifiers and versions of their own, and Apple's Swift libraries Apple's signature: that
    is in order. An app that is not signed itself is left to another check.

    Matters because: Code of another team, or of nobody, runs with the app's rights and data and was
    not built with it: it can be exchanged for anything. Devices refuse libraries of another team. A
    part with another version comes from another build, which was not the one under test.

    Fix by: Signing all embedded code with the app's identity: Embed & Sign in Frameworks, Libraries
    and Embedded Content, Code Sign On Copy in copy phases, and codesign --force --sign from the
    innermost outwards in scripts. Let all targets share MARKETING_VERSION and
    CURRENT_PROJECT_VERSION, and begin PRODUCT_BUNDLE_IDENTIFIER of extensions with the app's.

    Cannot see: Code that is linked into the program, and whether a signature verifies.
    """
    own = next((each for each in app.programs if each.bundle is app.main), None)
    team = _team(own.slices) if own else None
    if own is None or team is None:
        raise NotApplicable("no certificate signed the app's own program")
    for program in app.programs:
        inside = program.path.startswith(f"{app.main.path}/") or not app.main.path
        if program is not own and inside and not _is_apples(program):
            yield from _signer(program, team)
    for bundle in app.bundles:
        if bundle.kind in OWN_PROCESS:
            yield from _identity(bundle, app.main)


def _team(slices: tuple[Slice, ...]) -> str | None:
    """The team of the first slice that a certificate signed; None where none is."""
    signed = (each.signature for each in slices if each.signature and not each.signature.is_adhoc)
    signature = next(signed, None)
    return signature.strongest.team_id if signature else None


def _is_apples(program: Program) -> bool:
    """Whether it is a library of Swift's, or the watch's stub, as Apple signs them."""
    name = program.path.rpartition("/")[2]
    if not name.startswith("libswift") and "/_WatchKitStub/" not in program.path:
        return False
    return all(
        each.signature is not None
        and not each.signature.is_adhoc
        and each.signature.strongest.identifier.startswith("com.apple.")
        for each in program.slices
    )


def _signer(program: Program, team: str) -> Iterator[Finding]:
    """Whether the app's team signed a nested program, told of the first slice where it did not."""
    for each in program.slices:
        if each.signature_unread:
            continue
        theirs = _team((each,))
        if theirs == team:
            continue
        if theirs is None:
            what, message = "unsigned", "No certificate signed this code inside a signed app"
        else:
            whose = f"Team {theirs}" if theirs else "A certificate without a team"
            what = "team"
            message = f"{whose} signed this code, but {team or 'one without a team'} the app"
        at = Location(program.path, element=f"{each.architecture} LC_CODE_SIGNATURE")
        yield Finding(subject=f"{program.path} {what}", message=f"{message}{each.caveat}.", at=at)
        return


def _identity(bundle: Bundle, main: Bundle) -> Iterator[Finding]:
    """Whether a part's identifier and versions are those of the app."""
    if not bundle.identifier.startswith(f"{main.identifier}."):
        message = f"The identifier {bundle.identifier} does not begin with {main.identifier}."
        at = Location(bundle.info_path, element="CFBundleIdentifier")
        yield Finding(subject=f"{bundle.path} identifier", message=message, at=at)
    for key in VERSIONS:
        theirs, ours = bundle.info.get(key), main.info.get(key)
        if theirs != ours:
            yield Finding(
                subject=f"{bundle.path} {key}",
                message=f"{key} is {theirs} in this {bundle.kind}, but {ours} in the app.",
                at=Location(bundle.info_path, element=key, snippet=str(theirs)),
            )
