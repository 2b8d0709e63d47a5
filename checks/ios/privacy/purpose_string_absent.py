"""Protected data that is asked for without saying why."""

import re
from collections.abc import Iterator

from gate.app import Bundle, IosApp, Location, Program
from gate.app.image import Image
from gate.app.privacy import Purpose
from gate.check import Finding, Severity, Undecided, check

LEAST = 10  # characters
PLACEHOLDER = re.compile(
    r"\W*(todo|tbd|fixme|xxx+|lorem ipsum)\b.*"
    r"|\W*(test(ing)?|(a )?placeholder|reason|string|change ?me|your (message|text|reason)|"
    r"(\w+ )?(usage|privacy)?[ -]*(\w+ )?description)( here| text| goes here)?\W*"
    r"|\$[({]\w+[)}]|ns\w+usagedescription",
    re.I | re.S,
)


@check(IosApp, severity=Severity.MEDIUM, cwe=359, masvs="MASVS-PRIVACY-3")
def purpose_string_absent(app: IosApp) -> Iterator[Finding]:
    """
    The code asks for protected data, and the Info.plist does not say why.

    Looks at: The classes and functions that each program and framework imports, with selectors
    where those alone tell, for camera, microphone, photos, location, contacts, Face ID, Bluetooth,
    motion, the advertising identifier, calendars, health and others. For what is used, the key that
    Apple names (NSCameraUsageDescription and so on) has to be in the Info.plist of the app, or of
    the extension that the code is in, with a sentence: not empty, not a placeholder, not shorter
    than ten characters. Keys that only older systems read are never asked for.

    Matters because: The system ends the app at the first use of the API where the key is missing,
    and the store refuses the build. A user who is asked without a reason cannot decide, and says
    yes or no for the wrong one.

    Fix by: Adding the key to the Info.plist (in Xcode: target, Info, Custom iOS Target Properties,
    or INFOPLIST_KEY_NSCameraUsageDescription in the build settings) with a sentence that names the
    feature: "Takes a picture of your identity card to open the account." Translate it in
    InfoPlist.strings. Where a library brings the API along and the app does not need it, build the
    library without that part.

    Cannot see: Whether the code that asks is ever run, APIs that are looked up by name at run time,
    whether the reason is the true one, and the selectors of a program that the store encrypted,
    which is then undecided.
    """
    hidden = []
    told: set[str] = set()
    images = app.images_by_path
    for program in app.programs:
        places = _places(app, program)
        for purpose in app.privacy_rules.purposes:
            used = _used(images.get(program.path, []), purpose)
            fault = _fault(places, purpose)
            subject = f"{places[0].path} {purpose.keys[0]}"
            if used and fault and subject not in told:
                told.add(subject)
                yield Finding(
                    subject=subject,
                    message=f"{purpose.keys[0]} {fault}, but the code asks for {purpose.what} "
                    f"({purpose.need.name}).",
                    at=Location(places[0].info_path, element=purpose.keys[0]),
                    also=(Location(program.path, element=purpose.need.name),),
                )
            if used is None and fault:
                hidden.append(f"{program.path} ({purpose.keys[0]})")
    if hidden:
        raise Undecided(f"the selectors are encrypted in {', '.join(hidden[:3])}")


def _places(app: IosApp, program: Program) -> list[Bundle]:
    """The bundles whose Info.plist may say why: the app's, and before it an extension's own."""
    inside = [
        bundle
        for bundle in app.bundles
        if bundle.kind in ("extension", "watch-app", "app-clip")
        and program.path.startswith(f"{bundle.path}/")
    ]
    inside.sort(key=lambda bundle: -len(bundle.path))
    return [*inside, app.main]


def _used(images: list[Image], purpose: Purpose) -> bool | None:
    """Whether a slice uses an API; None where encryption leaves it open."""
    found = [purpose.need.used(image) for image in images]
    return True if True in found else None if None in found else False


def _fault(places: list[Bundle], purpose: Purpose) -> str:
    """What is wrong with the best of the keys, "" where one says why."""
    values = [place.info.get(key) for place in places for key in purpose.keys]
    texts = [value.strip() for value in values if isinstance(value, str)]
    if any(len(text) >= LEAST and not PLACEHOLDER.fullmatch(text) for text in texts):
        return ""
    if not texts:
        return "is absent"
    return f"says {texts[0][:60]!r}, which is no reason" if texts[0] else "is empty"
