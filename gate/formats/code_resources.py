"""The resource seal `_CodeSignature/CodeResources`: which files of a bundle, with which digests.

Sources: Apple's TN2206 ("Code Signature Resources"); the Security framework's
libsecurity_codesigning, resources.cpp (rules, weights, seals), bundlediskrep.cpp
(`adjustResources`: what is never sealed) and StaticCode.cpp (`validateResources`,
`validateResource`). Nested code is sealed by its code directory's hash or a requirement: that it is
there is checked, not what it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from gate.app.native import Disagreement
from gate.formats import plist
from gate.formats.errors import Malformed, OverLimit
from gate.formats.plist import PlistValue
from gate.formats.posix_regex import Expression
from gate.frozen import dataclass

MAX_RULES: Final = 64
MAX_PATH: Final = 1024  # PATH_MAX of Apple's systems, in characters here

_FOLDER: Final = "_CodeSignature"
# What Security never seals: the folder of the seal, an old link into it, the store's receipt.
_EXCLUDED: Final = (_FOLDER, "CodeResources", "_MASReceipt")
_ROOT_RULES: Final = {"files": "rules", "files2": "rules2"}


@dataclass(frozen=True, slots=True)
class Digests:
    """A file's SHA-1 and SHA-256."""

    sha1: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """One entry: digests (b"" where not stated), or the target of a link, or nested code."""

    sha1: bytes = b""
    sha256: bytes = b""
    link: str | None = None
    nested: bool = False
    optional: bool = False

    def matches(self, found: Digests) -> bool:
        """Whether a file has every digest that is stated."""
        return self.sha1 in (b"", found.sha1) and self.sha256 in (b"", found.sha256)


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of the files that an expression matches; the heaviest rule decides."""

    expression: Expression
    weight: int
    omitted: bool = False
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One form of the seal: files2 with rules2, or the older files with rules."""

    form: str
    files: Mapping[str, Sealed]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The bundle that is compared; paths are relative to it.

    `links` gives the targets of symbolic links, None where a target cannot be read; links are not
    among `files`. `program` is the bundle's own program, which its signature seals.
    """

    files: frozenset[str]
    links: Mapping[str, str | None]
    program: str
    digests: Callable[[str], Digests | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an envelope and a bundle agree; `unread` are files whose digests were not to be had."""

    files: Disagreement
    omitted: tuple[str, ...]
    unread: tuple[str, ...]


def parse(data: bytes, *, max_bytes: int = plist.MAX_BYTES) -> tuple[Envelope, ...]:
    """The forms that a CodeResources file has, files2 first, as Security prefers it.

    Raises Malformed where the file is no such list or an entry or rule cannot be understood, and
    OverLimit for more than 64 rules or `max_bytes`.
    """
    root = plist.parse(data, max_bytes=max_bytes)
    if not isinstance(root, dict):
        raise Malformed("CodeResources whose property list is no dictionary")
    forms = [form for form in ("files2", "files") if form in root]
    if not forms:
        raise Malformed("CodeResources that lists no files")
    return tuple(_envelope(root, form) for form in forms)


def _envelope(root: dict[str, PlistValue], form: str) -> Envelope:
    files, rules = root.get(form), root.get(_ROOT_RULES[form])
    if not isinstance(files, dict) or not isinstance(rules, dict):
        raise Malformed(f"CodeResources whose {form} or rules are no dictionary")
    if len(rules) > MAX_RULES:
        raise OverLimit(f"CodeResources with {len(rules)} rules, more than {MAX_RULES}")
    return Envelope(
        form=form,
        files={name: _sealed(name, entry) for name, entry in files.items()},
        rules=tuple(_rule(pattern, value) for pattern, value in rules.items()),
    )


def _sealed(name: str, entry: PlistValue) -> Sealed:
    """One entry: a SHA-1 alone, or a dictionary."""
    if isinstance(entry, bytes):
        entry = {"hash": entry}
    if not isinstance(entry, dict):
        raise Malformed(f"CodeResources entry {name[:200]!r} that is no seal")
    optional = bool(entry.get("optional"))
    if "requirement" in entry or "cdhash" in entry:
        return Sealed(nested=True, optional=optional)
    link = entry.get("symlink")
    if isinstance(link, str):
        return Sealed(link=link, optional=optional)
    sha1, sha256 = entry.get("hash", b""), entry.get("hash2", b"")
    if not sha1 and not sha256:
        raise Malformed(f"CodeResources entry {name[:200]!r} without a digest")
    return Sealed(_digest(name, sha1, 20), _digest(name, sha256, 32), optional=optional)


def _digest(name: str, value: PlistValue, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) not in (0, size):
        raise Malformed(f"CodeResources entry {name[:200]!r} whose digest is none")
    return value


