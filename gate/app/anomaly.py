"""What in a build is not as an honest build has it: structures that lie, and code out of place."""

import re
from typing import Final

from gate.app.location import Location
from gate.frozen import dataclass

_NUMBER: Final = re.compile(r"(?<![\w-])(?:0x[0-9a-f]+|\d+)\b")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One trick of the container, or of a file that the system must read.

    `entry` is the file's name in the build, "" for the archive as a whole; `trick` says in a
    phrase what is odd, and `hides` in a clause without a full stop what that hides or does.
    """

    entry: str
    trick: str
    hides: str
    at: Location

    @property
    def kind(self) -> str:
        """The trick without its numbers, which change from build to build."""
        return _NUMBER.sub("N", self.trick)


@dataclass(frozen=True, slots=True)
class HiddenCode:
    """Code where the platform does not load it by itself.

    `path` is the file that it lies in, "" for bytes of the archive that belong to no file; `form`
    is APK, DEX, JAR or Mach-O; `place` says in a phrase how it lies there.
    """

    path: str
    form: str
    place: str
    at: Location
