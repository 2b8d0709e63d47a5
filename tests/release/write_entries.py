"""Entries of a ledger for tests."""

from gate.release.ledger import Finished, Judgement, Policy, Started

POLICY = Policy("article-6-3", "1", "ab" * 32, "trading", "2026-06-01", "")
BUILD = Judgement("app.apk", "apk", "cd" * 32, 9, "org.example", "1.0", "1", "pass")


def started(previous: str, torn: bool = False, scan: str = "one", **other: object) -> Started:
    return Started(
        previous=previous,
        scan=scan,
        time="2026-06-01T00:00:00Z",
        tool="mobile-release-gate",
        version="0.1.0",
        dependencies={"python": "3.11.7"},
        policy=POLICY,
        limits=("limit cpu 120",),
        builds=("app.apk",),
        after_torn=torn,
        **other,  # type: ignore[arg-type]
    )


def finished(
    previous: str, torn: bool = False, scan: str = "one", build: Judgement = BUILD
) -> Finished:
    return Finished(
        previous=previous,
        scan=scan,
        time="2026-06-01T00:00:01Z",
        exit_code=0,
        report="ef" * 32,
        builds=(build,),
        after_torn=torn,
    )
