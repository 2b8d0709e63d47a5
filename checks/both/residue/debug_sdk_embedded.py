"""app-debug-sdk-embedded: a tool for debugging is in the build."""

from collections.abc import Iterator

from gate.app import AndroidApp, App, IosApp, Location
from gate.check import Finding, Severity, check

# Packages and classes that the tool has and its published empty variant has not.
ANDROID = {
    "Chuck": ("com.readystatesoftware.chuck.internal",),
    "Chucker": ("com.chuckerteam.chucker.internal",),
    "DebugDB": ("com.amitshekhar.server", "com.amitshekhar.sqlite"),
    "DoKit": ("com.didichuxing.doraemonkit.kit", "com.didichuxing.doraemonkit.abridge"),
    "Flipper": ("com.facebook.flipper.android.diagnostics", "com.facebook.flipper.nativeplugins",
                "com.facebook.flipper.android.EventBase"),
    "Hyperion": ("com.willowtreeapps.hyperion.core.internal",),
    "LeakCanary": ("leakcanary.internal.activity", "leakcanary.internal.navigation",
                   "leakcanary.internal.InternalLeakCanary", "com.squareup.leakcanary.internal"),
    "Pluto": ("com.pluto.ui.selector", "com.pluto.ui.container", "com.pluto.tools"),
    "Stetho": ("com.facebook.stetho.server", "com.facebook.stetho.inspector"),
}  # fmt: skip
# Names of frameworks, resource bundles and libraries, without their endings.
IOS = {
    "FLEX": ("FLEX",),
    "InjectionIII": ("iOSInjection", "InjectionBundle", "iphoneosInjection"),
    "Lookin": ("LookinServer", "LookinServerDynamic", "LookinServer_LookinServer"),
    "Proxyman Atlantis": ("Atlantis",),
    "Reveal": ("RevealServer", "libReveal"),
    "Wormholy": ("Wormholy", "Wormholy_Wormholy"),
    "netfox": ("netfox", "netfox_ios", "netfox_netfox"),
}
ENDINGS = (".framework", ".bundle", ".dylib")


@check(App, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-3")
def debug_sdk_embedded(app: App) -> Iterator[Finding]:
    """
    A tool for debugging is in the build.

    Looks at: Android: the packages of the code and the components of the manifest, for LeakCanary,
    Stetho, Flipper, Chucker, Chuck, Hyperion, DebugDB, Pluto and DoKit; only parts count that the
    empty variants which the tools publish for releases lack. iOS: frameworks, resource bundles and
    libraries of FLEX, Reveal, Lookin, netfox, Wormholy, InjectionIII and Proxyman Atlantis.

    Matters because: These tools show requests with their bodies, databases, preferences and the
    memory of the running app, some to anybody in the same network, some in a screen that any user
    opens. InjectionIII replaces code while the app runs.

    Fix by: Declaring the tool for debug builds only: debugImplementation(...) and the tool's no-op
    artifact as releaseImplementation. On iOS restrict the package or pod to the Debug
    configuration (pod 'FLEX', :configurations => ['Debug']).

    Cannot see: Tools whose classes a shrinker has renamed and that declare no component, and tools
    linked statically into an iOS program without a resource bundle of their own.
    """
    if isinstance(app, AndroidApp):
        for tool, place in sorted(_in_android(app).items()):
            yield _finding(tool, place)
    elif isinstance(app, IosApp):
        for tool, names in IOS.items():
            wanted = {f"{name}{ending}" for name in names for ending in ENDINGS}
            for path in app.files.names:
                parts = path.split("/")
                if found := next((i for i, part in enumerate(parts, 1) if part in wanted), 0):
                    yield _finding(tool, Location("/".join(parts[:found])))
                    break


def _in_android(app: AndroidApp) -> dict[str, Location]:
    """Where each tool is seen first: a component that the manifest declares, else its code."""
    found: dict[str, Location] = {}
    packages = sorted(app.code.packages())
    for tool, marks in ANDROID.items():
        for component in app.manifest.components:
            if _is_below(component.name, marks):
                found.setdefault(tool, component.at)
        for package in packages:
            if _is_below(package, marks):
                found.setdefault(tool, Location(element=package))
        for mark in marks:
            if (named := app.code.find(mark)) is not None:
                found.setdefault(tool, named.at)
    return found


def _is_below(name: str, marks: tuple[str, ...]) -> bool:
    return any(name == mark or name.startswith(f"{mark}.") for mark in marks)


def _finding(tool: str, at: Location) -> Finding:
    message = f"{tool} is in the build ({at.element or at.path}), a tool for debugging."
    return Finding(tool, message, at=at, origin=tool)
