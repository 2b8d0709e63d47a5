"""An app as checks see it: facts that are read when a check first asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar, overload

from gate.app.anomaly import Anomaly, HiddenCode
from gate.app.build import Build, Files
from gate.app.code import Api
from gate.app.coverage import Journal
from gate.app.keys import PrivateKey
from gate.app.strings import Strings

T = TypeVar("T")


class Unread(Exception):
    """A fact that was asked for and could not be established; the message says why."""


def first_file(app: "App") -> str:
    """The first file of the build; "" where it has none."""
    return next(iter(app.files.names), "")


class Fact(Generic[T]):
    """A fact of an app, read on demand and kept, with its failure if it failed.

    The reader of the app answers with its method of the fact's name. Asking is noted in the app's
    journal: the outcome of a check that asked for a fact with gaps is undecided, without a word in
    the check itself. A reader that answers though it has read nothing makes a gap too: `content`
    says, by the build's own list of files, what there was to be read, "" for nothing, and `counter`
    names the `Coverage` that then has to count it.
    """

    def __init__(
        self, doc: str, counter: str = "", content: Callable[[Any], str] = first_file
    ) -> None:
        self.__doc__ = doc
        self._counter = counter
        self._content = content

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, app: None, owner: type) -> "Fact[T]": ...
    @overload
    def __get__(self, app: "App", owner: type) -> T: ...
    def __get__(self, app: "App | None", owner: type) -> "Fact[T] | T":
        if app is None:
            return self
        app.journal.touch(self._name)
        if self._name not in app.known:
            try:
                app.known[self._name] = self._read(app)
            except Unread as unread:
                app.journal.failure(self._name, str(unread))
                app.known[self._name] = unread
        known = app.known[self._name]
        if isinstance(known, Unread):
            raise known
        return known  # type: ignore[no-any-return]  # known holds what the reader answered

    def _read(self, app: "App") -> Any:
        answer = getattr(app.reads, self._name)()
        if answer is None:
            raise Unread("its reader gave no answer")
        if self._counter and (content := self._content(app)):
            app.journal.account(self._name, self._counter, content)
        return answer


@dataclass(frozen=True, eq=False)
class App:
    """What every app has, whatever its platform.

    `reads` is the reader that answers for this kind of build; `as_of` is the day the build is
    judged for; `known` holds the facts read so far, and `asked` the APIs whose calls the checks of
    this scan will ask about, so that they are looked up at once.
    """

    build: Build
    files: Files
    journal: Journal
    reads: Any
    as_of: date
    known: dict[str, Any] = field(default_factory=dict, repr=False)
    asked: list[Api] = field(default_factory=list, repr=False)

    strings = Fact[Strings]("The text of every file in the build.")
    anomalies = Fact[tuple[Anomaly, ...]](
        "Where the build's structure lies about itself.", "structure files"
    )
    hidden_code = Fact[tuple[HiddenCode, ...]](
        "Code where the platform does not load it.", "hidden code files"
    )
    private_keys = Fact[tuple[PrivateKey, ...]](
        "Private keys that parse, sorted by place.", "private keys files"
    )
