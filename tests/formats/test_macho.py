import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.formats import macho
from gate.formats.errors import Malformed, OverLimit
from tests.formats import write_macho as write
from tests.formats.write_macho import ARM64, X86_64, command, image

SIGNATURE = write.superblob({0: write.code_directory("com.example")})


def example(cryptid: int = 0, **changes: int) -> bytes:
    """An executable with one of everything that is read."""

    def commands(signature_at: int) -> tuple[bytes, ...]:
        return (
            write.segment(b"__TEXT", 0, signature_at),
            write.build_version(2, 0x000D0000, 0x00110402),
            write.dylib(b"/usr/lib/libSystem.B.dylib"),
            write.dylib(b"@rpath/Weak.framework/Weak", 0x80000018),
            write.rpath(b"@executable_path/Frameworks"),
            command(0x1B, bytes(range(16))),
            command(0x2C, struct.pack("<IIII", 0, 0, cryptid, 0)),
            command(0x1D, struct.pack("<II", signature_at, len(SIGNATURE))),
        )

    at = len(image(*commands(0)))
    return image(*commands(at), tail=SIGNATURE, **changes)


EXAMPLE = example()


def test_facts_of_an_executable() -> None:
    (slice_,) = macho.parse(EXAMPLE)
    at = len(EXAMPLE) - len(SIGNATURE)
    assert slice_ == macho.Slice(
        architecture="arm64",
        cpu_type=ARM64,
        cpu_subtype=0,
        file_type="execute",
        flags=0x200085,
        offset=0,
        size=len(EXAMPLE),
        command_count=8,
        platform="ios",
        min_os="13.0",
        sdk="17.4.2",
        encrypted=False,
        code_signature=(at, len(SIGNATURE)),
        signature=SIGNATURE,
        dylibs=("/usr/lib/libSystem.B.dylib", "@rpath/Weak.framework/Weak"),
        rpaths=("@executable_path/Frameworks",),
        uuid=bytes(range(16)).hex(),
    )
    assert slice_.pie


def test_an_image_that_states_nothing_is_read() -> None:
    (slice_,) = macho.parse(image(flags=0, kind=6))
    assert slice_.file_type == "dylib"
    assert not slice_.pie
    assert (slice_.platform, slice_.min_os, slice_.sdk, slice_.uuid) == ("", "", "", "")
    assert slice_.code_signature is None
    assert slice_.signature == b""


def test_a_librarys_own_name_is_not_among_those_it_loads() -> None:
    own = write.dylib(b"@rpath/Own.framework/Own", 0xD)
    assert macho.parse(image(own, kind=6))[0].dylibs == ()


def test_a_cryptid_other_than_zero_means_encrypted() -> None:
    assert macho.parse(example(cryptid=1))[0].encrypted
    two = image(
        command(0x2C, struct.pack("<IIII", 0, 0, 1, 0)),
        command(0x2C, struct.pack("<IIII", 0, 0, 0, 0)),
    )
    assert macho.parse(two)[0].encrypted


@pytest.mark.parametrize(
    ("cpu", "subtype", "name"),
    [
        (ARM64, 0, "arm64"),
        (ARM64, 0x80000002, "arm64e"),
        (12, 9, "armv7"),
        (12, 11, "armv7s"),
        (12, 12, "armv7k"),
        (X86_64, 3, "x86_64"),
        (7, 3, "i386"),
        (0x0200000C, 1, "arm64_32"),
        (18, 0, "ppc"),
        (0xFFFFFFFF, 0, "cpu-4294967295"),
    ],
)
def test_architectures_have_apples_names(cpu: int, subtype: int, name: str) -> None:
    assert macho.parse(image(cpu=cpu, subtype=subtype))[0].architecture == name


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        (1, "macos"),
        (2, "ios"),
        (3, "tvos"),
        (4, "watchos"),
        (6, "maccatalyst"),
        (7, "iossimulator"),
        (11, "visionos"),
        (99, "platform-99"),
    ],
)
def test_platforms_have_names(platform: int, name: str) -> None:
    data = image(write.build_version(platform, 0x000F0400, 0))
    assert macho.parse(data)[0].platform == name


