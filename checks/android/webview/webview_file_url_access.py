"""android-webview-file-url-access: pages from files may read other files."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, Number, api
from gate.check import Finding, Severity, Unresolved, check

FILES = api("android.webkit.WebSettings", "setAllowFileAccessFromFileURLs")
CONTENT = api("android.webkit.WebSettings", "setAllowContentAccess")
UNIVERSAL = api("android.webkit.WebSettings", "setAllowUniversalAccessFromFileURLs")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=200, masvs="MASVS-PLATFORM-2")
def webview_file_url_access(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Script in a file:// page may read other files.

    Looks at: Every value that the argument of WebSettings.setAllowFileAccessFromFileURLs may have;
    and setAllowContentAccess(true) in a class that also turns universal access on, which opens
    the content providers to such a page too.

    Matters because: A page from file:// that an attacker placed or changed reads with script what
    the app can read: its databases, preferences and tokens, and sends them away.

    Fix by: Deleting the calls; setAllowFileAccessFromFileURLs is off by default since Android 4.1.
    Serve local pages through androidx.webkit.WebViewAssetLoader, which gives them an https origin,
    and call setAllowContentAccess(false) where no page needs content:// addresses.

    Cannot see: Whether the WebView ever shows a file, which of several WebViews of one class a
    setting is for, and calls by reflection.
    """
    universal = {
        call.method.owner
        for call in app.code.calls(UNIVERSAL)
        if Number(1) in call.argument(0).values
    }
    for call in app.code.calls(FILES):
        yield from _judged(call, "setAllowFileAccessFromFileURLs", "read other files")
    for call in app.code.calls(CONTENT):
        if call.method.owner in universal:
            yield from _judged(call, "setAllowContentAccess", "read content providers")


def _judged(call: Call, setter: str, can: str) -> Iterator[Finding | Unresolved]:
    argument = call.argument(0)
    if Number(1) in argument.values:
        yield Finding(
            f"{call.method.name} {setter}",
            f"{call.method.name} lets script in file:// pages {can}.",
            at=call.at,
            origin=call.method.origin,
            flow=argument.steps(Number(1)),
        )
    elif not argument.complete and call.method.is_first_party:
        subject = f"{call.method.name} {setter}"
        yield Unresolved(subject, f"the setting is {argument.why}", call.at)
