"""The parsers that are fuzzed: how each is called, and what it starts from.

A target calls every public function of its parser that takes an attacker's bytes. A new parser gets
a line in `TARGETS` here.
"""

import base64
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import fuzz_seeds as seeds
from fuzz_judge import Target

from gate.app import App, Fact, Unread
from gate.catalogue import catalogue
from gate.check import NotApplicable, Undecided
from gate.dalvik.dex import read_files
from gate.dalvik.search import Code
from gate.exchange import Answer
from gate.formats import (
    apk_signing,
    apk_verify,
    arsc,
    arsc_names,
    axml,
    cms,
    cms_verify,
    code_resources,
    code_seal,
    codesign,
    dex,
    elf,
    idsig,
    jar_manifest,
    lineage,
    macho,
    plist,
    posix_regex,
    private_key,
    proto_resources,
    proto_xml,
    protobuf,
    provisioning,
    x509,
)
from gate.formats.apk_digest import Contents
from gate.formats.block_verify import SignerVerifier
from gate.formats.errors import Malformed
from gate.formats.jar_verify import verify_jar
from gate.formats.resources import Resources
from gate.formats.zip import read_directory, read_entry
from gate.read import NotAnApp, card, open_app
from gate.wire import encode

AS_OF: Final = date(2026, 1, 1)
CHECKS: Final = tuple(catalogue().values())
# Few enough that no guess at a password is slow by its iteration count alone.
ROUNDS: Final = 200_000
_IDS: Final = 40  # resources that are looked up in a table
_LABELS: Final = ("PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK")


def _zip(data: bytes) -> None:
    file = io.BytesIO(data)
    directory = read_directory(file)
    left = 32 << 20
    for entry in directory.entries:
        _ = entry.is_folder, entry.is_symlink, directory.find(entry.name)
        with suppress(Malformed):
            left -= len(read_entry(file, entry, directory, max(0, left)).data)


def _apk_signing(data: bytes) -> None:
    file = io.BytesIO(data)
    directory = read_directory(file)
    apk_signing.jar_signature_files(entry.name for entry in directory.entries)
    with suppress(Malformed):
        apk_signing.read_signing_block(file, directory)
    found = apk_signing.find_signers(file, directory)
    verifier = SignerVerifier(Contents(file, directory, found.offset or 0))
    for signers in found.schemes.values():
        for signer in signers if isinstance(signers, tuple) else ():
            for level in (24, 28, 33):
                verifier.reason(signer, level)


def _jar_verify(data: bytes) -> None:
    file = io.BytesIO(data)
    verify_jar(file, read_directory(file), {8: frozenset(), 19: frozenset(), 24: frozenset({2})})


def _apk_verify(data: bytes) -> None:
    file = io.BytesIO(data)
    apk_verify.verify(file, read_directory(file), min_sdk=1, target_sdk=34)


def _jar_manifest(data: bytes) -> None:
    for section in jar_manifest.read_sections(data):
        for level in (8, 24):
            with suppress(Malformed):
                jar_manifest.expected_digest(section, "-digest", level)


def _table(parse: Callable[[bytes], Resources]) -> Callable[[bytes], None]:
    """Look resources up: the first ones of the first types of some packages."""

    def run(data: bytes) -> None:
        table = parse(data)
        own = table.own_package or 0
        for number in range(_IDS):
            resource = own << 24 | 1 + number % 8 << 16 | number // 8
            table.name(resource)
            for dynamic in (False, True):
                with suppress(Malformed):
                    table.resolve(resource, dynamic=dynamic)

    return run


def _protobuf(data: bytes) -> None:
    message = protobuf.Message(data, protobuf.Budget(100_000))
    for number in range(1, 16):
        for read in (message.unsigned, message.text, message.message):
            with suppress(Malformed):
                read(number)


def _elf(data: bytes) -> None:
    elf.parse(data)
    for names in (elf.dynamic_symbols, elf.imported_symbols):
        with suppress(Malformed):
            names(data)


def _macho(data: bytes) -> None:
    macho.parse(data)


def _code_seal(data: bytes) -> None:
    """The signature of every slice, and what it seals."""
    for image in macho.parse(data):
        if image.code_signature is None:
            continue
        signature = codesign.parse(image.signature)
        part = data[image.offset : image.offset + image.size]
        code_seal.directory_seals(part, image.code_signature, signature, {1: b"", 3: None})
        held = code_seal.blobs(image.signature)
        found = [
            cms_verify.Directory(each.slot, each.hash_type, held[each.slot])
            for each in signature.code_directories
        ]
        cms_verify.cms_seal(signature.cms, found)


def _code_resources(data: bytes) -> None:
    digests = code_resources.Digests(bytes(20), bytes(32))
    for envelope in code_resources.parse(data):
        names = frozenset((*list(envelope.files)[:200], "Info.plist", "a.lproj/x", "b.dylib/c"))
        links = dict.fromkeys(sorted(names)[:3])
        contents = code_resources.Contents(names - links.keys(), links, "A", lambda _: digests)
        code_resources.compare(envelope, contents)


def _posix_regex(data: bytes) -> None:
    expression = posix_regex.Expression(data.decode("utf-8", "replace"))
    for text in ("", "Info.plist", "zh-Hant.lproj/InfoPlist.strings", "a" * 1024):
        expression.search(text)


