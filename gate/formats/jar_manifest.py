"""The files of a JAR signature, MANIFEST.MF and *.SF: sections of attributes, and their digests.

Sources: JAR File Specification, "Manifest specification" and "Signed JAR file"; what Android makes
of it: AOSP tools/apksig, ManifestParser and V1SchemeVerifier.getDigestsToVerify.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_SECTIONS: Final = 300_000  # an archive has at most 262,140 entries
MAX_SECTION: Final = 4 << 20
MAX_ATTRIBUTES: Final = 1_000  # of one section

_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_EMPTY_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")  # and the end before it
_FOLD: Final = re.compile(rb"(?:\r\n|\n|\r) ")
_STRONGEST_FIRST: Final = (
    ("SHA-512", "sha-512"),
    ("SHA-384", "sha-384"),
    ("SHA-256", "sha-256"),
    ("SHA-1", "sha1"),
)
_NAMES: Final = {
    "MD5": ("MD5", 1),
    "SHA": ("SHA-1", 1),
    "SHA1": ("SHA-1", 1),
    "SHA-1": ("SHA-1", 1),
    "SHA-256": ("SHA-256", 1),
    "SHA-384": ("SHA-384", 9),
    "SHA-512": ("SHA-512", 9),
}
_JELLY_BEAN_MR2: Final = 18
_STANDARD: Final = (  # "Standard Algorithm Names" of the JDK, and the aliases that its tools wrote
    *_STRONGEST_FIRST[:3],
    ("SHA-224", "sha-224"),
    ("SHA-1", "sha-1"),
    ("SHA-1", "sha1"),
    ("SHA-1", "sha"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section at `[start, end)` of its file, the empty line behind it included.

    `name` is the entry it is about, None where its first attribute is another. Attribute names are
    in lower case; the first of a name counts.
    """

    start: int
    end: int
    name: str | None
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class NamedDigest:
    """A digest by `algorithm`, named as in `gate.formats.verify.DIGESTS`."""

    algorithm: str
    value: bytes


def read_sections(data: bytes) -> Iterator[Section]:
    """Give the sections in order, the main one first; OverLimit past the limits above."""
    at = _skip_empty_lines(data, 0)
    count = 0
    while at < len(data):
        count += 1
        if count > MAX_SECTIONS:
            raise OverLimit(f"JAR manifest of more than {MAX_SECTIONS} sections", at)
        empty_line = _EMPTY_LINE.search(data, at)
        end = empty_line.end() if empty_line else len(data)
        if end - at > MAX_SECTION:
            raise OverLimit(f"JAR manifest section of more than {MAX_SECTION} bytes", at)
        yield _section(data, at, end)
        at = _skip_empty_lines(data, end)


def _skip_empty_lines(data: bytes, at: int) -> int:
    run = _LINE_ENDS.match(data, at)
    return run.end() if run else at


def expected_digest(section: Section, suffix: str, level: int) -> NamedDigest | None:
    """
    Give the digest that Android of an API level looks at, None where it finds none.

    `suffix` is the end of the attribute's name in lower case, such as `-digest-manifest`. Android
    4.3 and later takes the strongest it knows; before that the first of Digest-Algorithms counted,
    by default SHA-1. Raises Malformed for one that is not Base64.
    """
    attributes = section.attributes
    if level >= _JELLY_BEAN_MR2:
        for algorithm, prefix in _STRONGEST_FIRST:
            text = attributes.get(prefix + suffix)
            if text is not None:
                return _decoded(algorithm, text, section)
        return None
    for written in attributes.get("digest-algorithms", "SHA SHA1").split():
        text = attributes.get(written.lower() + suffix)
        algorithm, since = _NAMES.get(written.upper(), ("", 0))
        if text is not None and algorithm and since <= level:
            return _decoded(algorithm, text, section)
    return None


def standard_digests(section: Section, suffix: str) -> tuple[NamedDigest, ...]:
    """
    Give every digest that the JDK looks at, the strongest first.

    It disables MD5, and SHA-1 without a time stamp (java.security, jdk.jar.disabledAlgorithms);
    the latter is given where it stands alone. `suffix` as for `expected_digest`. Raises Malformed
    for one that is not Base64.
    """
    found = tuple(
        _decoded(algorithm, section.attributes[prefix + suffix], section)
        for algorithm, prefix in _STANDARD
        if prefix + suffix in section.attributes
    )
    return tuple(each for each in found if each.algorithm != "SHA-1") or found


def _decoded(algorithm: str, text: str, section: Section) -> NamedDigest:
    try:
        return NamedDigest(algorithm, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as cause:
        raise Malformed(f"{algorithm} digest that is not Base64", section.start) from cause


def _section(data: bytes, start: int, end: int) -> Section:
    unfolded = _FOLD.sub(b"", data[start:end])
    if unfolded.count(b"\n") + unfolded.count(b"\r") > 2 * MAX_ATTRIBUTES + 4:
        raise OverLimit(f"JAR manifest section of over {MAX_ATTRIBUTES} attributes", start)
    lines = [line for line in unfolded.splitlines() if line]
    if len(lines) > MAX_ATTRIBUTES:
        raise OverLimit(f"JAR manifest section of over {MAX_ATTRIBUTES} attributes", start)
    attributes: dict[str, str] = {}
    name = None
    for index, line in enumerate(lines):
        # One space belongs to the separator; obfuscators put more into names and values.
        key, _, value = line.decode("utf-8", "replace").partition(": ")
        attributes.setdefault(key.lower(), value)
        if not index and key.lower() == "name":
            name = value
    return Section(start, end, name, attributes)
