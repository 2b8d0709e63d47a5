"""android-webview-js-bridge: script in a page calls the app's code."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Array, Instance, Text, Value, api
from gate.check import Finding, Severity, Unresolved, check

BRIDGE = api("android.webkit.WebView", "addJavascriptInterface")
LISTENER = api("androidx.webkit.WebViewCompat", "addWebMessageListener")


@check(AndroidApp, severity=Severity.MEDIUM, cwe=749, masvs="MASVS-PLATFORM-2")
def webview_js_bridge(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    Pages in a WebView can call methods of the app.

    Looks at: Every WebView.addJavascriptInterface: the class of the object and the name that pages
    see. Every WebViewCompat.addWebMessageListener whose allowed origins hold "*".

    Matters because: The object is there in every page and frame that the WebView loads, from any
    host. An advertisement, an injected script or a page behind a redirect calls its
    @JavascriptInterface methods with the app's rights. Where minSdk is 16 or lower every public
    method is open, and by reflection arbitrary code.

    Fix by: WebViewCompat.addWebMessageListener(webView, "app", Set.of("https://app.example.com"),
    listener), which asks for the origins that may talk; removeJavascriptInterface before pages of
    others are loaded; and methods that take no path, no address and no command from the page.

    Cannot see: What the bridge's methods do, which pages are loaded, and calls by reflection.
    """
    old = app.manifest.min_sdk <= 16
    worse = " minSdk is 16 or lower, so that pages run any code by reflection." if old else ""
    for call in app.code.calls(BRIDGE):
        bridge, name = _classes(call.argument(0)), call.argument(1)
        shown = ", ".join(name.texts) or "a name that is computed"
        message = f"{call.method.name} gives {bridge or 'an object'} to every page as {shown}."
        yield Finding(
            f"{call.method.name} {bridge or '?'} {'|'.join(name.texts) or '?'}",
            message + worse,
            at=call.at,
            origin=call.method.origin,
        )
    for call in app.code.calls(LISTENER):
        origins = set(_texts(call.argument(2)))
        if "*" in origins:
            names = "|".join(call.argument(1).texts) or "?"
            message = f'{call.method.name} listens to pages of every origin ("*") as {names}.'
            yield Finding(
                f"{call.method.name} {names}", message, at=call.at, origin=call.method.origin
            )
        elif None in origins and call.method.is_first_party:
            yield Unresolved(call.method.name, "the allowed origins are not known", call.at)


def _classes(argument: Argument) -> str:
    """The classes of the objects that an argument may be."""
    return "|".join(sorted({each.type for each in argument.values if isinstance(each, Instance)}))


def _texts(argument: Argument, inside: int = 3) -> Iterator[str | None]:
    """The texts in a collection that an argument may be; None for what is not known."""
    for value in argument.values:
        maker = argument.made_by(value)
        if isinstance(value, Text | Array):
            yield from _items(value)
        elif maker is None or not inside:
            yield None
        else:
            later = [call for call in maker.on_receiver() if call.name.startswith("add")]
            for call in (maker, *(later if isinstance(value, Instance) else ())):
                for index, kind in enumerate(call.parameters):
                    if kind not in ("int", "float"):
                        yield from _texts(call.argument(index), inside - 1)


def _items(value: Text | Array) -> Iterator[str | None]:
    items: tuple[Value, ...] | None = (value,) if isinstance(value, Text) else value.items
    yield from (each.text if isinstance(each, Text) else None for each in items or (value,))
