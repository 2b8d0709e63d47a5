"""Builds APKs of the size that apps of banks and brokers have, to measure whole scans with.

    python tools/build_large.py FOLDER MEGABYTES...

writes FOLDER/large-20.apk for 20 MB of dex in total, and so on. An app's own code, a fixture's,
lies in the first dex, libraries as apps carry them in the others (``tools/large_dex.py``). With it
go a manifest with 200 activities, a table of texts in eight languages, layouts, pictures, two
assets, native libraries of Debian 12 (two for each 20 MB, at most twelve) and signatures of the
schemes v2 and v3. The same packages give the same bytes.

Needs Debian 12's apt and dpkg, a network for what the cache folder does not hold yet, Java, and
minutes for each 20 MB that nobody compiled before.
"""

from __future__ import annotations

import random
import sys
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack_from
from xml.etree import ElementTree

import bench_apk
import fixture_keys
import large_dex
from fixture_toolbox import ToolError

from tests.formats import sign_apk, write_arsc, write_axml
from tests.formats.sign_apk import Signer
from tests.formats.write_arsc import Package, Type
from tests.formats.write_axml import Attr, Node
from tests.formats.write_signing import der
from tests.formats.write_zip import Member

APP = Path(__file__).parents[1] / "fixtures" / "builds" / "code-flows"
NATIVE = (
    ("libssl3", "libcrypto.so.3"),
    ("libsqlite3-0", "libsqlite3.so.*"),
    ("libstdc++6", "libstdc++.so.6.0.??"),
    ("libvpx7", "libvpx.so.*"),
    ("libprotobuf32", "libprotobuf.so.*"),
    ("libssl3", "libssl.so.3"),
    ("libavcodec59", "libavcodec.so.*"),
    ("libopencv-core406", "libopencv_core.so.*"),
    ("libaom3", "libaom.so.*"),
    ("libavformat59", "libavformat.so.*"),
    ("libx264-164", "libx264.so.*"),
    ("libxml2", "libxml2.so.*"),
)
ABIS = {62: "x86_64", 183: "arm64-v8a"}  # by the machine in the header of an ELF file
LOCALES = (b"", b"de", b"es", b"fi", b"fr", b"it", b"pl", b"sv")
TEXTS, ACTIVITIES, LAYOUTS, PICTURES = 3_000, 200, 400, 300
WIDTH, HEIGHT, TEXT = 0x010100F4, 0x010100F5, 0x0101014F
IDS = {
    "name": bench_apk.NAME,
    "exported": bench_apk.EXPORTED,
    "label": 0x01010001,
    "allowBackup": write_axml.ALLOW_BACKUP,
}
ALIGNMENT_FIELD = 0xD935  # AOSP: tools/apksig, ApkSigner.java, ALIGNMENT_ZIP_EXTRA_DATA_FIELD
WORDS = (
    *("account", "amount", "balance", "branch", "card", "customer", "deposit", "fee", "fund"),
    *("interest", "invest", "limit", "login", "order", "payment", "portfolio", "quote", "rate"),
    *("secure", "settle", "share", "token", "trade", "transfer", "verify"),
)


