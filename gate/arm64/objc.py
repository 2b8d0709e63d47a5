"""Objective-C metadata of an image: classes, categories and where their methods begin.

Source: Apple's objc4, runtime/objc-runtime-new.h (class_t, class_ro_t, category_t, method_list_t
with its relative and direct forms). Everything is read as columns: a large app has a hundred
thousand methods, of which few are ever asked about.
"""

from functools import cached_property
from typing import Final

import numpy as np

from gate.arm64.image import Image
from gate.arm64.pointers import Column, Pointers, read
from gate.formats.errors import OverLimit
from gate.frozen import dataclass

CLASS: Final = "OBJC_CLASS_$_"
_RELATIVE, _DIRECT = 0x80000000, 0x40000000
_ENTRY_SIZE: Final = 0xFFFC
_NONE: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its class, its selector, and whether it is the class's own (``+``)."""

    owner: str
    selector: str
    of_class: bool
    place: int

    @property
    def name(self) -> str:
        """As Objective-C writes it: ``-[Login send:]``."""
        return f"{'+' if self.of_class else '-'}[{self.owner} {self.selector}]"


class Metadata:
    """What the runtime would find in the image's class and category lists."""

    def __init__(self, image: Image, pointers: Pointers) -> None:
        self._image = image
        self._pointers = pointers
        self._texts: dict[int, str] = {}

    @cached_property
    def class_places(self) -> Column:
        """The places of the class objects, in the order of the list."""
        return self._listed("__objc_classlist", "__objc_nlclslist")

    @cached_property
    def _rows(self) -> tuple[Column, Column, Column, Column]:
        """Begin, selector text, owner and ``+`` of every method, sorted by begin.

        An owner is the number of a class in `class_places`, or of a category behind those.
        """
        classes, categories = self.class_places, self._categories
        metas = self._follow(classes, 0)
        here, there = np.arange(len(classes)), np.arange(len(categories)) + len(classes)
        lists = (
            (self._follow(self._data(classes), 32), here, 0),
            (self._follow(self._data(metas), 32), here, 1),
            (self._follow(categories, 16), there, 0),
            (self._follow(categories, 24), there, 1),
        )
        places = np.concatenate([places for places, _, _ in lists])
        owners = np.concatenate([numbers for _, numbers, _ in lists])
        own = np.concatenate([np.full(len(numbers), flag) for _, numbers, flag in lists])
        entries, index, small, direct = self._entries(places)
        selectors, begins = self._decoded(entries, small, direct)
        order = np.argsort(begins, kind="stable")
        order = order[begins[order] >= 0]
        return begins[order], selectors[order], owners[index][order], own[index][order]

    @property
    def begins(self) -> Column:
        """Where the methods begin, sorted."""
        return self._rows[0]

    @cached_property
    def _by_place(self) -> dict[int, int]:
        return {place: row for row, place in reversed(list(enumerate(self.begins.tolist())))}

    def method_at(self, place: int) -> Method | None:
        """The method that begins at a place; of several the first."""
        row = self._by_place.get(place)
        return None if row is None else self._method(row)

    def implementing(self, selector: str) -> tuple[Method, ...]:
        """The methods of a selector, by place."""
        rows = self._by_selector.get(selector, ())
        return tuple(self._method(row) for row in rows)

    def methods_of(self, number: int) -> tuple[Method, ...]:
        """The methods of an owner, by place."""
        return tuple(self._method(int(row)) for row in np.flatnonzero(self._rows[2] == number))

    @property
    def owners(self) -> range:
        """The numbers of all classes and categories."""
        return range(len(self.class_places) + len(self._categories))

    @cached_property
    def _by_selector(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, place in enumerate(self._rows[1].tolist()):
            found.setdefault(self.text(place), []).append(row)
        return found

    def _method(self, row: int) -> Method:
        begins, selectors, owners, own = self._rows
        owner = self.owner_name(int(owners[row]))
        return Method(owner, self.text(int(selectors[row])), bool(own[row]), int(begins[row]))

    def owner_name(self, number: int) -> str:
        """The name of a class, or of the class that a category extends."""
        if number < len(self.class_places):
            return self.class_name(int(self.class_places[number]))
        found = self._pointers.at(int(self._categories[number - len(self.class_places)]) + 8)
        if isinstance(found, str):
            return found.removeprefix(CLASS)
        return self.class_name(found) if found is not None else "?"

    def class_name(self, place: int) -> str:
        """The name in the class object at a place; '?' where there is none."""
        (data,) = self._data(np.array([place], np.int64)).tolist()
        name = self._pointers.at(data + 24) if data >= 0 else None
        return self.text(name) if isinstance(name, int) else "?"

    def parent_name(self, place: int) -> str:
        """The name of the superclass of the class object at a place, '' where there is none."""
        found = self._pointers.at(place + 8)
        if isinstance(found, str):
            return found.removeprefix(CLASS)
        return "" if found is None else self.class_name(found)

    @cached_property
    def parents(self) -> dict[str, str]:
        """The superclass of every class of the image, by name."""
        places = self.class_places.tolist()
        return {self.class_name(place): self.parent_name(place) for place in places}

    @cached_property
    def classes(self) -> frozenset[int]:
        """The places of the class objects."""
        return frozenset(self.class_places.tolist())

    def text(self, place: int) -> str:
        """The text at a place, '?' where there is none."""
        if place not in self._texts:
            self._texts[place] = self._image.text(place) or "?"
        return self._texts[place]

    @cached_property
    def _categories(self) -> Column:
        return self._listed("__objc_catlist", "__objc_nlcatlist", "__objc_catlist2")

    def _listed(self, *names: str) -> Column:
        found = [_NONE]
        for name in names:
            for section in self._image.named(name):
                count = section.size // 8
                places = np.arange(count, dtype=np.int64) * 8 + section.place
                found.append(self._pointers.many(places)[0])
        listed = np.concatenate(found)
        return np.array(list(dict.fromkeys(listed[listed >= 0].tolist())), np.int64)

    def _follow(self, places: Column, offset: int) -> Column:
        """The places that the pointers at an offset point to; -1 where they do not."""
        targets, _ = self._pointers.many(np.where(places >= 0, places + offset, -1))
        return targets

    def _data(self, classes: Column) -> Column:
        """The read-only data of classes; the low bits of the pointer are Swift's flags."""
        found = self._follow(classes, 32)
        return np.where(found >= 0, found & ~7, -1)

    def _entries(self, lists: Column) -> tuple[Column, Column, Column, Column]:
        """Every entry's place, the number of its list, and the form of that list."""
        flags = read(self._image, lists, "<u4").astype(np.int64)
        counts = read(self._image, np.where(lists >= 0, lists + 4, -1), "<u4").astype(np.int64)
        small, direct = flags & _RELATIVE != 0, flags & _DIRECT != 0
        sizes = np.where(small, 12, np.where(flags & _ENTRY_SIZE == 24, 24, 0))
        counts[(lists < 0) | (sizes == 0)] = 0
        if int(counts.sum()) > len(self._image.data) // 8:
            raise OverLimit("Objective-C metadata of more methods than the image can hold")
        index = np.repeat(np.arange(len(lists)), counts)
        firsts = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)[:-1]))
        number = np.arange(len(index)) - np.repeat(firsts[: len(counts)], counts)
        return lists[index] + 8 + number * sizes[index], index, small[index], direct[index]

    def _decoded(self, entries: Column, small: Column, direct: Column) -> tuple[Column, Column]:
        """The text of each entry's selector and where its code begins; -1 for neither."""
        selectors, begins = np.full(len(entries), -1, np.int64), np.full(len(entries), -1, np.int64)
        plain = entries[small == 0]
        selectors[small == 0] = self._pointers.many(plain)[0]
        begins[small == 0] = self._pointers.many(plain + 16)[0]
        near = entries[small != 0]
        names = near + read(self._image, near, "<i4")
        references = self._pointers.many(names)[0]
        selectors[small != 0] = np.where(direct[small != 0], names, references)
        begins[small != 0] = near + 8 + read(self._image, near + 8, "<i4")
        return selectors, begins
