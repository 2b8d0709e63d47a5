"""Where a finding lies, in SARIF: the build as GitHub wants it, and the true place inside it."""

from typing import Any

from gate.app import Build, Location
from gate.render.escape import sarif_message, sarif_text, uri_path
from gate.render.place import anchor
from gate.render.sarif_log import om
from gate.render.wording import place

ROOT = "%SRCROOT%"
MOST_ALSO = 20
MOST_STEPS = 30

_MIME = {
    "apk": "application/vnd.android.package-archive",
    "aab": "application/zip",
    "apks": "application/zip",
    "ipa": "application/octet-stream",
}


class Artifacts:
    """The artifacts of one run, each once: the build is the first, what lies in it its children."""

    def __init__(self, build: Build) -> None:
        self.root = uri_path(anchor(build))
        self._index = {self.root: 0}
        self.listed = [
            om.Artifact(
                location=om.ArtifactLocation(uri=self.root, uri_base_id=ROOT, index=0),
                roles=["analysisTarget"],
                mime_type=_MIME.get(build.kind),
                length=build.size if build.sha256 else -1,
                hashes={"sha-256": build.sha256} if build.sha256 else None,
            )
        ]

    def location(self, entry: str) -> Any:
        """Where an entry of the build is; the build itself for ''."""
        uri = f"{self.root}/{uri_path(entry)}" if entry else self.root
        index = self._index.setdefault(uri, len(self.listed))
        location = om.ArtifactLocation(uri=uri, uri_base_id=ROOT, index=index)
        if index == len(self.listed):
            self.listed.append(om.Artifact(location=location, parent_index=0, roles=["resultFile"]))
        return location


def build_location(artifacts: Artifacts, snippet: str = "") -> Any:
    """The build's first line: GitHub demands a file, a line and columns, which no build has."""
    shown = sarif_text(snippet)
    region = om.Region(
        start_line=1,
        start_column=1,
        end_line=1,
        end_column=max(2, 1 + len(shown.encode("utf-16-le")) // 2),
        snippet=_content(shown),
    )
    build = om.PhysicalLocation(artifact_location=artifacts.location(""), region=region)
    return om.Location(physical_location=build)


def related_locations(artifacts: Artifacts, at: Location, also: tuple[Location, ...]) -> list[Any]:
    """The place and up to twenty further ones, numbered from 1 for links in the message."""
    places = [each for each in (at, *also[:MOST_ALSO]) if each != Location()]
    return [_inside(artifacts, each, number) for number, each in enumerate(places, 1)]


def code_flow(artifacts: Artifacts, flow: tuple[Location, ...], at: Location) -> list[Any] | None:
    """The way of a value to its end, step by step; None where it has no way."""
    if not flow:
        return None
    steps = [each for each in (*flow[:MOST_STEPS], at) if each != Location()]
    locations = [om.ThreadFlowLocation(location=_inside(artifacts, each)) for each in steps]
    return [om.CodeFlow(thread_flows=[om.ThreadFlow(locations=locations)])]


def link(at: Location, also: tuple[Location, ...]) -> str:
    """The sentence that links to the first related location, and says how many more there are."""
    if at == Location():
        return ""
    more = f" and {len(also)} more" if also else ""
    return f" See [{sarif_message(place(at))}](1){more}."


def _inside(artifacts: Artifacts, at: Location, number: int = -1) -> Any:
    element = sarif_text(at.element)
    logical = [om.LogicalLocation(fully_qualified_name=element)] if element else None
    return om.Location(
        id=number,
        message=om.Message(text=f"{sarif_message(place(at))}."),
        logical_locations=logical,
        physical_location=om.PhysicalLocation(
            artifact_location=artifacts.location(at.path), region=_region(at)
        ),
    )


def _region(at: Location) -> Any:
    snippet = _content(sarif_text(at.snippet))
    if at.line is not None and at.line > 0 and not at.source:
        return om.Region(start_line=at.line, snippet=snippet)
    if at.offset is not None and at.offset >= 0:
        return om.Region(byte_offset=at.offset, snippet=snippet)
    return None


def _content(text: str) -> Any:
    return om.ArtifactContent(text=text) if text else None
