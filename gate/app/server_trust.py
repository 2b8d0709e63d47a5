"""Whether code judges the certificate that a server shows, itself or in what it calls.

Sources: developer.apple.com, Certificate, Key, and Trust Services; the sources of AFNetworking,
Alamofire and TrustKit for the names of what they judge by.
"""

from gate.app.foundation import numbers
from gate.app.machine import FunctionName, MachineCall, MachineFunction

_DEPTH = 4
_MOST = 200  # functions looked at
_CALLS = 1000  # of one function that are followed
_FEW = 2  # methods that one message may run: with more its receiver is not known at all
_JUDGES = frozenset(
    (
        "SecTrustEvaluate", "SecTrustEvaluateWithError", "SecTrustEvaluateAsync",
        "SecTrustEvaluateAsyncWithError", "SecTrustEvaluateFastAsync", "SecTrustCopyKey",
        "SecTrustCopyPublicKey", "SecTrustGetCertificateAtIndex", "SecTrustCopyCertificateChain",
        "SecCertificateCopyData", "SecCertificateCopyKey", "SecCertificateCopyPublicKey",
    )
)  # fmt: skip
_JUDGING = frozenset(
    (
        "evaluateServerTrust:", "evaluateServerTrust:forDomain:", "evaluateTrust:forHostname:",
        "handleChallenge:completionHandler:", "pinningValidator",
    )
)  # fmt: skip
_FALSE = frozenset(("kCFBooleanFalse", "__kCFBooleanFalse"))
_EVALUATING = "ServerTrustEvaluating"  # Alamofire's protocol, mangled into its functions' names


def reached(function: MachineFunction) -> tuple[MachineFunction, ...]:
    """A function, its blocks and what they call in the same program, a few calls deep."""
    found = {(function.program, function.address): function}
    level = [function]
    for _ in range(_DEPTH):
        following = [each for one in level for each in _next(one)]
        level = []
        for each in following:
            key = (each.program, each.address)
            if key not in found and len(found) < _MOST:
                found[key] = each
                level.append(each)
    return tuple(found.values())


def _next(function: MachineFunction) -> list[MachineFunction]:
    found = list(function.blocks)
    for call in function.calls[:_CALLS]:
        targets = call.targets()
        if not call.is_message or len(targets) <= _FEW:
            found += targets
    return found


def judges(functions: tuple[MachineFunction, ...]) -> bool:
    """Whether some function evaluates a trust, or takes keys or certificates out to compare."""
    for each in functions:
        said = each.mentions
        if said.imports & _JUDGES or said.selectors & _JUDGING:
            return True
        if any(_EVALUATING in name for name in said.imports):
            return True
    return False


def handed(call: MachineCall, index: int) -> tuple[MachineFunction, ...]:
    """The blocks and functions that an argument of a call may be, with what they reach."""
    names = {value.name for value in call.argument(index).values if isinstance(value, FunctionName)}
    bodies = [each for each in call.function.blocks if each.name in names]
    return tuple(each for body in bodies for each in reached(body))


def answers(functions: tuple[MachineFunction, ...]) -> frozenset[bool]:
    """The constants that functions give the blocks which they run, as a completion is run."""
    runs = (call for each in functions for call in each.calls if call.is_block)
    return frozenset(bool(number & 0xFF) for call in runs for number in call.argument(0).numbers)


def switched(function: MachineFunction, key: str) -> frozenset[bool]:
    """What a function sets a setting of a dictionary to; empty where that is not known.

    `key` is the constant that names it. Where no call gets both key and value, as with arrays of
    them, any NO that the function names is taken for the value.
    """
    given: set[int] = set()
    is_set = False
    for call in function.calls:
        at_key, at_value = (1, 0) if call.is_message else (1, 2)
        if key in call.argument(at_key).symbols:
            is_set = True
            given |= set(numbers(call, call.argument(at_value)))
    if not is_set:
        boxes = (call for call in function.calls if call.name == "numberWithBool:")
        given = {number for call in boxes for number in call.argument(0).numbers if not number}
        given |= {0} if function.mentions.imports & _FALSE else set()
    return frozenset(map(bool, given))
