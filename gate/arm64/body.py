"""The instructions of one function: its blocks, its frame, and which writes reach a place in it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

from gate.arm64.decode import ENDS, SP, Op, decode
from gate.formats.errors import OverLimit

MAX_INSTRUCTIONS: Final = 1 << 17
ENTRY: Final = -1  # what a register or stack place holds when the function begins
LOST: Final = -2  # reached from where the analysis does not see
FRAME: Final = 29
_QUIET: Final = 0b11 << 16 | 1 << 30  # what a retain or release of one register changes
_CALLS: Final = frozenset((Op.CALL, Op.CALL_REGISTER))


class Body:
    """A function's instructions from `begin` on, each at 4 bytes from the one before.

    `quiet` tells of a call's target whether it keeps all registers. A function of more than
    `MAX_INSTRUCTIONS` is over the limit.
    """

    def __init__(self, begin: int, words: Sequence[int], quiet: Callable[[int], bool]) -> None:
        if len(words) > MAX_INSTRUCTIONS:
            raise OverLimit(f"a function of {len(words)} instructions, over {MAX_INSTRUCTIONS}")
        self.begin = begin
        self.words = words
        self.code = [decode(word) for word in words]
        self.writes = [each.writes for each in self.code]
        for index, each in enumerate(self.code):
            if each.op is Op.CALL and quiet(self.target(index)):
                self.writes[index] = _QUIET
        self._defined: dict[int, list[int]] = {}
        self._block()

    def target(self, index: int) -> int:
        """The place that the branch at an index goes to."""
        return self.begin + 4 * index + (self.code[index].constant or 0)

    @cached_property
    def calls(self) -> list[int]:
        """The indexes of calls, and of the jumps that leave the function."""
        return [
            index
            for index, each in enumerate(self.code)
            if each.op in _CALLS
            or (each.op is Op.JUMP and not self._inside(self.target(index)))
            or (each.op is Op.JUMP_REGISTER and not self._switches(index))
        ]

    @cached_property
    def returns(self) -> list[int]:
        """The indexes of RET."""
        return [index for index, each in enumerate(self.code) if each.op is Op.RETURN]

    def _inside(self, place: int) -> bool:
        return self.begin <= place < self.begin + 4 * len(self.words)

    def _switches(self, index: int) -> bool:
        """Whether a jump by a register is a switch's: its target was added up from a table."""
        register = self.code[index].first
        for each in self.code[max(index - 8, 0) : index][::-1]:
            if each.writes >> register & 1:
                return each.op is Op.ADD_REGISTER
        return False

    def _block(self) -> None:
        """Cut into blocks: begins, sorted, and of each the blocks that lead to it."""
        cuts, edges, open_jumps = {0}, [], []
        for index, each in enumerate(self.code):
            if each.op in (Op.JUMP, Op.BRANCH) and self._inside(self.target(index)):
                to = (self.target(index) - self.begin) // 4
                cuts |= {to, index + 1}
                edges.append((index, to))
            elif each.op in ENDS:
                cuts.add(index + 1)
                if each.op is Op.JUMP_REGISTER and self._switches(index):
                    open_jumps.append(index)
        cuts.discard(len(self.code))
        self.starts = sorted(cuts)
        self.before: list[list[int]] = [[] for _ in self.starts]
        for source, to in edges:
            self.before[self.block_of(to)].append(self.block_of(source))
        for number, start in enumerate(self.starts):
            if start and self.code[start - 1].op not in ENDS:
                self.before[number].append(number - 1)
            elif start and not self.before[number]:
                self.before[number].extend(self.block_of(index) for index in open_jumps)

    def block_of(self, index: int) -> int:
        """The number of the block that an index lies in."""
        return bisect_right(self.starts, index) - 1

    def definitions(self, register: int) -> list[int]:
        """The indexes of all instructions that may write a register."""
        if register not in self._defined:
            bit = 1 << register
            self._defined[register] = [i for i, mask in enumerate(self.writes) if mask & bit]
        return self._defined[register]

    def reaching(self, register: int, index: int) -> list[int]:
        """The writes of a register that may have been the last one before an index, sorted.

        `ENTRY` is among them where there may have been none, `LOST` where a way begins that the
        analysis does not see.
        """
        return self.last_of(self.definitions(register), index)

    def last_of(self, indexes: Sequence[int], index: int) -> list[int]:
        """Of the sorted indexes those that may be the last one run before an index, sorted."""
        found: set[int] = set()
        seen: set[int] = set()
        waiting = [(self.block_of(index), index)]
        while waiting:
            block, end = waiting.pop()
            at = bisect_left(indexes, end) - 1
            if at >= 0 and indexes[at] >= self.starts[block]:
                found.add(indexes[at])
                continue
            if block == 0:
                found.add(ENTRY)
            elif not self.before[block]:
                found.add(LOST)
            for each in self.before[block]:
                if each not in seen:
                    seen.add(each)
                    waiting.append((each, self._end(each)))
        return sorted(found)

    def _end(self, block: int) -> int:
        return self.starts[block + 1] if block + 1 < len(self.starts) else len(self.code)

    # The frame: a stack place is its distance from the stack pointer at entry, in bytes.

    @cached_property
    def _after(self) -> list[list[int]]:
        after: list[list[int]] = [[] for _ in self.starts]
        for block, sources in enumerate(self.before):
            for source in sources:
                after[source].append(block)
        return after

    @cached_property
    def _depths(self) -> dict[int, int]:
        """The distance of the stack pointer where each block begins; those never reached lack."""
        depths, waiting = {0: 0}, [0]
        while waiting:
            block = waiting.pop()
            end = self._move(depths[block], self.starts[block], self._end(block))
            for each in self._after[block]:
                if end is not None and each not in depths:
                    depths[each] = end
                    waiting.append(each)
        return depths

    def _move(self, depth: int, begin: int, end: int) -> int | None:
        """The distance after some instructions; None after one that moves it by who knows what."""
        moves = self.definitions(SP)
        for index in moves[bisect_left(moves, begin) : bisect_left(moves, end)]:
            each = self.code[index]
            if each.op is Op.ADD and each.first == SP:
                depth += each.constant or 0
            elif each.op in (Op.LOAD, Op.STORE):
                depth += each.moves
            elif each.op is Op.ADD and each.first == FRAME and self.frame is not None:
                depth = self.frame + (each.constant or 0)
            else:
                return None
        return depth

    @cached_property
    def frame(self) -> int | None:
        """The stack place that the frame pointer holds in the body."""
        depth = 0
        for each in self.code[:64]:
            if each.op is Op.ADD and each.first == SP:
                if each.to == FRAME:
                    return depth + (each.constant or 0)
                depth += (each.constant or 0) if each.to == SP else 0
            elif each.op is Op.STORE and each.first == SP:
                depth += each.moves
            elif each.op is not Op.OTHER and each.writes >> SP & 1:
                return None
        return None

    def place(self, base: int, constant: int, index: int) -> int | None:
        """The stack place that SP or the frame pointer and a constant make at an index."""
        if base == FRAME:
            return None if self.frame is None else self.frame + constant
        block = self.block_of(index)
        if base != SP or block not in self._depths:
            return None
        depth = self._move(self._depths[block], self.starts[block], index)
        return None if depth is None else depth + constant

    @cached_property
    def stores(self) -> dict[int, list[int]]:
        """The indexes of the stores to each stack place, sorted."""
        found: dict[int, list[int]] = {}
        for index, each in enumerate(self.code):
            if each.op is Op.STORE and each.constant is not None:
                for place in self.covered(index):
                    found.setdefault(place, []).append(index)
        return found

    def covered(self, index: int) -> range:
        """The stack places that a store writes, one for each register or half of it."""
        each = self.code[index]
        constant = (0 if each.late else each.moves) or each.constant or 0
        place = self._based(each.first, constant, index)
        if place is None:
            return range(0)
        count = 2 if each.second >= 0 else 1
        return range(place, place + count * each.size, 8 if each.size == 16 else each.size)

    def _based(self, base: int, constant: int, index: int) -> int | None:
        """As `place`, of a register too that was set to a stack place just once."""
        if base in (SP, FRAME):
            return self.place(base, constant, index)
        if base not in self._pointing:
            return None
        reaching = self.reaching(base, index)
        at = reaching[0]
        if len(reaching) > 1 or at < 0 or self.code[at].first not in (SP, FRAME):
            return None
        each = self.code[at]
        if each.op is not Op.ADD:
            return None
        return self.place(each.first, (each.constant or 0) + constant, at)

    @cached_property
    def _pointing(self) -> frozenset[int]:
        """The registers that are ever set to a stack place."""
        sums = (each for each in self.code if each.op is Op.ADD and each.first in (SP, FRAME))
        return frozenset(each.to for each in sums)

    @cached_property
    def taken(self) -> frozenset[int]:
        """The stack places whose address the function forms."""
        found = set()
        for index, each in enumerate(self.code):
            if each.op is Op.ADD and each.first in (SP, FRAME) and each.to not in (SP, FRAME):
                found.add(self.place(each.first, each.constant or 0, index))
        return frozenset(place for place in found if place is not None)
