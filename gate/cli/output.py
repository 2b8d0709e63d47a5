"""Where reports go: files that appear whole or not at all, and standard output."""

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from gate.frozen import dataclass
from gate.render import FORMATS, render
from gate.report import Document


@dataclass(frozen=True, slots=True)
class Output:
    """One report to write: its format, and a path or `-` for standard output."""

    format: str
    path: str


class OutputType(click.ParamType[Output]):
    """The FORMAT=PATH of `--report`."""

    name = "FORMAT=PATH"

    def convert(self, value: Any, param: Any, ctx: Any) -> Output:
        """The output; usage errors name the formats or the folder that lacks."""
        if isinstance(value, Output):
            return value
        format, equals, path = str(value).partition("=")
        if not equals or not path or format not in FORMATS:
            self.fail(f"{value!r}: write FORMAT=PATH with FORMAT one of {', '.join(FORMATS)}")
        if path != "-":
            self._must_be_writable(Path(path))
        return Output(format, path)

    def _must_be_writable(self, path: Path) -> None:
        if path.is_dir() or not path.parent.is_dir():
            self.fail(f"{str(path)!r}: the folder must exist and the path name a file in it")
        if not os.access(path if is_special(path) else path.parent, os.W_OK):
            self.fail(f"{str(path)!r}: this user may not write there")


OUTPUT = OutputType()


def is_special(path: Path) -> bool:
    """Whether a path is a device or a pipe, such as /dev/null: written to, never replaced."""
    return path.exists() and not path.is_file()


def clear(outputs: Sequence[Output], inputs: Iterable[str]) -> None:
    """Remove older reports, so that a crash never leaves yesterday's clean one.

    A usage error where two reports go to one file, or one to a file that is read.
    """
    paths = [Path(output.path) for output in outputs if output.path != "-"]
    if len(outputs) - len(paths) > 1:
        raise click.BadParameter("two reports go to standard output", param_hint="--report")
    for place, path in enumerate(paths):
        if any(is_same(path, Path(other)) for other in inputs):
            raise click.BadParameter(f"{str(path)!r} is read here", param_hint="--report")
        if any(is_same(path, other) for other in paths[:place]):
            raise click.BadParameter(f"two reports go to {str(path)!r}", param_hint="--report")
    for path in paths:
        if not is_special(path):
            path.unlink(missing_ok=True)


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths name one file, through links too."""
    return one.resolve() == other.resolve() and not is_special(one)


def write(document: Document, outputs: Iterable[Output]) -> None:
    """Render and write every report; a file is renamed into place when it is complete."""
    for output in outputs:
        rendered = render(document, output.format)
        data = rendered if isinstance(rendered, bytes) else rendered.encode("utf-8", "replace")
        if output.path == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            _replace(Path(output.path), data)


def _replace(path: Path, data: bytes) -> None:
    try:
        if is_special(path):
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def show(document: Document, width: int) -> None:
    """Print the report for people on standard output, in colour where that is welcome."""
    from gate.render.text import render_text

    color = "NO_COLOR" not in os.environ and (
        sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    )
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(
        render_text(document, width=width, color=color, unicode=unicode), nl=False, color=color
    )
