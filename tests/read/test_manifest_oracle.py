"""That the gate reads an APK as androidfw does, which aapt and aapt2 are built of.

The device has the last word, and it is not always aapt's; what is left out, and why:

- ZIP: libziparchive refuses the whole archive for a name that occurs twice or is not UTF-8
  (system/libziparchive/zip_archive.cc). The gate reads on and tells the trick, so that it reads
  more archives than aapt, never fewer.
- NUL and half surrogates: aapt prints a string to its first NUL and drops the half of a surrogate
  pair, while Java's String keeps both (core/jni/android_util_StringBlock.cpp).
- Two texts: aapt prints the text beside a string value. A device takes the value where it looks an
  attribute up by its id (core/java/android/content/res/TypedArray.java) and the text where it goes
  by the name (XmlBlock.java). Where they differ the trees are compared by the text, and no facts.
- Badging: both tools say `application-debuggable` by the last <application> and by the default
  configuration, while the package parser goes by the first <application> (ParsingPackageUtils.java)
  and each device by its own configuration. So it is asked for the package alone.
- Dynamic references and ids: aapt prints them with the package filled in, as `DynamicRefTable`
  does when an app runs (libs/androidfw/ResourceTypes.cpp).
- End tags are not printed by aapt, which goes on behind the root element and guesses the depth;
  the package parser counts them and stops at the end of the root (ParsingPackageUtils.java,
  XmlBlock.java). Where they lie nothing is compared.
- Strings that cannot be read: aapt prints nothing in their place, a device refuses the app once it
  asks for one (StringBlock.java), and so the gate refuses most of them. Else the trees are
  compared, and no facts.
"""

import io
import os
import random
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gate.app import AndroidApp, Unread
from gate.formats import axml
from gate.formats.axml import Element
from gate.formats.errors import Malformed, OverLimit
from gate.formats.res_value import STRING
from gate.read.open import NotAnApp, open_app
from tests.read import read_by_aapt
from tests.read.read_by_aapt import Facts, Seen, Unknown

FIXTURES = Path(__file__).parents[2] / "fixtures"
MUTANTS = 300
SEED = 20260601
MANIFEST, TABLE = "AndroidManifest.xml", "resources.arsc"
WITHOUT_END_TAGS = ("an end tag", "ends before its root", "behind the root")
WITHOUT_FACTS = ("differs from its string value", "cannot be read")
BROKEN_STRING = re.compile(r"string \d+ ")
NUL = "\0"
DAY = date(2026, 6, 1)
XML_LIMIT = 16 << 20

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        not (shutil.which("aapt") and shutil.which("aapt2")), reason="no aapt or aapt2 here"
    ),
]

Flat = list[tuple[int, str, list[tuple[int, str, str]]]]


def printed(attribute: axml.Attribute) -> str:
    """A value as aapt prints it."""
    value = attribute.value
    if value.type == STRING:
        return f'"{shown(attribute.raw or "")}"'
    words = {0: "(null)", 1: f"@{value.data:#010x}", 2: f"?{value.data:#010x}"}
    return words.get(value.type, f"(type {value.type:#x}){value.data:#x}")


def shown(text: str) -> str:
    """Text as far as aapt prints it: to the first NUL, and without half surrogates."""
    return text.partition(NUL)[0].encode("utf-8", "ignore").decode()


def local(name: str) -> str:
    """A name as aapt prints it, without what it takes for a prefix."""
    return shown(name).rpartition(":")[2]


def shared(resource_id: int) -> int:
    """An id as aapt prints it: package 0 is the app's own, as in dynamic references."""
    return resource_id | 0x7F << 24 if 0 < resource_id < 1 << 24 else resource_id


def by_gate(root: Element) -> Flat:
    found: Flat = []
    open_ = [(root, 0)]
    while open_:
        element, depth = open_.pop()
        attributes = [
            (shared(each.resource_id), local(each.name), printed(each))
            for each in element.attributes
        ]
        found.append((depth, local(element.name), attributes))
        open_ += [(child, depth + 1) for child in reversed(element.children)]
    return found


def by_aapt(root: Seen) -> Flat:
    found: Flat = []
    open_ = [(root, 0)]
    while open_:
        element, depth = open_.pop()
        found.append((depth, element.name, element.attributes))
        open_ += [(child, depth + 1) for child in reversed(element.children)]
    return found


def differences(gate: Flat, aapt: Flat) -> Iterator[str]:
    """Where the two trees part; nothing where they are the same but for what is left out."""
    if len(gate) != len(aapt):
        yield f"{len(gate)} elements or {len(aapt)}"
    for mine, theirs in zip(gate, aapt, strict=False):
        if mine != theirs and not _left_out(mine, theirs):
            yield f"{mine} or {theirs}"
            return


