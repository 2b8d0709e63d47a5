"""ios-random-insecure: rand, random, drand48 and their kin."""

from collections import defaultdict
from collections.abc import Iterator

from gate.app import IosApp
from gate.app.machine import MachineCall, imported
from gate.check import Finding, Severity, check

PREDICTABLE = imported(
    "rand rand_r srand random srandom initstate setstate drand48 erand48 lrand48 nrand48 mrand48"
    " jrand48 srand48 seed48"
)


@check(IosApp, severity=Severity.LOW, cwe=338, masvs="MASVS-CRYPTO-1")
def random_insecure(app: IosApp) -> Iterator[Finding]:
    """
    The app's own code takes random numbers from rand, random or drand48.

    Looks at: Calls of rand, rand_r, random, drand48, lrand48 and their kin, and of the functions
    that seed them (srand, srandom, srand48), in the app's and its extensions' own programs: one
    finding for each program, with the functions that call. Frameworks are not asked.

    Matters because: Who knows or guesses the seed, often the time, knows every number that follows;
    without a seed the row is the same at each start. A token, key, nonce or password that is made
    of such numbers can be computed. For games and animations they do no harm.

    Fix by: SecRandomCopyBytes(kSecRandomDefault, count, bytes) for keys and tokens;
    arc4random_uniform(limit) in C, Int.random(in: 0..<limit) in Swift for everything else.

    Cannot see: What the numbers are for, and generators that are written by hand.
    """
    by_program: dict[str, list[MachineCall]] = defaultdict(list)
    for call in app.code.calls(PREDICTABLE):
        if call.function.is_first_party:
            by_program[call.function.program].append(call)
    for program, calls in sorted(by_program.items()):
        names = ", ".join(sorted({call.name for call in calls}))
        callers = sorted({call.function.name for call in calls})
        more = f" and {len(callers) - 5} more" if len(callers) > 5 else ""
        yield Finding(
            program,
            f"{program} takes predictable random numbers from {names}, in "
            f"{', '.join(each[:80] for each in callers[:5])}{more}.",
            at=calls[0].at,
            also=tuple(call.at for call in calls[1:]),
            origin=calls[0].function.origin,
        )
