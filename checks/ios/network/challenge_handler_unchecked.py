"""ios-challenge-handler-unchecked: delegates that accept a server without judging it."""

from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import (
    Instance,
    MachineCall,
    MachineFunction,
    Parameter,
    Returned,
    stable_name,
)
from gate.app.server_trust import judges, reached
from gate.check import Finding, Severity, Unresolved, check

HANDLERS = (
    "URLSession:didReceiveChallenge:completionHandler:",
    "URLSession:task:didReceiveChallenge:completionHandler:",
    "webView:didReceiveAuthenticationChallenge:completionHandler:",
    "connection:willSendRequestForAuthenticationChallenge:",
    "connection:didReceiveAuthenticationChallenge:",
)
FOR_TRUST = ("credentialForTrust:", "initWithTrust:")
PERSONAL = (
    "credentialWithUser:password:persistence:",
    "credentialWithIdentity:certificates:persistence:",
    "proposedCredential",
)
# NSURLSessionAuthChallengeUseCredential: Foundation/NSURLSession.h of Apple's SDK.
USE_CREDENTIAL = 0


@check(IosApp, severity=Severity.MEDIUM, cwe=295, masvs="MASVS-NETWORK-1")
def challenge_handler_unchecked(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A delegate answers a server's challenge with "trusted" without looking at the certificate.

    Looks at: The methods that URLSession, WKWebView and NSURLConnection ask about a challenge, with
    their blocks and what they call: they make a credential from the server's trust, or complete
    with disposition 0 (use the credential) and none, and nowhere evaluate the trust
    (SecTrustEvaluate...), take a key or certificate out of it, or hand it to AFNetworking's,
    Alamofire's or TrustKit's validators. Credentials of a user name or an identity are in order.

    Matters because: The answer replaces the system's own examination, so that any certificate will
    do: whoever is on the path, in a café or at a provider, reads and changes what the app sends.

    Fix by: Deleting the method, or completing with .performDefaultHandling. To pin a key: first
    SecTrustEvaluateWithError(trust, nil), then compare SecTrustCopyKey(trust), and complete with
    .cancelAuthenticationChallenge if either fails.

    Cannot see: Whether the outcome of an evaluation is heeded, and Swift methods called through a
    table or written as async. A credential read from a property is told as unresolved.
    """
    for function in app.code.implementations(*HANDLERS):
        functions = reached(function)
        if judges(functions):
            continue
        made = [name for f in functions for name in FOR_TRUST if name in f.mentions.selectors]
        answers = [call for call in function.calls if _is_yes(call, function)]
        if made:
            yield _finding(function, f"by {made[0]}")
        elif any(_is_empty(call) for call in answers):
            yield _finding(function, "by disposition 0")
        elif answers and function.is_first_party and not any(map(_is_known, answers)):
            reason = f"the credential: {answers[0].argument(1).why}"
            yield Unresolved(stable_name(function), reason, answers[0].at)


def _is_yes(call: MachineCall, handler: MachineFunction) -> bool:
    """Whether it completes the method's own handler with the disposition to use a credential."""
    handed = Parameter(handler.name, handler.selector.count(":") - 1)
    held = call.receiver.values
    return call.is_block and handed in held and USE_CREDENTIAL in call.argument(0).numbers


def _is_empty(call: MachineCall) -> bool:
    return 0 in call.argument(1).numbers


def _is_known(call: MachineCall) -> bool:
    """Whether the credential is a user's or an identity's, or proposed by the system."""
    held = call.argument(1).values
    names = (each.name for each in held if isinstance(each, Returned))
    return any(isinstance(each, Instance) for each in held) or any(n in PERSONAL for n in names)


def _finding(function: MachineFunction, how: str) -> Finding:
    return Finding(
        stable_name(function),
        f"{function.name} accepts the server {how} and evaluates no certificate.",
        at=function.at,
        origin=function.origin,
    )
