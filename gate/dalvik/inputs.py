"""Where data comes into an app from outside: intents, provider queries, users, pages, networks.

Sources: developer.android.com, the reference of the classes named here.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gate.app.code import Api, Flow, Input, InputKind, Instance
from gate.dalvik.dex import descriptor, java_name
from gate.dalvik.exposure import ACTIVITY, Exposure
from gate.dalvik.facts import Entry, Node
from gate.dalvik.program import STATIC, Method, Place
from gate.dalvik.search import CALL
from gate.frozen import dataclass

if TYPE_CHECKING:
    from gate.dalvik.code import AppCode

SERVICE = b"Landroid/app/Service;"
PROVIDER = b"Landroid/content/ContentProvider;"
FRAGMENTS = (b"Landroid/app/Fragment;", b"Landroidx/fragment/app/Fragment;",
             b"Landroid/support/v4/app/Fragment;")  # fmt: skip
SEARCHES = (b"Landroid/widget/SearchView$OnQueryTextListener;",
            b"Landroidx/appcompat/widget/SearchView$OnQueryTextListener;",
            b"Landroid/support/v7/widget/SearchView$OnQueryTextListener;")  # fmt: skip

# Methods that the system calls with data of others, and which of their parameters hold it.
CALLBACKS: tuple[tuple[InputKind, bytes, bytes, tuple[int, ...]], ...] = (
    ("intent", ACTIVITY, b"onNewIntent", (0,)),
    ("intent", SERVICE, b"onStartCommand", (0,)),
    ("intent", SERVICE, b"onStart", (0,)),
    ("intent", SERVICE, b"onBind", (0,)),
    ("intent", b"Landroid/app/IntentService;", b"onHandleIntent", (0,)),
    ("intent", b"Landroidx/core/app/JobIntentService;", b"onHandleWork", (0,)),
    ("intent", b"Landroid/content/BroadcastReceiver;", b"onReceive", (1,)),
    *(("result", each, b"onActivityResult", (2,)) for each in (ACTIVITY, *FRAGMENTS)),
    ("result", b"Landroidx/activity/result/ActivityResultCallback;", b"onActivityResult", (0,)),
    ("provider", PROVIDER, b"query", (0, 2, 3, 4)),
    ("provider", PROVIDER, b"insert", (0, 1)),
    ("provider", PROVIDER, b"update", (0, 1, 2)),
    ("provider", PROVIDER, b"delete", (0, 1)),
    ("provider", PROVIDER, b"openFile", (0,)),
    ("provider", PROVIDER, b"openAssetFile", (0,)),
    ("provider", PROVIDER, b"openTypedAssetFile", (0,)),
    ("provider", PROVIDER, b"call", (0, 1, 2)),
    ("user", b"Landroid/text/TextWatcher;", b"onTextChanged", (0,)),
    ("user", b"Landroid/text/TextWatcher;", b"afterTextChanged", (0,)),
    *(("user", each, b"onQueryTextSubmit", (0,)) for each in SEARCHES),
    *(("user", each, b"onQueryTextChange", (0,)) for each in SEARCHES),
    ("web", b"Landroid/webkit/WebViewClient;", b"shouldOverrideUrlLoading", (1,)),
    ("web", b"Landroid/webkit/WebChromeClient;", b"onJsPrompt", (2, 3)),
    ("web", b"Landroid/webkit/DownloadListener;", b"onDownloadStart", (0, 2)),
)
# Calls whose result is data of others.
RESULTS: tuple[tuple[InputKind, bytes, tuple[bytes, ...]], ...] = (
    ("intent", ACTIVITY, (b"getIntent",)),
    ("user", b"Landroid/widget/EditText;", (b"getText",)),
    ("user", b"Landroid/widget/SearchView;", (b"getQuery",)),
    ("network", b"Ljava/net/URLConnection;", (b"getInputStream", b"getContent")),
    ("network", b"Ljava/net/URL;", (b"openStream", b"getContent")),
    ("network", b"Ljava/net/Socket;", (b"getInputStream",)),
    ("network", b"Lorg/apache/http/HttpResponse;", (b"getEntity",)),
    ("network", b"Lokhttp3/ResponseBody;", (b"string", b"bytes", b"byteStream", b"charStream")),
    ("archive", b"Ljava/util/zip/ZipEntry;", (b"getName",)),
    ("clipboard", b"Landroid/content/ClipboardManager;", (b"getPrimaryClip", b"getText")),
)


@dataclass(frozen=True, slots=True)
class AppInput(Input):
    """One place where data comes in, with the way to follow it."""

    code: "AppCode"
    node: Node

    def flows(self, *stops: Api) -> Iterator[Flow]:
        """Every library call that the data gets to."""
        return self.code.text_flow(self.node, stops)


class Inputs:
    """Finds the places where data comes in."""

    def __init__(self, code: "AppCode") -> None:
        self._code, self._program = code, code.program
        self._exposure = Exposure(code)

    def of(self, kinds: tuple[InputKind, ...]) -> list[AppInput]:
        """The places where data of these kinds comes in, sorted."""
        found = [*self._from_callbacks(kinds), *self._from_results(kinds)]
        if "web" in kinds:
            found += self._from_pages()
        return sorted(found, key=lambda each: (each.kind, each.method, repr(each.node)))

    def _from_callbacks(self, kinds: tuple[InputKind, ...]) -> Iterator[AppInput]:
        for kind, owner, name, places in CALLBACKS:
            if kind not in kinds or not self._program.named(name):
                continue
            for each in self._program.subclasses(owner):
                for method in self._program.declared(each, name):
                    yield from self._parameters(kind, method, places)

    def _parameters(
        self, kind: InputKind, method: Method, places: tuple[int, ...]
    ) -> Iterator[AppInput]:
        owner, _, proto = self._program.signature(method)
        static = bool(self._program.access(method) & STATIC)
        slots = self._code.values.slots(proto, static)
        whose = "", True
        if kind in ("intent", "provider"):
            whose = self._exposure.of_component(owner)
        elif kind == "result":
            whose = java_name(owner), self._asks_others(owner)
        for place in places:
            if place < len(slots):
                node = Entry(method, slots[place], ())
                yield self._input(kind, whose, Place(method, 0), node)

    def _from_results(self, kinds: tuple[InputKind, ...]) -> Iterator[AppInput]:
        for kind, owner, names in RESULTS:
            for name in names if kind in kinds else ():
                for place in self._program.sites(CALL, self._code.inherited(owner, name)):
                    for method in self._program.twins(place.method):
                        yield from self._result(kind, Place(method, place.index))

    def _result(self, kind: InputKind, place: Place) -> Iterator[AppInput]:
        node = self._code.flows.from_result(place)
        if node is not None:
            whose = "", True
            if kind == "intent":
                body = self._program.body(place.method)
                named = body.dex.method(body.operand(place.index))[0]
                whose = self._exposure.of_activity(named, place.method)
            yield self._input(kind, whose, place, node)

    def _from_pages(self) -> Iterator[AppInput]:
        """What JavaScript passes to the methods of objects that are given to a web view."""
        bridges = self._code.inherited(b"Landroid/webkit/WebView;", b"addJavascriptInterface")
        owners = {
            descriptor(value.type)
            for place in self._program.sites(CALL, bridges)
            for value in self._code.values.argument(place, 0)
            if isinstance(value, Instance)
        }
        for owner in sorted(owners):
            for method in self._program.declared(owner):
                name, proto = self._program.signature(method)[1:]
                if name not in (b"<init>", b"<clinit>"):
                    count = len(self._code.values.slots(proto, static=False))
                    yield from self._parameters("web", method, tuple(range(count)))

    def _asks_others(self, owner: bytes) -> bool:
        """Whether a class may ask an activity of another app for the result that it gets."""
        outer = owner.split(b"$")[0].rstrip(b";")
        intents = self._code.flows.intents
        starts = [
            place
            for place in intents.sites(b"startActivityForResult")
            if self._program.signature(place.method)[0].split(b"$")[0].rstrip(b";") == outer
        ]
        for place in starts:
            registers = self._program.body(place.method).arguments(place.index)
            if len(registers) < 2 or not intents.aim(place, registers[1]).explicit:
                return True
        return not starts  # started elsewhere, or through a launcher

    def _input(
        self, kind: InputKind, whose: tuple[str, bool], place: Place, node: Node
    ) -> AppInput:
        owner, name, _ = self._program.signature(place.method)
        return AppInput(
            kind=kind,
            component=whose[0],
            exposed=whose[1],
            method=f"{java_name(owner)}.{name.decode('utf-8', 'replace')}",
            origin=self._code.origins.of(java_name(owner)),
            at=self._code.location(place),
            code=self._code,
            node=node,
        )