def _plist(data: bytes) -> None:
    plist.parse(data)
    plist.duplicate_keys(data)


def _cms(data: bytes) -> None:
    for read in (cms.certificates, cms.content, cms.signer_certificates, cms.signers):
        with suppress(Malformed):
            read(data)
    cms_verify.cms_seal(data, [cms_verify.Directory(0, 2, b"")])
    cms.certificates(data)


def _x509(data: bytes) -> None:
    for read in (x509.certificate, x509.public_key, x509.signing_objection):
        with suppress(Malformed):
            read(data)
    tuple(x509.identifiers(data))


def _private_key(data: bytes) -> None:
    patience = private_key.Patience(ROUNDS)
    private_key.from_der(data, patience)
    if private_key.is_pkcs12(data):
        private_key.from_pkcs12(data, patience)
    text = base64.encodebytes(data)
    for label in _LABELS:
        private_key.from_pem(label, text, private_key.Patience(ROUNDS))


def _key_armour(data: bytes) -> None:
    """Text with or without the lines around it, as `gate.read.keys` cuts it out of files."""
    body = data.partition(b"-----\n")[2].rpartition(b"-----END")[0] or data
    private_key.from_base64(body, private_key.Patience(ROUNDS))
    for label in _LABELS:
        private_key.from_pem(label, body, private_key.Patience(ROUNDS))


def _build(data: bytes) -> None:
    """open, read, check: every fact, every check, and the answer that the worker would send."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        app = open_app(file.fileno(), "build", AS_OF)
        for fact in _facts(type(app)):
            with suppress(Unread):
                getattr(app, fact)
        for check in CHECKS:
            if check.applies_to(app):
                # Not through gate.run, which turns what a check raises into an outcome.
                with suppress(NotApplicable, Undecided, Unread):
                    tuple(check.run(app))
        head = card(app)
    encode(Answer(app.build.kind, app=head, coverage=app.journal.coverage, gaps=app.journal.gaps))


def _facts(kind: type[App]) -> Iterator[str]:
    for each in kind.__mro__:
        yield from (name for name, value in vars(each).items() if isinstance(value, Fact))


def _of(name: str, run: Callable[[bytes], object], start: Callable[[], Sequence[bytes]]) -> Target:
    return Target(name, run, start, (Malformed,))


def _dalvik(data: bytes) -> int:
    """The tables of every file in an entry, and the first methods' code, decoded."""
    units = 0
    for file in read_files(data, "classes.dex"):
        code = Code(file)
        for row in range(min(len(code.methods.begin), 200)):
            units += len(code.body(row).starts)
    return units


def _archives(
    name: str, run: Callable[[bytes], object], start: Callable[[], Sequence[bytes]]
) -> Target:
    return Target(name, run, start, (Malformed, NotAnApp, Unread), is_archive=True)


def _named(targets: Iterable[Target]) -> dict[str, Target]:
    return {target.name: target for target in targets}


TARGETS: Final = _named(
    (
        _of("zip", _zip, seeds.signed_data),
        _of("apk_signing", _apk_signing, seeds.signed_data),
        _archives("apk_verify", _apk_verify, seeds.signed_data),
        _archives("jar_verify", _jar_verify, seeds.signed_data),
        _of("idsig", idsig.read_idsig, lambda: seeds.files("*/*/build.*.idsig")),
        _of("jar_manifest", _jar_manifest, seeds.jar_files),
        _of("lineage", lineage.read_lineage, lambda: (b"\1\0\0\0",)),
        _of("axml", axml.parse, lambda: seeds.members(r"AndroidManifest.xml|res/.*\.xml")),
        _of("arsc", _table(arsc.parse), lambda: seeds.members(r"resources.arsc")),
        _of("arsc_names", arsc_names.leading_out, seeds.tables_that_lead_out),
        _of("protobuf", _protobuf, seeds.bundle_tables),
        _of("proto_xml", proto_xml.parse, seeds.bundle_documents),
        _of("proto_resources", _table(proto_resources.parse), seeds.bundle_tables),
        _of("dex", dex.read_headers, lambda: seeds.members(r"classes\d*\.dex")),
        _of("dalvik", _dalvik, lambda: seeds.members(r"classes\d*\.dex")),
        _of("elf", _elf, lambda: seeds.members(r"lib/.*\.so")),
        _of("macho", _macho, seeds.programs),
        _of("codesign", codesign.parse, seeds.signatures),
        _of("code_seal", _code_seal, seeds.programs),
        _of("code_resources", _code_resources, lambda: seeds.members(r".*/CodeResources")),
        _of("posix_regex", _posix_regex, seeds.patterns),
        _of("plist", _plist, lambda: seeds.members(r".*(?:\.plist|\.xcprivacy|/CodeResources)")),
        _of("cms", _cms, seeds.messages),
        _of("x509", _x509, seeds.certificates),
        _of("provisioning", provisioning.parse, seeds.profiles),
        _of("private_key", _private_key, seeds.keys),
        _of("key_armour", _key_armour, lambda: seeds.armoured_keys() + seeds.base64_of(seeds.keys)),
        _archives("apk", _build, lambda: seeds.builds("apk")),
        _archives("aab", _build, lambda: seeds.builds("aab")),
        _archives("apks", _build, lambda: seeds.builds("apks")),
        _archives("ipa", _build, lambda: seeds.builds("ipa")),
    )
)
