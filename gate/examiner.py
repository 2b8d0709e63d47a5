"""The worker: it opens, reads and checks one build, leaves one answer on a pipe, and ends."""

import os
import sys
from collections.abc import Callable
from datetime import date
from typing import BinaryIO

import msgspec

from gate.app import App, AppCard
from gate.check import Result
from gate.exchange import Answer, Request, Step
from gate.isolation import confine
from gate.wire import encode


def main() -> None:
    """Take a request from standard input and answer it."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with os.fdopen(request.answer, "wb") as pipe:
        try:
            answer = examine(request, lambda done, total: say(pipe, Step(done, total)))
        except MemoryError:
            most = request.limits.memory
            answer = Answer(refused=f"it needs more bytes of memory than the limit memory={most}")
        say(pipe, answer)


def say(pipe: BinaryIO, message: Step | Answer) -> None:
    """Send one message at once."""
    pipe.write(encode(message) + b"\n")
    pipe.flush()


def examine(request: Request, progress: Callable[[int, int], None]) -> Answer:
    """Open, read and check; a build that is no app is refused with one sentence."""
    # The readers and checks come in before the limits, which forbid to cache their bytecode.
    from gate.catalogue import catalogue
    from gate.read import NotAnApp, card, open_app
    from gate.run import run

    checks = [catalogue()[check] for check in request.checks]
    sys.dont_write_bytecode = True
    isolation = confine(request.limits, request.build)
    if request.limits.require_sandbox and not isolation.sandboxed:
        return Answer(refused=f"a sandbox is required: {isolation.words[-1]}")
    try:
        day = date.fromisoformat(request.as_of)
        app = open_app(request.build, request.name, day, request.limits.budget, request.idsig)
    except NotAnApp as refusal:
        return Answer(refusal.kind, str(refusal), isolation=isolation.words)
    results = run(checks, app, progress)
    return _answer(app, card(app), results, isolation.words)


def _answer(
    app: App, app_card: AppCard, results: tuple[Result, ...], isolation: tuple[str, ...]
) -> Answer:
    return Answer(
        app.build.kind,
        app=app_card,
        results=results,
        coverage=app.journal.coverage,
        gaps=app.journal.gaps,
        isolation=isolation,
    )


if __name__ == "__main__":
    main()
