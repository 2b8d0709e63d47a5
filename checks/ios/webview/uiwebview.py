"""ios-uiwebview: the web view that Apple gave up."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.check import Finding, Severity, check

OLD = "UIWebView"
SYMBOL = f"_OBJC_CLASS_$_{OLD}"


@check(IosApp, severity=Severity.MEDIUM, cwe=477, masvs="MASVS-PLATFORM-2")
def uiwebview(app: IosApp) -> Iterator[Finding]:
    """
    The app shows web pages in UIWebView.

    Looks at: Every function of the app, its extensions and its frameworks that names the class
    UIWebView, every class below it, and every Mach-O file that asks the system for the class,
    encrypted ones and those of other processors included.

    Matters because: UIWebView is deprecated since iOS 12 and gets no new defences. Its pages run in
    the app's own process, with JavaScript that cannot be turned off, and may read files by file:
    URLs; a hole in the page's engine is a hole in the app. The store refuses apps with it.

    Fix by: WKWebView, whose pages run in a process of their own, or SFSafariViewController where
    the page is not the app's. Update or drop libraries that still bring UIWebView along.

    Cannot see: Views that only a storyboard or nib names, and classes that are looked up by a name
    put together at run time.
    """
    told: set[str] = set()
    for function, at in app.code.class_uses(OLD):
        told.add(function.program)
        message = f"{function.name} uses {OLD}."
        yield Finding(f"{function.name} {OLD}", message, at=at, origin=function.origin)
    for each in app.code.classes():
        if each.parent == OLD:
            told.add(each.program)
            yield Finding(
                f"{each.name} {OLD}",
                f"The class {each.name} is a {OLD}.",
                at=Location(each.program, element=each.name),
                origin=next((method.origin for method in each.methods), ""),
            )
    for image in app.images:
        if SYMBOL in image.imports and image.path not in told:
            told.add(image.path)
            yield Finding(
                f"{image.path} {OLD}",
                f"{image.path} asks the system for the class {OLD}.",
                at=Location(image.path, element=SYMBOL),
            )
