"""A Documents folder that computers and other apps read."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check

SHARING = "UIFileSharingEnabled"
IN_PLACE = "LSSupportsOpeningDocumentsInPlace"
BROWSER = "UISupportsDocumentBrowser"


@check(IosApp, severity=Severity.MEDIUM, cwe=552, masvs="MASVS-STORAGE-2")
def file_sharing(app: IosApp) -> Iterator[Finding]:
    """
    The app's Documents folder is open to computers and to the Files app.

    Looks at: The Info.plist of the app and of every app clip: UIFileSharingEnabled set to true, and
    LSSupportsOpeningDocumentsInPlace set to true together with it or with
    UISupportsDocumentBrowser. Opening documents in place by itself, for files that the user brings,
    is in order.

    Matters because: Whoever has the unlocked device in hand copies everything in Documents, by the
    Finder or iTunes of a computer or by the Files app, and can change it there. Statements, exports
    and databases that the app keeps in that folder leave the device without the app's knowledge.

    Fix by: Removing UIFileSharingEnabled, LSSupportsOpeningDocumentsInPlace and
    UISupportsDocumentBrowser from the Info.plist (in Xcode: target, Info), and handing single files
    out by UIActivityViewController or UIDocumentPickerViewController. Where sharing is a feature,
    keep data that is not for it in Library/Application Support, with NSFileProtectionComplete.

    Cannot see: What the app writes to Documents.
    """
    for bundle in app.bundles:
        if bundle.kind not in ("app", "app-clip"):
            continue
        on = [key for key in (SHARING, IN_PLACE, BROWSER) if bundle.info.get(key) is True]
        if SHARING in on or on == [IN_PLACE, BROWSER]:
            yield Finding(
                subject=f"{bundle.path} {on[0]}",
                message=f"{' and '.join(on)} open the Documents folder to computers and the Files "
                "app.",
                at=Location(bundle.info_path, element=on[0], snippet="true"),
            )
