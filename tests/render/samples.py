"""Documents to render: a blocked build, a passing one, a refused one, two together, a flood."""

from datetime import date

from gate.app import AppCard, Build, Coverage, Gap, Location
from gate.check import CheckCard, Confidence, Doc, Finding, Outcome, Result, Severity, Unresolved
from gate.decide import Decision, Judged, Standing, State, Verdict, WaiverUse
from gate.policy import Action, Control, Exceptions, Text, Waiver
from gate.report import SCHEMA, Document, Policy, Report

CREATED = "2026-11-22T10:00:00Z"
POLICY = Policy(
    name="article-6-3",
    version="0.1.0",
    title=Text("Release measures for mobile apps", "行動應用程式發布控管措施"),
    profile="trading",
    profile_title=Text("Trading app", "下單應用程式"),
    sha256="5c" * 32,
    as_of="2026-11-22",
)


def document(*reports: Report) -> Document:
    return Document(SCHEMA, "mobile-release-gate", "0.1.0", CREATED, reports)


def card(
    id: str, severity: Severity, title: str, cwe: tuple[int, ...] = (), *masvs: str
) -> CheckCard:
    doc = Doc(
        title=title,
        looks_at=f"what the build says about `{id}`.",
        matters_because="An attacker who holds the device can use it [at once].",
        fix_by="Set the attribute to false in the release build. Then build again.",
        cannot_see="Values that are computed when the app runs.",
    )
    return CheckCard(id, severity, doc, cwe, masvs)


def control(
    id: str, title: str, action: Action, *checks: str, evidence: tuple[str, ...] = ()
) -> Control:
    return Control(
        id=id,
        title=Text(title, "控制措施"),
        area="release",
        clause="6(3)",
        platforms=("android", "ios"),
        severity="high",
        rationale=f"Why {id} is asked for.",
        automatable="no" if evidence else "yes",
        action={"trading": action},
        exceptions=Exceptions(max_days=90, approvers=1),
        checks=checks,
        evidence=evidence,
    )


def waiver(subject: str, check: str, expires: date) -> Waiver:
    return Waiver(
        subject=subject,
        app="com.example.wallet",
        reason="The quote server moves to TLS with the next release",
        compensating_measure="Only public prices are sent",
        requested_by="app team",
        approved_by=("A. Chen", "B. Lin"),
        created=date(2026, 10, 1),
        expires=expires,
        ticket="SEC-1042",
        check=check,
    )


CARDS = (
    card(
        "android-cleartext",
        Severity.HIGH,
        "The app allows traffic in the clear",
        (319,),
        "MASVS-NETWORK-1",
    ),
    card(
        "android-debuggable",
        Severity.CRITICAL,
        "The release build lets a debugger attach",
        (489, 215),
        "MASVS-RESILIENCE-4",
    ),
    card(
        "android-exported",
        Severity.MEDIUM,
        "A component is open to every app",
        (926,),
        "MASVS-PLATFORM-1",
    ),
    card(
        "android-native-relro",
        Severity.LOW,
        "A native library can be overwritten",
        (693,),
        "MASVS-CODE-4",
    ),
    card("android-webview-debug", Severity.MEDIUM, "A web view can be debugged", (489,)),
    card(
        "android-backup", Severity.MEDIUM, "Backups hold the app's data", (530,), "MASVS-STORAGE-2"
    ),
    card(
        "app-private-key",
        Severity.CRITICAL,
        "A private key lies in the build",
        (321,),
        "MASVS-CRYPTO-2",
    ),
    card("android-flutter", Severity.LOW, "A Flutter debug build", (489,)),
    card("android-min-os", Severity.LOW, "Old systems are supported", ()),
)

MANIFEST = "AndroidManifest.xml"

