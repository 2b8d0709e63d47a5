"""Code signatures that do not hold for what they are on."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.native import DirectorySeal, Disagreement, SliceSeal
from gate.check import Finding, Severity, check

FILES_TOLD = 100  # of one bundle


@check(IosApp, severity=Severity.CRITICAL, cwe=347, masvs="MASVS-RESILIENCE-2")
def signature_invalid(app: IosApp) -> Iterator[Finding]:
    """
    A code signature does not verify: the build was changed after it was signed.

    Looks at: Every signed program and library, in every architecture, hashed anew: pages of code,
    Info.plist, requirements, CodeResources and both forms of entitlements against the strongest
    code directory, by which a device goes; the CMS signature over the directories; and the files of
    each bundle against CodeResources. Optional ones may be missing, omitted ones are free.

    Matters because: What was approved is not what is here: code, settings or files were altered,
    added or taken away, by a build step that came after signing or by somebody else. Devices refuse
    to install or to run it.

    Fix by: Making every change before signing, and exporting the archive again with xcodebuild
    -exportArchive: nothing may edit the .app or .ipa afterwards. Sign from the inside out, never
    with --deep. Check with codesign --verify --deep --strict --verbose=4 Payload/X.app. If no step
    of yours made the change, treat the build machine as compromised.

    Cannot see: Pages of a program that the store encrypted, which is then undecided; whether Apple
    issued the certificate; and whether nested code is the version that the outer list names.
    """
    unlisted = []  # programs whose own signature misses the list of files
    for seal in app.seals.slices:
        for what, message in _broken(seal):
            at = Location(seal.path, element=f"{seal.architecture} code signature")
            subject = f"{seal.path} ({seal.architecture}) {what}"
            yield Finding(subject=subject, message=f"{message}.", at=at)
        if "CodeResources" in seal.strongest.slots.missing:
            unlisted.append(seal.path)
    yield from _unlisted(app, frozenset(unlisted))
    told = set()
    for resources in app.seals.resources:  # the first form is the one that a system prefers
        if resources.path not in told:
            told.add(resources.path)
            yield from _files(resources.path, resources.files)


def _broken(seal: SliceSeal) -> Iterator[tuple[str, str]]:
    """What does not hold of one slice's signature, in a word and a sentence."""
    strongest = seal.strongest
    if strongest.fault:
        yield "directory", f"A device refuses the code directory: {strongest.fault}"
    if strongest.uncovered:
        yield "unsealed bytes", f"Nothing seals {strongest.uncovered} bytes of the program"
    if strongest.bad_pages:
        yield "pages", "Code was changed after signing: pages differ from the code directory"
    for name in strongest.slots.altered:
        yield name, f"{name} differs from what the signature seals"
    for name in strongest.slots.missing:
        yield name, f"{name} is sealed by the signature, but not there"
    if seal.cms:
        yield from _cms(seal, strongest)


def _cms(seal: SliceSeal, strongest: DirectorySeal) -> Iterator[tuple[str, str]]:
    """What a certificate's signature leaves out or does not hold for."""
    assert seal.cms is not None
    for name in strongest.slots.unsealed:
        yield name, f"{name} is there, but the signature does not seal it"
    if seal.cms.fault:
        yield "CMS", f"The CMS signature does not hold: {seal.cms.fault}"
    elif strongest.slot in seal.cms.unvouched:
        yield "CMS", "The CMS signature does not cover the strongest code directory"


def _unlisted(app: IosApp, told: frozenset[str]) -> Iterator[Finding]:
    """Signed bundles without a list of files, of which no signature misses one."""
    for program in app.programs:
        bundle = program.bundle
        signed = any(each.signature and not each.signature.is_adhoc for each in program.slices)
        if bundle is None or not signed or program.path in told:
            continue
        place = f"{bundle.path}/_CodeSignature/CodeResources".lstrip("/")
        if place not in app.files:
            text = "The program is signed, but no CodeResources seals the files beside it."
            yield Finding(subject=place, message=text, at=Location(place))


def _files(bundle: str, files: Disagreement) -> Iterator[Finding]:
    """The files of a bundle that are not as its list says."""
    told = [
        *((name, "The file was changed after signing.") for name in files.altered),
        *((name, "The file is sealed, but was taken away.") for name in files.missing),
        *((name, "The file was added after signing: nothing seals it.") for name in files.unsealed),
    ]
    for name, message in told[:FILES_TOLD]:
        path = f"{bundle}/{name}".lstrip("/")
        yield Finding(subject=path, message=message, at=Location(path))
    if len(told) > FILES_TOLD:
        more = f"More than {FILES_TOLD} files of the bundle are not as they were sealed."
        yield Finding(subject=f"{bundle} files", message=more, at=Location(bundle))
