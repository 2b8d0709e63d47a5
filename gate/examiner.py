"""The worker: it opens, reads and checks one build, leaves one answer on a pipe, and ends."""

import gc
import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from typing import BinaryIO

import msgspec

from gate.app import App
from gate.catalogue import catalogue
from gate.check import PLATFORMS, Check
from gate.exchange import Answer, Request, Step
from gate.isolation import confine, die_with
from gate.wire import encode


def main() -> None:
    """Take a request from standard input and answer it."""
    gc.disable()  # this process ends before garbage could matter, and looking for it costs a tenth
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    die_with(request.parent)
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
    from gate.read import NotAnApp, card, open_app
    from gate.run import run

    isolation = confine(request.limits, request.build)
    if request.limits.require_sandbox and not isolation.sandboxed:
        return Answer(refused=f"a sandbox is required: {isolation.words[-1]}")
    try:
        day = date.fromisoformat(request.as_of)
        app = open_app(request.build, request.name, day, request.limits.budget, request.idsig)
    except NotAnApp as refusal:
        return Answer(refusal.kind, str(refusal), isolation=isolation.words)
    checks = checks_about(app, request.checks)
    results = run(checks, app, progress)
    return Answer(
        app.build.kind,
        app=card(app),
        checks=tuple(check.card for check in checks),
        results=results,
        coverage=app.journal.coverage,
        gaps=app.journal.gaps,
        isolation=isolation.words,
    )


def checks_about(app: App, ids: Iterable[str]) -> list[Check]:
    """Those checks that ask about the app's platform; the others are not even imported."""
    known = catalogue()
    ours = ("app", PLATFORMS[type(app)])
    return [known[each] for each in ids if known.platforms[each] in ours]


if __name__ == "__main__":
    main()
