"""The head of the report: what the build says it is, as far as it could be read."""

from collections.abc import Callable, Iterable, Iterator

from gate.app import AndroidApp, App, AppCard, IosApp, Unread
from gate.app.signing import Certificate, SchemeVerdict, levels_in_words
from gate.read.permissions import with_protection_level

LINES = 200


def card(app: App) -> AppCard:
    """Identity and inventory; a part that cannot be read is left empty, its gap is told anyway."""
    if isinstance(app, AndroidApp):
        return _android(app)
    assert isinstance(app, IosApp)
    return _ios(app)


def _android(app: AndroidApp) -> AppCard:
    inventory = {
        "permissions": _lines(lambda: with_protection_level(app.manifest.permissions_used)),
        "components": _lines(lambda: (f"{c.kind} {c.name}" for c in app.manifest.components)),
        "signers": _lines(lambda: _signers(app)),
        "signature schemes": _lines(lambda: _schemes(app)),
        "source stamp": _lines(lambda: _stamps(app)),
        "native libraries": _lines(lambda: (library.path for library in app.libraries)),
    }
    try:
        manifest = app.manifest
    except Unread:
        return AppCard("android", "", "", "", "", "", "", inventory)
    return AppCard(
        platform="android",
        id=manifest.package,
        name=next(iter(manifest.application.label.values), ""),
        version=manifest.version_name,
        build_number=str(manifest.version_code),
        min_os=f"API {manifest.min_sdk}",
        target=f"API {manifest.target_sdk}",
        inventory=inventory,
    )


def _signers(app: AndroidApp) -> Iterable[str]:
    for signer in app.signing.signers:
        for certificate in signer.certificates[:1]:
            yield f"{signer.scheme} {_certificate(certificate)}"


def _schemes(app: AndroidApp) -> Iterator[str]:
    """What was verified in every file that is signed by itself."""
    in_bundle = app.build.kind == "aab"
    for path, apk in app.signed_files:
        for each in apk.signature.schemes:
            yield f"{path} {each.scheme} {_verdict(each, in_bundle=in_bundle)}".strip()


def _verdict(scheme: SchemeVerdict, *, in_bundle: bool) -> str:
    if in_bundle:
        reasons = "; ".join(scheme.errors)
        return "verifies" if scheme.verified else f"does not verify: {reasons}"
    if scheme.min_sdk is None or scheme.max_sdk is None:
        return "is read by no supported version"
    told = f"at {levels_in_words(scheme.min_sdk, scheme.max_sdk)}"
    if scheme.file_sha256:
        told += f", in the idsig beside the APK with SHA-256 {scheme.file_sha256}"
    return (
        f"verifies {told}"
        if scheme.verified
        else f"does not verify {told}: " + "; ".join(scheme.errors)
    )


def _stamps(app: AndroidApp) -> Iterator[str]:
    for path, apk in app.signed_files if app.build.kind != "aab" else ():
        stamp = apk.signature.source_stamp
        if stamp is None:
            continue
        told = f"does not verify: {stamp.reason}" if stamp.reason else "verifies"
        yield " ".join(filter(None, (path, stamp.scheme, stamp.certificate, told)))


def _certificate(certificate: Certificate) -> str:
    return f"{certificate.sha256} {certificate.subject_text}"


def _ios(app: IosApp) -> AppCard:
    inventory = {
        "bundles": _lines(lambda: (f"{b.kind} {b.path}" for b in app.bundles)),
        "programs": _lines(
            lambda: (
                f"{program.path} ({', '.join(each.architecture for each in program.slices)})"
                for program in app.programs
            )
        ),
    }
    try:
        info = app.main.info
    except Unread:
        return AppCard("ios", "", "", "", "", "", "", inventory)
    text = {key: value for key, value in info.items() if isinstance(value, str)}
    return AppCard(
        platform="ios",
        id=text.get("CFBundleIdentifier", ""),
        name=text.get("CFBundleDisplayName", text.get("CFBundleName", "")),
        version=text.get("CFBundleShortVersionString", ""),
        build_number=text.get("CFBundleVersion", ""),
        min_os=f"iOS {text.get('MinimumOSVersion', '?')}",
        target=text.get("DTSDKName", ""),
        inventory=inventory,
    )


def _lines(read: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """Sorted lines, at most 200 and a count of the rest; () where the fact is unreadable."""
    try:
        lines = sorted(set(read()))
    except Unread:
        return ()
    rest = len(lines) - LINES
    return (*lines[:LINES], f"and {rest} more") if rest > 0 else tuple(lines)
