"""ios-keyboard-cache-on: what is typed is learned, or seen by keyboards of other makers."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.foundation import numbers
from gate.app.machine import MachineCall, MachineFunction, Message, message
from gate.check import Finding, NotApplicable, Severity, check

FIELDS = ("UITextField", "UITextView", "UISearchTextField", "UISearchBar")
SWIFT_FIELDS = ("$s7SwiftUI9TextFieldV", "$s7SwiftUI10TextEditorV")
SWIFT_SECURE = "$s7SwiftUI11SecureFieldV"
SWIFT_CORRECTION = ("autocorrectionDisabled", "disableAutocorrection")
SECURE = message("setSecureTextEntry:")
CORRECTION = message("setAutocorrectionType:")
OFF = 1  # UITextAutocorrectionTypeNo, UIKit's UITextInputTraits.h
KEYBOARDS = "application:shouldAllowExtensionPointIdentifier:"
LARGEST = 1 << 20  # bytes of a nib
KINDS = frozenset(
    ("isKindOfClass:", "isMemberOfClass:", "isSubclassOfClass:", "swift_dynamicCastObjCClass")
)
MAKES = ("alloc", "new", "objc_alloc", "objc_alloc_init", "objc_opt_new")
NIB_FIELDS = (b"UITextField", b"UITextView", b"UISearchBar")


@check(IosApp, severity=Severity.LOW, cwe=524, masvs="MASVS-STORAGE-2")
def keyboard_cache_on(app: IosApp) -> Iterator[Finding]:
    """
    What the user types is learned by the keyboard, or seen by keyboards of other makers.

    Looks at: Whether an app that has text fields, in code or in nibs, makes any of them secure
    (secureTextEntry, SwiftUI's SecureField) or turns autocorrection off for it; and whether
    application:shouldAllowExtensionPointIdentifier: refuses keyboards of other makers.

    Matters because: The system keeps words that are typed into ordinary fields, to propose them
    later, also to whoever has the device in hand. A keyboard of another maker gets every key, and
    with full access may send it to its maker.

    Fix by: Setting field.isSecureTextEntry = true for passwords and PINs, and
    field.autocorrectionType = .no for account numbers and the like. In the app delegate's
    application(_:shouldAllowExtensionPointIdentifier:) return false for .keyboard.

    Cannot see: Which fields take sensitive data: one careful field is taken for care. Fields that a
    library or a web page brings.
    """
    where = next(_fields(app), None)
    if where is None:
        raise NotApplicable("the app has no text fields")
    main = app.main.path
    if not _is_careful(app):
        yield Finding(
            f"{main} keyboard cache",
            "The app has text fields and neither sets secureTextEntry nor autocorrectionType to 1 "
            f"(no): the keyboard learns what is typed, for example in {where.element}.",
            at=where,
        )
    answers = [each for each in app.code.implementations(KEYBOARDS) if each.is_first_party]
    if not any(map(_refuses, answers)):
        at = answers[0].at if answers else where
        how = f"{answers[0].name} always says yes" if answers else f"{KEYBOARDS} is absent"
        message = f"{how}, which allows keyboards of other makers; they get what is typed."
        yield Finding(f"{main} custom keyboards", message, at=at)


def _fields(app: IosApp) -> Iterator[Location]:
    """Where the app's own code or its nibs have text fields."""
    for function, at in app.code.class_uses(*FIELDS):
        if function.is_first_party and _makes_field(function):
            yield at
    for each in app.code.classes():
        if each.parent in FIELDS and any(method.is_first_party for method in each.methods):
            yield Location(each.program, element=each.name)
    if any(name.startswith(SWIFT_FIELDS) for name in app.code.imports):
        yield Location(app.main.executable, element="SwiftUI.TextField")
    for name, data in _nibs(app):
        if found := next((each for each in NIB_FIELDS if each in data), b""):
            yield Location(name, element=found.decode())


def _makes_field(function: MachineFunction) -> bool:
    """Whether a function that names a text field's class does more than ask for the kind."""
    names = function.mentions
    return KINDS.isdisjoint(names.selectors | names.imports) or any(map(_makes, function.calls))


def _makes(call: MachineCall) -> bool:
    made = call.receiver if call.is_message else call.argument(0)
    return call.name in MAKES and not {*FIELDS}.isdisjoint(made.classes)


def _is_careful(app: IosApp) -> bool:
    """Whether some field is secure or has no autocorrection; a value that is open counts."""
    if any(name.startswith(SWIFT_SECURE) or any(each in name for each in SWIFT_CORRECTION)
           for name in app.code.imports):  # fmt: skip
        return True
    if _sets(app, SECURE, None) or _sets(app, CORRECTION, OFF):
        return True
    return any(b"UISecureTextEntry" in data for _, data in _nibs(app))


def _sets(app: IosApp, wanted: Message, value: int | None) -> bool:
    """Whether a property is set to a value, None for any but 0."""
    for call in app.code.sends(wanted):
        held = call.argument(0)
        known = numbers(call, held)
        if (value in known if value is not None else any(known)) or not held.complete:
            return True
    return False


def _nibs(app: IosApp) -> Iterator[tuple[str, bytes]]:
    for name in app.files.names:
        if name.endswith(".nib") and app.files.size(name) <= LARGEST:
            yield name, app.files.read(name, LARGEST)


def _refuses(answer: MachineFunction) -> bool:
    """Whether an answer may be no: a constant 0, or something that is computed."""
    return 0 in answer.returned.numbers or not answer.returned.complete
