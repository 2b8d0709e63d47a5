"""A build for the simulator."""

from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location, Program
from gate.check import Finding, Severity, check

INTEL = ("i386", "x86_64", "x86_64h")


@check(IosApp, severity=Severity.CRITICAL, cwe=489, masvs="MASVS-RESILIENCE-4")
def simulator_build(app: IosApp) -> Iterator[Finding]:
    """
    The build, or a part of it, was made for the simulator.

    Looks at: CFBundleSupportedPlatforms and DTPlatformName in the Info.plist of the app and every
    bundle inside it (iPhoneSimulator, and the simulators of the other systems), and every Mach-O
    file: a build version for a simulator (LC_BUILD_VERSION platform 7 and its like), and an i386 or
    x86_64 slice, unless the app is one of Mac Catalyst, which runs on Intel Macs.

    Matters because: A simulator build does not run on a device and is no release build: it is a
    Debug build in most set-ups, without the protections of the release. A framework that ships its
    simulator slices shows that the packaging step was left out; the App Store refuses both.

    Fix by: Archiving for the destination generic/platform=iOS (xcodebuild archive -sdk iphoneos)
    and exporting from that archive, instead of zipping the products of a simulator build. Take
    frameworks as XCFrameworks, from which Xcode picks the device slice; where a fat framework has
    to stay, strip its simulator slices in a build phase (lipo -remove x86_64) before it is signed.

    Cannot see: Whether the device slices beside were built in the Release configuration.
    """
    for bundle in app.bundles:
        yield from _in_info(bundle)
    for program in app.programs:
        yield from _in_program(program, is_for_mac=_is_for_mac(app))


def _is_for_mac(app: IosApp) -> bool:
    """Whether the app's own program is one of Mac Catalyst, and so may have Intel slices."""
    return any(
        each.platform == "maccatalyst"
        for program in app.programs
        if program.bundle is app.main
        for each in program.slices
    )


def _in_info(bundle: Bundle) -> Iterator[Finding]:
    """What the Info.plist says of the platform it was built for."""
    supported = bundle.info.get("CFBundleSupportedPlatforms")
    names = supported if isinstance(supported, list) else [supported]
    for key, values in (
        ("CFBundleSupportedPlatforms", names),
        ("DTPlatformName", [bundle.info.get("DTPlatformName")]),
    ):
        for value in values:
            if isinstance(value, str) and value.lower().endswith("simulator"):
                yield Finding(
                    subject=bundle.info_path,
                    message=f"{key} says {value}: this was built for the simulator.",
                    at=Location(bundle.info_path, element=key, snippet=value),
                )


def _in_program(program: Program, *, is_for_mac: bool) -> Iterator[Finding]:
    """Slices that only a simulator runs."""
    for each in program.slices:
        if each.platform.endswith("simulator"):
            reason = f"is built for the platform {each.platform}"
        elif each.architecture in INTEL and not is_for_mac:
            reason = f"has code for {each.architecture}, which no iOS device runs"
        else:
            continue
        yield Finding(
            subject=f"{program.path} ({each.architecture})",
            message=f"The {each.architecture} slice {reason}{each.caveat}.",
            at=Location(program.path, element=each.architecture, offset=each.offset),
        )
