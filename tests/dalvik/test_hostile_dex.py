"""Whatever bytes a DEX file has: facts, or Malformed, and in time that fits their number."""

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.dalvik import search
from gate.dalvik.body import Body
from gate.dalvik.classdata import Methods, class_fields, instance_fields
from gate.dalvik.dex import Dex, read_files
from gate.dalvik.encoded import static_values
from gate.dalvik.lines import line_of
from gate.dalvik.listing import instruction
from gate.dalvik.program import Program
from gate.dalvik.search import Code
from gate.formats.errors import Malformed, OverLimit
from tests.dalvik import write_dex as w
from tests.dalvik.write_dex import ClassDef, Ids, MethodDef

CALLED = ("La/B;", "g", "()V")
RETURN = 0x000E
# Of a handler list: one list with one typed handler and one for all, both at unit 0.
CATCHES = bytes((1, 0x7F, 0, 0, 0))


def switching(ids: Ids) -> list[int]:
    return [
        *(0x012B, 8, 0), *(0x022C, 15, 0), *(0x0071, ids.method(*CALLED), 0),
        RETURN, 0,
        *(0x0100, 2, 0, 0, 3, 0, 6, 0)[:7], 0,
    ]  # fmt: skip


def trying(ids: Ids) -> list[int]:
    return [*(0x001A, ids.string("text")), *(0x0071, ids.method(*CALLED), 0), 0x0D00, 0xFD28]


CLASSES = (
    ClassDef(
        "La/A;",
        [
            MethodDef("f", code=w.Code(switching)),
            MethodDef(
                "t", "(IJ)V", w.Code(trying, 4, 3, 0, 1, struct.pack("<IHH", 0, 5, 1) + CATCHES)
            ),
        ],
        interfaces=("Ljava/lang/Runnable;",),
    ),
    ClassDef("La/C;", parent="La/A;"),
)
HANDLES = (w.Handle(4, CALLED), w.Handle(0, ("La/B;", "x", "I")))
SITES = ([(w.HANDLE, 0), (w.STRING, "run"), (w.METHOD_TYPE, "()V"), (w.HANDLE, 1)],)
FILES = (
    bytes(w.write_dex(CLASSES, handles=HANDLES, call_sites=SITES).data),
    bytes(w.write_dex(CLASSES, version="035").data),
    bytes(w.container(CLASSES, CLASSES)),
)
KINDS = range(search.CALL, search.FIELD_HANDLED + 1)


def questions(code: Code) -> Iterator[Callable[[], object]]:
    """Everything that can be asked of a file, each by itself."""
    dex = code.dex
    for kind in KINDS:
        yield lambda kind=kind: list(code.sites(kind, range(300)))  # type: ignore[misc]
    for table, read in (
        (dex.methods, dex.method), (dex.fields, dex.field), (dex.protos, dex.proto),
        (dex.type_name, dex.type), (dex.string_at, dex.text),
    ):  # fmt: skip
        for index in range(len(table)):
            yield lambda read=read, index=index: read(index)  # type: ignore[misc]
    for row in range(len(dex.classes)):
        yield lambda row=row: class_fields(dex, row)  # type: ignore[misc]
        yield lambda row=row: instance_fields(dex, row)  # type: ignore[misc]
        yield lambda row=row: static_values(dex, row)  # type: ignore[misc]
        yield lambda row=row: dex.type_list(int(dex.classes["interfaces"][row]))  # type: ignore[misc]
    for row in range(len(code.methods.begin)):
        yield lambda row=row: body_facts(code.body(row))  # type: ignore[misc]
    yield lambda: dex.find_texts([b"text", b"", b"La/A;", b"\xff"])


def body_facts(body: Body) -> None:
    for ask in (
        lambda: body.handlers, lambda: body.successors, lambda: body.joins, lambda: body.catchers
    ):  # fmt: skip
        with suppress(Malformed):
            ask()
    for index in range(len(body.starts)):
        body.written(index), line_of(body, index)
        with suppress(Malformed):
            body.definitions(index, 0)
        instruction(body, index)


