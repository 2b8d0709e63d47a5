"""Code signatures in a form that current systems refuse."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.native import CodeSignature
from gate.check import Finding, Severity, check

SHA1 = 1
LEAST_VERSION = 0x20400  # CS_SUPPORTSEXECSEG (xnu, osfmk/kern/cs_blobs.h): what DER goes with


@check(IosApp, severity=Severity.MEDIUM, cwe=328, masvs="MASVS-RESILIENCE-2")
def signature_format_old(app: IosApp) -> Iterator[Finding]:
    """
    A code signature has an old form: SHA-1 alone, an old version, or no DER entitlements.

    Looks at: The signature of every program and library, in every architecture: whether a code
    directory with SHA-256 or better is there, whether the strongest one has version 0x20400 or
    later, and whether entitlements, where there are some, are there in the DER form too. A SHA-1
    directory beside a stronger one, for old systems, is in order. Signatures that are ad hoc are
    left to another check.

    Matters because: SHA-1 no longer withstands forgery: two files with one digest can be made. iOS
    15 and later refuse programs whose entitlements lack the DER form, with the message that the
    signature has to be made anew, so that users with a new device cannot start the app.

    Fix by: Archiving and exporting with a current Xcode (13 or later), which writes all of it by
    default. Where a script signs, use codesign --generate-entitlement-der on an older macOS and
    drop --digest-algorithm=sha1; update re-signing tools. Frameworks that come signed have to be
    signed again on copying (Embed & Sign).

    Cannot see: Which systems the app will be installed on, and whether the signature verifies,
    which another check asks.
    """
    for program in app.programs:
        for each in program.slices:
            signature = each.signature
            if signature is None or signature.is_adhoc or not signature.code_directories:
                continue
            for what, message in _old(signature):
                yield Finding(
                    subject=f"{program.path} ({each.architecture}) {what}",
                    message=f"{message}{each.caveat}.",
                    at=Location(
                        program.path,
                        element=f"{each.architecture} LC_CODE_SIGNATURE",
                        offset=each.offset,
                    ),
                )


def _old(signature: CodeSignature) -> Iterator[tuple[str, str]]:
    strongest = signature.strongest
    if strongest.hash_type == SHA1:
        yield "SHA-1", "The signature has a SHA-1 code directory and no stronger one"
    if strongest.version < LEAST_VERSION:
        version = f"{strongest.version:#x}, below {LEAST_VERSION:#x}"
        yield "version", f"The code directory has version {version}"
    if signature.entitlements_xml and signature.entitlements_der is None:
        yield "entitlements", "Entitlements are there as XML, but not as DER, which iOS 15 needs"
