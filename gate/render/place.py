"""Where a build lies, as a path for other tools."""

from posixpath import basename, normpath

from gate.app import Build


def within_checkout(build: Build) -> str:
    """The build's path relative to the root of the checkout, or '' where it does not lie there."""
    path = normpath(build.path) if build.path else ""
    outside = not path or path in (".", "..") or path.startswith(("/", "../"))
    return "" if outside else path


def anchor(build: Build) -> str:
    """The path that stands for the build: within the checkout, else its name alone."""
    name = basename(normpath(build.path)) if build.path else ""
    return within_checkout(build) or (name if name not in ("", ".", "..") else "build")