def ask_everything(data: bytes) -> int:
    """How many questions were answered."""
    answered = 0
    with suppress(Malformed):
        for dex in read_files(data, "classes.dex"):
            for ask in questions(Code(dex)):
                with suppress(Malformed):
                    ask()
                    answered += 1
    return answered


def sealed(data: bytes) -> bytes:
    """With checksums that fit, as far as headers can be followed."""
    result, begin = bytearray(data), 0
    while begin + 0x24 <= len(result):
        (size,) = struct.unpack_from("<I", result, begin + 0x20)
        if not 0x70 <= size <= len(result) - begin:
            break
        w.seal(result, begin, begin + size)
        begin += size
    return bytes(result)


@pytest.mark.parametrize("data", FILES)
def test_the_files_that_are_changed_below_are_sound(data: bytes) -> None:
    for dex in read_files(data, "classes.dex"):
        for ask in questions(Code(dex)):
            ask()


@settings(max_examples=150)
@given(st.sampled_from(FILES), st.data())
def test_a_changed_file_gives_facts_or_malformed(data: bytes, draw: st.DataObject) -> None:
    result = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(8, len(data) - 4))
        small = st.integers(0, 300)
        new = draw.draw(
            st.one_of(
                st.binary(min_size=1, max_size=4),
                st.builds(struct.pack, st.just("<I"), small | st.integers(0, 0xFFFFFFFF)),
                st.builds(struct.pack, st.just("<H"), small),
            )
        )
        result[at : at + len(new)] = new
    ask_everything(sealed(bytes(result[: len(data)])))


@given(st.sampled_from(FILES), st.integers(0, 2000))
def test_a_file_cut_short_is_malformed(data: bytes, size: int) -> None:
    with pytest.raises(Malformed):
        read_files(sealed(data[: size % len(data)]), "classes.dex")


