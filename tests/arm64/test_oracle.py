"""Branches, addresses and written registers, as capstone takes the same instructions."""

from collections.abc import Iterator
from typing import Any

import pytest

from gate.arm64.decode import decode
from gate.arm64.program import Program
from tests.arm64.programs import file, program_of

capstone = pytest.importorskip("capstone", reason="capstone is not installed")
pytestmark = pytest.mark.oracle

NAMED = {"sp": 31, "wsp": 31, "lr": 30, "fp": 29}
COMPARES = ("cmp", "cmn", "tst")  # capstone takes their first operand for written
LOADS = ["ldr", "str", "ldrb", "strb", "ldrh", "strh", "ldrsw", "ldrsb", "ldrsh"]


@pytest.fixture(scope="module", params=("Shapes", "Tight", "Written"))
def program(request: pytest.FixtureRequest) -> Program:
    return program_of(file(request.param))


def instructions(program: Program) -> Iterator[tuple[int, Any]]:
    """Every instruction with the function that it lies in."""
    reader = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    reader.detail = reader.skipdata = True
    for begin in program.begins.tolist():
        end, at = program.end_of(begin), program.image.offset(begin)
        assert at is not None
        for each in reader.disasm(bytes(program.image.data[at : at + end - begin]), begin):
            if each.id:
                yield begin, each


def number(each: Any, register: int) -> int | None:
    name = each.reg_name(register) or ""
    if name in NAMED:
        return NAMED[name]
    if name[:1] in "xw" and name[1:].isdigit():
        return int(name[1:])
    return 32 + int(name[1:]) if name[:1] in "bhsdqv" and name[1:].isdigit() else None


def test_no_branch_is_missed(program: Program) -> None:
    found = program.branches
    ours = set(zip(found.call_from.tolist(), found.call_to.tolist(), strict=True))
    ours |= set(zip(found.jump_from.tolist(), found.jump_to.tolist(), strict=True))
    theirs = {
        (each.address, each.operands[0].imm)
        for _, each in instructions(program)
        if each.mnemonic in ("bl", "b")
    }
    assert theirs
    assert theirs <= ours


def test_every_written_register_is_known(program: Program) -> None:
    for _, each in instructions(program):
        if each.mnemonic in COMPARES or each.mnemonic.startswith(("bl", "pac", "aut")):
            continue
        written = {number(each, register) for register in each.regs_access()[1]} - {None}
        mask = decode(int.from_bytes(each.bytes, "little")).writes
        assert all(mask >> register & 1 for register in written if register), each


def test_no_address_is_missed(program: Program) -> None:
    theirs: dict[int, int] = {}
    pages: dict[int, int] = {}
    last = -1
    for begin, each in instructions(program):
        pages = pages if begin == last else {}
        last = begin
        operands = each.operands
        if each.mnemonic == "adrp":
            pages[number(each, operands[0].reg) or 0] = operands[1].imm
            continue
        if each.mnemonic == "add" and operands[-1].type == capstone.arm64.ARM64_OP_IMM:
            base = number(each, operands[1].reg)
            if base in pages:
                theirs[each.address] = pages[base] + operands[2].imm
        elif each.mnemonic in LOADS and operands[-1].type == capstone.arm64.ARM64_OP_MEM:
            base = number(each, operands[-1].mem.base)
            if base in pages and not operands[-1].mem.index:
                theirs[each.address] = pages[base] + operands[-1].mem.disp
        for register in each.regs_access()[1]:
            pages.pop(number(each, register) or -1, None)
        if each.mnemonic in ("bl", "blr"):
            pages = {register: page for register, page in pages.items() if register > 18}
    ours = {(use, to) for begin in program.begins.tolist() for use, to in program.formed_in(begin)}
    missed = set(theirs.items()) - ours
    assert len(missed) <= len(theirs) // 100
