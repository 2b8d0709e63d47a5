"""Evasion as evidence: where the archive, or a file that the system must read, lies about itself.

What the parsers note is gathered here. Nothing is judged by it: every reader goes by what the
device goes by, and the trick is told beside what was read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from gate.app import AndroidApp, Attribute, Files, IosApp, Location, Program, Unread
from gate.app.anomaly import Anomaly
from gate.formats import arsc_names, plist
from gate.formats.axml import Document
from gate.formats.errors import Malformed
from gate.formats.resources import Resources
from gate.read import witness
from gate.read.files import ZipFiles
from gate.read.manifest_tricks import manifest_tricks
from gate.read.module import Module
from gate.read.nested import SetFiles
from gate.read.tricks import hides

MAX_TARGET: Final = 1024
MAX_OF_A_KIND: Final = 20

# What the parser says of any attribute, and what is said of one by its name.
_BETTER: Final = (
    ("has no resource id", "has no resource id"),
    ("the same attribute twice", "is there twice"),
)

# mach-o/fat.h: the sizes of fat_arch and fat_arch_64.
FAT_32, FAT_64, FAT_MAGIC_64 = 20, 32, b"\xca\xfe\xba\xbf"


def archives(files: Files) -> tuple[tuple[str, ZipFiles], ...]:
    """Every archive of the build with what stands before its entries' names; none of a folder."""
    if isinstance(files, ZipFiles):
        return (("", files),)
    return files.archives if isinstance(files, SetFiles) else ()


def android_anomalies(
    app: AndroidApp,
    modules: Sequence[Module],
    document: Callable[[Module, str], Document],
    table: Callable[[Module], Resources],
) -> tuple[Anomaly, ...]:
    """Every trick in the archives, the manifests, the rule files, the resources and the code.

    `document` gives the XML at a path of a module, and `table` its resources; both raise
    Unread, and `document` Malformed too.
    """
    files = app.files
    rules = {path: module for module in modules for path in _rule_files(app, module)}
    tables = [module.prefix + module.layout.table for module in modules]
    manifests = [module.manifest for module in modules]
    code = [path for module in modules for path in module.dex_files]
    found = [*_in_archives(files), *_links(files, lambda target: True)]
    for module, path in zip(modules, tables, strict=True):
        if module.layout.table in module.names:
            with suppress(Unread):  # which is a gap of the fact `manifest`
                found += (_anomaly(path, phrase) for phrase in table(module).anomalies)
            found += _in_table(files, path)
    found += _in_entries(files, [*manifests, *tables, *rules, *code])
    for module in modules:
        with suppress(Malformed, Unread):  # which is a gap of the fact `manifest`
            found += _in_manifest(files, module.manifest, document(module, module.manifest))
    for path, module in rules.items():
        with suppress(Malformed, Unread):  # which is a gap of the fact that the rules are
            found += _in_document(path, document(module, path))
    with suppress(Unread):
        for library in app.libraries:
            found += _disputed(library.path, library.disputed)
    app.journal.cover("structure", "files", len(files.names), len(files.names))
    return _bounded(found)


def ios_anomalies(app: IosApp, others: Iterable[str], infos: Sequence[str]) -> tuple[Anomaly, ...]:
    """Every trick in the archive, the programs and the Info.plist files `infos`.

    `others` are the app folders beside the one that is judged.
    """
    files = app.files
    found = [*_in_archives(files), *_in_entries(files, [*infos, *(p.path for p in _programs(app))])]
    found += _links(files, lambda target: target.startswith("/") or ".." in target.split("/"))
    found += (_anomaly(folder, "a second app folder beside the first") for folder in others)
    for name in infos:
        found += _in_info(files, name)
    for program in _programs(app):
        for each in program.slices:
            found += _disputed(program.path, each.disputed)
        found += _between_slices(files, program)
    app.journal.cover("structure", "files", len(files.names), len(files.names))
    return _bounded(found)


def _between_slices(files: Files, program: Program) -> Iterator[Anomaly]:
    """Bytes of a file of several architectures that are in none: linkers fill up with zeros."""
    if not any(each.offset for each in program.slices):
        return
    try:
        data = files.read(program.path, files.budget.code)
    except Unread:
        return  # which is a gap of the programs
    header = FAT_64 if data[:4] == FAT_MAGIC_64 else FAT_32
    at = 8 + header * int.from_bytes(data[4:8], "big")
    ends = sorted((each.offset, each.offset + each.size) for each in program.slices)
    for begin, end in (*ends, (len(data), len(data))):
        if data[at:begin].strip(b"\0"):
            yield _anomaly(program.path, "bytes between its architectures that belong to none")
            return
        at = max(at, end)


def _anomaly(entry: str, trick: str, at: Location | None = None) -> Anomaly:
    place = at or (Location(entry) if entry else Location(element="ZIP archive"))
    return Anomaly(entry, trick, hides(trick), place)


