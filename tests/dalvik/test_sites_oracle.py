"""The sites that the engine finds are those that AOSP's dexdump prints.

dexdump (Debian's package of that name) verifies a file as a device does, which also tells whether
the files that tests write are such as a device takes.
"""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.dalvik import opcodes as op
from gate.dalvik.dex import Dex
from gate.dalvik.search import CALL, CALL_SITE, HANDLE, PROTO, READ, STRING, TYPE, WRITE, Code
from tests.dalvik import test_handles, test_hostile_dex
from tests.dalvik import write_dex as w

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(shutil.which("dexdump") is None, reason="dexdump is not installed"),
]

FIXTURES = Path(__file__).parents[2] / "fixtures"
# File offset, mnemonic, and what the instruction names; a string may hold line ends.
LINE = re.compile(
    rb"^([0-9a-f]{6,}): (?:[0-9a-f]{4} )+ *\|[0-9a-f]{4}: ([a-z/0-9-]+) "
    rb"(?:(?<=const-string )(?s:.*?)|(?<=const-string/jumbo )(?s:.*?)|[^\n]*?)"
    rb"(?:// |, )(?:method|field|string|type|call_site|method_handle|proto)@([0-9a-f]+)",
    re.M,
)
KINDS = (CALL, READ, WRITE, STRING, TYPE, CALL_SITE, HANDLE, PROTO)


def with_many_strings() -> bytes:
    """A file whose last string only const-string/jumbo can name."""

    def units(ids: w.Ids) -> list[int]:
        number = ids.string("z")
        return [0x001B, number & 0xFFFF, number >> 16, 0x001A, number & 0xFFFF, 0x000E]

    def others(ids: w.Ids) -> None:
        for number in range(66_000):
            ids.string(f"s{number}")

    methods = [w.MethodDef("f", code=w.Code(units))]
    return bytes(w.write_dex([w.ClassDef("La/A;", methods)], also=others).data)


def dex_files() -> Iterator[bytes]:
    yield test_handles.DATA
    yield with_many_strings()
    yield from test_hostile_dex.FILES[:2]
    for build in sorted(FIXTURES.glob("*/*/build.apk")):
        try:
            archive = zipfile.ZipFile(build)
        except zipfile.BadZipFile:
            continue
        with archive:
            for name in archive.namelist():
                if re.fullmatch(r"classes\d*\.dex", name):
                    yield archive.read(name)


def dumped(data: bytes, path: Path) -> set[tuple[bytes, int, int]]:
    """Mnemonic, id and file offset of every instruction that names something."""
    path.write_bytes(data)
    done = subprocess.run(["dexdump", "-d", path], capture_output=True, check=True)
    return {(m[2], int(m[3], 16), int(m[1], 16)) for m in LINE.finditer(done.stdout)}


def found(code: Code, wanted: dict[int, set[int]]) -> set[tuple[bytes, int, int]]:
    sites = set()
    for kind, ids in wanted.items():
        for site in code.sites(kind, ids):
            body = code.body(site.row)
            name = op.NAMES[body.opcode(site.index)]
            jumbo = body.opcode(site.index) == op.CONST_STRING_JUMBO
            number = body.long_operand(site.index) if jumbo else body.operand(site.index)
            sites.add((name.encode(), number, 2 * (body.begin + body.starts[site.index])))
    return sites


def readable(data: bytes) -> bool:
    return data[4:7] != b"041"  # Debian's dexdump is older


@pytest.fixture(scope="module")
def distinct() -> list[bytes]:
    return sorted(data for data in set(dex_files()) if readable(data))


def test_all_sites_are_those_of_dexdump(distinct: list[bytes], tmp_path: Path) -> None:
    mnemonics = set()
    for data in distinct:
        if data[:4] != b"dex\n":
            continue
        code = Code(Dex(data, "classes.dex"))
        reference = dumped(data, tmp_path / "classes.dex")
        everything = {kind: set(range(0x11000)) for kind in KINDS}  # whatever the ids are
        assert found(code, everything) == reference
        mnemonics |= {name for name, _, _ in reference}
    assert {
        b"invoke-custom",
        b"const-method-handle",
        b"const-string/jumbo",
        b"sput-object",
    } <= mnemonics


def test_the_sites_of_each_id_are_those_of_dexdump(distinct: list[bytes], tmp_path: Path) -> None:
    for data in [each for each in distinct if len(each) < 10_000][:12]:
        code = Code(Dex(data, "classes.dex"))
        reference = dumped(data, tmp_path / "classes.dex")
        for kind, table in ((CALL, code.dex.methods), (STRING, code.dex.string_at)):
            for index in range(len(table)):
                sites = found(code, {kind: {index}})
                names = {name for name, _, _ in sites}
                assert sites == {
                    each for each in reference if each[1] == index and each[0] in names
                }