def test_an_old_minimum_version_names_a_simulator_by_its_cpu() -> None:
    minimum = command(0x25, struct.pack("<II", 0x00080000, 0x000C0200))
    assert macho.parse(image(minimum))[0].platform == "ios"
    simulator = macho.parse(image(minimum, cpu=X86_64))[0]
    assert (simulator.platform, simulator.min_os, simulator.sdk) == ("iossimulator", "8.0", "12.2")


def test_a_32_bit_big_endian_image_is_read() -> None:
    uuid = command(0x1B, bytes(16), ">")
    data = struct.pack(">4s6I", b"\xfe\xed\xfa\xce", 18, 0, 2, 1, len(uuid), 0) + uuid
    (slice_,) = macho.parse(data)
    assert (slice_.architecture, slice_.uuid) == ("ppc", "00" * 16)


@pytest.mark.parametrize("wide", [False, True])
def test_slices_of_a_fat_file_come_in_its_order(wide: bool) -> None:
    data = write.fat((X86_64, image(cpu=X86_64)), (ARM64, EXAMPLE), wide=wide)
    first, second = macho.parse(data)
    assert (first.architecture, second.architecture) == ("x86_64", "arm64")
    assert data[second.offset : second.offset + second.size] == EXAMPLE
    assert second.signature == SIGNATURE


@given(
    st.lists(
        st.tuples(st.sampled_from([ARM64, X86_64, 12]), st.binary(max_size=40)),
        min_size=1,
        max_size=5,
    )
)
def test_a_fat_file_gives_back_what_went_in(parts: list[tuple[int, bytes]]) -> None:
    images = [(cpu, image(command(0x99, tail), cpu=cpu)) for cpu, tail in parts]
    data = write.fat(*images)
    read = macho.parse(data)
    assert [data[s.offset : s.offset + s.size] for s in read] == [each for _, each in images]


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


FAT = write.fat((X86_64, image(cpu=X86_64)), (ARM64, EXAMPLE))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a Mach-O"),
        (b"\xcf\xfa\xed\xfe", "cut short"),
        (EXAMPLE[:-1], "leaves the image"),
        (EXAMPLE[:200], "load commands in"),
        (patched(EXAMPLE, 16, "<I", 0xFFFFFFFF), "load commands in"),
        (patched(EXAMPLE, 20, "<I", 0xFFFFFFFF), "load commands in"),
        (patched(EXAMPLE, 16, "<I", 20), "end before their count"),
        (patched(EXAMPLE, 36, "<I", 0), "of 0 bytes"),
        (patched(EXAMPLE, 36, "<I", 4), "of 4 bytes"),
        (patched(EXAMPLE, 36, "<I", 73), "of 73 bytes"),
        (patched(EXAMPLE, 36, "<I", 0xFFFFFFF8), "4294967288 bytes"),
        (image(command(0x19, b"")), "cut short"),
        (patched(EXAMPLE, 32 + 48, "<Q", 1 << 63), "segment"),
        (
            image(command(0x1D, struct.pack("<II", 0, 0)), command(0x1D, struct.pack("<II", 0, 0))),
            "more than one",
        ),
        (image(command(0x1D, struct.pack("<II", 1, 1000))), "signature that leaves"),
        (image(command(0xC, struct.pack("<I", 8))), "string outside"),
        (image(command(0xC, struct.pack("<I", 4000))), "string outside"),
        (image(command(0x1B, b"")), "cut short"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "52 slices"),
        (write.fat((ARM64, EXAMPLE), count=0), "0 slices"),
        (write.fat((ARM64, EXAMPLE), count=0xFFFFFFFF), "4294967295 slices"),
        (b"\xca\xfe\xba\xbf\0\0\0\2" + bytes(40), "2 slices"),
        (FAT[:-1], "leaves the file"),
        (patched(FAT, 8, ">I", 12), "promised as 12"),
        (patched(FAT, 16, ">I", 8), "overlap"),
        (patched(FAT, 36, ">I", 49), "overlap"),
        (patched(FAT, 40, ">I", 0xFFFFFFFF), "leaves the file"),
        (write.fat((ARM64, b"!<arch>\n")), "not a Mach-O"),
        (write.fat((ARM64, b"")), "not a Mach-O"),
    ],
)
def test_what_leaves_its_bounds_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        macho.parse(data)


