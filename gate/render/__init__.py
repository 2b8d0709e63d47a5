"""Renderers: pure functions of a `Document` to text; each format's module is imported late."""

from importlib import import_module

from gate.report import Document, to_json

_MODULES = {
    "sarif": "sarif",
    "sarif-full": "sarif",
    "github": "github",
    "markdown": "markdown",
    "text": "text",
}

FORMATS: tuple[str, ...] = ("json", *_MODULES)


def render(scan: Document, format: str) -> str | bytes:
    """The document in one of `FORMATS`; equal input gives equal output. ValueError for others."""
    if format == "json":
        return to_json(scan)
    if format not in _MODULES:
        raise ValueError(f"no such format: {format}; there are {', '.join(FORMATS)}")
    renderer = import_module(f"gate.render.{_MODULES[format]}")
    shown: str = renderer.FORMATS[format](scan)
    return shown
