"""One arm64 image as a program: its functions, what they are called, and who uses what."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

import numpy as np

from gate.arm64 import sieve
from gate.arm64.body import Body
from gate.arm64.decode import Op
from gate.arm64.image import CSTRINGS, SYMBOL_STUBS, Image, Section
from gate.arm64.objc import CLASS, Metadata
from gate.arm64.pointers import Column, Pointers
from gate.arm64.swift import readable
from gate.arm64.symbols import Symbols, function_starts, selector_stubs, stub_names
from gate.arm64.texts import Texts
from gate.arm64.values import ADDRESS, CONTENT, IMPORT, NUMBER, SELECTOR, Holds, Values, open_end
from gate.frozen import dataclass

MAX_BODIES: Final = 256  # kept at a time
_STUB_SECTIONS: Final = ("__objc_stubs", "__stub_helper")
_SELECTORS: Final = "__objc_selrefs"
_FILLED: Final = ("__got", "__auth_got", "__la_symbol_ptr", "__auth_ptr")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose image it is: path of the file, architecture, origin."""

    path: str
    architecture: str
    origin: str


class Program:
    """Answers about one image by place; raises Malformed where its tables are not sound."""

    def __init__(self, image: Image, owner: Owner) -> None:
        self.image = image
        self.owner = owner
        self.pointers = Pointers(image)
        self.symbols = Symbols(image)
        self.objc = Metadata(image, self.pointers)
        self.texts = Texts(image, self.pointers)
        self.stubs = stub_names(image, self.symbols, self.pointers)
        self.code: tuple[Section, ...] = tuple(
            each
            for each in image.code()
            if each.kind != SYMBOL_STUBS and each.name not in _STUB_SECTIONS
        )
        self._bodies: dict[int, tuple[Body, Values]] = {}

    # Functions.

    @cached_property
    def branches(self) -> sieve.Branches:
        """Every direct branch."""
        return sieve.branches(self.image, self.code)

    @cached_property
    def addresses(self) -> sieve.Addresses:
        """Every address that the code forms."""
        end = max((each.place + each.size for each in self.image.segments), default=0)
        return sieve.addresses(self.image, self.code, end)

    @cached_property
    def begins(self) -> Column:
        """Where functions begin, sorted: as listed, named, called, or a method's."""
        found = []
        listed = (function_starts(self.image), self.symbols.places, self.objc.begins)
        places = np.concatenate((*listed, self.branches.call_to.astype(np.int64)))
        for section in self.code:
            marks = np.zeros(section.size // 4, np.bool_)
            inside = (places >= section.place) & (places < section.place + 4 * len(marks))
            marks[(places[inside] - section.place) // 4] = True
            marks[:1] = True
            found.append(np.flatnonzero(marks) * 4 + section.place)
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def begin_of(self, place: int) -> int | None:
        """Where the function begins that a place of the code lies in."""
        index = int(np.searchsorted(self.begins, place, "right")) - 1
        section = self.section_of(place)
        if index < 0 or section is None or self.begins[index] < section.place:
            return None
        return int(self.begins[index])

    def section_of(self, place: int) -> Section | None:
        """The section of code that a place lies in."""
        return next((each for each in self.code if each.place <= place < each.end), None)

    def end_of(self, begin: int) -> int:
        """The place behind the last instruction of the function that begins at a place."""
        section = self.section_of(begin)
        index = int(np.searchsorted(self.begins, begin, "right"))
        end = section.end if section else begin
        return min(int(self.begins[index]), end) if index < len(self.begins) else end

    def body(self, begin: int) -> tuple[Body, Values]:
        """The instructions of a function and its values; OverLimit for one that is too long."""
        if begin not in self._bodies:
            while len(self._bodies) >= MAX_BODIES:
                self._bodies.pop(next(iter(self._bodies)))
            at = self.image.offset(begin) or 0
            count = (self.end_of(begin) - begin) // 4
            words = np.frombuffer(self.image.data, "<u4", count, at).tolist()
            body = Body(begin, words, self._quiet)
            self._bodies[begin] = (body, Values(body, self))
        return self._bodies[begin]

    def name_of(self, begin: int) -> str:
        """What the function at a place is called."""
        if (method := self.objc.method_at(begin)) is not None:
            return f"{'+' if method.of_class else '-'}[{readable(method.owner)} {method.selector}]"
        name = self.symbols.at(begin)
        return readable(name) if name else f"sub_{begin:x}"

    def label(self, place: int) -> str:
        """What a place of data is called."""
        return readable(self.symbols.at(place)) or f"data_{place:x}"

    def callers_of(self, begin: int) -> list[int]:
        """The places of the branches to a place, sorted."""
        found = self.branches
        calls = found.call_from[found.call_to == begin]
        return sorted([*calls.tolist(), *found.jump_from[found.jump_to == begin].tolist()])

    # Calls.

    def callee(self, body: Body, index: int) -> str:
        """The import that a call or jump names, '' for another."""
        each = body.code[index]
        if each.op in (Op.CALL, Op.JUMP):
            return self.stubs.get(body.target(index), "")
        slot = self._slot(body, each.first, index)
        found = None if slot is None else self.pointers.at(slot)
        return found if isinstance(found, str) else ""

    @staticmethod
    def _slot(body: Body, register: int, index: int) -> int | None:
        """The place that a register was loaded from, for ADRP and LDR alone."""
        for _ in range(3):
            writes = body.reaching(register, index)
            if len(writes) != 1 or writes[0] < 0:
                return None
            (index,) = writes
            each = body.code[index]
            if each.op is Op.MOVE:
                register = each.first
                continue
            if each.op is not Op.LOAD or each.constant is None:
                return None
            if each.how == "literal":
                return body.begin + 4 * index + each.constant
            pages = body.reaching(each.first, index)
            page = body.code[pages[0]] if len(pages) == 1 and pages[0] >= 0 else None
            if page is None or page.op is not Op.PAGE or page.how != "adrp":
                return None
            here = body.begin + 4 * pages[0] & ~0xFFF
            return here + (page.constant or 0) + each.constant
        return None

    def _quiet(self, target: int) -> bool:
        name = self.stubs.get(target, "")
        return name.startswith(("objc_retain_x", "objc_release_x"))

    def stubs_of(self, names: Iterable[str]) -> list[int]:
        """The stubs that call one of these imports."""
        wanted = frozenset(names)
        return [place for place, name in self.stubs.items() if name in wanted]

    def branches_to(self, targets: Iterable[int]) -> list[int]:
        """The places of all branches to one of these places, sorted."""
        wanted = np.fromiter(targets, np.int32)
        if not len(wanted):
            return []
        found = self.branches
        calls = found.call_from[np.isin(found.call_to, wanted)]
        jumps = found.jump_from[np.isin(found.jump_to, wanted)]
        return sorted([*calls.tolist(), *jumps.tolist()])

    # Names that the code uses.

    @cached_property
    def selectors(self) -> dict[int, str]:
        """What each selector reference holds."""
        found = {}
        for section in self.image.named(_SELECTORS):
            places = np.arange(section.size // 8, dtype=np.int64) * 8 + section.place
            targets, _ = self.pointers.many(places)
            for place, target in zip(places.tolist(), targets.tolist(), strict=True):
                if target >= 0:
                    found[place] = self.objc.text(target)
        return found

    @cached_property
    def selector_stubs(self) -> dict[int, str]:
        """The selector that each stub of __objc_stubs sends."""
        stubs, slots = selector_stubs(self.image)
        pairs = zip(stubs.tolist(), slots.tolist(), strict=True)
        return {stub: self.selectors[slot] for stub, slot in pairs if slot in self.selectors}

    @cached_property
    def slots(self) -> dict[str, list[int]]:
        """The pointers that get the address of an import, by its name."""
        found: dict[str, list[int]] = {}
        for section in self.image.sections:
            holds = section.name in _FILLED or section.name.startswith("__objc_")
            if section.executable or not (holds or section.kind in (6, 7)):
                continue
            if section.name == "__objc_const":
                continue
            places = np.arange(section.size // 8, dtype=np.int64) * 8 + section.place
            _, numbers = self.pointers.many(places)
            for row in np.flatnonzero(numbers >= 0).tolist():
                name = self.pointers.name(int(numbers[row]))
                found.setdefault(name, []).append(int(places[row]))
        return found

    def class_places(self, name: str) -> list[int]:
        """What the code names a class by: its object, and the references to it."""
        own = [
            place
            for place in self.objc.class_places.tolist()
            if self.objc.class_name(place) == name
        ]
        return [*self.slots.get(CLASS + name, ()), *own, *self._references(own)]

    def _references(self, classes: list[int]) -> Iterator[int]:
        for name in ("__objc_classrefs", "__objc_superrefs"):
            for section in self.image.named(name):
                places = np.arange(section.size // 8, dtype=np.int64) * 8 + section.place
                targets, _ = self.pointers.many(places)
                yield from places[np.isin(targets, classes)].tolist()

    def uses_of(self, targets: Iterable[int]) -> list[int]:
        """The places of the instructions that form one of these addresses, confirmed, sorted."""
        found = self.addresses
        rows = [
            row
            for target in targets
            for row in range(*found.of(target, target + 1).indices(len(found.target)))
        ]
        uses = {(int(found.use[row]), int(found.page[row])) for row in rows}
        return sorted({use for use, page in uses if self._confirmed(use, page)})

    def formed_in(self, begin: int) -> list[tuple[int, int]]:
        """The addresses that a function forms, each with its instruction's place, confirmed."""
        uses, order = self._by_use
        low, high = np.searchsorted(uses, (begin, self.end_of(begin)))
        found = self.addresses
        rows = order[low:high].tolist()
        pairs = [
            (int(found.use[row]), int(found.target[row]), int(found.page[row])) for row in rows
        ]
        return [(use, target) for use, target, page in pairs if self._confirmed(use, page)]

    @cached_property
    def _by_use(self) -> tuple[Column, Column]:
        order = sieve.order_of(self.addresses.use)
        return self.addresses.use[order], order

    def _confirmed(self, use: int, page: int) -> bool:
        """Whether the ADRP's register reaches the instruction that it was joined with."""
        begin = self.begin_of(use)
        if begin is None or page < begin:
            return False
        if use == page:
            return True
        body, _ = self.body(begin)
        each = body.code[(use - begin) // 4]
        return (page - begin) // 4 in body.reaching(each.first, (use - begin) // 4)

    # What lies at a place.

    def load(self, place: int, size: int) -> Holds:
        """What a load of `size` bytes from a place of the image gives."""
        section = self.image.section_at(place)
        if size == 8 and section is not None and section.name == _SELECTORS:
            return frozenset(((SELECTOR, self.selectors.get(place, "?")),))
        named = section is not None and section.name.startswith(("__objc_", *_FILLED))
        if not (named or self.image.constant(place) or self._never_stored(place)):
            return frozenset(((CONTENT, place),))
        if size == 8 and (named or self.pointers.sure(place)):
            found = self.pointers.at(place)
            if isinstance(found, str):
                return frozenset(((IMPORT, found),))
            if found is not None:
                return frozenset(((ADDRESS, found),))
        if size == 16 and any(self.pointers.sure(each) for each in (place, place + 8)):
            return open_end("two pointers are read at once")
        number = self.image.number(place, size)
        if number is None or size > 16:
            return open_end("it is read from where the file has nothing")
        return frozenset(((NUMBER, number),))

    def _never_stored(self, place: int) -> bool:
        """Whether a variable with a value in the file is only read, as far as the code says."""
        if self.image.offset(place, 8) is None:
            return False
        found = self.addresses
        rows = found.of(place, place + 1)
        for use in found.use[rows].tolist():
            word = self.image.number(use, 4) or 0
            if word >> 23 == 0x122 or (word >> 27 & 5 == 5 and word >> 22 & 3 in (0, 2)):
                return False  # its address is formed, or it is written
        return bool(rows.stop > rows.start)

    def is_text(self, place: int) -> bool:
        """Whether a place lies in a section of C strings."""
        section = self.image.section_at(place)
        return section is not None and section.kind == CSTRINGS
