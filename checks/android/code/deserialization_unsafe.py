"""android-deserialization-unsafe: objects of any class are read from outside."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Argument, Call, Input, InputKind, Joined, Returned, api
from gate.check import Finding, Severity, check

KINDS: tuple[InputKind, ...] = ("intent", "result", "network", "web")
STREAM = "java.io.ObjectInputStream"
NEW = api(STREAM, "<init>")
TYPING = api(
    "com.fasterxml.jackson.databind.ObjectMapper", "enableDefaultTyping activateDefaultTyping"
)
XSTREAM = api("com.thoughtworks.xstream.XStream", "<init>")
KRYO = api("com.esotericsoftware.kryo.Kryo", "setRegistrationRequired")
SHARED = (
    "getExternalStorageDirectory", "getExternalStoragePublicDirectory",
    "getExternalFilesDir", "getExternalCacheDir",
)  # fmt: skip
LISTS = {
    "allowTypes", "allowTypesByWildcard", "allowTypeHierarchy", "addPermission",
    "allowTypesByRegExp", "setupDefaultSecurity",
}  # fmt: skip
FILTERED = 30  # from this API level on other apps cannot write to the app's shared folders


@check(AndroidApp, severity=Severity.MEDIUM, cwe=502, masvs="MASVS-CODE-4")
def deserialization_unsafe(app: AndroidApp) -> Iterator[Finding]:
    """
    Objects of any class are read from data of others.

    Looks at: ObjectInputStream over what comes from intents, the network or shared storage, and
    getSerializableExtra(name) on the intent of an exported component; Jackson's default typing;
    XStream without a list of allowed types; Kryo with setRegistrationRequired(false). A subclass
    with its own resolveClass and a stream with an ObjectInputFilter are no finding.

    Matters because: The data chooses which classes are made. Their readObject and finalize methods
    then run with values of the sender, which has led to code execution and deleted files.

    Fix by: Reading plain data instead: JSON into a class of yours, or a Parcelable. With API 33
    getSerializableExtra(name, Transfer.class). Where the format must stay, override resolveClass
    and refuse every class that is not on a list.

    Cannot see: Libraries of other names, streams that native code fills, and whether a resolveClass
    refuses what it should.
    """
    streams = any(True for _ in app.code.calls(NEW))
    for source in app.code.inputs(*KINDS if streams else KINDS[:2]):
        for flow in source.flows() if source.exposed and source.is_first_party else ():
            call = flow.call
            if source.kind in KINDS[:2] and takes_any(call, source, flow.argument):
                said = f"{call.method.name} makes an object of any class from an intent's extra."
                yield found(call, said, source.at, *flow.steps)
            elif reads_objects(app, call) and flow.argument == 0:
                said = f"{source.said} is read as objects of any class in {call.method.name}."
                yield found(call, said, source.at, *flow.steps)
    shared = SHARED if app.manifest.min_sdk < FILTERED else SHARED[:2]
    for call in app.code.calls(NEW):
        if call.parameters and reads_objects(app, call) and rests_on(call.argument(0), shared):
            said = "reads objects of any class from a file that others may write."
            yield found(call, f"{call.method.name} {said}")
    for call in app.code.calls(TYPING):
        if call.method.short_name not in TYPING.names:  # Jackson's own overloads
            yield found(call, f"{call.method.name} lets JSON name the classes that Jackson makes.")
    for call in app.code.calls(XSTREAM):
        if not LISTS & {each.call.name for each in call.passes() if each.argument == -1}:
            yield found(call, f"{call.method.name} uses XStream without a list of allowed types.")
    for call in app.code.calls(KRYO):
        if 0 in call.argument(0).numbers:
            yield found(call, f"{call.method.name} lets Kryo make classes that are not registered.")


def rests_on(argument: Argument, names: tuple[str, ...], depth: int = 5) -> bool:
    """Whether a stream, a file or a path is made of what a method of these names returns."""
    for value in argument.values if depth else ():
        parts = value.parts if isinstance(value, Joined) else (value,)
        if any(isinstance(each, Returned) and each.name in names for each in parts):
            return True
        made = argument.made_by(value)
        given = (made.argument(i) for i in range(len(made.parameters))) if made else ()
        on = (made.receiver,) if made and made.name != "<init>" else ()
        if any(rests_on(each, names, depth - 1) for each in (*on, *given)):
            return True
    return False


def takes_any(call: Call, source: Input, argument: int) -> bool:
    """Whether a call takes an object of any class out of the intent that came from outside.

    What other classes take out may be in an intent that the app itself made of the data.
    """
    takes = call.name in ("getSerializableExtra", "getSerializable")
    own = call.method.name.split("$")[0].startswith(source.method.rpartition(".")[0].split("$")[0])
    return takes and own and argument == -1 and len(call.parameters) == 1


def reads_objects(app: AndroidApp, call: Call) -> bool:
    """Whether a call makes an object stream that takes any class."""
    if call.name != "<init>" or call.owner != STREAM:
        return False
    own = app.code.find(call.method.owner)  # its constructor calls the one above it
    if own is not None and STREAM in own.supertypes and own.methods("resolveClass"):
        return False
    return "setObjectInputFilter" not in {each.name for each in call.on_built()}


def found(call: Call, message: str, *flow: Location) -> Finding:
    """The finding of a call."""
    return Finding(call.method.name, message, at=call.at, origin=call.method.origin, flow=flow)