def write(path: Path, megabytes: int) -> str:
    """Write an APK with so many MB of dex; what lies in it, in a line."""
    chance = random.Random(megabytes)
    dex = list(_dex(megabytes * 1_000_000))
    libraries = [_library(*each) for each in NATIVE[: max(2, megabytes // 10)]]
    parts = _aligned([*_resources(chance), *dex, *libraries, *_assets(chance)])
    keys = fixture_keys.Signer("android-release")
    signer = Signer(keys.key, certificates=(der(keys.certificate),))
    path.write_bytes(sign_apk.apk(*parts, v2=(signer,), v3=(signer,)))
    sizes = [each.central["size"] for each in dex], [len(each.data) for each in libraries]
    counts = ", ".join(
        f"{sum(those) / 1e6:.1f} MB in {len(those)} {kind}"
        for those, kind in zip(sizes, ("dex files", "native libraries"), strict=True)
    )
    return f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {counts}"


def _dex(total: int) -> Iterator[Member]:
    with zipfile.ZipFile(APP / "build.apk") as archive:
        own = archive.read("classes.dex")
    yield _deflated("classes.dex", own)
    for number, file in enumerate(large_dex.dex_files(total - len(own)), start=2):
        yield _deflated(f"classes{number}.dex", file.read_bytes())


def _deflated(name: str, data: bytes) -> Member:
    """A compressed member that does not keep the plain bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    fields = {"crc32": zlib.crc32(data), "size": len(data)}
    packed = packer.compress(data) + packer.flush()
    return Member(name.encode(), deflate=True, raw=packed, local=fields, central=fields)


def _library(package: str, pattern: str) -> Member:
    (file,) = large_dex.unpacked(package, pattern)
    data = file.read_bytes()
    (machine,) = unpack_from("<H", data, 18)
    return Member(f"lib/{ABIS[machine]}/{file.name.partition('.so')[0]}.so".encode(), data)


def _resources(chance: random.Random) -> Iterator[Member]:
    yield _deflated("AndroidManifest.xml", write_axml.write(_manifest()))
    yield Member(b"resources.arsc", _table(chance))
    for number in range(LAYOUTS):
        yield _deflated(f"res/layout/{number}.xml", write_axml.write(_layout(number)))
    for number in range(PICTURES):
        yield Member(f"res/drawable/{number}.webp".encode(), chance.randbytes(20_000))


def _manifest() -> Node:
    """The manifest of the app whose code it is, with the other activities of a large app."""
    read = _element(ElementTree.parse(APP / "AndroidManifest.xml").getroot())
    levels = Attr("minSdkVersion", 26, bench_apk.MIN_SDK)
    target = Attr("targetSdkVersion", 35, bench_apk.TARGET_SDK)
    (application,) = read.children
    activities = (_activity(number) for number in range(ACTIVITIES))
    application = replace(application, children=(*application.children, *activities))
    version = Attr("versionCode", 1, bench_apk.VERSION_CODE)
    children = (Node("uses-sdk", (levels, target)), application)
    return replace(read, attrs=(version, *read.attrs), children=children)


def _element(element: ElementTree.Element) -> Node:
    attrs = []
    for key, text in element.attrib.items():
        space, _, name = key.rpartition("}")
        value = text == "true" if text in ("true", "false") else text
        attrs.append(Attr(name, value, IDS[name] if space else 0, space[1:] or None))
    return Node(element.tag, tuple(attrs), tuple(_element(child) for child in element))


def _activity(number: int) -> Node:
    name = Attr("name", f".Screen{number}", bench_apk.NAME)
    return Node("activity", (name, Attr("exported", number % 20 == 0, bench_apk.EXPORTED)))


def _table(chance: random.Random) -> bytes:
    """A table of 4 MB: texts in each language, and the files of layouts and pictures."""
    texts = (
        Type(
            {number: f"{' '.join(chance.choices(WORDS, k=8))} {number}" for number in range(TEXTS)},
            config=write_arsc.config(language=language),
        )
        for language in LOCALES
    )
    layouts = Type({number: f"res/layout/{number}.xml" for number in range(LAYOUTS)}, id=2)
    pictures = Type({number: f"res/drawable/{number}.webp" for number in range(PICTURES)}, id=3)
    return write_arsc.write(Package((*texts, layouts, pictures)))


def _layout(number: int) -> Node:
    size = Attr("layout_width", -1, WIDTH), Attr("layout_height", -2, HEIGHT)
    shown = (0x7F010000 + (number * 7 + line) % TEXTS for line in range(20))
    views = (
        Node("TextView", (*size, Attr("text", write_arsc.reference(id), TEXT))) for id in shown
    )
    return Node("LinearLayout", size, tuple(views))


def _assets(chance: random.Random) -> Iterator[Member]:
    """A script as hybrid apps carry it, and a file that does not compress."""
    names = (f"{chance.choice(WORDS)}{number}" for number in range(45_000))
    lines = (
        f"function {name}(){{return {'+'.join(chance.choices(WORDS, k=6))}}}" for name in names
    )
    yield _deflated("assets/index.bundle.js", "\n".join(lines).encode())
    yield Member(b"assets/model.bin", chance.randbytes(4_000_000))


def _aligned(members: Iterable[Member]) -> Iterator[Member]:
    """The members, those that are stored at the multiples of bytes where zipalign puts them."""
    at = 0
    for member in members:
        at += 30 + len(member.name)
        extra = b""
        if not member.deflate:
            multiple = 16_384 if member.name.endswith(b".so") else 4
            gap = -(at + 6) % multiple
            extra = pack("<HHH", ALIGNMENT_FIELD, 2 + gap, multiple) + bytes(gap)
        yield replace(member, local_extra=extra)
        at += len(extra) + len(member.data if member.raw is None else member.raw)


def main() -> None:
    """Build every size that is asked for."""
    folder, *sizes = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for size in sizes:
        started = time.monotonic()
        try:
            told = write(Path(folder) / f"large-{size}.apk", int(size))
        except ToolError as error:
            sys.exit(str(error))
        print(f"{told}, in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
