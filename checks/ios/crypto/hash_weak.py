"""ios-hash-weak: MD2, MD4, MD5 and SHA-1."""

from collections.abc import Iterator

from gate.app import IosApp, Location
from gate.app.machine import Import, MachineFunction, imported, stable_name
from gate.check import Confidence, Finding, Severity, Unresolved, check

HASHES = {"MD2": "MD2", "MD4": "MD4", "MD5": "MD5", "SHA1": "SHA-1"}
DIRECT = {f"CC_{name}{part}": said for name, said in HASHES.items() for part in ("", "_Init")}
INSECURE = {"$s9CryptoKit8InsecureO3MD5V": "MD5", "$s9CryptoKit8InsecureO4SHA1V": "SHA-1"}
# CCHmacAlgorithm, and CCDigestAlgorithm of CommonDigestSPI.h: Apple's CommonCrypto.
HMACS = {0: "SHA-1", 1: "MD5"}
DIGESTS = {1: "MD2", 2: "MD4", 3: "MD5", 8: "SHA-1"}
CHOSEN = (
    (imported("CCHmac"), 0, HMACS),
    (imported("CCHmacInit"), 1, HMACS),
    (imported("CCDigest CCDigestCreate CCDigestInit"), 0, DIGESTS),
)
STILL_GOOD = ("CCHmac", "kSecKeyAlgorithmRSAEncryptionOAEP")  # no attack on SHA-1 reaches these
Use = tuple[MachineFunction, Location, str, str]  # where, the hash, and by what


@check(IosApp, severity=Severity.MEDIUM, cwe=328, masvs="MASVS-CRYPTO-1")
def hash_weak(app: IosApp) -> Iterator[Finding | Unresolved]:
    """
    A broken hash: MD2, MD4, MD5 or SHA-1.

    Looks at: Calls of CC_MD2, CC_MD4, CC_MD5 and CC_SHA1 (at once or by _Init), of CCDigest and
    CCHmac with these algorithms, CryptoKit's Insecure.MD5 and Insecure.SHA1, and the algorithms of
    Security that are named kSecKeyAlgorithm...SHA1. The app's own code is told by function; for
    library code, and for an import whose use is not found, there is one line per program. SHA-1
    in HMAC and OAEP is told with low confidence.

    Matters because: Two texts of the same MD5 or SHA-1 can be made on purpose, so neither proves
    that something is unchanged or signed. Both are so fast that a hashed password or PIN is found
    by trying. For cache keys and against accidental damage they do no harm.

    Fix by: SHA256.hash(data: data) of CryptoKit or CC_SHA256, kSecKeyAlgorithm...SHA256 for
    signatures, CCKeyDerivationPBKDF with many rounds and a random salt for passwords.

    Cannot see: What a hash is for, hashes that a library brings along, and algorithms that arrive
    from elsewhere; those of CCHmac and CCDigest that are not constant are told as unresolved.
    """
    told = set()
    for function, at, hashed, how in (*_named(app), *_chosen(app)):
        told.add((function.program, hashed))
        own = function.is_first_party
        sure = Confidence.LOW if not own or how.startswith(STILL_GOOD) else Confidence.HIGH
        yield Finding(
            f"{stable_name(function) if own else function.program} {hashed}",
            f"{function.name} uses {how}, and {hashed} is broken.",
            at=at,
            origin=function.origin,
            confidence=sure,
        )
    imports = sorted({(image.path, name[1:]) for image in app.images for name in image.imports})
    for path, name in imports:
        if (hashed := _hash_of(name)) and (path, hashed) not in told:
            text = f"{path} imports {_said(name)}, {hashed}; no call of it was found."
            at = Location(path, element=name)
            yield Finding(f"{path} {hashed}", text, at=at, confidence=Confidence.LOW)
    for wanted, index, _ in CHOSEN:
        for call in app.code.calls(wanted):
            if call.function.is_first_party and (why := call.argument(index).why):
                yield Unresolved(stable_name(call.function), f"the algorithm: {why}", call.at)


def _hash_of(name: str) -> str:
    """The broken hash that an import stands for, '' where it is none."""
    if name.startswith("kSecKeyAlgorithm"):
        return "SHA-1" if "SHA1" in name else ""
    swift = (hashed for begin, hashed in INSECURE.items() if name.startswith(begin))
    return DIRECT.get(name) or next(swift, "")


def _named(app: IosApp) -> Iterator[Use]:
    names = tuple(sorted(name for name in app.code.imports if _hash_of(name)))
    for call in app.code.calls(Import(names)):
        yield call.function, call.at, _hash_of(call.name), _said(call.name)
    for name in names:
        for function, at in app.code.symbol_uses(name):
            yield function, at, _hash_of(name), _said(name)


def _said(name: str) -> str:
    """A C name as it is, CryptoKit's types as they are written in Swift."""
    kit = name.startswith("$s9CryptoKit")
    return f"Insecure.{_hash_of(name).replace('-', '')} of CryptoKit" if kit else name


def _chosen(app: IosApp) -> Iterator[Use]:
    for wanted, index, weak in CHOSEN:
        for call in app.code.calls(wanted):
            for number in call.argument(index).numbers:
                if hashed := weak.get(number & 0xFFFFFFFF):
                    yield call.function, call.at, hashed, f"{call.name} with algorithm {number}"