RESULTS = (
    Result(
        "android-cleartext",
        Outcome.FOUND,
        (
            Finding(
                "quotes.example.com",
                "The network rules allow traffic in the clear to quotes.example.com.",
                Location("res/xml/network.xml", "network-security-config/domain-config[1]", 4),
            ),
            Finding(
                "old.example.com",
                "The network rules allow traffic in the clear to old.example.com.",
                Location("res/xml/network.xml", "network-security-config/domain-config[2]", 9),
                origin="OldSdk",
                confidence=Confidence.LOW,
                flow=(
                    Location(
                        "classes.dex",
                        "com.example.Hosts.<clinit>",
                        31,
                        snippet='> const-string v0, "old...." (15 characters)',
                        source="Hosts.java",
                    ),
                    Location("classes2.dex", "com.example.Hosts.first", source="Hosts.java"),
                ),
            ),
        ),
    ),
    Result(
        "android-debuggable",
        Outcome.FOUND,
        (
            Finding(
                "application",
                "The manifest sets android:debuggable to true",
                Location(MANIFEST, "manifest/application", 7, snippet='android:debuggable="true"'),
                origin="first-party",
            ),
        ),
    ),
    Result(
        "android-exported",
        Outcome.FOUND,
        (
            Finding(
                "com.example.wallet.PayActivity",
                "Every app can start com.example.wallet.PayActivity.",
                Location(MANIFEST, "manifest/application/activity[2]", 31),
                tuple(
                    Location(MANIFEST, f"manifest/application/activity[{n}]", 31 + n)
                    for n in range(3, 28)
                ),
            ),
        ),
        (
            Unresolved(
                "permission", "The permission's level is defined by another app", Location(MANIFEST)
            ),
        ),
    ),
    Result(
        "android-native-relro",
        Outcome.UNDECIDED,
        why="lib/arm64-v8a/libx.so: cut short at offset 0x40",
    ),
    Result("android-webview-debug", Outcome.CLEAN),
    Result(
        "android-backup",
        Outcome.FOUND,
        (
            Finding(
                "allowBackup",
                "The manifest sets android:allowBackup to true.",
                Location(MANIFEST, "manifest/application", 7),
            ),
        ),
    ),
    Result(
        "app-private-key",
        Outcome.CLEAN,
        unresolved=(
            Unresolved(
                "assets/vault.bin", "The file is encrypted", Location("assets/vault.bin", offset=16)
            ),
        ),
    ),
    Result("android-flutter", Outcome.NOT_APPLICABLE, why="the app holds no Flutter code"),
    Result(
        "android-min-os",
        Outcome.FOUND,
        (
            Finding(
                "minSdkVersion",
                "The app runs on systems from API level 19 on.",
                Location(MANIFEST, "manifest/uses-sdk", 3),
            ),
        ),
    ),
)


def _finding(check: str, subject: str, action: Action, waiver: int | None = None) -> Judged:
    return Judged("finding", check, subject, action, waiver)