def _left_out(mine: tuple[object, ...], theirs: tuple[object, ...]) -> bool:
    """Whether they differ in the package of dynamic references alone."""
    dynamic = re.sub(r"\(type 0x7\)0x([0-9a-f]+)", "@", repr(mine))
    return dynamic != repr(mine) and dynamic == re.sub(r"@0x[0-9a-f]+", "@", repr(theirs))


def facts_of(app: AndroidApp) -> Facts:
    """What the gate makes of the app; Unread where it cannot say."""
    manifest = app.manifest
    exported = tuple(
        f"{each.kind} {each.name}" for each in manifest.components if manifest.is_exported(each)
    )
    debuggable = manifest.application.debuggable.may_be(True, default=False)
    return Facts(manifest.package, debuggable, exported, manifest.permissions_used)


def compared(apk: Path) -> tuple[str, list[str]]:
    """Who reads the manifest, and in what the two disagree if both do."""
    seen = read_by_aapt.tree(apk)
    fd = os.open(apk, os.O_RDONLY)
    try:
        app = open_app(fd, apk.name, DAY)
        document = axml.parse(app.files.read(MANIFEST, XML_LIMIT))
    except (Malformed, NotAnApp, Unread) as reason:
        if BROKEN_STRING.search(str(reason)):
            return "broken string", []
        limit = isinstance(reason, OverLimit) or isinstance(reason.__context__, OverLimit)
        return ("neither" if seen is None else "limit" if limit else "aapt alone"), [str(reason)]
    else:
        assert isinstance(app, AndroidApp)
        if seen is None:
            return "gate alone", []
        odd = " ".join(document.anomalies)
        if any(words in odd for words in WITHOUT_END_TAGS):
            return "other depth", []
        told = [*differences(by_gate(document.root), by_aapt(seen))]
        if not any(words in odd for words in WITHOUT_FACTS):
            told += _facts(app, apk, seen)
        return "both", told
    finally:
        os.close(fd)


def _facts(app: AndroidApp, apk: Path, seen: Seen) -> Iterator[str]:
    try:
        mine = facts_of(app)
    except Unread:
        return  # which is told as incomplete
    names = (mine.package, *mine.exported, *mine.permissions)
    if any(shown(name) != name for name in names):
        return
    badging = read_by_aapt.run("aapt", "dump", "badging", str(apk))
    try:
        theirs = read_by_aapt.facts(seen, read_by_aapt.table(apk))
    except Unknown as value:
        yield f"{mine} though aapt cannot tell {value}"
        return
    if mine != theirs:
        yield f"{mine} or {theirs}"
    if badging is not None:
        yield from _badging(mine, badging, "aapt")
    second = read_by_aapt.run("aapt2", "dump", "badging", str(apk))
    if second is not None:
        yield from _badging(mine, second, "aapt2")


def _badging(mine: Facts, badging: str, tool: str) -> Iterator[str]:
    """The tool's own summary beside the facts."""
    package = re.match(r"package: name='(.*?)' versionCode=", badging, re.S)
    if package and package[1] != mine.package:
        yield f"package {mine.package!r}, but {package[1]!r} by {tool}"


def flipped(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(changed))
        changed[at] = chance.choice(
            (changed[at] ^ 1 << chance.randrange(8), 0, 0xFF, changed[at - 4])
        )
    return bytes(changed)


def mutant(chance: random.Random, apk: Path) -> bytes:
    """Bytes changed in the manifest, in the resource table, or anywhere in the archive."""
    part = chance.choice((MANIFEST, MANIFEST, TABLE, ""))
    if not part:
        return flipped(chance, apk.read_bytes())
    target = io.BytesIO()
    with zipfile.ZipFile(apk) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(zipfile.ZipInfo(name), flipped(chance, data) if name == part else data)
    return target.getvalue()


def fixtures() -> list[Path]:
    return sorted(FIXTURES.glob("**/*.apk"))


def test_every_fixture_is_read_as_aapt_reads_it() -> None:
    found = {str(apk.relative_to(FIXTURES)): compared(apk) for apk in fixtures()}
    assert sum(who == "both" for who, _ in found.values()) > len(found) * 0.8
    assert {name: told for name, (who, told) in found.items() if who == "both" and told} == {}
    assert [name for name, (who, _) in found.items() if who == "aapt alone"] == []


def test_mutants_are_read_as_aapt_reads_them(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    apks = [apk for apk in fixtures() if "app-structure-anomaly" not in apk.parts]
    who: Counter[str] = Counter()
    wrong = []
    for number in range(MUTANTS):
        base = chance.choice(apks)
        apk = tmp_path / f"{number}.apk"
        apk.write_bytes(mutant(chance, base))
        reader, told = compared(apk)
        who[reader] += 1
        if told and reader in ("both", "aapt alone"):
            wrong.append((number, base.parent.name, reader, told))
    assert wrong == []
    assert who["both"] > MUTANTS // 3
