"""The programs of the machine-code build, by name."""

import zipfile
from functools import cache
from pathlib import Path

from gate.arm64.code import AppMachineCode
from gate.arm64.image import Image
from gate.arm64.program import Owner, Program

BUILD = Path(__file__).parents[2] / "fixtures/builds/machine-code/build.ipa"
PLACES = {
    "Shapes": "Payload/Shapes.app/Shapes",
    "Tight": "Payload/Shapes.app/PlugIns/Tight.appex/Tight",
    "Written": "Payload/Shapes.app/Frameworks/Written.framework/Written",
}


@cache
def file(name: str) -> bytes:
    with zipfile.ZipFile(BUILD) as archive:
        return archive.read(PLACES[name])


def program_of(data: bytes) -> Program:
    return Program(Image(memoryview(data), 0), Owner("a/program", "arm64", "first-party"))


def code_of(data: bytes) -> AppMachineCode:
    def fault(path: str, reason: str) -> None:
        raise AssertionError(reason)

    return AppMachineCode([program_of(data)], fault)