@given(st.binary(max_size=400))
def test_code_of_any_units_is_decoded_or_malformed(content: bytes) -> None:
    units = struct.unpack(f"<{len(content) // 2}H", content[: len(content) // 2 * 2])
    data = w.write_dex([ClassDef("La/A;", [MethodDef("f", code=w.Code(units))])]).data
    ask_everything(bytes(data))


def with_two_methods() -> tuple[bytearray, int, int]:
    methods = [MethodDef(name, code=w.Code([0] * 20 + [RETURN])) for name in "fg"]
    written = w.write_dex([ClassDef("La/A;", methods)])
    first, second = sorted(written.code_at.values())
    return written.data, first, second


def test_code_items_that_overlap_are_malformed() -> None:
    data, first, second = with_two_methods()
    struct.pack_into("<I", data, first + 12, (second - first) // 2)
    w.seal(data)
    with pytest.raises(Malformed, match="overlap"):
        Code(Dex(bytes(data), "classes.dex"))


def test_code_that_runs_out_of_the_file_is_malformed() -> None:
    data, _, second = with_two_methods()
    struct.pack_into("<I", data, second + 12, 0x7FFFFFFF)
    w.seal(data)
    with pytest.raises(Malformed, match="runs out"):
        Code(Dex(bytes(data), "classes.dex"))


def test_classes_that_extend_each_other_end_the_search() -> None:
    classes = [ClassDef(f"La/{a};", parent=f"La/{b};") for a, b in ("AB", "BC", "CA", "DD")]
    dex = Dex(bytes(w.write_dex(classes).data), "classes.dex")
    program = Program((Code(dex),))
    assert program.ancestors(b"La/A;") == [b"La/A;", b"La/B;", b"La/C;"]
    assert program.supertypes(b"La/D;") == {b"La/D;"}
    assert program.subclasses(b"La/B;") == (b"La/A;", b"La/B;", b"La/C;")


def test_a_class_that_implements_itself_ends_the_search() -> None:
    classes = [ClassDef("La/A;", interfaces=("La/B;",)), ClassDef("La/B;", interfaces=("La/A;",))]
    program = Program((Code(Dex(bytes(w.write_dex(classes).data), "classes.dex")),))
    assert {b"La/A;", b"La/B;"} <= program.supertypes(b"La/A;")


def test_as_many_methods_as_a_file_can_have_are_searched_in_seconds() -> None:
    code = w.Code(lambda ids: (0x0071, ids.method(*CALLED), 0, RETURN))
    methods = [MethodDef(f"m{number}", code=code) for number in range(65_534)]
    written = w.write_dex([ClassDef("La/A;", methods)])
    begin = time.process_time()
    found = Code(Dex(bytes(written.data), "classes.dex"))
    sites = list(found.sites(search.CALL, [written.ids.method(*CALLED)]))
    assert len(sites) == 65_534
    assert time.process_time() - begin < 10


def test_a_method_of_ten_megabytes_is_over_the_limit_and_hides_no_other() -> None:
    huge = MethodDef("f", code=w.Code([0] * (5 << 20) + [RETURN]))
    small = MethodDef("g", code=w.Code(lambda ids: (0x0071, ids.method(*CALLED), 0, RETURN)))
    written = w.write_dex([ClassDef("La/A;", [huge, small])])
    code = Code(Dex(bytes(written.data), "classes.dex"))
    with pytest.raises(OverLimit):
        code.body(0)
    assert [each.row for each in code.sites(search.CALL, [written.ids.method(*CALLED)])] == [1]


def test_classes_that_share_their_many_methods_are_over_the_limit() -> None:
    methods = [MethodDef(f"m{number}") for number in range(5000)]
    classes = [ClassDef(f"La/A{number};") for number in range(1000)]
    written = w.write_dex([ClassDef("La/A;", methods), *classes])
    data = written.data
    (rows,) = struct.unpack_from("<I", data, 0x64)
    (content,) = struct.unpack_from("<I", data, rows + 24)
    for row in range(1, 1001):
        struct.pack_into("<I", data, rows + 32 * row + 24, content)
    w.seal(data)
    with pytest.raises(OverLimit):
        Methods(Dex(bytes(data), "classes.dex"))


def body_of(code: w.Code) -> Body:
    written = w.write_dex([ClassDef("La/A;", [MethodDef("f", code=code)])])
    return Code(Dex(bytes(written.data), "classes.dex")).body(0)


def test_switches_that_share_a_large_table_are_over_the_limit() -> None:
    count, size = 1000, 20_000
    switches = [unit for at in range(0, 3 * count, 3) for unit in (0x002B, 3 * count + 1 - at, 0)]
    body = body_of(w.Code([*switches, RETURN, 0x0100, size, 0, 0, *[0, 0] * size]))
    with pytest.raises(OverLimit, match="branches"):
        _ = body.joins


def test_a_try_block_with_handlers_without_number_is_over_the_limit() -> None:
    handlers = w.uleb(60_000)[:-1] + b"\x03" + bytes(120_000)  # signed: 60,000 typed handlers
    code = w.Code([*[0] * 60_000, RETURN], 4, 0, 0, 1, struct.pack("<IHH", 0, 60_000, 0) + handlers)
    with pytest.raises(OverLimit):
        _ = body_of(code).joins


def test_try_blocks_out_of_order_are_malformed() -> None:
    tries = struct.pack("<IHHIHH", 2, 2, 1, 0, 3, 1) + CATCHES
    with pytest.raises(Malformed, match="out of order"):
        _ = body_of(w.Code([0, 0, 0, 0, RETURN], 4, 0, 0, 2, tries)).handlers


def test_values_nested_without_end_are_malformed() -> None:
    written = w.write_dex([ClassDef("La/A;", [MethodDef("f")])])
    data = written.data
    (rows,) = struct.unpack_from("<I", data, 0x64)
    at = len(data)
    data += b"\x00" + b"\x1c\x01" * 5000
    struct.pack_into("<I", data, rows + 28, at)
    struct.pack_into("<I", data, 0x20, len(data))
    w.seal(data)
    assert static_values(Dex(bytes(data), "classes.dex"), 0) == {}
    struct.pack_into("<B", data, at, 1)
    w.seal(data)
    with pytest.raises(Malformed):
        static_values(Dex(bytes(data), "classes.dex"), 0)
