"""A sheet of lines for a terminal; the one door to `rich`.

Every line begins with words of ours or with a bar, so that nothing of an app's making can stand
where a terminal or a CI runner would take it for more than text.
"""

from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gate.render.escape import NAME, terminal

NARROWEST = 40

Words = str | tuple[str, str]
"""A text, alone or with a style of rich's."""


class Sheet:
    """Lines of a given width in terminal cells, with or without colour and beyond ASCII or not."""

    def __init__(self, width: int, *, color: bool, unicode: bool) -> None:
        self._unicode = unicode
        self._width = max(width, NARROWEST)
        self._written = StringIO()
        # Everything is said here that rich would otherwise take from the environment.
        self._console = Console(
            file=self._written,
            width=self._width,
            height=25,
            color_system="standard" if color else None,
            force_terminal=color,
            force_jupyter=False,
            no_color=not color,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )
        self.bar = "│ " if unicode else "| "

    def shown(self, text: str, limit: int = NAME) -> str:
        """A text of the app's, fit for this sheet."""
        return terminal(text, limit, unicode=self._unicode)

    def say(self, lead: str, *words: Words, rest: str = "") -> None:
        """Words after a lead of ours; further lines begin with `rest`, or a bar below the lead."""
        rest = rest or " " * (cell_len(lead) - cell_len(self.bar)) + self.bar
        room = max(NARROWEST // 4, self._width - max(cell_len(lead), cell_len(rest)))
        for number, line in enumerate(self._text(words).wrap(self._console, room)):
            line.rstrip()
            self._print(Text.assemble(rest if number else lead, line))

    def say_short(self, lead: str, *words: Words) -> None:
        """Words after a lead of ours on one line, cut where it ends."""
        text = self._text(words)
        room = max(NARROWEST // 4, self._width - cell_len(lead))
        if text.cell_len > room:
            end = "…" if self._unicode else "..."
            text.truncate(room - cell_len(end))
            text.rstrip()
            text.append(end)
        self._print(Text.assemble(lead, text))

    def gap(self) -> None:
        """An empty line."""
        self._print(Text())

    def head(self, words: str, style: str = "") -> None:
        """A heading of ours, after an empty line."""
        self.gap()
        self.say("", (words, f"bold {style}"), rest="  ")

    def text(self) -> str:
        """What was written."""
        return self._written.getvalue()

    def _text(self, words: tuple[Words, ...]) -> Text:
        if self._unicode:
            return Text.assemble(*words)
        pairs = (each if isinstance(each, tuple) else (each, "") for each in words)
        return Text.assemble(*((_ascii(text), style) for text, style in pairs))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")
