"""Which instructions name a method, field, string or type."""

from gate.dalvik.dex import Dex, read_files
from gate.dalvik.search import CALL, READ, STRING, TYPE, WRITE, Code
from tests.dalvik import write_dex as w
from tests.dalvik.write_dex import ClassDef, Ids, MethodDef

WANTED = ("La/B;", "g", "()V")
RETURN = 0x000E


def code_of(*methods: MethodDef, kind: str = "La/A;") -> tuple[Code, Ids]:
    written = w.write_dex([ClassDef(kind, methods)])
    return Code(Dex(bytes(written.data), "classes.dex")), written.ids


def units_of(code: Code, kind: int, *ids: int) -> list[tuple[int, int]]:
    """Row and unit of each site."""
    return [(each.row, code.body(each.row).starts[each.index]) for each in code.sites(kind, ids)]


def test_every_instruction_that_names_an_id_is_found_by_its_kind() -> None:
    def units(ids: Ids) -> list[int]:
        method, field = ids.method(*WANTED), ids.field("La/B;", "x", "I")
        string, kind = ids.string("text"), ids.type("La/C;")
        return [
            *(0x0071, method, 0), *(0x0077, method, 0),  # invoke-static, /range
            *(0x00FA, method, 0, ids.proto("()V")),  # invoke-polymorphic
            *(0x0052, field), *(0x0060, field), *(0x0059, field), *(0x006D, field),
            *(0x001A, string), *(0x001B, string, 0),
            *(0x001C, kind), *(0x001F, kind), *(0x0020, kind), *(0x0022, kind), *(0x0023, kind),
            *(0x0024, kind, 0), *(0x0025, kind, 0), RETURN,
        ]  # fmt: skip

    code, ids = code_of(MethodDef("f", code=w.Code(units)))
    assert units_of(code, CALL, ids.method(*WANTED)) == [(0, 0), (0, 3), (0, 6)]
    field = ids.field("La/B;", "x", "I")
    assert units_of(code, READ, field) == [(0, 10), (0, 12)]
    assert units_of(code, WRITE, field) == [(0, 14), (0, 16)]
    assert units_of(code, STRING, ids.string("text")) == [(0, 18), (0, 20)]
    found = [unit for _, unit in units_of(code, TYPE, ids.type("La/C;"))]
    assert found == [23, 25, 27, 29, 31, 33, 36]


def test_a_jumbo_string_is_told_from_the_string_of_its_lower_half() -> None:
    code, ids = code_of(
        MethodDef("f", code=w.Code(lambda ids: (0x001B, ids.string("text"), 1, RETURN)))
    )
    assert units_of(code, STRING, ids.string("text")) == []
    assert units_of(code, STRING, ids.string("text") | 0x10000) == [(0, 0)]


def test_an_operand_that_looks_like_an_instruction_is_none() -> None:
    def units(ids: Ids) -> list[int]:
        method = ids.method(*WANTED)
        return [0x0014, 0x0071, method, *(0x0018, 0x0071, method, 0x0071, method), RETURN]

    code, ids = code_of(MethodDef("f", code=w.Code(units)))
    assert units_of(code, CALL, ids.method(*WANTED)) == []


def test_a_table_that_looks_like_an_instruction_is_none() -> None:
    def units(ids: Ids) -> list[int]:
        method = ids.method(*WANTED)
        return [*(0x0026, 4, 0), RETURN, *(0x0300, 2, 2, 0, 0x0071, method)]

    code, ids = code_of(MethodDef("f", code=w.Code(units)))
    assert units_of(code, CALL, ids.method(*WANTED)) == []


def test_code_that_only_follows_a_jump_is_searched_too() -> None:
    def units(ids: Ids) -> list[int]:
        return [0x0428, *(0x0071, ids.method(*WANTED), 0), 0xFD28]  # goto +4; call; goto -3

    code, ids = code_of(MethodDef("f", code=w.Code(units)))
    assert units_of(code, CALL, ids.method(*WANTED)) == [(0, 1)]


def test_a_method_that_cannot_be_decoded_is_a_fault_and_hides_no_other() -> None:
    def cut_off(ids: Ids) -> list[int]:
        return [*(0x0071, ids.method(*WANTED), 0), 0x0071]

    def whole(ids: Ids) -> list[int]:
        return [*(0x0071, ids.method(*WANTED), 0), RETURN]

    methods = MethodDef("f", code=w.Code(cut_off)), MethodDef("g", code=w.Code(whole))
    code, ids = code_of(*methods)
    assert units_of(code, CALL, ids.method(*WANTED)) == [(1, 0)]
    assert list(code.faults) == [0]


def test_an_id_that_no_instruction_can_hold_has_no_sites() -> None:
    code, _ = code_of(MethodDef("f", code=w.Code((0x0071, 0, 0, RETURN))))
    assert list(code.sites(CALL, [0x10000, 1 << 40])) == []
    assert list(code.sites(STRING, [1 << 40])) == []


def test_a_file_without_code_has_no_sites() -> None:
    code, _ = code_of()
    assert list(code.sites(CALL, [0])) == []


def test_each_file_of_a_container_has_its_own_code() -> None:
    def units(ids: Ids) -> list[int]:
        return [0x0071, ids.method(*WANTED), 0, RETURN]

    classes = [ClassDef(each, [MethodDef("f", code=w.Code(units))]) for each in ("La/A;", "La/Z;")]
    files = read_files(bytes(w.container(*([each] for each in classes))), "classes.dex")
    for dex, each in zip(files, classes, strict=True):
        code = Code(dex)
        (site,) = code.sites(CALL, [dex.methods_of(dex.find_type(b"La/B;") or 0)[0]])
        assert dex.method(code.method_of(site.row))[0] == each.name.encode()
