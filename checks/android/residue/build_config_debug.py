"""android-build-config-debug: the app was built as a debug or test variant."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import FIRST_PARTY, Class
from gate.check import Finding, Severity, check

TEST_TYPES = frozenset(("debug", "staging", "qa"))
TEST_FLAVORS = frozenset(
    ("debug", "staging", "qa", "dev", "develop", "development", "uat", "sit", "mock")
)
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@check(AndroidApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
def build_config_debug(app: AndroidApp) -> Iterator[Finding]:
    """
    The app's BuildConfig says that this is a debug or test variant.

    Looks at: The class BuildConfig in the package of the manifest and in the packages of the app's
    own components and those above them: DEBUG true, BUILD_TYPE debug, staging or qa, and a FLAVOR
    with one of the words debug, dev, develop, development, staging, qa, uat, sit, mock.

    Matters because: Code behind BuildConfig.DEBUG is live then: logs with customers' data, servers
    for tests, hidden menus, switched-off certificate checks. A variant for tests talks to other
    servers than the one that was released.

    Fix by: Releasing the variant of the release build type (./gradlew bundleRelease, or
    bundleProdRelease with flavors), with debuggable false in that build type, since DEBUG follows
    from it.

    Cannot see: A BuildConfig that the shrinker has inlined and removed, which is the ordinary case
    in a release; silence is no proof. BuildConfig classes of libraries are not looked at.
    """
    for package in sorted(_packages(app)):
        found = app.code.find(f"{package}.BuildConfig")
        if found is not None and found.origin == FIRST_PARTY:
            for field, what in _said(found):
                yield Finding(
                    f"{found.name} {field}",
                    f"{found.name} says {what}: this is not the release variant.",
                    at=found.at,
                    origin=found.origin,
                )


def _packages(app: AndroidApp) -> set[str]:
    """The manifest's package, and those of the components with every one above."""
    found = {app.manifest.package}
    for component in app.manifest.components:
        labels = component.name.split(".")[:-1]
        found.update(".".join(labels[:length]) for length in range(2, len(labels) + 1))
    return found


def _said(config: Class) -> Iterator[tuple[str, str]]:
    """What names a debug or test variant, as the subject and the message have it."""
    debug, kind, flavor = map(config.held, ("DEBUG", "BUILD_TYPE", "FLAVOR"))
    if debug and 1 in debug.numbers:
        yield "DEBUG", "DEBUG = true"
    for text in kind.texts if kind else ():
        if text.lower() in TEST_TYPES:
            yield f"BUILD_TYPE {text}", f'BUILD_TYPE = "{text}"'
    for text in flavor.texts if flavor else ():
        if not TEST_FLAVORS.isdisjoint(word.lower() for word in WORD.findall(text)):
            yield f"FLAVOR {text}", f'FLAVOR = "{text}"'
