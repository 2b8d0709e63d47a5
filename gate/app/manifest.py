"""AndroidManifest.xml as the device reads it."""

from collections.abc import Iterator
from dataclasses import field

from gate.app.app import Unread
from gate.app.attribute import Attribute
from gate.app.location import Location
from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class IntentFilter:
    """What an intent filter lets in."""

    actions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    at: Location = field(default_factory=Location)

    @property
    def is_launcher(self) -> bool:
        """Whether it is the entry that a home screen starts."""
        return "android.intent.action.MAIN" in self.actions and any(
            f"android.intent.category.{name}" in self.categories
            for name in ("LAUNCHER", "LEANBACK_LAUNCHER")
        )


@dataclass(frozen=True, slots=True)
class Component:
    """An activity, activity-alias, service, receiver or provider.

    `name` is the fully qualified class name; `permission`, `read_permission` and
    `write_permission` are the component's own; `Manifest.guards` adds the application's. `target`
    is the activity that an alias stands for, '' in any other component.
    """

    kind: str
    name: str
    exported: Attribute[bool]
    enabled: Attribute[bool]
    permission: Attribute[str]
    read_permission: Attribute[str]
    write_permission: Attribute[str]
    filters: tuple[IntentFilter, ...] = ()
    at: Location = field(default_factory=Location)
    target: str = ""

    @property
    def is_launcher(self) -> bool:
        """Whether one of its filters is the entry that a home screen starts."""
        return any(each.is_launcher for each in self.filters)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that its filters let in, each once, in manifest order."""
        return tuple(dict.fromkeys(action for each in self.filters for action in each.actions))

    @property
    def exposure(self) -> str:
        """Why an exported component is exported, in words that follow its name."""
        if self.exported:
            reason = f'is exported by android:exported="{self.exported.written}"'
        elif self.kind == "provider":
            reason = "is exported by default, as targetSdk or minSdk is 16 or lower"
        else:
            reason = "is exported by default, as it has an intent filter and targetSdk is below 31"
        if self.actions:
            more = f" and {len(self.actions) - 3} more" if len(self.actions) > 3 else ""
            reason += f" (its intent filters name {', '.join(self.actions[:3])}{more})"
        if False in self.enabled.values:
            reason += "; it starts disabled, but code can enable it"
        return reason


@dataclass(frozen=True, slots=True)
class Application:
    """The attributes of the first <application>, the only one the device reads.

    In a bundle or a split set they are those of the base, as on the device; only what a flag such
    as `debuggable` permits counts from wherever it is said.
    """

    debuggable: Attribute[bool]
    allow_backup: Attribute[bool]
    full_backup_content: Attribute[str]
    data_extraction_rules: Attribute[str]
    backup_agent: Attribute[str]
    test_only: Attribute[bool]
    cleartext: Attribute[bool]
    network_security_config: Attribute[str]
    has_code: Attribute[bool]
    permission: Attribute[str]
    label: Attribute[str]
    at: Location = field(default_factory=Location)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole manifest, of all modules or splits; SDK levels are API level numbers.

    `min_sdk` is 1 where none is written and `target_sdk` falls back to `min_sdk`, as the platform
    does (developer.android.com, <uses-sdk>). A preview codename counts as the next level, 10000.
    `split` names the split that a manifest speaks for, "" for the base.
    """

    package: str
    version_name: str
    version_code: int
    min_sdk: int
    target_sdk: int
    application: Application
    components: tuple[Component, ...] = ()
    permissions_used: tuple[str, ...] = ()
    permissions_defined: tuple[str, ...] = ()
    split: str = ""
    anomalies: tuple[str, ...] = ()

    def of_kind(self, *kinds: str) -> Iterator[Component]:
        """The components of these kinds, in manifest order."""
        return (component for component in self.components if component.kind in kinds)

    def is_exported(self, component: Component) -> bool:
        """Whether other apps reach the component on some supported device.

        The platform's defaults where `exported` is absent: a provider is exported when minSdk or
        targetSdk is 16 or lower; anything else when it has an intent filter, which targetSdk 31
        and later forbid at install (developer.android.com, <provider> and <activity>).
        """
        if component.kind == "provider":
            default = min(self.min_sdk, self.target_sdk) <= 16
        else:
            default = bool(component.filters) and self.target_sdk <= 30
        return component.exported.may_be(True, default=default)

    def guards(self, component: Component) -> tuple[str, ...]:
        """The permissions that a caller needs, sorted; () where some device asks for none.

        The application's permission stands where a component writes none, but never for an alias,
        and an empty one takes it away (AOSP ParsedActivityUtils, ParsedServiceUtils). A provider
        is guarded when reading or writing is; `readPermission` and `writePermission` go before
        `permission` (ParsedProviderUtils).
        """
        inherited = () if component.kind == "activity-alias" else (self.application.permission,)
        sides = [(component.permission, *inherited)]
        if component.kind == "provider":
            own = (component.read_permission, component.write_permission)
            sides = [(side, component.permission, *inherited) for side in own]
        written = (next(filter(None, side), ()) for side in sides)
        names = [tuple(attribute) for attribute in written]
        return tuple(sorted({name for side in names if all(side) for name in side}))

    def unguarded(self, *kinds: str) -> Iterator[Component]:
        """The components of these kinds that any other app reaches without a permission.

        The `Unread` of one whose attributes are not known comes after the last, so that it hides
        no other.
        """
        unread: Unread | None = None
        for component in self.of_kind(*kinds):
            try:
                if self.is_exported(component) and not self.guards(component):
                    yield component
            except Unread as reason:
                unread = unread or reason
        if unread:
            raise unread
