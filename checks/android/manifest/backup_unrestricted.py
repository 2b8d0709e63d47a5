"""android-backup-unrestricted: nothing limits what a backup takes."""

from collections.abc import Iterator, Sequence

from gate.app import AndroidApp, Attribute
from gate.app.network import BackupRules
from gate.check import Finding, Severity, check


@check(AndroidApp, severity=Severity.MEDIUM, cwe=530, masvs="MASVS-STORAGE-2")
def backup_unrestricted(app: AndroidApp) -> Iterator[Finding]:
    """
    Backups copy the app's private data, and no rule file limits what they take.

    Looks at: The attribute android:allowBackup of <application>, which is true where it is absent,
    and the rule files that apply from minSdk up. Android 5.1 and earlier knows none, Android 6 to
    11 (API 23 to 30) reads android:fullBackupContent, Android 12 and later reads
    android:dataExtractionRules, or fullBackupContent where that is absent. A file without any
    <include> or <exclude>, or the value "true", limits nothing; fullBackupContent="false" keeps
    full backups from taking anything.

    Matters because: Sessions, keys, databases and preferences leave the phone for the user's cloud
    account, for a new phone, and on older versions through `adb backup` for the computer of whoever
    holds the unlocked phone. They can be read there, or altered and restored.

    Fix by: Setting android:allowBackup="false" on <application> in src/main/AndroidManifest.xml
    (with tools:replace="android:allowBackup" where a library sets it), or by naming rule files for
    every version: android:fullBackupContent="@xml/backup_rules" with <exclude> elements for what is
    secret, and android:dataExtractionRules="@xml/data_extraction_rules" with the same in
    <cloud-backup> and <device-transfer>. Where minSdk is below 23 only allowBackup="false" or a
    higher minSdk helps.

    Cannot see: Whether the rules leave out the right files, what a BackupAgent class writes, and
    transfers between phones, which some makers run from Android 12 on even with
    allowBackup="false".
    """
    manifest, application = app.manifest, app.manifest.application
    if not application.allow_backup.may_be(True, default=True):
        return
    content, rules = application.full_backup_content, application.data_extraction_rules
    open_on = []
    if manifest.min_sdk <= 22:
        open_on.append(f"Android 5.1 and earlier (minSdk is {manifest.min_sdk})")
    if manifest.min_sdk <= 30 and not _limits(content, app.full_backup_content):
        open_on.append(f"Android 6 to 11 ({_words(content)})")
    if rules and not _limits(rules, app.data_extraction_rules):
        open_on.append(f"Android 12 and later ({_words(rules)})")
    if not rules and not _limits(content, app.full_backup_content):
        open_on.append(f"Android 12 and later ({_words(rules)}, {_words(content)})")
    if open_on:
        yield Finding(
            "application",
            f"The app's data may be backed up ({_words(application.allow_backup)}), and no rule"
            f" file limits it on {' and on '.join(open_on)}.",
            at=application.allow_backup.at if application.allow_backup else application.at,
        )


def _limits(attribute: Attribute[str], files: Sequence[BackupRules]) -> bool:
    """Whether on every device the attribute turns backups off or its file has a rule in it."""
    values = set(attribute)
    return values == {"false"} or (bool(files) and all(file.rules for file in files))


def _words(attribute: Attribute[bool] | Attribute[str]) -> str:
    """What the manifest says."""
    return f'{attribute.name}="{attribute.written}"' if attribute else f"{attribute.name} is absent"
