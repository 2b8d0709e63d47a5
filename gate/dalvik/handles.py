"""Method handles and call sites: what code names by way of a handle, lambdas above all.

Source: source.android.com, Dalvik executable format, map_list, method_handle_item,
call_site_id_item; AOSP art/libdexfile/dex/dex_file_verifier.cc (`CheckInterCallSiteIdItem`). The
header does not tell these two tables; only the map of the file does.
"""

import struct
from collections.abc import Iterator
from functools import cached_property

from gate.dalvik.classdata import Numbers
from gate.dalvik.dex import Dex
from gate.dalvik.encoded import (
    ANNOTATION,
    ARRAY,
    BOOLEAN,
    METHOD_HANDLE,
    METHOD_TYPE,
    NULL,
    STRING,
)
from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

MAX_PER_SITE = 256  # the class file format allows a bootstrap method 255 arguments
MAX_ARGUMENTS = 1 << 20  # of all call sites of a file
MAX_MAP = 64  # AOSP knows 21 kinds of items, each of which stands in the map once
_CALL_SITES, _HANDLES = 7, 8
FIRST_METHOD = 4  # the kinds below it put and get fields
_LAST_KIND = 8


@dataclass(frozen=True, slots=True)
class Handle:
    """One method handle: its kind, and the id of the method or field that it leads to."""

    kind: int
    index: int

    @property
    def is_field(self) -> bool:
        """Whether it leads to a field."""
        return self.kind < FIRST_METHOD


@dataclass(frozen=True, slots=True)
class CallSite:
    """One call site: kind and number of each encoded argument, and the ids of the handles.

    The first handle is the bootstrap method's. Of a lambda the arguments then are the name of the
    interface's method, the prototype of the factory, and for `LambdaMetafactory` the erased
    prototype, the handle of the lambda's own method and its prototype.
    """

    arguments: tuple[tuple[int, int], ...]
    handles: tuple[int, ...]


class Handles:
    """The handles and call sites of one DEX file, by index."""

    def __init__(self, dex: Dex) -> None:
        self.dex = dex
        tables = _map(dex)
        self.handles = tuple(_handles(dex, *tables.get(_HANDLES, (0, 0))))
        self.call_sites = tuple(self._read_sites(*tables.get(_CALL_SITES, (0, 0))))

    def _read_sites(self, offset: int, count: int) -> Iterator[CallSite]:
        left = MAX_ARGUMENTS
        for each in struct.unpack_from(f"<{count}I", self.dex.data, offset):
            site = self._call_site(each)
            left -= len(site.arguments)
            if left < 0:
                raise OverLimit(f"DEX call sites with more than {MAX_ARGUMENTS} arguments", offset)
            yield site

    def _call_site(self, offset: int) -> CallSite:
        reader = Numbers(self.dex.data, offset)
        size = reader.unsigned()
        if size > MAX_PER_SITE:
            raise OverLimit(f"a DEX call site with more than {MAX_PER_SITE} arguments", offset)
        arguments = tuple(_arguments(self.dex.data, reader.at, size))
        handles = tuple(number for kind, number in arguments if kind == METHOD_HANDLE)
        if not arguments or arguments[0][0] != METHOD_HANDLE:
            raise Malformed("DEX call site that does not begin with a handle", offset)
        if max(handles) >= len(self.handles):
            raise Malformed("DEX call site with a handle outside of the table", offset)
        return CallSite(arguments, handles)

    def lambdas(self) -> Iterator[tuple[bytes, int]]:
        """The interface and the method id of every lambda and method reference."""
        for site in self.call_sites:
            kinds = [kind for kind, _ in site.arguments]
            if kinds[1:5] != [STRING, METHOD_TYPE, METHOD_TYPE, METHOD_HANDLE]:
                continue
            handle = self.handles[site.arguments[4][1]]
            if not handle.is_field:
                factory = self.dex.proto(site.arguments[2][1])
                yield factory[factory.rindex(b")") + 1 :], handle.index

    def naming(self, index: int, *, field: bool) -> tuple[int, ...]:
        """The handles that lead to a method id, or to a field id."""
        return self._naming.get((field, index), ())

    @cached_property
    def _naming(self) -> dict[tuple[bool, int], tuple[int, ...]]:
        found: dict[tuple[bool, int], list[int]] = {}
        for number, handle in enumerate(self.handles):
            found.setdefault((handle.is_field, handle.index), []).append(number)
        return {key: tuple(numbers) for key, numbers in found.items()}

    @cached_property
    def sites_with(self) -> dict[int, tuple[int, ...]]:
        """The call sites that have each handle among their arguments."""
        found: dict[int, list[int]] = {}
        for number, site in enumerate(self.call_sites):
            for handle in set(site.handles):
                found.setdefault(handle, []).append(number)
        return {handle: tuple(sites) for handle, sites in found.items()}


def _arguments(data: bytes, at: int, size: int) -> Iterator[tuple[int, int]]:
    """Kind and number of so many encoded values; apps have thousands of them, so in one loop."""
    for _ in range(size):
        head = data[at] if at < len(data) else ARRAY
        kind, argument = head & 31, head >> 5
        if kind in (ARRAY, ANNOTATION):
            raise Malformed("DEX call site with an argument that no runtime takes", at)
        end = at + 1 if kind in (NULL, BOOLEAN) else at + argument + 2
        if end > len(data):
            raise Malformed("DEX value outside of the file", at)
        yield kind, int.from_bytes(data[at + 1 : end], "little")
        at = end


def _map(dex: Dex) -> dict[int, tuple[int, int]]:
    """Offset and number of items of the tables of handles and call sites, as the map says."""
    data = dex.data
    (at,) = struct.unpack_from("<I", data, dex.header.begin + 0x34)
    if not dex.header.begin <= at <= len(data) - 4 or at & 3:
        raise Malformed("DEX map outside of the file", dex.header.begin + 0x34)
    (count,) = struct.unpack_from("<I", data, at)
    if count > MAX_MAP or at + 4 + 12 * count > len(data):
        raise Malformed("DEX map with too many kinds of items", at)
    found: dict[int, tuple[int, int]] = {}
    for place in range(at + 4, at + 4 + 12 * count, 12):
        kind, size, offset = struct.unpack_from("<H2xII", data, place)
        if kind not in (_CALL_SITES, _HANDLES):
            continue
        if kind in found:
            raise Malformed("DEX map that names a table twice", place)
        if size > 0x10000:
            raise Malformed("DEX file with more than 65,536 handles or call sites", place)
        if offset > len(data) or size > (len(data) - offset) // (4 if kind == _CALL_SITES else 8):
            raise Malformed("DEX table of handles or call sites outside of the file", place)
        found[kind] = offset, size
    return found


def _handles(dex: Dex, offset: int, count: int) -> list[Handle]:
    found = []
    for kind, index in struct.iter_unpack("<H2xH2x", dex.data[offset : offset + 8 * count]):
        bound = len(dex.fields) if kind < FIRST_METHOD else len(dex.methods)
        if kind > _LAST_KIND or index >= bound:
            raise Malformed("DEX method handle outside of its table", offset)
        found.append(Handle(kind, index))
    return found