def _rule(pattern: str, value: PlistValue) -> Rule:
    """True seals, false omits, a dictionary says more; the weight is 1 where none is given."""
    expression = Expression(pattern)
    if isinstance(value, bool):
        return Rule(expression, 1, omitted=not value)
    if not isinstance(value, dict):
        raise Malformed(f"CodeResources rule {pattern[:200]!r} that is no rule")
    weight = value.get("weight", 1)
    if not isinstance(weight, (int, float)) or not 0 <= weight < 1 << 32:
        raise Malformed(f"CodeResources rule {pattern[:200]!r} whose weight is none")
    return Rule(
        expression,
        int(weight),
        omitted=value.get("omit") is True,
        nested=value.get("nested") is True,
    )


def compare(envelope: Envelope, contents: Contents) -> Comparison:
    """What an envelope seals against what a bundle holds, as Security goes about it.

    An entry whose file the rules omit is missing, though a file of its name be there. Raises
    OverLimit for a path of more than 1,024 characters, or rules that cost too much to match.
    """
    reached, omitted = _scan(envelope, contents)
    rest = {name: entry for name, entry in envelope.files.items() if name not in reached}
    verdicts = {name: _verdict(envelope, name, contents) for name in sorted(reached)}
    return Comparison(
        files=Disagreement(
            missing=tuple(sorted(name for name, entry in rest.items() if not entry.optional)),
            altered=tuple(name for name, verdict in verdicts.items() if verdict == "altered"),
            unsealed=tuple(name for name, verdict in verdicts.items() if verdict == "unsealed"),
        ),
        omitted=tuple(sorted(omitted)),
        unread=tuple(name for name, verdict in verdicts.items() if verdict == "unread"),
    )


def _scan(envelope: Envelope, contents: Contents) -> tuple[set[str], set[str]]:
    """The paths that have to be sealed (files, links, folders of nested code), and the omitted."""
    reached: set[str] = set()
    omitted: set[str] = set()
    folders: dict[str, bool] = {}  # whether the files of a folder are looked at
    for name in sorted((*contents.files, *contents.links)):
        if len(name) > MAX_PATH:
            raise OverLimit(f"path of {len(name)} characters in a bundle, more than {MAX_PATH}")
        for folder in _above(name):
            if folder not in folders:
                folders[folder] = _entered(envelope, folder, reached)
            if not folders[folder]:
                break
        else:
            if name != contents.program and name not in _EXCLUDED:
                (omitted if _omitted(envelope, name) else reached).add(name)
    return reached, omitted


def _entered(envelope: Envelope, folder: str, reached: set[str]) -> bool:
    """Whether a folder is looked into; one of nested code is noted and left alone."""
    if folder in _EXCLUDED:
        return False
    rules = _heaviest(envelope.rules, folder)
    if not rules or not rules[0].nested or "." not in folder.rpartition("/")[2]:
        return True
    reached.add(folder)
    return False


def _omitted(envelope: Envelope, name: str) -> bool:
    """Whether the rules leave a file unsealed.

    Of rules that weigh the same Security takes whichever its dictionary gives first, and Xcode 8
    wrote such a pair for Info.plist: what was sealed then tells which one it took.
    """
    rules = _heaviest(envelope.rules, name)
    if name in envelope.files:
        return all(rule.omitted for rule in rules)
    return not rules or any(rule.omitted for rule in rules)


def _above(name: str) -> Iterator[str]:
    """The folders above a path, the outermost first."""
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _heaviest(rules: Iterable[Rule], path: str) -> list[Rule]:
    """The rules that decide on a path: of those that match it the heaviest."""
    best: list[Rule] = []
    for rule in rules:
        weight = best[0].weight if best else 0
        if rule.weight >= weight and rule.expression.search(path):
            best = [rule] if rule.weight > weight else [*best, rule]
    return best


def _verdict(envelope: Envelope, name: str, contents: Contents) -> str:
    """intact, altered, unsealed, or unread, of one path that has to be sealed."""
    sealed = envelope.files.get(name)
    is_link = name in contents.links
    if sealed is None:  # the old form knows no links
        return "intact" if is_link and envelope.form == "files" else "unsealed"
    if sealed.nested:
        return "altered" if is_link else "intact"
    if is_link or sealed.link is not None:
        if not is_link or sealed.link is None:
            return "altered"
        target = contents.links[name]
        return "unread" if target is None else "intact" if target == sealed.link else "altered"
    if name not in contents.files:
        return "altered"  # a folder where a file was sealed
    found = contents.digests(name)
    if found is None:
        return "unread"
    return "intact" if sealed.matches(found) else "altered"
