"""android-test-only: the package is marked as a test build."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=489, masvs="MASVS-RESILIENCE-4")
def test_only(app: AndroidApp) -> Iterator[Finding]:
    """
    The build is marked testOnly.

    Looks at: The attribute android:testOnly of the first <application> in AndroidManifest.xml,
    references looked up in resources.arsc for every device configuration.

    Matters because: Such a package is what Android Studio's Run button or a test task made, not
    what the release pipeline makes. Phones install it only through `adb install -t`, Google Play
    refuses it, and a device administrator that is testOnly can be removed with adb by anyone who
    holds the phone. If it reaches the release step, the pipeline has picked up the wrong file.

    Fix by: Releasing the output of `./gradlew assembleRelease` or `bundleRelease`, taken from
    build/outputs, never from build/intermediates and never what Android Studio's Run button made.
    Remove `android.injected.testOnly=true` from gradle.properties and from the -P options of the CI
    job, and android:testOnly="true" from AndroidManifest.xml.

    Cannot see: Test builds without this mark, nor test code and test servers inside a build.
    """
    attribute = app.manifest.application.test_only
    if attribute.may_be(True, default=False):
        yield Finding(
            "application",
            f'{attribute.name}="{attribute.written}" marks the package as a test build, which'
            " phones and stores refuse.",
            at=attribute.at,
        )
