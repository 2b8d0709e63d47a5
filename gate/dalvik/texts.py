"""Follows data that may still be the text that came in: not through numbers, not past a stop."""

from gate.dalvik.course import INVOKES, Root
from gate.dalvik.facts import Inside, Path, State, Step, is_field, method_of
from gate.dalvik.flows import Flows, Known
from gate.dalvik.spread import Spread
from gate.dalvik.values import Evaluator

# What is read from text and can hold none of it: numbers, and names out of a fixed list.
_NO_TEXT = frozenset(
    (b"I", b"J", b"F", b"D", b"S", b"Ljava/lang/Integer;", b"Ljava/lang/Long;",
     b"Ljava/lang/Float;", b"Ljava/lang/Double;", b"Ljava/lang/Short;", b"Ljava/lang/Enum;",
     b"Ljava/math/BigDecimal;", b"Ljava/math/BigInteger;", b"Ljava/util/UUID;", b"Ljava/util/Date;")
)  # fmt: skip

# What is written to a file is no part of its name.
_FILE_WRITERS = (b"Ljava/io/FileOutputStream;", b"Ljava/io/FileWriter;",
                 b"Ljava/io/RandomAccessFile;")  # fmt: skip

Stop = tuple[bytes, bytes]  # class and method


class TextFlows(Flows):
    """Answers where a text goes; the results of the `stops` are not it any more."""

    def __init__(self, values: Evaluator, known: Known, stops: frozenset[Stop]) -> None:
        super().__init__(values, known)
        self.stops = stops

    def _spread(self, node: Inside, state: State) -> Spread:
        method = method_of(node)
        return _TextSpread(self, node, state, method, self.course(method))

    def ends(self, signature: tuple[bytes, bytes, bytes]) -> bool:
        """Whether what a method returns holds nothing of a text that it is given."""
        owner, name, proto = signature
        return proto[proto.rindex(b")") + 1 :] in _NO_TEXT or any(
            name == stop and self.program.is_subtype(owner, above) for above, stop in self.stops
        )


class _TextSpread(Spread):
    """Spreads a text inside one method."""

    flows: TextFlows

    def _shared(self, index: int, root: Root, path: Path, depth: int) -> None:
        if self.course.makes(root) not in _FILE_WRITERS:
            super()._shared(index, root, path, depth)

    def _take(self, index: int, path: Path, step: Step) -> None:
        if not (is_field(step) and step[-1] in _NO_TEXT):
            super()._take(index, path, step)

    def result(self, index: int, path: Path) -> None:
        """The result of a call or a filled-new-array has the value, if the code takes it."""
        body = self.body
        called = body.opcode(index) in INVOKES
        if not called or not self.flows.ends(body.dex.method(body.operand(index))):
            super().result(index, path)
