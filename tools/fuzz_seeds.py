"""Valid inputs for the fuzzer: the fixtures' builds, and pieces cut from them when asked for."""

import base64
import re
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from gate.formats import code_seal, macho
from gate.formats.errors import Malformed
from gate.formats.zip import read_directory, read_entry

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
FEW: Final = 16
LONGEST: Final = 160 << 10


@cache
def builds(suffix: str, most: int = FEW) -> tuple[bytes, ...]:
    """The builds of a kind, those of fixtures/builds first, then one of each check's."""
    folders = sorted(FIXTURES.glob(f"*/*/build.{suffix}"), key=lambda at: at.parts[-3] != "builds")
    first = {(at.parts[-3], at.parts[-2] if at.parts[-3] == "builds" else ""): at for at in folders}
    return distinct(at.read_bytes() for at in first.values())[:most]


def distinct(found: Iterable[bytes]) -> tuple[bytes, ...]:
    """Each once, without those too long to be changed often."""
    return tuple(dict.fromkeys(each for each in found if each and len(each) <= LONGEST))


@cache
def members(pattern: str) -> tuple[bytes, ...]:
    """The files in any fixture's build whose names match, one of a size, the shortest first."""
    found: dict[int, bytes] = {}
    builds = [path for path in FIXTURES.glob("*/*/build.*") if path.suffix != ".idsig"]
    for path in sorted(builds):
        with path.open("rb") as file:
            directory = read_directory(file)
            for entry in directory.entries:
                if re.fullmatch(pattern, entry.name) and entry.size not in found:
                    with suppress(Malformed):  # some fixtures deceive on purpose
                        found[entry.size] = read_entry(file, entry, directory, LONGEST).data
    return tuple(found[size] for size in sorted(found) if size)[:FEW]


def files(pattern: str) -> tuple[bytes, ...]:
    """Files beside the builds, such as keys."""
    return distinct(path.read_bytes() for path in sorted(FIXTURES.glob(pattern)))


def tables_that_lead_out() -> tuple[bytes, ...]:
    """Resource tables with `../` in a name, in the place of another of its length."""
    return tuple(each.replace(b"app", b"../") for each in members(r"resources.arsc"))


def programs() -> tuple[bytes, ...]:
    """Mach-O programs."""
    return members(r".*/(?:DemoWallet|WalletKit|Balance)")


@cache
def signatures() -> tuple[bytes, ...]:
    """Code signatures out of the programs."""
    return distinct(image.signature for each in programs() for image in macho.parse(each))


@cache
def messages() -> tuple[bytes, ...]:
    """CMS: of JAR signatures, of profiles, and of code signatures."""
    sealed = (code_seal.blobs(each).get(0x10000, b"")[8:] for each in signatures())
    return distinct((*members(r"META-INF/.*\.(?:RSA|EC|DSA)"), *profiles(), *sealed))


def profiles() -> tuple[bytes, ...]:
    """Provisioning profiles."""
    return members(r".*\.mobileprovision")


def certificates() -> tuple[bytes, ...]:
    """X.509 certificates in DER."""
    texts = (text.decode("ascii") for text in files("keys/*.pem"))
    return distinct(ssl.PEM_cert_to_DER_cert(text) for text in texts if "CERTIFICATE" in text)


def armoured_keys() -> tuple[bytes, ...]:
    """Private keys as text."""
    return files("app-private-key-embedded/*/*.pem") + files("app-private-key-embedded/*/*-ssh")


def keys() -> tuple[bytes, ...]:
    """Private keys and keystores in DER."""
    return files("keys/*.pk8") + files("app-private-key-embedded/*/*.p[1k][28]")


def jar_files() -> tuple[bytes, ...]:
    """MANIFEST.MF and .SF files."""
    return members(r"META-INF/.*\.(?:MF|SF)")


def signed_data() -> tuple[bytes, ...]:
    """APKs of every signature scheme, without their code."""
    return tuple(each for each in builds("apk") if len(each) < 12_000)


def patterns() -> tuple[bytes, ...]:
    """Regular expressions of CodeResources files."""
    found = b"\n".join(members(r".*/CodeResources"))
    return distinct(re.findall(rb"<key>([^<]*[\^$|*][^<]*)</key>", found))


def _field(number: int, *parts: bytes) -> bytes:
    """A field of Protocol Buffers that holds others or text, of at most 127 bytes."""
    value = b"".join(parts)
    assert len(value) < 128
    return bytes((number << 3 | 2, len(value))) + value


def _number(number: int, value: int) -> bytes:
    return bytes((number << 3, value))


def bundle_documents() -> Sequence[bytes]:
    """Manifests as a bundle stores them (XmlNode of aapt2's Resources.proto)."""
    android = b"http://schemas.android.com/apk/res/android"
    compiled = _field(6, _field(7, _number(8, 1)))
    attribute = _field(4, _field(1, android), _field(2, b"a"), _number(5, 7), compiled)
    plain = _field(4, _field(2, b"b"), _field(3, b"c"))
    child = _field(5, _field(1, _field(3, b"application"), plain))
    return (
        *members(r"\w+/manifest/AndroidManifest\.xml"),
        _field(1, _field(3, b"manifest"), child, _field(5, _field(2, b"text"))),
        _field(1, _field(3, b"manifest"), attribute) + _field(3, _number(1, 3)),
    )


def bundle_tables() -> Sequence[bytes]:
    """Resource tables as a bundle stores them; in ours 0x7f010001 refers to 0x7f010000."""
    text = _field(2, _field(4, _field(2, _field(1, b"label"))))
    reference = _field(2, _field(4, _field(1, _number(2, 0))))
    config = _field(1, _field(3, b"zh-Hant-TW"), _number(24, 26))
    first = _field(3, _field(1, _number(1, 0)), _field(2, b"app"), _field(6, config, text))
    second = _field(3, _field(1, _number(1, 1)), _field(2, b"x"), _field(6, reference))
    kind = _field(3, _field(1, _number(1, 1)), _field(2, b"string"), first, second)
    ours = _field(2, _field(1, b"\x08\x7f"), _field(2, b"com.example"), kind)
    return (ours, *members(r"\w+/resources\.pb"))


def base64_of(make: Callable[[], Sequence[bytes]]) -> tuple[bytes, ...]:
    """The same inputs as base64 text."""
    return tuple(base64.encodebytes(each) for each in make())
