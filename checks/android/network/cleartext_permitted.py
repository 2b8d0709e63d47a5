"""android-cleartext-permitted: unencrypted traffic is allowed by default."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=319, masvs="MASVS-NETWORK-1")
def cleartext_permitted(app: AndroidApp) -> Iterator[Finding]:
    """
    The app may send and receive unencrypted traffic to any host.

    Looks at: What decides for hosts that no <domain-config> names. With a network security
    configuration that is cleartextTrafficPermitted of <base-config>, in every configuration that a
    device may choose. Without one, and on Android 6 always, it is android:usesCleartextTraffic of
    <application>. Where nothing is written the platform permits cleartext when targetSdk is 27 or
    lower. <debug-overrides> does not count.

    Matters because: On a shared or hostile network anyone in between reads and changes what goes
    over HTTP: sessions, personal data, and code or pages that the app then trusts. With cleartext
    refused, a forgotten http:// address or an SDK's fails at once and does not leak.

    Fix by: Raising targetSdk to 28 or higher in android.defaultConfig of build.gradle, and deleting
    android:usesCleartextTraffic from <application> or setting it to "false" (build type manifests
    and manifestPlaceholders too). In the file that android:networkSecurityConfig names, write
    <base-config cleartextTrafficPermitted="false">, and permit a host that has no TLS, such as
    10.0.2.2 of the emulator, in a <domain-config> of the debug build type's file only.

    Cannot see: Whether the app sends anything in clear, single domains opened by a <domain-config>,
    and sockets or HTTP stacks that ask no policy (native code, java.net.Socket).
    """
    target = app.manifest.target_sdk
    application = app.manifest.application
    for config in app.network_configs:
        base = config.base
        if base is not None and base.cleartext:
            message = "permits cleartext to any host that no <domain-config> names."
            yield Finding("base-config", f"<base-config> {message}", at=base.at)
        elif target <= 27 and (base is None or base.cleartext is None):
            message = (
                f"{config.path} does not say whether cleartext is permitted by default, and with"
                f" targetSdk {target} the platform permits it."
            )
            yield Finding("platform default", message, at=base.at if base else config.at)
    attribute, configured = application.cleartext, application.network_security_config
    if configured and app.manifest.min_sdk >= 24:
        return
    if attribute.may_be(True, default=False):
        scope = " on Android 6, which reads no network security configuration" if configured else ""
        message = f'{attribute.name}="{attribute.written}" permits cleartext to any host{scope}.'
        yield Finding("usesCleartextTraffic", message, at=attribute.at)
    elif not attribute and not configured and target <= 27:
        message = (
            "Neither android:usesCleartextTraffic nor a network security configuration is there,"
            f" and with targetSdk {target} the platform permits cleartext to any host."
        )
        yield Finding("platform default", message, at=application.at)