def _in_archives(files: Files) -> Iterator[Anomaly]:
    for prefix, archive in archives(files):
        for each in archive.directory.anomalies:
            entry = prefix + each.entry if each.entry else prefix.removesuffix("!/")
            yield _anomaly(entry, each.trick)


def _in_entries(files: Files, paths: Sequence[str]) -> Iterator[Anomaly]:
    """What reading the data of files showed that the system must read."""
    for prefix, archive in archives(files):
        for path in dict.fromkeys(paths):
            name = path.removeprefix(prefix)
            if not path.startswith(prefix) or name not in archive:
                continue
            try:
                reading = archive.reading(name, archive.budget.code)
            except Unread:
                continue  # which is a gap of the fact that needs it, and an anomaly if it is a lie
            if not reading.crc_ok:
                yield _anomaly(path, "has a wrong CRC")
            if reading.unused:
                yield _anomaly(path, f"holds {reading.unused} bytes behind its deflate stream")


def _links(files: Files, is_odd: Callable[[str], bool]) -> Iterator[Anomaly]:
    for prefix, archive in archives(files):
        for entry in archive.directory.entries:
            if entry.is_symlink and is_odd(_target(archive, entry.name)):
                yield _anomaly(prefix + entry.name, "is a symbolic link")


def _target(archive: ZipFiles, name: str) -> str:
    try:
        return archive.read(name, MAX_TARGET).decode("utf-8", "replace")
    except Unread:
        return "/"


def _in_manifest(files: Files, path: str, document: Document) -> Iterator[Anomaly]:
    tricks = [*manifest_tricks(document.root)]
    for trick, element in tricks:
        yield _anomaly(path, trick, Location(path, element.name, line=element.line or None))
    yield from _in_document(path, document, *(trick for trick, _ in tricks))
    # Without a trick the two readers agree: tests/read/test_witness.py holds them to it.
    if tricks or document.anomalies:
        data = files.read(path, files.budget.manifest)
        for trick in witness.disagreements(document, data):
            yield _anomaly(path, f"two readers disagree: {trick}")


def _in_document(path: str, document: Document, *told: str) -> Iterator[Anomaly]:
    """What the parser noted, but for what is `told` already with the name of the attribute."""
    for sentence in document.anomalies:
        trick, _, place = sentence.partition(" (at offset ")
        if any(words in trick and better in each for words, better in _BETTER for each in told):
            continue
        at = Location(path, offset=int(place.partition(",")[0].rstrip(")"), 16))
        yield _anomaly(path, trick, at)


def _in_table(files: Files, path: str) -> Iterator[Anomaly]:
    if not path.endswith(".arsc") or path not in files:
        return
    with suppress(Malformed, Unread):  # which is a gap of the fact `manifest`
        data = files.read(path, files.budget.resources)
        for name in arsc_names.leading_out(data, max_strings=files.budget.strings):
            yield _anomaly(path, f"names a resource {name[:100]!r}")


def _rule_files(app: AndroidApp, module: Module) -> Iterator[str]:
    """The network configurations and backup rules that the manifest names."""
    try:
        application = app.manifest.application
    except Unread:
        return
    named: tuple[Attribute[str], ...] = (
        application.network_security_config,
        application.full_backup_content,
        application.data_extraction_rules,
    )
    names = set(module.names)
    yield from (module.prefix + name for each in named for name in each.values if name in names)


def _programs(app: IosApp) -> Sequence[Program]:
    try:
        return app.programs
    except Unread:
        return ()


def _disputed(path: str, differences: Iterable[str]) -> Iterator[Anomaly]:
    """In what another reader of native code takes a file otherwise."""
    for each in differences:
        yield _anomaly(path, f"two readers of native code disagree: {each}")


def _in_info(files: Files, name: str) -> Iterator[Anomaly]:
    with suppress(Malformed, Unread):  # which is a gap of the fact `bundles`
        data = files.read(name, files.budget.manifest)
        if not data.startswith(b"bplist") and b"<!ENTITY" in data:
            yield _anomaly(name, "declares an entity")
        for key in plist.duplicate_keys(data, max_bytes=files.budget.manifest):
            yield _anomaly(name, f"has the key {key[:100]!r} twice", Location(name, key[:100]))


def _bounded(found: Iterable[Anomaly]) -> tuple[Anomaly, ...]:
    """Each trick once; of a kind that many entries have, the first and how many more there are."""
    seen: Counter[str] = Counter()
    kept: list[Anomaly] = []
    for each in dict.fromkeys(found):
        seen[each.kind] += 1
        if seen[each.kind] <= MAX_OF_A_KIND:
            kept.append(each)
    more = {kind: count - MAX_OF_A_KIND for kind, count in seen.items()}
    kept += (_anomaly("", f"{n} more entries: {kind}") for kind, n in more.items() if n > 0)
    return tuple(kept)
