"""ELF shared objects for tests, written field by field."""

import struct
from dataclasses import dataclass, field

LOAD, DYNAMIC, STACK, RELRO = 1, 2, 0x6474E551, 0x6474E552


@dataclass
class ElfWriter:
    """A shared object of one segment that is loaded at BASE, its file offset 0.

    `tags` are more dynamic entries (tag, value); `symbols` are (name, section index) pairs, of
    which those after `hashed` lie in the GNU hash table.
    """

    bits: int = 64
    order: str = "<"
    machine: int = 183
    kind: int = 3
    needed: tuple[bytes, ...] = ()
    soname: bytes = b""
    runpath: bytes = b""
    tags: tuple[tuple[int, int], ...] = ()
    symbols: tuple[tuple[bytes, int], ...] = ()
    hashed: int = 1
    hash_style: str = "gnu"
    relocated: tuple[int, ...] = ()
    load_flags: int = 5
    extra: tuple[tuple[int, int], ...] = ((STACK, 6), (RELRO, 4))
    strings: bytearray = field(default_factory=lambda: bytearray(b"\0"))

    BASE = 0x10000

    @property
    def word(self) -> str:
        return "Q" if self.bits == 64 else "I"

    def pack(self, form: str, *values: int) -> bytes:
        return struct.pack(self.order + form, *values)

    def name(self, text: bytes) -> int:
        at = len(self.strings)
        self.strings += text + b"\0"
        return at

    def symbol(self, name: bytes, section: int) -> bytes:
        at = self.name(name) if name else 0
        if self.bits == 64:
            return self.pack("IBBHQQ", at, 0x12, 0, section, 0, 0)
        return self.pack("IIIBBH", at, 0, 0, 0x12, 0, section)

    def hashes(self) -> bytes:
        """A hash table of one bucket: enough to tell the number of symbols."""
        count = len(self.symbols) + 1
        if self.hash_style == "sysv":
            return self.pack("II", 1, count) + bytes(4 * (count + 1))
        chained = count - self.hashed
        bucket = self.hashed if chained > 0 else 0
        chain = [0] * (chained - 1) + [1] if chained > 0 else []
        return (
            self.pack("IIII", 1, self.hashed, 1, 0)
            + self.pack(self.word, 0)
            + self.pack("I", bucket)
            + self.pack(f"{len(chain)}I", *chain)
        )

    def write(self) -> bytes:
        header, entry = (64, 56) if self.bits == 64 else (52, 32)
        segments = 2 + len(self.extra)
        entries = [(1, self.name(each)) for each in self.needed]
        entries += [(14, self.name(self.soname))] if self.soname else []
        entries += [(29, self.name(self.runpath))] if self.runpath else []
        table = b"".join(self.symbol(*each) for each in ((b"", 0), *self.symbols))
        shift = 32 if self.bits == 64 else 8
        entries_of = (self.pack(self.word * 2, 0, each << shift) for each in self.relocated)
        relocations = b"".join(entries_of)
        hashes = self.hashes() if self.symbols else b""
        at = header + segments * entry
        places = {}
        for label, data in (
            ("strings", bytes(self.strings)),
            ("symbols", table),
            ("hashes", hashes),
            ("relocations", relocations),
        ):
            places[label] = at
            at += len(data)
        entries += [(5, self.BASE + places["strings"]), (10, len(self.strings))]
        entries += [(6, self.BASE + places["symbols"])] if self.symbols else []
        if hashes:
            entries.append(
                (4 if self.hash_style == "sysv" else 0x6FFFFEF5, self.BASE + places["hashes"])
            )
        if relocations:
            entries += [(17, self.BASE + places["relocations"]), (18, len(relocations))]
        entries += [*self.tags, (0, 0)]
        dynamic = b"".join(self.pack(self.word * 2, *each) for each in entries)
        end = at + len(dynamic)
        heads = self.segment(LOAD, self.load_flags, 0, end)
        heads += self.segment(DYNAMIC, 6, at, len(dynamic))
        heads += b"".join(self.segment(kind, flags, 0, 0) for kind, flags in self.extra)
        return (
            self.header(header, entry, segments)
            + heads
            + bytes(self.strings)
            + table
            + hashes
            + relocations
            + dynamic
        )

    def header(self, size: int, entry: int, segments: int) -> bytes:
        ident = b"\x7fELF" + bytes([self.bits // 32, 1 if self.order == "<" else 2, 1]) + bytes(9)
        w = self.word
        return ident + self.pack(
            f"HHI{w}{w}{w}I6H",
            self.kind,
            self.machine,
            1,
            0,
            size,
            0,
            0,
            size,
            entry,
            segments,
            0,
            0,
            0,
        )

    def segment(self, kind: int, flags: int, offset: int, size: int) -> bytes:
        place = (offset, self.BASE + offset, self.BASE + offset, size, size)
        if self.bits == 64:
            return self.pack("II6Q", kind, flags, *place, 0x4000)
        return self.pack("8I", kind, *place, flags, 0x4000)
