"""Where the evidence lies."""

from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place inside a build.

    `path` is the entry inside the build, with forward slashes, and '' for the build itself. In a
    bundle it begins with the module (`base/manifest/AndroidManifest.xml`); in a set of split APKs
    `!/` stands between an APK and what lies in it (`splits/base-master.apk!/AndroidManifest.xml`).
    `element` is the place inside the entry in the entry's own terms: an XML path, a property list
    key path, class.method, a symbol or a header field; `line` counts from 1 and `offset` in bytes
    from the entry's start, each only where the format has one; `snippet` is the evidence as read,
    secrets already masked. Where `source` names a source file, as compiled code does, `line` counts
    in that file and not in the entry.
    """

    path: str = ""
    element: str = ""
    line: int | None = None
    offset: int | None = None
    snippet: str = ""
    source: str = ""
