"""android-webview-ssl-error-proceed: a web view goes on after a failed certificate check."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Call, MethodCode
from gate.check import Finding, Severity, check

NO_ERROR = ("android.webkit.WebView", "android.webkit.SslErrorHandler", "android.content.Context")
DEBUG_BUILD = (("BuildConfig", "DEBUG"), ("android.content.pm.ApplicationInfo", "flags"))
MAX_METHODS = 40
MAX_TARGETS = 4  # a call that may run more says little about this one


@check(AndroidApp, severity=Severity.CRITICAL, cwe=295, masvs="MASVS-NETWORK-1")
def webview_ssl_error_proceed(app: AndroidApp) -> Iterator[Finding]:
    """
    A WebView loads the page although the server's certificate is wrong.

    Looks at: Every onReceivedSslError in a class below WebViewClient, and the methods of the app
    that it calls: whether SslErrorHandler.proceed() is reached without a branch on the error, which
    holds the certificate, the address and what is wrong. A call that a dialog's listener makes
    after the user's choice is not looked at, nor one that only a debug build makes.

    Matters because: Anybody between the device and the server shows a certificate of their own, and
    the WebView takes it: they read what the user types, the session cookies, and change the page.

    Fix by: Deleting the override, or handler.cancel() in it; the default is to cancel. For a
    server with a company's own authority ship its certificate in a network security configuration
    (<trust-anchors>), which WebView honours.

    Cannot see: Whether a branch on the error tests anything of worth, what a dialog tells the user,
    and calls by reflection.
    """
    for client in app.code.subclasses("android.webkit.WebViewClient"):
        for method in client.methods("onReceivedSslError"):
            if len(method.parameters) != 3:
                continue
            for call, way in _proceeds(method):
                yield Finding(
                    method.name,
                    f"{method.name} goes on loading whatever is wrong with the certificate.",
                    at=call.at,
                    origin=method.origin,
                    flow=way,
                )
                break


def _proceeds(start: MethodCode) -> Iterator[tuple[Call, tuple[Location, ...]]]:
    """The calls of proceed() that no test of the error holds back, with the calls on the way."""
    seen = {start}
    work: list[tuple[MethodCode, tuple[Location, ...]]] = [(start, ())]
    while work and len(seen) <= MAX_METHODS:
        method, way = work.pop(0)
        errors = [i for i, kind in enumerate(method.parameters) if kind not in NO_ERROR]
        for call in method.calls:
            ends = (call.owner, call.name) == ("android.webkit.SslErrorHandler", "proceed")
            targets = [] if ends else list(call.targets())
            following = [each for each in targets[:MAX_TARGETS] if each not in seen]
            if len(targets) > MAX_TARGETS or not (ends or following):
                continue
            if any(map(call.decided_by, errors)) or call.guarded_by(*DEBUG_BUILD):
                continue
            if ends:
                yield call, way
            seen.update(following)
            work += [(each, (*way, call.at)) for each in following]