def test_more_load_commands_than_the_limit_are_over_the_limit() -> None:
    data = image(command(0x99, b"") * 65_537, count=65_537)
    with pytest.raises(OverLimit):
        macho.parse(data)
    assert macho.parse(image(command(0x99, b"") * 65_536, count=65_536))[0].command_count == 65_536


@given(st.sampled_from(sorted([*macho._THIN, *macho._FAT])), st.binary(max_size=200))
def test_any_bytes_give_slices_or_malformed(magic: bytes, tail: bytes) -> None:
    try:
        macho.parse(magic + tail)
    except Malformed:
        return


@given(st.data())
def test_mutated_files_give_slices_or_malformed(data: st.DataObject) -> None:
    raw = bytearray(FAT)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    try:
        macho.parse(bytes(raw))
    except Malformed:
        return


@pytest.mark.parametrize(
    ("commands", "odd"),
    [
        ((write.build_version(2, 1, 1), write.build_version(2, 1, 1)), ()),
        ((write.build_version(1, 1, 1), write.build_version(6, 1, 1)), ("LC_BUILD_VERSION",)),
        (
            tuple(command(0x2C, struct.pack("<IIII", 0, 0, crypt, 0)) for crypt in (0, 1)),
            ("LC_ENCRYPTION_INFO",),
        ),
        (
            (
                command(0x25, struct.pack("<II", 1, 1)),
                command(0x30, struct.pack("<II", 1, 1)),
            ),
            ("LC_VERSION_MIN",),
        ),
    ],
)
def test_what_is_stated_twice_and_differently_is_odd(
    commands: tuple[bytes, ...], odd: tuple[str, ...]
) -> None:
    (only,) = macho.parse(image(*commands))
    assert only.odd == tuple(f"has two {name}" for name in odd)


def test_reading_headers_does_not_load_lief() -> None:
    script = (
        "import sys, gate.formats.macho as m\n"
        "m.parse(sys.stdin.buffer.read())\nprint('lief' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], input=EXAMPLE, capture_output=True, check=True
    )
    assert ran.stdout.strip() == b"False"


@pytest.mark.oracle
def test_lief_reads_the_same() -> None:
    import lief

    fat: Any = lief.MachO.parse(FAT)
    for index, ours in enumerate(macho.parse(FAT)):
        theirs = fat.at(index)
        assert len(theirs.commands) == ours.command_count
        assert theirs.fat_offset == ours.offset
        assert theirs.is_pie == ours.pie
        assert [item.path for item in theirs.rpaths] == list(ours.rpaths)
    theirs = fat.at(1)
    assert theirs.encryption_info.crypt_id == 0
    assert theirs.code_signature.data_offset == len(EXAMPLE) - len(SIGNATURE)
    assert theirs.build_version.minos == [13, 0, 0]
    assert bytes(theirs.uuid.uuid) == bytes(range(16))


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("llvm-readobj") is None, reason="llvm-readobj is not installed")
def test_llvm_reads_the_same(tmp_path: Path) -> None:
    file = tmp_path / "example"
    file.write_bytes(EXAMPLE)
    ran = subprocess.run(
        ["llvm-readobj", "--file-header", "--needed-libs", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    (ours,) = macho.parse(EXAMPLE)
    assert f"NumOfLoadCommands: {ours.command_count}" in ran.stdout
    assert "MH_PIE" in ran.stdout
    assert all(name in ran.stdout for name in ours.dylibs)
