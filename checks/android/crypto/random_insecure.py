"""android-random-insecure: a predictable generator in code that deals with secrets."""

import re
from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.app.code import MethodCode, api
from gate.check import Finding, Severity, check

PREDICTABLE = (
    api("java.util.Random", "<init>"),
    api("java.lang.Math", "random"),
    api("java.util.concurrent.ThreadLocalRandom", "current"),
)
KOTLIN = ("kotlin.random.Random", "Default")
CRYPTO = ("javax.crypto.", "java.security.")
SECURE = ("java.security.SecureRandom", "java.security.Provider", "java.security.AccessController")
WORDS = frozenset(
    ("token", "tokens", "otp", "totp", "nonce", "password", "passwords", "passwd", "passcode",
     "passphrase", "salt", "session", "secret", "credential", "csrf", "captcha")
)  # fmt: skip
# Words that speak of secrets only together: a key press is none, and no game needs a generator.
PAIRS = frozenset(
    (first, second)
    for first, seconds in {
        "key": ("generator", "gen", "maker", "factory", "provider", "bytes", "pair", "material"),
        "random": ("generator", "string", "id", "key", "bytes", "code"),
        "generate": ("key", "keys", "id", "code", "pin", "random", "iv"),
        **dict.fromkeys(("make", "create", "new", "secret", "private"), ("key", "pin", "iv")),
        **dict.fromkeys(("api", "encryption", "crypto", "aes"), ("key", "iv")),
        "verification": ("code",),
    }.items()
    for second in seconds
)
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@check(AndroidApp, severity=Severity.LOW, cwe=338, masvs="MASVS-CRYPTO-1")
def random_insecure(app: AndroidApp) -> Iterator[Finding]:
    """
    A predictable random number generator in code that deals with secrets.

    Looks at: Calls of java.util.Random, Math.random, ThreadLocalRandom and Kotlin's Random in those
    of the app's own classes that also use javax.crypto or java.security, or whose name, or the
    method's, speaks of tokens, keys, nonces, one-time passwords, salts or sessions.

    Matters because: These generators are made for games: from a few outputs the next ones follow,
    and often the time of start alone is enough to list all that are possible.

    Fix by: Writing new SecureRandom() in place of new Random(); in Kotlin
    SecureRandom().asKotlinRandom().

    Cannot see: What the numbers are for: android-random-in-key follows them to keys. Names that an
    obfuscator changed say nothing, and Kotlin's Random is known by its name only.
    """
    places: list[tuple[MethodCode, Location, str]] = [
        (call.method, call.at, call.owner) for call in app.code.calls(*PREDICTABLE)
    ]
    places += [(method, at, KOTLIN[0]) for method, at in app.code.field_reads(*KOTLIN)]
    for method, at, kind in places:
        if not method.is_first_party or method.owner.startswith("kotlin."):
            continue
        if why := speaks_of(method) or crypto_of(app, method.owner):
            message = f"{method.name} uses {kind}, which can be predicted, and {why}."
            yield Finding(f"{method.name} {kind}", message, at=at, origin=method.origin)


def speaks_of(method: MethodCode) -> str:
    """How the names of a method and its class speak of secrets, '' where they do not."""
    for name in (method.short_name, method.owner.rpartition(".")[2]):
        words = [each.lower() for each in PARTS.findall(name)]
        if WORDS.intersection(words) or PAIRS.intersection(zip(words, words[1:], strict=False)):
            return f"the name {name} speaks of secrets"
    return ""


def crypto_of(app: AndroidApp, owner: str) -> str:
    """Which cryptography the methods of a class use, '' where they use none."""
    found = app.code.find(owner)
    for method in found.methods() if found else ():
        for call in method.calls:
            if call.owner.startswith(CRYPTO) and not call.owner.startswith(SECURE):
                return f"its class uses {call.owner}"
    return ""
