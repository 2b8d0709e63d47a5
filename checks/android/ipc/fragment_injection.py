"""android-fragment-injection: other apps choose the class that an exported activity creates."""

from collections.abc import Iterator
from itertools import chain

from gate.app import AndroidApp
from gate.app.code import Class, Code, Number, Returned, api
from gate.app.manifest import Component
from gate.check import Finding, Severity, check

PREFERENCES = "android.preference.PreferenceActivity"
EXTRAS = ("getStringExtra", "getCharSequenceExtra", "getString", "getCharSequence", "get")
READ = frozenset(
    Returned(owner, name)
    for owner in ("android.content.Intent", "android.os.Bundle", "android.os.BaseBundle")
    for name in EXTRAS
)
CREATES = (
    api("android.app.Fragment", "instantiate"),
    api("androidx.fragment.app.Fragment", "instantiate"),
    api("android.support.v4.app.Fragment", "instantiate"),
    api("androidx.fragment.app.FragmentFactory", "instantiate loadFragmentClass"),
)
CLASSES = (
    api("java.lang.Class", "forName"),
    api("java.lang.ClassLoader", "loadClass"),
)
KITKAT = 19


@check(AndroidApp, severity=Severity.MEDIUM, cwe=470, masvs="MASVS-PLATFORM-1")
def fragment_injection(app: AndroidApp) -> Iterator[Finding]:
    """
    Other apps choose the fragment or class that an exported activity creates.

    Looks at: Exported activities without a permission that extend android.preference
    .PreferenceActivity: whether they or a superclass of theirs in the app override isValidFragment
    (without it targetSdk 18 or lower accepts every name), and whether it always returns true. In
    any exported activity: texts from the extras of an intent that get to Fragment.instantiate,
    FragmentFactory.instantiate, Class.forName or ClassLoader.loadClass.

    Matters because: Any app can start the activity with the extra ":android:show_fragment", or the
    app's own, and have any class of the app created and run inside it. Fragments that were never
    meant to be reached open this way: a settings page that skips the password, a WebView that takes
    its address from the arguments.

    Fix by: Setting android:exported="false" where nobody else starts the activity. Otherwise
    override isValidFragment and compare with the names that you expect:
    return SettingsFragment.class.getName().equals(fragmentName); and choose a class by a table of
    your own instead of by a name that comes with the intent. androidx.preference
    .PreferenceFragmentCompat in an ordinary activity needs none of this.

    Cannot see: Whether a comparison in isValidFragment is right, how strong a guarding permission
    is, the target of an activity-alias, and names that are handed on through native code.
    """
    activities: dict[str, str] = {}
    for component in app.manifest.unguarded("activity"):
        activity = app.code.find(component.name)
        if activity is None:
            continue
        activities |= {each.name: component.name for each in _line(app.code, activity)}
        if PREFERENCES in activity.supertypes:
            yield from _unchecked(app, component, activity)
    yield from _chosen(app.code, activities)


def _unchecked(app: AndroidApp, component: Component, activity: Class) -> Iterator[Finding]:
    line = _line(app.code, activity)
    judge = next((own for each in line for own in each.methods("isValidFragment")), None)
    if judge is None:
        if app.manifest.target_sdk < KITKAT:
            yield Finding(
                component.name,
                f"activity {component.name} is exported, extends PreferenceActivity and does not"
                f" override isValidFragment; targetSdk {app.manifest.target_sdk} accepts every"
                " fragment name then.",
                at=activity.at,
                origin=activity.origin,
            )
    elif judge.returned.values == (Number(1),):
        yield Finding(
            component.name,
            f"activity {component.name} is exported, and its {judge.name} returns true for every"
            " fragment name.",
            at=judge.at,
            origin=judge.origin,
        )


def _line(code: Code, activity: Class) -> Iterator[Class]:
    """A class and its superclasses in the app."""
    seen = set()
    each: Class | None = activity
    while each is not None and each.name not in seen:
        seen.add(each.name)
        yield each
        each = code.find(each.parent)


def _chosen(code: Code, activities: dict[str, str]) -> Iterator[Finding]:
    """Names from an intent that an activity, by each of its classes' names, was started with."""
    for call in chain(code.calls(*CREATES), code.own_calls(*CLASSES)):
        names = call.argument(call.parameters.index("java.lang.String"))
        for value in names.values:
            made = names.made_by(value) if isinstance(value, Returned) else None
            if made is None or value not in READ or made.method.owner not in activities:
                continue
            activity = activities[made.method.owner]
            yield Finding(
                f"{activity} {call.name}",
                f"activity {activity} is exported, and {call.method.name} gives"
                f" {call.owner.rpartition('.')[2]}.{call.name} a name that came with the intent.",
                at=call.at,
                origin=call.method.origin,
                flow=names.steps(value),
            )
