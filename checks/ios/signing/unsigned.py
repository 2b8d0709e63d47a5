"""A program that no certificate vouches for."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.native import CodeSignature
from gate.check import Finding, Severity, check


@check(IosApp, severity=Severity.CRITICAL, cwe=347, masvs="MASVS-RESILIENCE-2")
def unsigned(app: IosApp) -> Iterator[Finding]:
    """
    A program of the build is unsigned, or signed ad hoc by nobody.

    Looks at: The code signature of the main program of the app and of every extension, framework
    and other bundle inside it, in every architecture. It counts as unsigned without an
    LC_CODE_SIGNATURE, with an empty signature, and with one that is ad hoc: it has the flag 0x2 or
    no CMS signature, so that no certificate stands behind it. Bundles that hold resources alone
    have no program and are silent.

    Matters because: Nothing ties such a program to the developer: it can be replaced without
    notice, and nobody can show that it is the one that was built and approved. iOS refuses to
    install it.

    Fix by: Exporting the archive with xcodebuild -exportArchive and a distribution certificate.
    Frameworks that are copied in need Embed & Sign (the copy phase's Code Sign On Copy); a script
    that changes or adds a program has to sign it again with codesign, innermost first. Check that
    CODE_SIGNING_ALLOWED, CODE_SIGNING_REQUIRED and CODE_SIGN_IDENTITY are not switched off (NO, or
    a dash, which means ad hoc) for the Release configuration.

    Cannot see: Whether a signature verifies and who the signer is: a CMS signature that is there
    counts here, whatever it says. A library outside any bundle is not judged.
    """
    for program in app.programs:
        if program.bundle is None:
            continue
        for each in program.slices:
            if each.signature_unread:
                continue
            if reason := _lacks(each.signature):
                yield Finding(
                    subject=program.path,
                    message=f"{reason}; no certificate vouches for this program{each.caveat}.",
                    at=Location(program.path, element=f"{each.architecture} LC_CODE_SIGNATURE"),
                )


def _lacks(signature: CodeSignature | None) -> str:
    """What is missing in a signature, '' where a certificate signed."""
    if signature is None:
        return "There is no code signature"
    if not signature.code_directories:
        return "The code signature is empty"
    if signature.is_adhoc:
        return "The code signature is ad hoc"
    return ""
