"""`gate`: commands, and the one place where errors become words and exit codes."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from gate import __version__
from gate.cli.closed import stand_in
from gate.policy import PolicyError
from gate.render.escape import terminal

USAGE = 2
NO_VERDICT = 3


# Each command NAME is the function NAME of the module gate.cli.NAME.
COMMANDS = ("action", "checks", "explain", "ledger", "render", "rulesets", "scan")


class Commands(click.Group):
    """The commands, each imported when it is asked for: a scan need not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command; None for a name that is none."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gate.cli.{name}"), name)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GATE"},
    epilog="""\b
Exit codes of every command:
  0  pass, or the command did what it was asked
  1  blocked: a control fails that the policy blocks on; a ledger that does not verify
  2  wrong usage, or a ruleset or waiver file that cannot be used
  3  no verdict: unreadable build, incomplete analysis, internal error""",
)
@click.version_option(__version__, prog_name="mobile-release-gate")
def gate() -> None:
    """Decide whether a mobile app build may be released.

    Reads APK and IPA builds offline, judges them against a policy of controls, and says pass,
    block or undecided, with the evidence.

    \b
      gate scan app-release.apk
      gate scan App.ipa --profile vendor --report sarif=gate.sarif
      gate explain A63-DBG-01
    """


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end, as a CI does at the end of a job's time."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit. A traceback would exit 1 and read as "blocked": none leaves.

    Set GATE_DEBUG to any value to see the traceback of an internal error.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None) -> int:
    """Run the command line; its exit code."""
    nowhere = stand_in()
    code = _run(arguments)
    if nowhere.lost and code != USAGE:
        return _complain("standard output is closed, so that there is no answer", NO_VERDICT)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = gate.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:  # its own exit code is 1, which means blocked here
        return _complain(error.format_message(), NO_VERDICT)
    except PolicyError as error:
        return _complain(str(error), USAGE)
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop.__cause__, EOFError):  # click takes any of these for the user's
            return _complain(f"internal error: EOFError: {stop.__cause__}", NO_VERDICT)
        how = "terminated" if isinstance(stop.__cause__ or stop, Terminated) else "interrupted"
        return _complain(f"{how}; there is no verdict", NO_VERDICT)
    except SystemExit:  # click's way with a closed pipe; its code 1 would mean blocked
        return NO_VERDICT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_VERDICT
    except Exception as error:  # noqa: BLE001  # see main: nothing may look like a verdict
        if os.environ.get("GATE_DEBUG"):
            raise
        return _complain(f"internal error: {type(error).__name__}: {error}", NO_VERDICT)
    return code if isinstance(code, int) else 0


def _terminate(*_: object) -> None:
    raise Terminated


def _complain(message: str, code: int) -> int:
    for line in message.splitlines():
        click.echo(f"gate: {terminal(line, limit=2000)}", err=True)
    return code
