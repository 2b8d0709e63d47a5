"""The strings of an image: C strings, and NSString literals as __cfstring holds them.

Source: clang's CodeGenModule.cpp (`GetAddrOfConstantCFString`): isa, flags, pointer to the text,
length; 0x7D0 among the flags says UTF-16.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

import numpy as np

from gate.arm64.image import CSTRINGS, Image
from gate.arm64.pointers import Column, Pointers

_SIZE: Final = 32
_UTF16: Final = 0x10
_MAX_UNITS: Final = 1 << 16
_SELECTORS: Final = "__objc_methname"


class Texts:
    """Finds strings by place, and places by string."""

    def __init__(self, image: Image, pointers: Pointers) -> None:
        self._image = image
        self._pointers = pointers

    @cached_property
    def _literals(self) -> tuple[Column, Column]:
        """The places of the NSString literals, and of their texts."""
        places = [np.empty(0, np.int64)]
        for section in self._image.named("__cfstring"):
            count = section.size // _SIZE
            places.append(np.arange(count, dtype=np.int64) * _SIZE + section.place)
        found = np.concatenate(places)
        return found, self._pointers.many(found + 16)[0]

    def literal(self, place: int) -> str | None:
        """The text of the NSString literal at a place; None where there is none."""
        section = self._image.section_at(place)
        if section is None or section.name != "__cfstring" or (place - section.place) % _SIZE:
            return None
        text = self._pointers.at(place + 16)
        if not isinstance(text, int):
            return None
        flags, length = self._image.number(place + 8, 8) or 0, self._image.number(place + 24, 8)
        if not flags & _UTF16:
            return self._image.text(text)
        if length is None or length > _MAX_UNITS:
            return None
        at = self._image.offset(text, 2 * length)
        if at is None:
            return None
        return bytes(self._image.data[at : at + 2 * length]).decode("utf-16-le", "replace")

    def at(self, place: int) -> str | None:
        """The C string that begins at a place of a section of such; None elsewhere."""
        section = self._image.section_at(place)
        if section is None or section.kind != CSTRINGS or section.name == _SELECTORS:
            return None
        return self._image.text(place)

    def wanted(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        """Every string that is wanted, selectors and the names of types left out."""
        for section in self._image.sections:
            if section.kind == CSTRINGS and not section.name.startswith("__objc_"):
                data = bytes(self._image.data[section.offset : section.offset + section.size])
                for text in data.decode("utf-8", "backslashreplace").split("\0"):
                    if text and wanted(text):
                        yield text
        places, texts = self._literals
        for place, begin in zip(places.tolist(), texts.tolist(), strict=True):
            if begin >= 0 and self.at(begin) is None:
                found = self.literal(place)
                if found and wanted(found):
                    yield found

    def places(self, text: str) -> list[int]:
        """Where a string begins: as C string and as NSString literal."""
        found = list(self._c_strings(text))
        places, texts = self._literals
        found += places[np.isin(texts, found)].tolist() if found else []
        if not text.isascii():
            found += [place for place in places.tolist() if self.literal(place) == text]
        return found

    def _c_strings(self, text: str) -> Iterator[int]:
        wanted = text.encode("utf-8", "backslashreplace") + b"\0"
        for section in self._image.sections:
            if section.kind != CSTRINGS:
                continue
            data = bytes(self._image.data[section.offset : section.offset + section.size])
            at = data.find(wanted)
            while at >= 0:
                if at == 0 or not data[at - 1]:
                    yield section.place + at
                at = data.find(wanted, at + 1)
