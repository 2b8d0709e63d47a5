"""Bytes that an attacker chose give an answer, a fault with a reason, or Malformed."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app.machine import imported, message
from gate.arm64.code import AppMachineCode
from gate.arm64.decode import decode
from gate.arm64.image import Image
from gate.arm64.symbols import function_starts
from gate.formats.errors import Malformed
from tests.arm64.programs import file, program_of
from tests.arm64.rechained import rechained

SEEDS = (
    file("Shapes"),
    file("Tight"),
    file("Written"),
    rechained(file("Tight"), 6),
    rechained(file("Tight"), 12),
)


def asked(data: bytes) -> int:
    """How much every question finds; Malformed is an answer too."""
    reasons: list[str] = []
    try:
        code = AppMachineCode([program_of(data)], lambda path, reason: reasons.append(reason))
        calls = [
            *code.calls(imported("CCCrypt CCHmac SecRandomCopyBytes NSLog")),
            *code.sends(message("setHTTPMethod: trust"), message("init", "Login")),
        ]
        for call in calls:
            assert call.at.snippet
            assert call.argument(1).values or call.argument(1).why
            assert call.extra(0).values is not None
            assert call.receiver is not None
        functions = [*code.implementations("send:", "trusts", "later")]
        functions += [function for function, _ in code.text_uses("POST", "*", "höher")]
        functions += [function for function, _ in code.class_uses("Login", "NSURL")]
        for each in functions:
            assert each.mentions.texts is not None
            assert each.returned is not None
            assert len(each.blocks) <= len(each.body.code)
            assert list(each.callers()) is not None
        names = [each.name for each in code.classes() if each.methods or not each.parent]
        return len(calls) + len(functions) + len(names) + len(list(code.texts(bool)))
    except Malformed as reason:
        return len(str(reason))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 1 << 17), st.binary(min_size=1, max_size=8)), max_size=12),
)
def test_changed_bytes_give_a_result_or_malformed(
    seed: bytes, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(seed)
    for at, new in changes:
        at %= len(data) - len(new)
        data[at : at + len(new)] = new
    assert asked(bytes(data)) >= 0


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(32, 3000), st.integers(0, 2**32 - 1))
def test_a_changed_number_in_the_load_commands_gives_a_result_or_malformed(
    seed: bytes, at: int, new: int
) -> None:
    data = bytearray(seed)
    struct.pack_into("<I", data, at & ~3, new)
    assert asked(bytes(data)) >= 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 1 << 17))
def test_a_file_cut_short_gives_a_result_or_malformed(seed: bytes, size: int) -> None:
    assert asked(seed[: size % len(seed)]) >= 0


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_behind_a_header_are_malformed_or_empty(tail: bytes) -> None:
    assert asked(b"\xcf\xfa\xed\xfe\x0c\0\0\1" + tail) >= 0


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_word_is_an_instruction_of_some_kind(word: int) -> None:
    assert decode(word).writes >> 64 == 0


def test_a_list_of_methods_longer_than_the_image_is_refused() -> None:
    data = bytearray(file("Tight"))
    objc = program_of(bytes(data)).objc
    image = program_of(bytes(data)).image
    (section,) = image.named("__objc_classlist")
    methods = objc._follow(objc._data(objc.class_places), 32)
    at = image.offset(int(methods[0]))
    assert section is not None
    assert at is not None
    struct.pack_into("<I", data, at + 4, 0xFFFFFF)
    with pytest.raises(Malformed, match="more methods than the image can hold"):
        list(program_of(bytes(data)).objc.implementing("send:"))


def test_function_starts_that_leave_the_image_are_cut() -> None:
    data = bytearray(file("Tight"))
    image = Image(memoryview(bytes(data)), 0)
    command = image.command(0x26)
    assert command is not None
    struct.pack_into("<II", data, command.at + 8, len(data) - 4, 0xFFFFFFFF)
    assert len(function_starts(Image(memoryview(bytes(data)), 0))) <= 4
