"""What an argument may be, for the shapes that compilers give code."""

import pytest

from gate.app.machine import Number, Parameter, Returned, Symbol, Text, imported, message
from gate.arm64.function import Call
from tests.arm64.programs import code_of, file
from tests.arm64.rechained import rechained

FORMS = ("-O0", "-Os and stripped", "chained 2", "chained 6", "arm64e 1", "arm64e 9", "arm64e 12")


@pytest.fixture(scope="module", params=FORMS)
def shapes(request: pytest.FixtureRequest) -> bytes:
    """The program of the shapes, compiled and linked in a form."""
    if request.param == "-O0":
        return file("Shapes")
    if request.param == "-Os and stripped":
        return file("Tight")
    return rechained(file("Tight"), int(request.param.split()[1]))


def by_text(data: bytes, text: str) -> Call:
    """The first call of CCHmac with a string as key or data."""
    calls = code_of(data).calls(imported("CCHmac"))
    return next(c for c in calls if text in c.argument(1).texts + c.argument(3).texts)


def test_an_argument_comes_from_every_direct_caller(shapes: bytes) -> None:
    (call,) = code_of(shapes).calls(imported("CCCrypt"))
    assert call.argument(0).numbers == (0,)
    assert call.argument(1).numbers == (2, 4)
    assert call.argument(3).texts == ("0123456789abcdef",)
    assert call.argument(4).numbers == (16,)
    assert call.argument(6).texts == ("plain text",)
    assert call.argument(7).numbers == (10,)
    assert all(call.argument(index).complete for index in (0, 1, 2, 3, 4, 6, 7))


def test_arguments_beyond_the_eighth_lie_on_the_stack(shapes: bytes) -> None:
    (call,) = code_of(shapes).calls(imported("CCCrypt"))
    assert call.argument(9).numbers == (64,)


def test_wide_constants_are_put_together(shapes: bytes) -> None:
    call = by_text(shapes, "x")
    assert call.argument(0).values == (Number(0xFFFFFFFF),)
    assert call.argument(1).values == (Number(0x123456789ABCDEF0),)
    assert call.argument(2).values == (Number(0xFF00FF00FF00FF00),)
    assert call.argument(4).values == (Number(0x10000),)


def test_a_variable_that_is_written_is_no_constant(shapes: bytes) -> None:
    calls = list(code_of(shapes).calls(imported("CCHmac")))
    assert any(not call.argument(0).complete and call.argument(0).why for call in calls)
    assert all(7 not in call.argument(0).numbers for call in calls)


def test_a_loop_gives_both_values_and_its_counter_none(shapes: bytes) -> None:
    call = by_text(shapes, "k")
    assert call.argument(0).numbers == (1, 2)
    assert call.argument(0).complete
    assert not call.argument(4).complete


def test_every_case_of_a_switch_counts() -> None:
    assert by_text(file("Shapes"), "s").argument(0).numbers == (10, 21, 35, 43, 57)


def test_a_constant_of_a_framework_has_its_name(shapes: bytes) -> None:
    code = code_of(shapes)
    call = next(
        c for c in code.calls(imported("SecRandomCopyBytes")) if 32 in c.argument(1).numbers
    )
    assert call.argument(0).values == (Symbol("kSecRandomDefault"),)
    uses = list(code.symbol_uses("kSecAttrAccessibleAlways"))
    assert uses
    assert all("SecItemAdd" in function.mentions.imports for function, _ in uses)


def test_a_function_called_through_a_variable_is_found(shapes: bytes) -> None:
    calls = list(code_of(shapes).calls(imported("SecRandomCopyBytes")))
    assert any(call.argument(1).numbers == (1,) and 0 in call.argument(0).numbers for call in calls)
    assert "blr" in "".join(call.at.snippet for call in calls)


def test_a_message_has_selector_receiver_and_arguments(shapes: bytes) -> None:
    code = code_of(shapes)
    (trust,) = code.sends(message("setAllowsAnyHTTPSCertificate:forHost:"))
    assert trust.receiver.classes == ("NSMutableURLRequest",)
    assert trust.argument(0).numbers == (1,)
    assert trust.argument(1).texts == ("*",)
    assert trust.function.name == "+[Login trusts]"
    (url,) = code.sends(message("URLWithString:", "NSURL"))
    assert url.argument(0).texts == ("http://shapes.example/",)


def test_an_object_keeps_its_class_through_init_and_retain(shapes: bytes) -> None:
    calls = list(code_of(shapes).sends(message("setHTTPMethod:")))
    assert [call.receiver.classes for call in calls] == [("NSMutableURLRequest",)] * 2
    assert {value for call in calls for value in call.argument(0).values} == {
        Text("POST"),
        Parameter("-[Login send:]", 0),
    }


def test_a_message_to_another_class_is_left_out(shapes: bytes) -> None:
    code = code_of(shapes)
    assert not list(code.sends(message("setHTTPMethod:", "NSURL")))
    assert len(list(code.sends(message("setHTTPMethod:", "NSMutableURLRequest")))) == 2
    own = [call.function.name for call in code.sends(message("send:", "Login"))]
    assert "main" in own or len(own) == 2


def test_a_result_says_what_returned_it(shapes: bytes) -> None:
    (call,) = code_of(shapes).sends(message("initWithURL:"))
    assert call.argument(0).values == (Returned("NSURL", "URLWithString:"),)
    assert "URLWithString:" in call.argument(0).why


def test_a_floating_point_argument_is_read(shapes: bytes) -> None:
    (call,) = code_of(shapes).sends(message("setTimeoutInterval:"))
    assert [value.number for value in call.real(0).values if hasattr(value, "number")] == [2.5]


def test_variadic_arguments_and_texts_of_wide_characters(shapes: bytes) -> None:
    code = code_of(shapes)
    (call,) = code.calls(imported("NSLog"))
    assert call.argument(0).texts == ("sent %@ %d",)
    assert call.extra(0).texts == ("höher",)
    assert call.extra(1).numbers == (42,)
    assert [function.name for function, _ in code.text_uses("höher")] == ["-[Login send:]"]
    assert "höher" in set(code.texts(lambda text: text.startswith("h")))


def test_super_is_sent_to_self(shapes: bytes) -> None:
    calls = [call for call in code_of(shapes).sends(message("init")) if call.is_super]
    assert [call.function.name for call in calls] == ["-[Wallet init]"]
    assert calls[0].receiver.classes == ("Wallet",)


def test_addresses_without_a_page_and_numbers_in_the_code() -> None:
    first, second = list(code_of(file("Written")).calls(imported("CCHmac")))[:2]
    assert first.argument(0).numbers == first.argument(1).numbers == (77,)
    assert first.argument(2).numbers == (6,)
    assert first.real(0).complete
    assert second.argument(0).numbers == (5,)
    assert second.argument(1).numbers == (0xF0F0F0F0,)
    assert second.argument(2).numbers == (2**64 - 2,)
    assert second.argument(3).values == (Returned("", "CCHmac"),)


def test_a_text_of_swift_and_what_a_condition_chooses() -> None:
    calls = list(code_of(file("Written")).calls(imported("CCHmac")))
    text = next(call for call in calls if call.argument(1).texts)
    assert text.argument(1).texts == ("a text of Swift that is long",)
    chosen = calls[calls.index(text) + 1]
    assert chosen.argument(0).numbers == (0, 4)
    assert chosen.argument(1).numbers == (4, 5)
