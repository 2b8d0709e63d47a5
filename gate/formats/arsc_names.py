"""Names of resources that lead out of a folder, for a tool that writes each resource to a file.

A device never takes the name of a resource for a path: it goes by the number and reads the file
that the value names. Tools that decode resources write res/<type>/<name> (CVE-2024-21633).
"""

import re
from collections.abc import Iterator
from typing import Final

from gate.formats import res_chunk
from gate.formats.arsc_packages import TableReader
from gate.formats.stringpool import MAX_STRINGS, StringPool

MAX_NAMES: Final = 10
_STEPS: Final = tuple(
    step.encode(encoding) for step in ("../", "..\\") for encoding in ("utf-8", "utf-16-le")
)
_LEADS_OUT: Final = re.compile(r"(?:^|[/\\])\.\.[/\\]")


def leading_out(data: bytes, *, max_strings: int = MAX_STRINGS) -> tuple[str, ...]:
    """The first of those names among the types and entries of a resources.arsc.

    Raises Malformed as `gate.formats.arsc.parse` does, but only where the bytes hold `../` at all.
    """
    if not any(step in data for step in _STEPS):
        return ()
    pools = _pools(data, max_strings)
    names = (name for pool in pools for name in _strings(pool) if _LEADS_OUT.search(name))
    return tuple(name for _, name in zip(range(MAX_NAMES), names, strict=False))


def _pools(data: bytes, max_strings: int) -> Iterator[StringPool]:
    reader = TableReader(data, max_strings)
    for table in reader.children(0, len(data)):
        if table.type != res_chunk.TABLE:
            continue
        for chunk in reader.children(table.body, table.end):
            if chunk.type == res_chunk.TABLE_PACKAGE:
                package = reader.package(chunk)
                yield from filter(None, (package.type_names, package.key_names))


def _strings(pool: StringPool) -> Iterator[str]:
    return (pool.string(index) for index in range(len(pool)))