STANDINGS = (
    Standing(
        control("A63-NET-01", "All traffic is encrypted", Action.BLOCK, "android-cleartext"),
        State.FAILS,
        Action.BLOCK,
        (
            _finding("android-cleartext", "old.example.com", Action.WARN),
            _finding("android-cleartext", "quotes.example.com", Action.BLOCK, 0),
        ),
    ),
    Standing(
        control(
            "A63-DBG-01",
            "Release builds cannot be debugged",
            Action.BLOCK,
            "android-debuggable",
            "android-webview-debug",
        ),
        State.FAILS,
        Action.BLOCK,
        (_finding("android-debuggable", "application", Action.BLOCK),),
    ),
    Standing(
        control(
            "A63-RES-02",
            "Tampering is made hard",
            Action.NOTE,
            "android-debuggable",
            "android-native-relro",
        ),
        State.FAILS,
        Action.NOTE,
        (
            _finding("android-debuggable", "application", Action.NOTE),
            Judged("undecided", "android-native-relro", "", Action.BLOCK),
        ),
    ),
    Standing(
        control(
            "A63-PLT-01", "Components are closed to other apps", Action.WARN, "android-exported"
        ),
        State.FAILS,
        Action.WARN,
        (
            _finding("android-exported", "com.example.wallet.PayActivity", Action.WARN),
            Judged("unresolved", "android-exported", "permission", Action.WARN),
        ),
    ),
    Standing(
        control("A63-KEY-01", "No secret lies in the package", Action.BLOCK, "app-private-key"),
        State.UNDECIDED,
        Action.BLOCK,
        (Judged("unresolved", "app-private-key", "assets/vault.bin", Action.WARN),),
    ),
    Standing(
        control("A63-OS-01", "Old systems are left behind", Action.NOTE, "android-min-os"),
        State.FAILS,
        Action.NOTE,
        (_finding("android-min-os", "minSdkVersion", Action.NOTE),),
    ),
    Standing(
        control("A63-WEB-01", "Web views are closed", Action.BLOCK, "android-webview-debug"),
        State.PASSES,
        Action.BLOCK,
    ),
    Standing(
        control("A63-STO-03", "Backups leave data out", Action.NOT_APPLIED, "android-backup"),
        State.NOT_APPLICABLE,
        Action.NOT_APPLIED,
    ),
    Standing(
        control(
            "A63-PRO-01",
            "A laboratory has tested the app",
            Action.BLOCK,
            evidence=("laboratory report", "its review"),
        ),
        State.BY_HAND,
        Action.BLOCK,
    ),
    Standing(
        control("A63-FUT-01", "Anti-hooking is in place", Action.WARN),
        State.NOT_JUDGED,
        Action.WARN,
    ),
)

ANDROID = Report(
    build=Build("app/build/outputs/app release.apk", "apk", "ab" * 32, 4_194_304),
    app=AppCard(
        "android",
        "com.example.wallet",
        "Wallet 錢包",
        "4.2.0",
        "420",
        "24",
        "35",
        {"permissions": ("android.permission.INTERNET",)},
    ),
    refused="",
    policy=POLICY,
    checks=CARDS,
    results=RESULTS,
    coverage=(Coverage("dex", "classes", 120, 118), Coverage("manifest", "elements", 40, 40)),
    gaps=(
        Gap(
            "native",
            "lib/arm64-v8a/libx.so",
            "cut short at offset 0x40",
            Location("lib/arm64-v8a/libx.so", offset=64),
        ),
    ),
    isolation=("CPU time at most 120 s", "not in force on darwin: memory at most 4096 MiB"),
    verdict=Verdict(
        Decision.BLOCK,
        (
            "2 controls fail and block: A63-DBG-01, A63-NET-01",
            "1 check could not decide: android-native-relro",
        ),
        STANDINGS,
        (
            WaiverUse(
                waiver("quotes.example.com", "android-cleartext", date(2026, 12, 31)), "used", 1
            ),
            WaiverUse(
                waiver("news.example.com", "android-cleartext", date(2026, 11, 1)), "expired"
            ),
            WaiverUse(
                waiver("chat.example.com", "android-cleartext", date(2026, 12, 31)), "unused"
            ),
        ),
    ),
)

IOS = Report(
    build=Build("/Users/ci/out/Wallet.ipa", "ipa", "cd" * 32, 9_000_000),
    app=AppCard("ios", "com.example.wallet", "Wallet", "4.2.0", "77", "16.0", "18.0", {}),
    refused="",
    policy=POLICY,
    checks=(
        card(
            "ios-get-task-allow",
            Severity.CRITICAL,
            "A debugger can attach",
            (489,),
            "MASVS-RESILIENCE-4",
        ),
    ),
    results=(Result("ios-get-task-allow", Outcome.CLEAN),),
    coverage=(Coverage("Mach-O", "slices", 2, 2),),
    gaps=(),
    isolation=("CPU time at most 120 s",),
    verdict=Verdict(
        Decision.PASS,
        ("Nothing that was found blocks the release.",),
        (
            Standing(
                control(
                    "A63-DBG-01",
                    "Release builds cannot be debugged",
                    Action.BLOCK,
                    "ios-get-task-allow",
                ),
                State.PASSES,
                Action.BLOCK,
            ),
        ),
    ),
)

