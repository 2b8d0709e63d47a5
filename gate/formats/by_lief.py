"""Mach-O and ELF files as lief reads them: a second reader, for files that ours refuse.

lief enters through this module alone, imported late. It is native code that has crashed on made-up
files before (LIEF issues 447, 781, 785, 1115): call it in a process of its own only. What it says
is held against the counts of its header, since it returns what it has where it stops half-way.
"""

from typing import Any, Final

from gate.app.native import ElfLibrary
from gate.formats import elf, load_commands, macho
from gate.formats.elf_image import PT_LOAD
from gate.formats.errors import Malformed

_MAX_SLICES: Final = 32


def images(data: bytes) -> tuple[macho.Slice, ...]:
    """The images of a Mach-O file, as `macho.parse` gives them: its facts, but for names.

    Of libraries, run paths and the UUID nothing is said, and `signature` is left empty beside
    `code_signature`. Raises Malformed where lief refuses the file or reads a part of it only.
    """
    lief = _lief()
    # lief's outer object owns the images and must outlive them: they are freed memory otherwise.
    fat = lief.MachO.parse(data, lief.MachO.ParserConfig.quick)
    if fat is None or not 1 <= fat.size <= _MAX_SLICES:
        raise Malformed("not a Mach-O file")
    return tuple(_image(fat.at(index), len(data)) for index in range(fat.size))


def _image(theirs: Any, size: int) -> macho.Slice:
    header, signed = theirs.header, theirs.code_signature
    if len(theirs.commands) != header.nb_cmds:
        raise Malformed(f"{len(theirs.commands)} of {header.nb_cmds} load commands can be read")
    cpu, subtype = int(header.cpu_type), int(header.cpu_subtype)
    target = _target(theirs, intel=cpu in macho.INTEL)
    return macho.Slice(
        architecture=macho.architecture(cpu, subtype),
        cpu_type=cpu,
        cpu_subtype=subtype,
        file_type=macho.type_name(int(header.file_type)),
        flags=int(header.flags),
        offset=theirs.fat_offset,
        size=min(theirs.original_size, size - theirs.fat_offset),
        command_count=header.nb_cmds,
        platform=target.platform,
        min_os=target.min_os,
        sdk=target.sdk,
        encrypted=bool(theirs.encryption_info and theirs.encryption_info.crypt_id),
        code_signature=(signed.data_offset, signed.data_size) if signed else None,
        signature=b"",
        dylibs=(),
        rpaths=(),
        uuid="",
    )


def _target(theirs: Any, *, intel: bool) -> load_commands.Target:
    if build := theirs.build_version:
        platform = load_commands.platform(build.platform.value)
        return load_commands.Target(platform, _version(build.minos), _version(build.sdk))
    if least := theirs.version_min:
        platform = load_commands.oldest_platform(least.command.value, intel=intel)
        return load_commands.Target(platform, _version(least.version), _version(least.sdk))
    return load_commands.Target()


def _version(parts: list[int]) -> str:
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def library(data: bytes) -> ElfLibrary:
    """The facts of an ELF file, without a path; Malformed where lief refuses it or reads a part."""
    lief = _lief()
    config = lief.ELF.ParserConfig()
    config.parse_notes = config.parse_overlay = config.parse_relocations = False
    config.parse_symbol_versions = config.parse_symtab_symbols = False
    theirs = lief.ELF.parse(data, config)
    if theirs is None:
        raise Malformed("not an ELF file")
    segments = [(each.type.value, int(each.flags)) for each in theirs.segments]
    named = theirs.header.numberof_segments
    if not segments or len(segments) != named:
        raise Malformed(f"{len(segments)} of {named} program headers can be read")
    tags = lief.ELF.DynamicEntry.TAG
    flags, flags_1 = (_dynamic(theirs, tag) for tag in (tags.FLAGS, tags.FLAGS_1))
    names = {str(symbol.name) for symbol in theirs.dynamic_symbols}
    return ElfLibrary(
        path="",
        abi=elf.abi_name(theirs.header.machine_type.value, 32 * theirs.header.identity_class.value),
        relro=any(kind == elf.PT_GNU_RELRO for kind, _ in segments),
        bind_now=theirs.has(tags.BIND_NOW)
        or bool(flags & elf.DF_BIND_NOW or flags_1 & elf.DF_1_NOW),
        gnu_stack_flags=next((flag for kind, flag in segments if kind == elf.PT_GNU_STACK), None),
        writable_executable=tuple(
            index
            for index, (kind, flag) in enumerate(segments)
            if kind == PT_LOAD and flag & elf.PF_W and flag & elf.PF_X
        ),
        has_relocations=any(_dynamic(theirs, tags(size)) for size in elf.RELOCATION_SIZES),
        has_got=theirs.has(tags.PLTGOT) or any(True for _ in theirs.imported_symbols),
        is_dart_snapshot=elf.DART_SNAPSHOT in names,
    )


def _dynamic(theirs: Any, tag: Any) -> int:
    found = theirs.get(tag)
    return int(found.value) if found else 0


def _lief() -> Any:
    import lief

    lief.logging.disable()
    return lief
