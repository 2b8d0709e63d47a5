"""Functions, methods, classes and strings of a program."""

import pytest

from gate.app.machine import FunctionName, Number, Parameter, Symbol, imported, message
from gate.arm64.code import AppMachineCode
from gate.arm64.swift import readable
from tests.arm64.programs import code_of, file
from tests.arm64.rechained import rechained


@pytest.fixture(scope="module", params=("Shapes", "Tight", 6, 12))
def code(request: pytest.FixtureRequest) -> AppMachineCode:
    if isinstance(request.param, str):
        return code_of(file(request.param))
    return code_of(rechained(file("Tight"), request.param))


def test_methods_are_found_by_selector_and_named_by_class(code: AppMachineCode) -> None:
    (found,) = code.implementations("session:challenge:done:")
    assert found.name == "-[Login session:challenge:done:]"
    assert (found.owner, found.selector, found.is_first_party) == ("Login", found.selector, True)
    (category,) = code.implementations("shape")
    assert category.name == "-[NSString shape]"


def test_classes_have_their_parents_and_methods(code: AppMachineCode) -> None:
    found = {each.name: each for each in code.classes()}
    assert found["Wallet"].parent == "Login"
    assert found["Login"].parent == "NSObject"
    names = {method.name for method in found["Login"].methods}
    assert {"-[Login send:]", "+[Login trusts]", "-[Login later]"} <= names


def test_a_method_mentions_what_its_code_names(code: AppMachineCode) -> None:
    (trusts,) = code.implementations("trusts")
    assert "setAllowsAnyHTTPSCertificate:forHost:" in trusts.mentions.selectors
    assert trusts.mentions.classes == {"NSMutableURLRequest"}
    assert trusts.mentions.texts == {"*"}
    (send,) = code.implementations("send:")
    assert "NSLog" in send.mentions.imports


def test_blocks_are_the_functions_that_a_method_passes(code: AppMachineCode) -> None:
    (later,) = code.implementations("later")
    assert len(later.blocks) == 2
    assert any("CCHmac" in block.mentions.imports for block in later.blocks)
    passed = [
        v for call in later.calls if call.name == "dispatch_async" for v in call.argument(1).values
    ]
    assert {type(value) for value in passed} == {FunctionName}
    assert {value.name for value in passed if isinstance(value, FunctionName)} == {
        block.name for block in later.blocks
    }


def test_a_block_that_is_run_has_its_arguments(code: AppMachineCode) -> None:
    (challenge,) = code.implementations("session:challenge:done:")
    (run,) = [call for call in challenge.calls if call.is_block]
    assert run.receiver.values == (Parameter("-[Login session:challenge:done:]", 2),)
    assert run.argument(0).numbers == (0,)
    assert run.argument(1).numbers == (0,)


def test_a_function_returns_every_constant_that_it_may(code: AppMachineCode) -> None:
    (trusts,) = code.implementations("trusts")
    assert trusts.returned.values == (Number(1),)
    keep = next(function for function, _ in code.symbol_uses("kSecAttrAccessibleAlways"))
    assert Symbol("kSecAttrAccessibleAlways") in keep.returned.values


def test_callers_and_targets_lead_to_each_other(code: AppMachineCode) -> None:
    (crypt,) = code.calls(imported("CCCrypt"))
    callers = list(crypt.function.callers())
    assert callers
    assert all(crypt.function.address in [t.address for t in c.targets()] for c in callers)
    (trusts,) = code.sends(message("trusts"))
    assert [target.name for target in trusts.targets()] == ["+[Login trusts]"]


def test_a_place_names_function_offset_and_instructions(code: AppMachineCode) -> None:
    (call,) = code.calls(imported("CCCrypt"))
    assert call.at.path == "a/program"
    assert call.at.element == call.function.name
    assert call.at.snippet.splitlines()[-1].endswith("bl CCCrypt")


def test_selector_stubs_relative_methods_and_swift_names() -> None:
    code = code_of(file("Written"))
    (call,) = code.sends(message("trust"))
    assert call.function.name == "stubbed"
    (method,) = code.implementations("trust")
    assert method.name == "-[Shapes.Vault trust]"
    assert method.returned.numbers == (1,)
    (vault,) = code.classes()
    assert (vault.name, vault.parent) == ("Shapes.Vault", "NSObject")


@pytest.mark.parametrize(
    ("mangled", "plain"),
    [
        ("$s6Wallet5LoginC4sendyyF", "Wallet.Login.send"),
        ("_TtC6Wallet5Login", "Wallet.Login"),
        ("_$s6Wallet5LoginC0B4NameSSvg", "Wallet.Login.LoginName"),
        ("$sSS10FoundationE4dataSSvg", "$sSS10FoundationE4dataSSvg"),
        ("$s9", "$s9"),
        ("main", "main"),
    ],
)
def test_swift_names_are_made_readable_where_that_is_simple(mangled: str, plain: str) -> None:
    assert readable(mangled) == plain
