"""android-command-execution: text from outside becomes a command of the system."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import api
from gate.check import Finding, Severity, check

SINKS = (api("java.lang.Runtime", "exec"), api("java.lang.ProcessBuilder", "<init> command"))


@check(AndroidApp, severity=Severity.HIGH, cwe=78, masvs="MASVS-CODE-4")
def command_execution(app: AndroidApp) -> Iterator[Finding]:
    """
    Text from outside the app becomes part of a system command.

    Looks at: What users type, what other apps may send to components, results of other apps, web
    pages and what the network brings in, followed through the code to the command of Runtime.exec
    and ProcessBuilder. Commands made of constants, and of numbers read from the text, are no
    finding.

    Matters because: Whoever writes that text can add options or, through a shell, whole commands,
    which then run as the app: with its files, its permissions and its network access.

    Fix by: Using a platform API instead of a command. Where there is none, pass a constant program
    and each argument apart, new ProcessBuilder("/system/bin/ping", "-c", "1", host), after checking
    the argument against a list or a strict pattern; never pass text to "sh -c".

    Cannot see: Commands that native code runs, what is written to a shell that runs already, text
    that reaches the command through files or reflection, and checks that the code makes on the
    text before it uses it.
    """
    if not any(True for _ in app.code.calls(*SINKS)):
        return
    for source in app.code.inputs("user", "intent", "result", "provider", "web", "network"):
        if not (source.exposed and source.is_first_party):
            continue
        for flow in source.flows():
            call = flow.call
            runs = any(call.owner == each.owner and call.name in each.names for each in SINKS)
            if runs and flow.argument == 0:
                yield Finding(
                    call.method.name,
                    f"{source.said} becomes part of the command that {call.method.name} runs.",
                    at=call.at,
                    origin=call.method.origin,
                    flow=(source.at, *flow.steps),
                )
