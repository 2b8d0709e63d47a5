"""Privacy manifests that do not say what the code does, or say it wrongly."""

from collections.abc import Iterator

from gate.app import IosApp, Location, Program
from gate.app.image import Image
from gate.app.privacy import TRACKING, PrivacyManifest, is_listed, mistakes
from gate.check import Confidence, Finding, NotApplicable, Severity, Undecided, check


@check(IosApp, severity=Severity.MEDIUM, cwe=359, masvs="MASVS-PRIVACY-3")
def privacy_manifest_wrong(app: IosApp) -> Iterator[Finding]:
    """
    A privacy manifest lacks an API that the code calls, or says what Apple does not know.

    Looks at: For each program and framework, the required-reason APIs that it imports or names
    (file time stamps, boot time, disk space, active keyboards, user defaults) against the
    categories that the manifest of its bundle declares with a reason; the app's own manifest and
    those of resource bundles count for all but frameworks. In every manifest: keys of the right
    type, categories and reason codes that Apple has published, tracking domains where
    NSPrivacyTracking is true, and false for an SDK whose vendor says that it tracks.

    Matters because: The App Store refuses builds whose manifest does not cover the APIs in the code
    (ITMS-91053), and what users and reviewers are told about tracking is then untrue. Connections
    to tracking domains are not blocked where the manifest does not name them.

    Fix by: Adding a dictionary to NSPrivacyAccessedAPITypes of PrivacyInfo.xcprivacy with the
    category and a reason that fits, such as NSPrivacyAccessedAPICategoryUserDefaults with CA92.1
    for the app's own defaults, or removing the call. Update an SDK whose manifest is wrong: that of
    the app cannot speak for it. Set NSPrivacyTracking to true only with NSPrivacyTrackingDomains.

    Cannot see: Whether a reason is the true one, calls by a name that is put together at run time,
    and the selectors of a program that the store encrypted, which is undecided. An import says that
    code calls the API, not that it ever runs.
    """
    if app.as_of < app.privacy_rules.since():
        raise NotApplicable(f"manifests are asked for from {app.privacy_rules.since()} on")
    for manifest in app.privacy_manifests:
        if not manifest.fault:
            for what, message in mistakes(manifest.root, app.privacy_rules.reasons):
                yield Finding(
                    subject=f"{manifest.path} {what}"[:300],
                    message=f"{message}.",
                    at=Location(manifest.path, element=what[:200]),
                )
            yield from _tracker(app, manifest)
    hidden = []
    images = app.images_by_path
    for program in app.programs:
        yield from _undeclared(app, program, images.get(program.path, []))
        if any(each.encrypted for each in program.slices):
            hidden.append(program.path)
    if hidden:
        raise Undecided(f"the selectors are encrypted in {', '.join(hidden[:3])}")


def _tracker(app: IosApp, manifest: PrivacyManifest) -> Iterator[Finding]:
    name = manifest.bundle.rpartition("/")[2].removesuffix(".framework")
    tracks = is_listed(app.privacy_rules.trackers, name, app.as_of)
    if tracks and manifest.root.get(TRACKING) is not True:
        yield Finding(
            subject=f"{manifest.path} {TRACKING}",
            message=f"{TRACKING} is not true, though the vendor of {name} says that it tracks.",
            at=Location(manifest.path, element=TRACKING),
            confidence=Confidence.LOW,
        )


def _undeclared(app: IosApp, program: Program, images: list[Image]) -> Iterator[Finding]:
    """The categories that a program uses and no manifest in charge declares."""
    inside = program.bundle.path if program.bundle and program.bundle.kind == "framework" else ""
    own = [each for each in app.privacy_manifests if _speaks_for(each, inside)]
    root = inside or app.main.path
    if all(each.bundle != root for each in own):
        return  # without a manifest at all, which another check says
    declared = frozenset[str]().union(*(each.declared() for each in own))
    told: set[tuple[str, ...]] = set()
    for image in images:
        for api in app.privacy_rules.apis:
            fits = api.since <= app.as_of and not declared.intersection(api.categories)
            if fits and api.categories not in told and api.need.used(image):
                told.add(api.categories)
                category = " or ".join(api.categories)
                yield Finding(
                    subject=f"{program.path} {category}",
                    message=f"The code uses {api.need.name}, but the privacy manifest does not "
                    f"declare {category}.",
                    at=Location(program.path, element=api.need.name),
                )


def _speaks_for(manifest: PrivacyManifest, framework: str) -> bool:
    """Whether a manifest speaks for code in a framework, or "" for code outside of any."""
    if framework:
        return f"{manifest.bundle}/".startswith(f"{framework}/")
    return ".framework/" not in f"{manifest.bundle}/"
