"""android-trust-user-ca: certificates that a user installs are trusted."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.HIGH, cwe=295, masvs="MASVS-NETWORK-1")
def trust_user_ca(app: AndroidApp) -> Iterator[Finding]:
    """
    Certificate authorities that the user installed are trusted.

    Looks at: <certificates src="user"> in the <trust-anchors> of <base-config> and of every
    <domain-config>, nested ones too, in every network security configuration that a device may
    choose. With targetSdk 23 or lower also whether <base-config> sets its own anchors, as the
    platform's default then includes the user's store. <debug-overrides> does not count.

    Matters because: A certificate authority gets into the user's store by a profile, a support scam
    or a few minutes with the unlocked phone. Whoever owns it can read and change the app's TLS
    traffic on any network, with no warning in the app.

    Fix by: Deleting <certificates src="user"/> from <base-config> and <domain-config> in the file
    that android:networkSecurityConfig names, and raising targetSdk to 24 or higher in
    android.defaultConfig of build.gradle. For a proxy in testing put it inside <debug-overrides>,
    which release builds ignore, or in a file under src/debug/res/xml. For a company's own authority
    ship its certificate: <certificates src="@raw/company_ca"/> in the <domain-config> of its hosts.

    Cannot see: A TrustManager or pinning in code, WebView and native TLS stacks with stores of
    their own, and Android 6 and earlier, where the user's store is always trusted.
    """
    for config in app.network_configs:
        base = config.base
        for anchor in (base and base.anchors) or ():
            if anchor.source == "user":
                message = "<base-config> trusts certificate authorities that the user installed."
                yield Finding("base-config", message, at=anchor.at)
        waiting = list(reversed(config.domains))
        while waiting:
            rule = waiting.pop()
            waiting.extend(reversed(rule.nested))
            for anchor in rule.anchors or ():
                if anchor.source == "user":
                    yield from _for_domains([domain.name for domain in rule.domains], anchor.at)
    target = app.manifest.target_sdk
    if target > 23:
        return
    message = (
        f"With targetSdk {target} the platform trusts certificate authorities that the user"
        " installed, and no <base-config> sets other trust anchors."
    )
    unset = [each for each in app.network_configs if each.base is None or each.base.anchors is None]
    if unset or not app.manifest.application.network_security_config:
        at = unset[0].at if unset else app.manifest.application.at
        yield Finding("platform default", message, at=at)


def _for_domains(names: list[str], at: Location) -> Iterator[Finding]:
    """One finding a domain, so that a waiver for one does not cover those added later."""
    for name in names or ["domain-config"]:
        message = f"For {name} certificate authorities that the user installed are trusted."
        yield Finding(name, message, at=at)
