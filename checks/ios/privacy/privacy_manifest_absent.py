"""Bundles without the privacy manifest that they need."""

from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location
from gate.app.image import Image
from gate.app.privacy import MANIFEST, is_listed
from gate.check import Confidence, Finding, NotApplicable, Severity, check

SIGNATURES = "Signatures/"


@check(IosApp, severity=Severity.MEDIUM, cwe=359, masvs="MASVS-PRIVACY-3")
def privacy_manifest_absent(app: IosApp) -> Iterator[Finding]:
    """
    The app, or a framework that has to, brings no readable privacy manifest.

    Looks at: PrivacyInfo.xcprivacy in the app's bundle and in each embedded framework that is on
    Apple's list of SDKs or imports an API that needs a reason. For listed SDKs also whether their
    vendor signed them: from Xcode 15 on, an exported .ipa keeps the signatures of binary SDKs
    in its folder Signatures, and one that is missing there, beside others, is told with low
    confidence. Lists and days are those that Apple published, judged for the day of --as-of.

    Matters because: The manifest says which data is collected and why certain APIs are called.
    Since 1 May 2024 the App Store refuses apps and listed SDKs without it. An SDK whose vendor did
    not sign it may have been exchanged on its way to the build.

    Fix by: Adding an App Privacy file (Xcode: File, New, File, App Privacy) to the app target and
    filling it in; updating SDKs to a release that brings its own manifest. Make a privacy report
    from the archive (Organizer, Generate Privacy Report) to see what is declared. Take binary SDKs
    as signed XCFrameworks and keep Xcode's record of who signed them.

    Cannot see: SDKs that are linked into the program itself, whose manifests lie in resource
    bundles or nowhere, and who signed an SDK before the app's own signature replaced that.
    """
    rules = app.privacy_rules
    if app.as_of < rules.since():
        raise NotApplicable(f"privacy manifests are asked for from {rules.since()} on")
    read = {each.bundle: each for each in app.privacy_manifests}
    signed = {name for name in app.files.names if name.startswith(SIGNATURES)}
    images = app.images_by_path
    for bundle in app.bundles:
        name = bundle.path.rpartition("/")[2].removesuffix(".framework")
        listed = bundle.kind == "framework" and is_listed(rules.listed, name, app.as_of)
        why = "is on Apple's list of SDKs" if listed else _why(app, bundle, images)
        if not why:
            continue
        path = f"{bundle.path}/{MANIFEST}".lstrip("/")
        manifest = read.get(bundle.path)
        if manifest is None or manifest.fault:
            fault = f"cannot be read: {manifest.fault}" if manifest else "is absent"
            message = f"The privacy manifest {fault}, though this {why}."
            yield Finding(subject=bundle.path, message=message, at=Location(path))
        if listed and signed and not any(f"/{name}.xcframework-" in each for each in signed):
            yield Finding(
                subject=f"{bundle.path} signature",
                message="No vendor's signature is kept of this SDK, though others have one.",
                at=Location(bundle.path),
                confidence=Confidence.LOW,
            )


def _why(app: IosApp, bundle: Bundle, images: dict[str, list[Image]]) -> str:
    """Why a bundle that is on no list needs a manifest, "" where it does not."""
    if bundle is app.main:
        return "is an app"
    if bundle.kind != "framework":
        return ""
    for image in images.get(bundle.executable, []):
        for api in app.privacy_rules.apis:
            if api.since <= app.as_of and api.need.used(image):
                return f"calls {api.need.name}, which needs a reason"
    return ""
