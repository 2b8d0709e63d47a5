"""Which instructions of a file name a method, field, string or type: found for all ids at once.

One pass over the code's units picks out every unit that may be an opcode with an id behind it, and
sorts the finds by id. A question is then two bisections; only its few finds are confirmed, by
decoding the methods they lie in, since a unit may also be an operand.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import numpy as np

from gate.dalvik import opcodes as op
from gate.dalvik.body import Body
from gate.dalvik.classdata import Methods
from gate.dalvik.dex import Dex, Ints
from gate.dalvik.handles import Handles
from gate.formats.errors import Malformed
from gate.frozen import dataclass

# What an instruction names: a method to call, a field, a string, a type, a call site, a method
# handle, a prototype.
CALL, READ, WRITE, STRING, TYPE, CALL_SITE, HANDLE, PROTO = 1, 2, 3, 4, 5, 6, 7, 8
# A method or field that an instruction names by way of a handle or a call site, as lambdas do.
METHOD_HANDLED, FIELD_HANDLED = 9, 10
KEPT_BODIES = 512


def _kinds() -> Ints:
    kinds = np.zeros(256, np.uint8)
    for code in (*range(0x6E, 0x73), *range(0x74, 0x79), 0xFA, 0xFB):
        kinds[code] = CALL
    for code in (*range(op.IGET, op.IPUT), *range(op.SGET, op.SPUT)):
        kinds[code] = READ
    for code in (*range(op.IPUT, op.SGET), *range(op.SPUT, 0x6E)):
        kinds[code] = WRITE
    kinds[op.CONST_STRING] = kinds[op.CONST_STRING_JUMBO] = STRING
    for code in (op.CONST_CLASS, op.CHECK_CAST, op.INSTANCE_OF, op.NEW_INSTANCE, op.NEW_ARRAY,
                 op.FILLED_NEW_ARRAY, op.FILLED_NEW_ARRAY_RANGE):  # fmt: skip
        kinds[code] = TYPE
    kinds[op.INVOKE_CUSTOM] = kinds[op.INVOKE_CUSTOM_RANGE] = CALL_SITE
    kinds[op.CONST_METHOD_HANDLE], kinds[op.CONST_METHOD_TYPE] = HANDLE, PROTO
    return kinds


_KINDS = _kinds()


@dataclass(frozen=True, slots=True)
class Site:
    """One instruction: the row of its method among those with code, and its place in it."""

    row: int
    index: int


class Code:
    """The code of one DEX file: its methods' bodies, and what they name.

    `faults` has the rows whose code cannot be decoded, as far as anybody asked for them.
    """

    def __init__(self, dex: Dex) -> None:
        self.dex = dex
        self.methods = Methods(dex)
        self.handles = Handles(dex)
        self._bodies: dict[int, Body | Malformed] = {}
        self.faults: dict[int, Malformed] = {}
        self._found: dict[int, tuple[Ints, Ints]] = {}
        self._scan()

    def _scan(self) -> None:
        begin, end = self.methods.begin, self.methods.end
        if not len(begin):
            return
        self._base = int(begin[0])
        last = min(int(end.max()), len(self.dex.units) - 2)
        units = self.dex.units[self._base : last]
        low = np.frombuffer(self.dex.data, np.uint8)[2 * self._base : 2 * last : 2]
        kinds = _KINDS[low]
        for kind in (CALL, READ, WRITE, STRING, TYPE, CALL_SITE, HANDLE, PROTO):
            at = np.flatnonzero(kinds == kind).astype(np.int32)
            following = at + 1
            ids = self.dex.units[following + self._base]
            if kind == STRING:
                ids = ids.astype(np.uint32)
                jumbo = np.flatnonzero(units[at] & 0xFF == op.CONST_STRING_JUMBO)
                far = at[jumbo] + 2 + self._base
                ids[jumbo] |= self.dex.units[far].astype(np.uint32) << 16
            order = np.argsort(ids, kind="stable")
            self._found[kind] = ids[order], at[order]

    @cached_property
    def _rows(self) -> Ints:
        """The row with code of each method id, of several the first; -1 for none."""
        index = self.methods.index[self.methods.first :]
        rows = np.full(len(self.dex.methods), -1, np.int32)
        rows[index[::-1]] = np.arange(len(index) - 1, -1, -1, dtype=np.int32)
        return rows

    def row(self, method: int) -> int | None:
        """The row with code of a method id that this file defines, or None."""
        row = int(self._rows[method])
        return None if row < 0 else row

    def method_of(self, row: int) -> int:
        """The method id of a row with code."""
        return int(self.methods.index[self.methods.first + row])

    def body(self, row: int) -> Body:
        """The decoded body of a row with code; Malformed where it cannot be decoded."""
        found = self._bodies.get(row)
        if found is None:
            if len(self._bodies) >= KEPT_BODIES:
                self._bodies.clear()
            try:
                found = Body(self.dex, int(self.methods.begin[row]), int(self.methods.end[row]))
            except Malformed as malformed:
                found = self.faults[row] = malformed
            self._bodies[row] = found
        if isinstance(found, Malformed):
            raise found
        return found

    def sites(
        self, kind: int, ids: Iterable[int], wanted: Callable[[int], bool] | None = None
    ) -> Iterator[Site]:
        """The instructions of a kind that name one of these ids, by place in the file.

        `wanted` says for the row of a method whether it is worth decoding.
        """
        if kind in (METHOD_HANDLED, FIELD_HANDLED):
            yield from self._handled(ids, field=kind == FIELD_HANDLED)
            return
        if kind not in self._found:
            return
        sorted_ids, places = self._found[kind]
        view, units = sorted_ids.data, list[int]()
        for each in set(ids):
            low = bisect_left(view, each)
            units += places[low : bisect_right(view, each, low)].tolist()
        yield from self._confirm(sorted(units), wanted)

    def _handled(self, ids: Iterable[int], *, field: bool) -> Iterator[Site]:
        """The instructions that name methods or fields by way of a handle."""
        named = {each for index in ids for each in self.handles.naming(index, field=field)}
        call_sites = {each for handle in named for each in self.handles.sites_with.get(handle, ())}
        found = {*self.sites(HANDLE, named), *self.sites(CALL_SITE, call_sites)}
        yield from sorted(found, key=lambda site: (site.row, site.index))

    def _confirm(self, units: list[int], wanted: Callable[[int], bool] | None) -> Iterator[Site]:
        """Those units, counted from the first that was looked through, where one begins."""
        begin, end = self.methods.begin.data, self.methods.end.data
        for each in units:
            unit = each + self._base
            row = bisect_right(begin, unit) - 1
            if row < 0 or unit >= end[row]:
                continue
            rows = self.methods.rows_sharing(row)
            if wanted is not None and not any(map(wanted, rows)):
                continue
            row = rows.start
            try:
                index = self.body(row).index_of(unit - begin[row])
            except Malformed:
                continue  # told in `faults`
            if index is not None:
                yield Site(row, index)
