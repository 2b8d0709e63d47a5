"""What methods that the app does not define do with a value: give it back, keep it, hand it on.

From the documentation of the Java and Android libraries. A method that no line here speaks of
gives a value back where it may be text or comes from the value itself, and keeps it only if it is
a constructor.
"""

from gate.dalvik.dex import parameters
from gate.dalvik.facts import ANY, Element, Path, is_field, matches
from gate.frozen import dataclass

_MAPS = (
    b"Ljava/util/Map;", b"Ljava/util/HashMap;", b"Ljava/util/LinkedHashMap;",
    b"Ljava/util/TreeMap;", b"Ljava/util/Hashtable;", b"Ljava/util/Properties;",
    b"Ljava/util/concurrent/ConcurrentHashMap;", b"Ljava/util/concurrent/ConcurrentMap;",
    b"Ljava/util/SortedMap;", b"Ljava/util/WeakHashMap;", b"Landroid/util/ArrayMap;",
    b"Landroidx/collection/ArrayMap;", b"Landroid/util/SparseArray;", b"Landroid/os/Bundle;",
    b"Landroid/os/BaseBundle;", b"Landroid/os/PersistableBundle;", b"Landroid/content/Intent;",
    b"Landroid/content/ContentValues;", b"Lorg/json/JSONObject;",
)  # fmt: skip
_SEQUENCES = (b"Ljava/util/", b"Lorg/json/JSONArray;", b"Landroid/util/ArraySet;")
_ADDS = frozenset(
    (b"add", b"addFirst", b"addLast", b"addElement", b"offer", b"offerFirst", b"offerLast",
    b"push", b"put", b"set", b"insertElementAt", b"setElementAt", b"fill")
)  # fmt: skip
_ELEMENT = frozenset(
    (b"get", b"remove", b"next", b"previous", b"nextElement", b"poll", b"pollFirst", b"pollLast",
    b"peek", b"peekFirst", b"peekLast", b"pop", b"first", b"last", b"element", b"elementAt",
    b"firstElement", b"lastElement", b"take", b"getFirst", b"getLast", b"removeFirst",
    b"removeLast", b"removeAt", b"opt", b"optString", b"getString", b"getInt", b"getLong",
    b"getDouble", b"getValue", b"valueAt")
)  # fmt: skip
_VIEWS = frozenset(
    (b"iterator", b"listIterator", b"subList", b"toArray", b"clone", b"elements", b"entrySet",
    b"values", b"stream", b"descendingIterator", b"asList", b"unmodifiableList", b"copyOf",
    b"unmodifiableSet", b"unmodifiableMap", b"unmodifiableCollection", b"synchronizedList",
    b"synchronizedMap", b"copyOfRange", b"singletonList", b"singleton", b"addAll", b"putAll",
    b"putExtras", b"replaceExtras", b"getExtras", b"setData", b"getData", b"peekData",
    b"setArguments", b"getArguments", b"createChooser", b"fillIn", b"cloneFilter", b"headSet",
    b"tailSet")
)  # fmt: skip
# Objects that keep what they are given.
_KEEPS = (
    b"Ljava/lang/StringBu", b"Ljava/util/", b"Ljava/io/", b"Ljava/nio/", b"Ljava/net/URL;",
    b"Ljava/net/HttpURL", b"Ljava/text/", b"Ljava/lang/Process", b"Lorg/json/",
    b"Lorg/apache/http/", b"Landroid/os/Bundle;", b"Landroid/os/BaseBundle;",
    b"Landroid/os/Message;", b"Landroid/os/Parcel;", b"Landroid/os/PersistableBundle;",
    b"Landroid/content/Intent;", b"Landroid/content/ContentValues;",
    b"Landroid/content/ClipData", b"Landroid/net/Uri",
    b"Landroid/content/ContentProviderOperation", b"Landroid/text/", b"Landroid/util/Pair;",
    b"Landroid/app/Notification", b"Landroidx/core/app/NotificationCompat",
)  # fmt: skip
_WRITERS = (b"Ljava/io/", b"Ljava/util/Formatter;", b"Ljava/util/zip/", b"Ljava/util/Scanner;")
# Results that tell so little of the value that it is not followed.
_TELLS_NOTHING = frozenset(
    (b"length", b"size", b"hashCode", b"indexOf", b"lastIndexOf", b"compareTo", b"getClass",
    b"compareToIgnoreCase", b"isEmpty", b"equals", b"contains", b"startsWith", b"endsWith",
    b"keySet", b"available", b"getCount", b"describeContents", b"position", b"limit",
    b"capacity")
)  # fmt: skip
# What a server, a database or another process answers is another value.
_ANSWERS = frozenset(
    (b"openConnection", b"openStream", b"getInputStream", b"getErrorStream", b"getContent",
    b"getResponseCode", b"getResponseMessage", b"getHeaderField", b"execute", b"newCall",
    b"exec", b"query", b"rawQuery", b"insert", b"update", b"delete", b"start",
    b"getSystemService")
)  # fmt: skip
_ANSWERERS = (
    b"Ljava/net/", b"Ljavax/net/", b"Lorg/apache/http/", b"Lokhttp3/", b"Landroid/database/",
    b"Landroid/content/", b"Ljava/lang/Process", b"Ljava/lang/Runtime;",
)  # fmt: skip
# What is encrypted or hashed is another value.
_HIDES = (b"Ljavax/crypto/", b"Ljava/security/", b"Landroid/security/", b"Lorg/mindrot/")
# Results of an argument are followed there; elsewhere only if they may be text.
_PASSES = (
    b"Ljava/", b"Landroid/text/", b"Landroid/net/Uri", b"Landroid/util/",
    b"Landroid/content/ClipData", b"Landroid/content/Intent;", b"Lorg/json/", b"Lorg/apache/",
    b"Lkotlin/",
)  # fmt: skip
_TEXT = frozenset(
    (b"Ljava/lang/String;", b"Ljava/lang/CharSequence;", b"[B", b"[C", b"Landroid/net/Uri;",
    b"[Ljava/lang/String;")
)  # fmt: skip
_FILLS = frozenset(
    (b"read", b"readFully", b"getChars", b"getBytes", b"get", b"copyInto", b"toArray")
)  # fmt: skip
_SCALAR = frozenset((b"I", b"J", b"F", b"D", b"S", b"B", b"C"))
_READS_TEXT = frozenset(
    (b"append", b"valueOf", b"format", b"print", b"println", b"concat", b"insert", b"toString",
    b"stringPlus", b"join", b"write")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passed:
    """A call that is not the app's, which a value comes to in a slot; `key` is what it names."""

    owner: bytes
    name: bytes
    proto: bytes
    static: bool
    slot: int
    key: Element | None

    @property
    def result(self) -> bytes:
        """The type of the result."""
        return self.proto[self.proto.rindex(b")") + 1 :]

    @property
    def is_receiver(self) -> bool:
        """Whether the value is in what the method is called on."""
        return self.slot == 0 and not self.static

    @property
    def is_map(self) -> bool:
        """Whether the receiver keeps values under keys."""
        return self.owner in _MAPS and not self.static

    @property
    def is_sequence(self) -> bool:
        """Whether the receiver keeps elements."""
        return self.owner.startswith(_SEQUENCES) and not self.static and not self.is_map

    @property
    def type(self) -> bytes:
        """The type of the parameter that the value comes in by; b'' for the receiver."""
        at = 0 if self.static else 1
        for kind in parameters(self.proto):
            if at == self.slot:
                return kind
            at += 2 if kind in (b"J", b"D") else 1
        return b""


def names_key(owner: bytes, name: bytes) -> bool:
    """Whether a call's first argument is the key of a value that is put or asked for."""
    prefixes = (b"put", b"get", b"opt", b"remove", b"has", b"setProperty", b"accumulate")
    return owner in _MAPS and name.startswith(prefixes)


def is_indexed(owner: bytes, name: bytes) -> bool:
    """Whether a call's first argument may be the index of an element."""
    return owner.startswith(_SEQUENCES) and name in (
        b"get",
        b"set",
        b"add",
        b"elementAt",
        b"remove",
    )


def given_back(call: Passed, path: Path) -> Path | None:
    """The way inside the result where the value is; None where the result does not have it."""
    if call.result in (b"V", b"Z") or call.name in _TELLS_NOTHING:
        return None
    if call.owner.startswith(_HIDES):
        return None
    if call.name in _ANSWERS and call.owner.startswith(_ANSWERERS):
        return None
    if call.is_receiver:
        return _from_receiver(call, path)
    if call.is_map or call.is_sequence:
        return None  # the value is kept, or is the key of what is found
    if path and call.name in _VIEWS:
        return path
    if path and is_field(path[0]):
        return path if call.name in (b"clone", b"requireNonNull", b"cast", b"invoke") else None
    passes = call.owner.startswith(_PASSES)
    if call.result in _SCALAR:
        return () if passes and call.owner.startswith(b"Ljava/lang/") else None
    return () if passes or call.result in _TEXT else None


def _from_receiver(call: Passed, path: Path) -> Path | None:
    if not path:
        return ()
    step = path[0]
    if is_field(step):
        carries = call.owner.startswith((b"Ljava/io/", b"Ljava/lang/ref/", b"Ljava/util/Optional"))
        return path if carries or call.name in (b"clone", *_VIEWS) else None
    if call.name in _VIEWS:
        return path
    if call.key is not None:
        return path[1:] if matches(step, call.key) else None
    if call.name in _ELEMENT or call.name.startswith((b"get", b"opt")):
        return path[1:]
    same = call.result == call.owner
    return path if same else ()


def kept(call: Passed, path: Path) -> Path | None:
    """The way inside the receiver where the value is after the call; None where it is not."""
    if call.static or call.slot == 0 or call.owner.startswith(_HIDES):
        return None
    made = call.name == b"<init>"
    if call.owner == b"Ljava/lang/String;" and not made:
        return None
    if call.is_map:
        return _under_key(call, path)
    if call.is_sequence and call.name in _ADDS:
        return (call.key if call.key and call.key[0] == "[]" else ANY, *path)
    if call.name in _VIEWS or (made and path and call.type not in (b"[B", b"[C")):
        return path
    if not (made or call.owner.startswith(_KEEPS)):
        return None
    if path and is_field(path[0]):
        return path if call.owner.startswith(b"Ljava/io/") else None
    return ()


def _under_key(call: Passed, path: Path) -> Path | None:
    if call.name in _VIEWS and (call.slot == 1 and path):
        return path
    if call.name.startswith((b"put", b"setProperty", b"accumulate")) and call.slot >= 2:
        return (call.key if call.key is not None else ("key", None), *path)
    if call.name == b"<init>" and path:
        return path
    if call.name.startswith((b"get", b"opt", b"remove", b"has", b"contains")):
        return None
    if call.owner == b"Landroid/content/Intent;" and call.name.startswith((b"set", b"<init>")):
        return (("key", f"<{call.name.decode('ascii', 'replace')}>"), *path)
    return ()


def wraps(owner: bytes) -> bool:
    """Whether what is written to an object of the class goes on to what it was made with."""
    return owner.startswith(_WRITERS)


def fills(call: Passed) -> bool:
    """Whether the call on an object that has the value writes it into an array it is given."""
    return call.is_receiver and call.name in _FILLS


def reads_text(call: Passed) -> bool:
    """Whether the call asks an object for its text: what its toString returns."""
    return call.name in _READS_TEXT and not call.is_receiver
