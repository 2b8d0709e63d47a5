"""android-clipboard-sensitive: a password, PIN, card or token is copied to the clipboard."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.app.personal import ASKED, TYPED, is_secret, secret_sources, widget_name
from gate.check import Finding, Severity, check

ASKS = (*ASKED, *TYPED)
MARK = "android.content.extra.IS_SENSITIVE"
CLIPS = (
    api("android.content.ClipData", "newPlainText newHtmlText"),
    api("android.content.ClipboardManager", "setText"),
    api("android.text.ClipboardManager", "setText"),
    api("android.content.ClipData$Item", "<init>"),
)


@check(AndroidApp, severity=Severity.LOW, cwe=200, masvs="MASVS-STORAGE-2")
def clipboard_sensitive(app: AndroidApp) -> Iterator[Finding]:
    """
    A password, PIN, card number or token is copied to the clipboard.

    Looks at: In the app's own code, the texts that ClipData.newPlainText and newHtmlText,
    ClipData.Item and ClipboardManager.setText get: where they come from a view, field, getter,
    extra, preference or key that is named after a password, PIN, token, one-time code or card, or
    where the clip's label says so. A method that marks the clip with
    ClipDescription.EXTRA_IS_SENSITIVE is no finding.

    Matters because: Before Android 10 every app reads the clipboard at any time, since then the app
    in front and the keyboard do; the keyboard keeps a history, some send it to their cloud, and
    Android 13 shows the copied text on the screen.

    Fix by: Not offering to copy it. Where it must be: ClipDescription description =
    clip.getDescription(); PersistableBundle extras = new PersistableBundle();
    extras.putBoolean(ClipDescription.EXTRA_IS_SENSITIVE, true); description.setExtras(extras);
    before setPrimaryClip, and clear the clip after a minute.

    Cannot see: Secrets under names that do not say so, and what the user copies from a text field.
    """
    marked = {method.name for method, _ in app.code.text_uses(MARK)}
    told: set[str] = set()
    flowing = {
        (flow.call.at, flow.argument): source.what
        for source in secret_sources(app.code)
        for flow in source.flows()
        if "Clip" in flow.call.owner
    }
    for call in app.code.calls(*CLIPS):
        if not call.method.is_first_party or call.method.name in marked:
            continue
        index = 1 if call.name.startswith("new") else 0
        what = flowing.get((call.at, index)) or _named(call, index)
        if what and call.method.name not in told and call.method.reachable:
            told.add(call.method.name)
            message = f"{call.method.name} copies {what} to the clipboard."
            yield Finding(call.method.name, message, at=call.at, origin=call.method.origin)


def _named(call: Call, index: int) -> str:
    """What names say of a text that is not constant; '' where they say nothing."""
    argument = call.argument(index)
    if argument.complete:
        return ""
    names = [*call.names(index), *(call.argument(0).texts if index else ())]
    return next((f'"{name}"' for name in names if is_secret(widget_name(name))), "")
