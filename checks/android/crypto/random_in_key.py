"""android-random-in-key: predictable numbers in keys, vectors, salts, passwords and tokens."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import Array, Bytes, Call, FieldRead, Flow, Instance, MethodCode, Number, api
from gate.check import Finding, Severity, check

CLOCK = api("java.lang.System", "currentTimeMillis nanoTime")
NUMBERS = (
    api("java.util.Random", "nextInt nextLong nextDouble nextFloat nextGaussian nextBoolean"),
    api("kotlin.random.Random", "nextInt nextLong nextBytes nextDouble nextBits"),
    api("java.lang.Math", "random"),
)
DEVICE = (
    api("android.provider.Settings$Secure", "getString"),
    api("android.telephony.TelephonyManager", "getDeviceId getImei getSubscriberId"),
)
BYTES = api("java.util.Random", "nextBytes")
SPECS = tuple(
    api(f"javax.crypto.spec.{name}", "<init>")
    for name in ("SecretKeySpec", "IvParameterSpec", "GCMParameterSpec", "PBEKeySpec", "DESKeySpec",
                 "PBEParameterSpec", "DESedeKeySpec")
)  # fmt: skip
SET_UP = (api("javax.crypto.Cipher", "init"), api("javax.crypto.Mac", "init"))
SEEDED = (api("java.security.SecureRandom", "<init>", "byte[]"), api("java.util.Random", "setSeed"))
SECURE = "java.security.SecureRandom"
PREDICTABLE = ("java.util.Random", "kotlin.random.Random$Default")
SECRET = re.compile(r"(?i)(token|nonce|otp|password|passwd|salt|secret)$")


@check(AndroidApp, severity=Severity.HIGH, cwe=(338, 335), masvs="MASVS-CRYPTO-1")
def random_in_key(app: AndroidApp) -> Iterator[Finding]:
    """
    A key, vector, salt, password or token made of predictable numbers.

    Looks at: Where the numbers of java.util.Random, Math.random, Kotlin's Random and the clock go
    in the whole app: into key, vector and salt specifications, or under a name such as "token" or
    "nonce" into a store, a message or a header. And SecureRandom that is seeded with a constant,
    the time or an identifier of the device before its first output.

    Matters because: The state of these generators has 48 bits or fewer, and mostly starts from the
    time: an attacker who knows the hour lists every key the app can have made.

    Fix by: Writing byte[] key = new byte[32]; new SecureRandom().nextBytes(key); and no setSeed at
    all. For keys that stay on the device KeyGenerator with "AndroidKeyStore".

    Cannot see: Numbers that go through files, the network or native code, tokens whose name does
    not say so, generators that an obfuscator renamed, and times that are read farther than one call
    away from the class that makes keys.
    """
    keys = set(app.code.calls(*SPECS))
    set_up = set(app.code.calls(*SET_UP))
    seeds = {call for call in app.code.calls(*SEEDED) if seeds_first(call)}
    for source in app.code.own_calls(*NUMBERS):
        if is_weak(source):
            flows = list(source.flows())
            into = [flow for flow in flows if flow.call in keys and is_content(flow)]
            into = into or [flow for flow in flows if flow.call in set_up and flow.argument >= 0]
            for flow in [*into, *(each for each in flows if names_secret(each))]:
                yield finding(flow.call, f"{source.owner}.{source.name}", flow.steps)
    makers = {call.method.owner for call in keys | seeds}
    for source in app.code.own_calls(CLOCK, *DEVICE):
        if is_near(source.method, makers):
            wanted = keys | seeds if source.owner == "java.lang.System" else seeds
            for flow in source.flows():
                if flow.call in wanted and is_content(flow):
                    yield finding(flow.call, f"{source.owner}.{source.name}", flow.steps)
    yield from filled(app)
    for call in app.code.calls(*SEEDED):
        given = call.argument(0)
        fixed = [each for each in given.values if isinstance(each, (Number, Bytes))]
        if call in seeds and fixed and call.method.is_first_party:
            yield Finding(
                f"{call.method.name} SecureRandom",
                f"{call.method.name} seeds a SecureRandom with a constant.",
                at=call.at,
                origin=call.method.origin,
                flow=given.steps(fixed[0]),
            )


def is_content(flow: Flow) -> bool:
    """Whether a value is what a specification or seed is made of: no length, no count."""
    kinds = flow.call.parameters
    return flow.argument >= 0 and (kinds[flow.argument].endswith("[]") or kinds == ("long",))


def is_near(method: MethodCode, makers: set[str]) -> bool:
    """Whether a method is of these classes, calls them or is called by them."""
    classes = {method.owner, *(call.owner for call in method.calls)}
    return bool(makers & (classes | {call.method.owner for call in method.callers()}))


def finding(call: Call, source: str, steps: tuple[Location, ...]) -> Finding:
    """The finding about a value that got where a secret is made."""
    made = call.owner.rpartition(".")[2]
    return Finding(
        f"{call.method.name} {made}",
        f"{call.method.name} gives {made} what {source} returned, which can be predicted.",
        at=call.at,
        origin=call.method.origin,
        flow=steps,
    )


def filled(app: AndroidApp) -> Iterator[Finding]:
    """Specifications whose bytes a predictable generator filled."""
    weak, sure = [], True
    for call in app.code.calls(BYTES):
        if is_weak(call):
            weak.append(call.method.name)
        elif call.owner == PREDICTABLE[0]:
            sure = False  # a SecureRandom under the name of its parent
    for call in app.code.calls(*SPECS) if weak else ():
        for index, kind in enumerate(call.parameters):
            argument = call.argument(index)
            for value in argument.values if kind.endswith("[]") else ():
                if isinstance(value, Array) and "java.util.Random.nextBytes" in value.given_to:
                    steps = argument.steps(value)
                    ways = {call.method.name, *(step.element for step in steps)}
                    if sure or not ways.isdisjoint(weak):
                        yield finding(call, "java.util.Random.nextBytes", steps)


def is_weak(call: Call) -> bool:
    """Whether the generator that a call asks is a predictable one."""
    if call.owner in ("java.lang.Math", *PREDICTABLE[1:], "java.util.concurrent.ThreadLocalRandom"):
        return True
    values = call.receiver.values
    default = FieldRead("kotlin.random.Random", "Default")
    return default in values or any(
        isinstance(each, Instance) and each.type in PREDICTABLE for each in values
    )


def seeds_first(call: Call) -> bool:
    """Whether a call seeds a SecureRandom that has not given out anything in this method before."""
    if call.owner != SECURE:
        kinds = [each.type for each in call.receiver.values if isinstance(each, Instance)]
        if SECURE not in kinds:
            return False
    order = list(call.method.calls)
    before = set(order[: order.index(call)])
    return not any(each.name.startswith("next") and each in before for each in call.on_receiver())


def names_secret(flow: Flow) -> bool:
    """Whether the value is put somewhere under a name that says that it is a secret."""
    name = flow.call.argument(flow.argument - 1) if flow.argument >= 1 else None
    return name is not None and any(SECRET.search(text) for text in name.texts)
