"""What a set of APKs says about itself: the files that its own list names for installation.

bundletool writes `toc.pb`, a `BuildApksResult` (google/bundletool, src/main/proto/commands.proto).
The installers of .xapk, .apkm and the like go by a JSON file at the top, each by keys of its own
(`manifest.json` has the files in `split_apks`); whatever string such a file holds is taken for a
name here, so that no key is missed.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from gate.app import Files, Unread
from gate.formats import protobuf
from gate.formats.errors import Malformed
from gate.formats.protobuf import Message

CONTENTS: Final = "toc.pb"
MAX_FIELDS: Final = 1_000_000

_VARIANTS, _ASSET_SLICE_SETS = 1, 3
_APK_SETS = _APKS = _PATH = 2
_STRING: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)


def plain(name: str) -> str:
    """A name without the steps that lead nowhere, as it comes out of an extraction."""
    if "//" in name or "./" in name or name.startswith("/"):
        return "/".join(step for step in name.split("/") if step not in ("", "."))
    return name


def listed(files: Files) -> frozenset[str]:
    """Every name that a list of the set gives; a list that cannot be read names what it can."""
    found: set[str] = set()
    for name in files.names:
        if name == CONTENTS or ("/" not in name and name.lower().endswith(".json")):
            with suppress(Malformed, Unread):
                data = files.read(name, files.budget.manifest)
                found.update(_in_contents(data) if name == CONTENTS else _in_json(data))
    return frozenset(plain(name) for name in found)


def _in_contents(data: bytes) -> Iterator[str]:
    """The path of every APK of a variant and of every asset slice."""
    result = Message(data, protobuf.Budget(MAX_FIELDS))
    groups = [group for each in result.messages(_VARIANTS) for group in each.messages(_APK_SETS)]
    for group in (*groups, *result.messages(_ASSET_SLICE_SETS)):
        for apk in group.messages(_APKS):
            for path in apk.spans(_PATH):
                yield data[path.value : path.end].decode("utf-8", "replace")


def _in_json(data: bytes) -> Iterator[str]:
    """Every string, wherever it stands: a key that is there twice hides nothing."""
    for match in _STRING.finditer(data):
        with suppress(ValueError):
            yield json.loads(match[0], strict=False)
