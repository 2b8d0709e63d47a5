"""ios-trust-accepts-all: known ways to switch the examination of certificates off."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.machine import Import, MachineCall, MachineFunction, imported, message, stable_name
from gate.app.server_trust import answers, handed, judges, switched
from gate.check import Finding, Severity, Unresolved, check

# The messages that switch it off, with the first argument that does.
SWITCHES = (
    (message("setAllowInvalidCertificates:"), True),
    (message("setValidatesDomainName:"), False),
    (message("setAllowsAnyHTTPSCertificate:forHost:"), True),
)
ASKED = "allowsAnyHTTPSCertificateForHost:"
EXCEPTIONS = imported("SecTrustSetExceptions")
VERIFY = imported("sec_protocol_options_set_verify_block")
CHAIN = "kCFStreamSSLValidatesCertificateChain"
DISABLED = ("9Alamofire22DisabledTrustEvaluator", "9Alamofire17DisabledEvaluator")
STATIC = tuple(f"_TtC{name}" for name in DISABLED)


@check(IosApp, severity=Severity.CRITICAL, cwe=295, masvs="MASVS-NETWORK-1")
def trust_accepts_all(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    Code switches the examination of server certificates off.

    Looks at: Calls of setAllowInvalidCertificates: with YES and setValidatesDomainName: with NO
    (AFNetworking), setAllowsAnyHTTPSCertificate:forHost: with YES or a method
    allowsAnyHTTPSCertificateForHost: that returns YES, every SecTrustSetExceptions, uses of
    Alamofire's DisabledTrustEvaluator, kCFStreamSSLValidatesCertificateChain set to false, and
    blocks given to sec_protocol_options_set_verify_block that say true without evaluating.

    Matters because: Any certificate will do then, a self-made one too: whoever is on the path reads
    passwords and tokens and changes what the app receives. The system does not step in.

    Fix by: Deleting the call. For a test server with a certificate of its own, install its CA on
    the test device, or keep the call in a Debug configuration with #if DEBUG. To pin, use
    PinnedCertificatesTrustEvaluator, AFSSLPinningModePublicKey or NSPinnedDomains.

    Cannot see: Validators that return true, and Swift enumerations such as Alamofire 4's
    disableEvaluation. Arguments that are not constant are told as unresolved.
    """
    for wanted, bad in SWITCHES:
        for call in app.code.sends(wanted):
            yield from _switched(call, bad)
    for function in app.code.implementations(ASKED):
        if 1 in function.returned.numbers:
            yield _finding(function, ASKED, "returns YES", function.at)
    for call in app.code.calls(EXCEPTIONS):
        yield _finding(call.function, call.name, "makes the trust's faults exceptions", call.at)
    yield from _alamofire(app)
    for function, at in app.code.symbol_uses(CHAIN):
        yield from _chain(function, at)
    for call in app.code.calls(VERIFY):
        yield from _verified(call)


def _finding(function: MachineFunction, what: str, how: str, at: Location) -> Finding:
    text = f"{function.name} {how} ({what}): any server certificate is accepted."
    return Finding(f"{stable_name(function)} {what}", text, at=at, origin=function.origin)


def _open(function: MachineFunction, reason: str, at: Location) -> Iterator[Unresolved]:
    if function.is_first_party:
        yield Unresolved(stable_name(function), reason, at)


def _switched(call: MachineCall, bad: bool) -> Iterator[Finding | Unresolved]:
    held = call.argument(0)
    if any(bool(number & 0xFF) is bad for number in held.numbers):
        said = "passes YES" if bad else "passes NO"
        yield _finding(call.function, call.name, said, call.at)
    elif not held.complete:
        yield from _open(call.function, f"{call.name}: {held.why}", call.at)


def _alamofire(app: IosApp) -> Iterator[Finding]:
    names = [name for name in sorted(app.code.imports) if any(each in name for each in DISABLED)]
    uses = [(call.function, call.at) for call in app.code.calls(Import(tuple(names)))]
    for function, at in (*uses, *app.code.symbol_uses(*names), *app.code.class_uses(*STATIC)):
        if not function.name.startswith("Alamofire."):
            yield _finding(function, "DisabledTrustEvaluator", "uses Alamofire's evaluator", at)


def _chain(function: MachineFunction, at: Location) -> Iterator[Finding | Unresolved]:
    given = switched(function, CHAIN)
    if False in given:
        yield _finding(function, CHAIN, "sets the examination to false", at)
    elif not given:
        yield from _open(function, f"the value of {CHAIN} is not known", at)


def _verified(call: MachineCall) -> Iterator[Finding | Unresolved]:
    functions = handed(call, 1)
    if answers(functions) == {True} and not judges(functions):
        yield _finding(call.function, call.name, "gives a block that says true", call.at)
    elif not judges(functions):
        yield from _open(call.function, "what the verify block answers is not known", call.at)
