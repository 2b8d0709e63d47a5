"""Archives, manifests and property lists that lie about themselves."""

from collections.abc import Iterator

from gate.app import App
from gate.check import Finding, Severity, check

SHOWN = 200


@check(App, severity=Severity.HIGH, cwe=20, masvs="MASVS-RESILIENCE-2")
def structure_anomaly(app: App) -> Iterator[Finding]:
    """
    The archive, or a file that the system must read, lies about itself.

    Looks at: The ZIP archive: names that occur twice, that lead out of the archive or that hide
    themselves, headers that contradict the directory, entries that overlap or are not counted,
    false marks of encryption, unknown methods, wrong CRCs, data before, behind and between the
    entries (a DEX file in front is Janus, CVE-2017-13156), symbolic links. AndroidManifest.xml:
    odd headers and chunks, a second <application>, attributes that have no resource id, another
    one than their name says, or are there twice. Network and backup rules of an APK. Info.plist:
    entities, and keys that are there twice; a second app folder. Where a manifest has such a
    trick, androguard reads it too, and what it reads otherwise is told. Native code: where a Mach-O
    or ELF file states twice what counts once (LC_ENCRYPTION_INFO, PT_GNU_STACK, DT_FLAGS and the
    like), lief reads it too, and what it takes otherwise is told.

    Matters because: The device and the tools that judge an app read such a file differently: a
    tool then sees a harmless app where the device runs another. No ordinary build tool writes
    them; malware and packers do, so that scanners fail or look elsewhere. Some (../ in a name)
    attack whoever unpacks the file.

    Fix by: Releasing the file as the build tools made it, without a packer, protector or archive
    tool behind them. Where a step of your own rewrites the package, replace it by zipalign and
    apksigner, or by xcodebuild -exportArchive.

    Cannot see: Tricks that no reader here notes, resource tables and signatures that lie, and who
    made the file odd. Binary property lists that hold themselves are refused when they are read
    and named as incomplete. androguard and lief are asked only about files that have a trick.
    """
    for each in app.anomalies:
        name = _shown(each.entry)
        yield Finding(
            f"{name or 'archive'}: {_shown(each.kind)}",
            f"{name or 'The archive'}: {_shown(each.trick)}; {each.hides}.",
            each.at,
        )


def _shown(text: str) -> str:
    """Text of the build with what does not print escaped, and not too long."""
    escaped = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:SHOWN])
    return escaped[:SHOWN]
