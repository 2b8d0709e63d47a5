"""The document that a scan leaves: everything a renderer needs, as JSON both ways."""

import re

import msgspec

from gate import __version__
from gate.app import AppCard, Build, Coverage, Gap
from gate.check import CheckCard, Result
from gate.decide import Decision, Verdict
from gate.frozen import dataclass
from gate.policy import Text
from gate.wire import encode

SCHEMA = "mobile-release-gate/report/1"


@dataclass(frozen=True, slots=True)
class Policy:
    """The ruleset a verdict rests on; `sha256` is of the ruleset file's bytes."""

    name: str
    version: str
    title: Text
    profile: str
    profile_title: Text
    sha256: str
    as_of: str


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One judged build. `app` is None and `refused` says why where the build was not read."""

    build: Build
    app: AppCard | None
    refused: str
    policy: Policy
    checks: tuple[CheckCard, ...]
    results: tuple[Result, ...]
    coverage: tuple[Coverage, ...]
    gaps: tuple[Gap, ...]
    isolation: tuple[str, ...]
    verdict: Verdict


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one scan leaves: a report a build, in the order given.

    `created` is the time of the scan in UTC, RFC 3339, from SOURCE_DATE_EPOCH where that is set.
    """

    schema: str
    tool: str
    version: str
    created: str
    reports: tuple[Report, ...]

    @property
    def exit_code(self) -> int:
        """0 pass, 1 blocked, 3 no verdict; of several builds the worst of 1, 3, 0 in that order."""
        codes = {EXIT_CODES[report.verdict.decision] for report in self.reports}
        return next((code for code in (1, 3) if code in codes), 0 if codes else 3)


EXIT_CODES = {Decision.PASS: 0, Decision.BLOCK: 1, Decision.UNDECIDED: 3}


class NotAReport(Exception):
    """A file that is no report of this tool; the message says where it differs."""


def document(reports: tuple[Report, ...], created: str) -> Document:
    """A document of this version of the tool."""
    return Document(SCHEMA, "mobile-release-gate", __version__, created, reports)


def to_json(scan: Document) -> bytes:
    """The document as indented UTF-8 JSON with a newline at the end; equal input, equal bytes."""
    return msgspec.json.format(encode(scan), indent=2) + b"\n"


def from_json(data: bytes) -> Document:
    """The document that `to_json` wrote; `NotAReport` for anything else."""
    try:
        scan = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotAReport(f"not a report of this tool: {error}") from error
    if scan.schema != SCHEMA:
        raise NotAReport(f"a report of schema {scan.schema}; this version reads {SCHEMA}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", scan.created):
        raise NotAReport(f"created is no time: {scan.created!r}")
    for report in scan.reports:
        _must_agree(report)
    return scan


def _must_agree(report: Report) -> None:
    """A report names no check that it does not document."""
    known = {card.id for card in report.checks}
    named = {result.check for result in report.results}
    for standing in report.verdict.standings:
        named.update(judged.check for judged in standing.judged)
    if stray := sorted(named - known):
        raise NotAReport(f"it judges a check that it does not document: {stray[0]!r}")


def json_schema() -> bytes:
    """The JSON Schema of the document, as published in docs/report.schema.json."""
    schema = msgspec.json.schema(Document)
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
