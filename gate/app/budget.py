"""How much of a build its readers take in; each number is a limit of `gate scan --limit`."""

from dataclasses import fields

from gate.frozen import dataclass


class Bound(int):
    """A number of a budget that names itself in a sentence: `the limit entries=65535`."""

    name: str

    def __new__(cls, value: int, name: str) -> "Bound":
        """The number `value`, called `name`."""
        bound = super().__new__(cls, value)
        bound.name = name
        return bound

    def __str__(self) -> str:
        return f"the limit {self.name}={int(self)}"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that is read of one build; what goes beyond is a gap, or the build is refused.

    `entries` are the files of a build, those inside the APKs of a set included; `total` is their
    declared size together; `manifest` is the size of any manifest, rule file, property list or
    profile, `resources` that of a resource table, `code` that of a DEX, ELF or Mach-O file, all in
    bytes. `ratio` is how many times its compressed size an entry of more than 64 MiB may have;
    `nesting` how many archives may lie in each other, the build itself being the first (no reader
    opens a third); `depth` how deep the elements of a manifest nest; `strings` how many strings a
    pool of a manifest or resource table declares; `findings` how many of one check are kept.

    Each value is a `Bound`, so that a reason built from it names the limit.
    """

    entries: int = 65_535
    total: int = 8 << 30
    manifest: int = 16 << 20
    resources: int = 256 << 20
    code: int = 512 << 20
    ratio: int = 200
    nesting: int = 2
    depth: int = 512
    strings: int = 1_000_000
    findings: int = 10_000

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, Bound(getattr(self, each.name), each.name))
