"""Runs the compilers, linkers and signers that make fixtures."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PACKAGES = (
    "apt-get install --no-install-recommends openjdk-17-jdk-headless aapt apksigner"
    " libsmali-java proguard-cli android-framework-res clang-14 lld-14 llvm-14"
)
# One thread and one compiler tier: a JVM that lives for half a second is then cheapest.
JAVA = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_SMALI_JARS = ("antlr3-runtime", "dexlib2", "guava", "jcommander", "smali", "smali-util")


class ToolError(Exception):
    """A tool is missing or refused its input; the text holds what it said."""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Runs `command` to its end; its output is shown only when it fails."""
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise ToolError(f"{words[0]} is not installed. On Debian 12: {PACKAGES}")
    # lld writes no modification times into a symbol table when ZERO_AR_DATE is set.
    settings = {**os.environ, "ZERO_AR_DATE": "1", "SOURCE_DATE_EPOCH": "1735689600", "TZ": "UTC"}
    done = subprocess.run(words, cwd=cwd, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def assemble_smali(sources: Sequence[Path], api: int, output: Path) -> None:
    """Assembles smali sources into one dex file for Android version `api`."""
    jars = ":".join(f"/usr/share/java/{jar}.jar" for jar in _SMALI_JARS)
    main = ("-cp", jars, "org.jf.smali.Main", "assemble", "--jobs", "1")
    run(*JAVA, *main, "--api", str(api), "-o", output, *sources)


def apksigner(*arguments: str | Path) -> None:
    """Runs one command of apksigner."""
    run(*JAVA, "-jar", "/usr/share/java/apksigner.jar", *arguments)
