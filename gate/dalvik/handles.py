"""Method handles and call sites: what code names by way of a handle, lambdas above all.

Source: source.android.com, Dalvik executable format, map_list, method_handle_item,
call_site_id_item; AOSP art/libdexfile/dex/dex_file_verifier.cc (`CheckInterCallSiteIdItem`). The
header does not tell these two tables; only the map of the file does.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gate.dalvik.classdata import Numbers
from gate.dalvik.dex import Dex
from gate.dalvik.encoded import (
    ANNOTATION,
    ARRAY,
    METHOD_HANDLE,
    METHOD_TYPE,
    STRING,
    Encoded,
    read_value,
)
from gate.formats.errors import Malformed, OverLimit

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
    """One call site: its encoded arguments, and the ids of the handles among them.

    The first handle is the bootstrap method's. Of a lambda the arguments then are the name of the
    interface's method, the prototype of the factory, and for `LambdaMetafactory` the erased
    prototype, the handle of the lambda's own method and its prototype.
    """

    arguments: tuple[Encoded, ...]
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
        arguments = tuple(_argument(reader) for _ in range(size))
        handles = tuple(each.number for each in arguments if each.kind == METHOD_HANDLE)
        if not arguments or arguments[0].kind != METHOD_HANDLE:
            raise Malformed("DEX call site that does not begin with a handle", offset)
        if max(handles) >= len(self.handles):
            raise Malformed("DEX call site with a handle outside of the table", offset)
        return CallSite(arguments, handles)

    def lambdas(self) -> Iterator[tuple[bytes, int]]:
        """The interface and the method id of every lambda and method reference."""
        for site in self.call_sites:
            kinds = [each.kind for each in site.arguments]
            if kinds[1:5] != [STRING, METHOD_TYPE, METHOD_TYPE, METHOD_HANDLE]:
                continue
            handle = self.handles[site.arguments[4].number]
            if not handle.is_field:
                factory = self.dex.proto(site.arguments[2].number)
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


def _argument(reader: Numbers) -> Encoded:
    if reader.at < len(reader.data) and reader.data[reader.at] & 31 in (ARRAY, ANNOTATION):
        raise Malformed("DEX call site with an argument that no runtime takes", reader.at)
    return read_value(reader)


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
