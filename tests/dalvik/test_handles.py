"""Methods and fields that code names by way of handles and call sites."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.dalvik import encoded
from gate.dalvik.dex import Dex
from gate.dalvik.handles import Handles
from gate.dalvik.search import CALL_SITE, FIELD_HANDLED, HANDLE, METHOD_HANDLED, PROTO, Code
from gate.formats.errors import Malformed
from tests.dalvik import write_dex as w
from tests.dalvik.write_dex import ClassDef, MethodDef, seal

LAMBDA = ("La/Main;", "lambda$0", "(Ljava/lang/String;)V")
FACTORY = ("Ljava/lang/invoke/LambdaMetafactory;", "metafactory", "()V")
FIELD = ("La/Main;", "count", "I")
HANDLES = (w.Handle(4, FACTORY), w.Handle(4, LAMBDA), w.Handle(1, FIELD), w.Handle(5, LAMBDA))
SITES = (
    [(w.HANDLE, 0), (w.STRING, "accept"), (w.METHOD_TYPE, "()La/Sink;"), (w.METHOD_TYPE, "()V"),
     (w.HANDLE, 1), (w.METHOD_TYPE, "()V")],
    [(w.HANDLE, 0), (w.STRING, "run"), (w.METHOD_TYPE, "()La/Sink;")],
)  # fmt: skip


def units(ids: w.Ids) -> list[int]:
    return [
        *(0x00FC, 1, 0),  # invoke-custom of the call site without the lambda
        *(0x00FC, 0, 0),  # 3
        *(0x00FE, 2),  # 6: const-method-handle of the field
        *(0x00FE, 3),  # 8: const-method-handle of the lambda
        *(0x00FF, ids.proto("()V")),  # 10: const-method-type
        *(0x00FD, 0, 0),  # 12: invoke-custom/range
        0x000E,
    ]


WRITTEN = w.write_dex(
    [ClassDef("La/Main;", [MethodDef("f", code=w.Code(units))])], handles=HANDLES, call_sites=SITES
)
DATA = bytes(WRITTEN.data)


def places(kind: int, *ids: int) -> list[int]:
    code = Code(Dex(DATA, "classes.dex"))
    return [code.body(site.row).starts[site.index] for site in code.sites(kind, ids)]


def test_handles_and_call_sites_are_read_from_the_map() -> None:
    handles = Handles(Dex(DATA, "classes.dex"))
    ids = WRITTEN.ids
    assert [(each.kind, each.index) for each in handles.handles] == [
        (4, ids.method(*FACTORY)),
        (4, ids.method(*LAMBDA)),
        (1, ids.field(*FIELD)),
        (5, ids.method(*LAMBDA)),
    ]
    assert [each.handles for each in handles.call_sites] == [(0, 1), (0,)]
    name = handles.call_sites[0].arguments[1]
    assert name == (encoded.STRING, ids.string("accept"))


def test_a_file_without_handles_has_none() -> None:
    handles = Handles(Dex(bytes(w.write_dex([]).data), "classes.dex"))
    assert (handles.handles, handles.call_sites) == ((), ())


def test_the_method_of_a_lambda_is_named_where_the_lambda_is_made() -> None:
    assert places(METHOD_HANDLED, WRITTEN.ids.method(*LAMBDA)) == [3, 8, 12]


def test_the_bootstrap_method_is_named_by_every_call_site() -> None:
    assert places(METHOD_HANDLED, WRITTEN.ids.method(*FACTORY)) == [0, 3, 12]


def test_a_field_is_named_by_its_handle_and_not_by_a_method_of_that_number() -> None:
    assert places(FIELD_HANDLED, WRITTEN.ids.field(*FIELD)) == [6]


def test_call_sites_handles_and_prototypes_are_found_by_their_own_ids() -> None:
    assert places(CALL_SITE, 0) == [3, 12]
    assert places(CALL_SITE, 1) == [0]
    assert places(HANDLE, 2) == [6]
    assert places(PROTO, WRITTEN.ids.proto("()V")) == [10]


def changed(at: int, form: str, *values: int) -> bytes:
    data = bytearray(DATA)
    struct.pack_into(f"<{form}", data, at, *values)
    seal(data)
    return bytes(data)


def map_entry(kind: int) -> int:
    (at,) = struct.unpack_from("<I", DATA, 0x34)
    return next(
        place
        for place in range(at + 4, len(DATA), 12)
        if struct.unpack_from("<H", DATA, place) == (kind,)
    )


@pytest.mark.parametrize(
    ("at", "form", "value"),
    [
        (0x34, "I", 0xFFFFFFF0),
        (0x34, "I", 0x72),
        (struct.unpack_from("<I", DATA, 0x34)[0], "I", 65),
        (map_entry(7), "H", 8),
        (map_entry(7) + 4, "I", 0x10001),
        (map_entry(7) + 8, "I", len(DATA) - 4),
        (map_entry(8) + 4, "I", 1),
        (map_entry(8) + 8, "I", 0x80000000),
        (struct.unpack_from("<I", DATA, map_entry(8) + 8)[0], "H", 9),
        (struct.unpack_from("<I", DATA, map_entry(8) + 8)[0] + 4, "H", 99),
    ],
)
def test_a_map_that_leads_astray_is_malformed(at: int, form: str, value: int) -> None:
    with pytest.raises(Malformed):
        Handles(Dex(changed(at, form, value), "classes.dex"))


def test_a_call_site_without_bootstrap_method_is_malformed() -> None:
    written = w.write_dex([], handles=HANDLES, call_sites=[[(w.STRING, "run")]])
    with pytest.raises(Malformed, match="begin with a handle"):
        Handles(Dex(bytes(written.data), "classes.dex"))


def test_a_call_site_with_a_nested_array_is_malformed() -> None:
    written = w.write_dex([], handles=HANDLES, call_sites=[[(w.HANDLE, 0), (encoded.ARRAY, 0)]])
    with pytest.raises(Malformed, match="no runtime takes"):
        Handles(Dex(bytes(written.data), "classes.dex"))


@given(st.integers(0x70, len(DATA) - 4), st.binary(min_size=1, max_size=8))
def test_changed_bytes_are_read_or_malformed(at: int, new: bytes) -> None:
    data = bytearray(DATA)
    data[at : at + len(new)] = new[: len(data) - at]
    seal(data)
    try:
        handles = Handles(Dex(bytes(data), "classes.dex"))
    except Malformed:
        return
    assert all(max(each.handles) < len(handles.handles) for each in handles.call_sites)
