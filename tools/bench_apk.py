"""An APK of the size and make that a store is given, written anew for each measurement.

python tools/bench_apk.py FILE BYTES
"""

import random
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for the writers of the tests
from tests.formats import sign_apk, write_arsc, write_axml  # noqa: E402
from tests.formats.sign_apk import Signer  # noqa: E402
from tests.formats.write_arsc import Package, Type  # noqa: E402
from tests.formats.write_axml import Attr, Node  # noqa: E402
from tests.formats.write_elf import ElfWriter  # noqa: E402
from tests.formats.write_zip import Member  # noqa: E402

NAME, EXPORTED, HAS_CODE, CONFIG = 0x01010003, 0x01010010, 0x0101000C, 0x01010527
VERSION_CODE, MIN_SDK, TARGET_SDK = 0x0101021B, 0x0101020C, 0x01010270
NETWORK_CONFIG = 0x7F010000
STRINGS = 20_000
LAYOUTS = 2_000
ASSET = 200_000


def write(path: Path, size: int) -> Path:
    """Write an APK of about `size` bytes, signed v2 and v3, all of which but 4 MB are assets."""
    members = [*_parts(), *_assets(size - 4_000_000)]
    signer = Signer()
    path.write_bytes(sign_apk.apk(*members, v2=(signer,), v3=(signer,)))
    return path


def _parts() -> list[Member]:
    library = ElfWriter(needed=(b"liblog.so", b"libc.so")).write()
    layout = write_axml.write(Node("LinearLayout", (), (Node("TextView"), Node("Button"))))
    return [
        Member(b"AndroidManifest.xml", write_axml.write(_manifest()), True),
        Member(b"resources.arsc", _resources()),
        *(Member(f"lib/{abi}/libapp.so".encode(), library) for abi in ("arm64-v8a", "x86_64")),
        Member(b"res/xml/network.xml", write_axml.write(Node("network-security-config")), True),
        *(Member(f"res/layout/{number}.xml".encode(), layout, True) for number in range(LAYOUTS)),
    ]


def _manifest() -> Node:
    """A manifest with 150 components, as an app with a few vendors' libraries has."""
    components = [
        Node(kind, (Attr("name", f"org.example.{kind}{number}", NAME), hidden), (_filter(),))
        for hidden in (Attr("exported", False, EXPORTED),)
        for kind in ("activity", "service", "receiver")
        for number in range(50)
    ]
    config = Attr("networkSecurityConfig", write_arsc.reference(NETWORK_CONFIG), CONFIG)
    application = Node("application", (Attr("hasCode", False, HAS_CODE), config), tuple(components))
    levels = Attr("minSdkVersion", 26, MIN_SDK), Attr("targetSdkVersion", 35, TARGET_SDK)
    package = Attr("package", "org.example.app", namespace=None)
    version = Attr("versionCode", 1, VERSION_CODE)
    return Node("manifest", (version, package), (Node("uses-sdk", levels), application))


def _filter() -> Node:
    action = Node("action", (Attr("name", "org.example.ACTION", NAME),))
    return Node("intent-filter", (), (action,))


def _resources() -> bytes:
    """A table of 3 MB: texts in one configuration, and a type that names a file."""
    texts: dict[int, write_arsc.Value] = {
        number: f"Text {number} that the app shows in one of its many places"
        for number in range(STRINGS)
    }
    return write_arsc.write(Package((Type({0: "res/xml/network.xml"}), Type(texts, id=2))))


def _assets(size: int) -> Iterator[Member]:
    """Files in turn: random bytes, stored, as a picture is; and text that compresses."""
    chance = random.Random(1)
    words = [chance.randbytes(4).hex()[: chance.randrange(3, 9)] for _ in range(5_000)]
    text = " ".join(chance.choices(words, k=ASSET // 2)).encode()
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text) + packer.flush()
    for number in range(max(0, size) // (ASSET + len(packed))):
        yield Member(f"assets/{number}.png".encode(), chance.randbytes(ASSET))
        yield Member(f"assets/{number}.txt".encode(), text, True, raw=packed)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