REFUSED = Report(
    build=Build("out/broken.apk", "apk", "ef" * 32, 12),
    app=None,
    refused="the central directory ends before its end record (at offset 0xc)",
    policy=POLICY,
    checks=CARDS,
    results=(),
    coverage=(),
    gaps=(),
    isolation=(),
    verdict=Verdict(
        Decision.UNDECIDED,
        ("The build could not be read: the central directory ends before its end record",),
        (Standing(STANDINGS[1].control, State.UNDECIDED, Action.BLOCK),),
    ),
)

BLOCKED = document(ANDROID)
PASSING = document(IOS)
UNREAD = document(REFUSED)
TOGETHER = document(ANDROID, IOS)

NAMED = {"blocked": BLOCKED, "passing": PASSING, "unread": UNREAD, "together": TOGETHER}


def flood(count: int, text: str = "name") -> Document:
    """So many findings of three checks, the softest first."""
    checks = (CARDS[3], CARDS[2], CARDS[1])
    actions = (Action.NOTE, Action.WARN, Action.BLOCK)
    results, standings = [], []
    for number, (each, action) in enumerate(zip(checks, actions, strict=True)):
        subjects = [f"{text}{index:06}" for index in range(number, count, 3)]
        at = Location("classes.dex", offset=64, snippet="const v0, 1")
        found = tuple(Finding(subject, f"{subject} is open.", at) for subject in subjects)
        results.append(Result(each.id, Outcome.FOUND, found))
        judged = tuple(_finding(each.id, subject, action) for subject in subjects)
        policy = control(f"A63-FLD-0{number}", "A flood", action, each.id)
        standings.append(Standing(policy, State.FAILS, action, judged))
    verdict = Verdict(Decision.BLOCK, ("1 control fails and blocks: A63-FLD-02",), tuple(standings))
    return document(_with(ANDROID, checks, tuple(results), verdict))


def labelled(text: str) -> Document:
    """A blocked build in which every string that an app can choose is this text."""
    at = Location(text, text, 3, snippet=text)
    results = (
        Result(
            "android-debuggable",
            Outcome.FOUND,
            (Finding(text, text, at, (Location(text, text, offset=9),), text),),
            (Unresolved(text, text, at),),
        ),
        Result("android-exported", Outcome.UNDECIDED, why=text),
        Result("android-flutter", Outcome.NOT_APPLICABLE, why=text),
    )
    judged = (
        _finding("android-debuggable", text, Action.BLOCK),
        Judged("unresolved", "android-debuggable", text, Action.WARN),
        Judged("undecided", "android-exported", "", Action.NOTE),
    )
    verdict = Verdict(
        Decision.BLOCK,
        (text,),
        (Standing(STANDINGS[1].control, State.FAILS, Action.BLOCK, judged),),
    )
    report = _with(ANDROID, (CARDS[1], CARDS[2], CARDS[7]), results, verdict)
    return document(
        Report(
            build=report.build,
            app=AppCard("android", text, text, text, text, text, text, {text: (text,)}),
            refused="",
            policy=POLICY,
            checks=report.checks,
            results=results,
            coverage=(),
            gaps=(Gap(text, text, text, at),),
            isolation=(),
            verdict=verdict,
        ),
        Report(
            build=report.build,
            app=None,
            refused=text,
            policy=POLICY,
            checks=report.checks,
            results=(),
            coverage=(),
            gaps=(),
            isolation=(),
            verdict=Verdict(Decision.UNDECIDED, (text,), ()),
        ),
    )


def _with(
    report: Report, checks: tuple[CheckCard, ...], results: tuple[Result, ...], verdict: Verdict
) -> Report:
    return Report(
        build=report.build,
        app=report.app,
        refused="",
        policy=report.policy,
        checks=checks,
        results=results,
        coverage=report.coverage,
        gaps=(),
        isolation=(),
        verdict=verdict,
    )
