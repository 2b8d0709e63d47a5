"""What the Mach-O images of an iOS app are made of, noted while their files are at hand.

A program may have a hundred megabytes, so that its bytes are not read again for it.
"""

from collections.abc import Iterable, Sequence

from gate.app import Journal, Program
from gate.app.image import Image
from gate.app.native import Slice
from gate.formats import macho, macho_contents
from gate.formats.errors import Malformed
from gate.formats.macho_contents import Contents

FACT = "images"


class ImageReader:
    """Notes the contents of each file's images, and joins them with what the programs are."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._noted: dict[str, list[tuple[macho.Slice, Contents | None]]] = {}

    def note(self, name: str, images: Sequence[macho.Slice], data: bytes) -> None:
        """Read what a file's images are made of; what cannot be read is a gap."""
        self._noted[name] = [(each, self._contents(name, each, data)) for each in images]

    def _contents(self, name: str, image: macho.Slice, data: bytes) -> Contents | None:
        whole = image.offset == 0 and image.size == len(data)
        part = data if whole else data[image.offset : image.offset + image.size]
        try:
            return macho_contents.parse(part, encrypted=image.encrypted)
        except Malformed as reason:
            self._journal.gap(FACT, name, f"{image.architecture}: {reason}")
            return None

    def images(self, programs: Iterable[Program]) -> tuple[Image, ...]:
        """Every image that could be read; a file that another reader read is a gap."""
        found = []
        slices = 0
        for program in programs:
            slices += len(program.slices)
            if program.path not in self._noted:
                self._journal.gap(FACT, program.path, "our reader refuses the file")
                continue
            pairs = zip(self._noted[program.path], program.slices, strict=True)
            found += [_image(program.path, *noted, part) for noted, part in pairs if noted[1]]
        self._journal.cover("Mach-O images", "slices", slices, len(found))
        return tuple(found)


def _image(path: str, image: macho.Slice, contents: Contents | None, part: Slice) -> Image:
    assert contents is not None
    return Image(
        path=path,
        part=part,
        segments=contents.segments,
        libraries=image.dylibs,
        run_paths=image.rpaths,
        imports=contents.imports,
        selectors=contents.selectors,
        objc_classes=contents.objc_classes,
        functions=contents.functions,
        languages=contents.languages,
        residue=contents.residue,
    )
