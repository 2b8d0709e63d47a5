"""Code where the platform does not load it by itself."""

from collections.abc import Iterator

from gate.app import App
from gate.check import Finding, Severity, check

SHOWN = 200
FORMS = {
    "APK": "a whole APK",
    "DEX": "a DEX file",
    "JAR": "classes",
    "Mach-O": "a Mach-O file",
}


@check(App, severity=Severity.MEDIUM, cwe=506, masvs="MASVS-CODE-4")
def hidden_code(app: App) -> Iterator[Finding]:
    """
    Code lies where the platform does not load it by itself.

    Looks at: Android: the content of every file but the DEX files that the runtime loads
    (classes.dex, classes2.dex and so on without a gap): DEX files under any name, also inside
    another file or numbered out of turn, archives inside the build whose directory names an
    AndroidManifest.xml, .dex or .class files, and the bytes of the archive that belong to no entry
    (in front of the first, beside the signing block). iOS: Mach-O files in the app that are no
    bundle's program and do not lie below a Frameworks folder.

    Matters because: Code that is unpacked and loaded at run time is not in the class list that
    reviewers and scanners see, and none of the other checks has read it. Packers and droppers
    bring their payload this way; SDKs that load a plug-in from assets escape release control
    alike.

    Fix by: Linking the code into the app, as a module, library or framework of the build, or
    removing it from assets and resources. Ask the vendor of an SDK that ships a plug-in for a
    build without it; for one that has to stay, waive its file by name.

    Cannot see: Code that is encrypted or packed (a packer's payload mostly is), archives inside a
    compressed archive, native libraries and scripts, and whether what was found is ever loaded. It
    does not judge who assembled a DEX file: the order in its tables differs between sound tools
    too. Resources of Android are searched for Android code only, those of iOS for Mach-O only.
    """
    for each in app.hidden_code:
        name = _shown(each.path)
        form = FORMS[each.form]
        if name:
            message = f"{name} holds {form} that the platform does not load by itself"
        else:
            message = f"Bytes of the archive that belong to no entry hold {form}"
        subject = f"{name or f'archive, {each.place}'}: {each.form}"
        yield Finding(subject, f"{message} ({each.place}).", each.at)


def _shown(text: str) -> str:
    """Text of the build with what does not print escaped, and not too long."""
    escaped = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:SHOWN])
    return escaped[:SHOWN]
