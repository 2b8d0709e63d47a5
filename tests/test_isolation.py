"""What a confined process can still do, tried from inside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[1] / "fixtures" / "builds" / "clean-app" / "build.apk"
TRY = """
import json, os, socket, sys
from gate.isolation import Limits, confine
build = os.open(sys.argv[1], os.O_RDONLY)
state = confine(Limits(), build)
answers = {}
def attempt(name, act):
    try:
        act()
    except OSError as error:
        answers[name] = type(error).__name__
    else:
        answers[name] = "allowed"
def send():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", 9))
attempt("read elsewhere", lambda: open("/etc/passwd").read())
attempt("list elsewhere", lambda: os.listdir(os.path.dirname(os.path.abspath(sys.argv[1]))))
attempt("open the build's neighbours", lambda: open(sys.argv[1] + ".other", "rb"))
attempt("write", lambda: open(sys.argv[2], "w").write("x"))
attempt("connect", send)
attempt("signal the parent", lambda: os.kill(os.getppid(), 0))
attempt("read the build", lambda: os.pread(build, 4, 0))
attempt("import late", lambda: __import__("asn1crypto.cms"))
print(json.dumps([state.sandboxed, answers]))
"""


def test_nothing_but_python_and_the_build_is_within_reach(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(DEMO), str(tmp_path / "written")],
        capture_output=True,
        check=True,
    )
    sandboxed, answers = json.loads(done.stdout)
    assert answers["read the build"] == answers["import late"] == "allowed"
    assert answers["write"] != "allowed"
    assert not (tmp_path / "written").exists() or not (tmp_path / "written").read_bytes()
    if not sandboxed:
        pytest.skip("no Landlock here")
    assert answers["connect"] == "PermissionError"
    for act in ("read elsewhere", "list elsewhere", "open the build's neighbours", "write"):
        assert answers[act] in ("PermissionError", "FileNotFoundError"), act


def test_every_limit_and_what_is_not_in_force_is_said() -> None:
    script = (
        "import os\n"
        "from gate.isolation import Limits, confine\n"
        "print('|'.join(confine(Limits(cpu=7), 0).words))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    words = done.stdout.decode().split("|")
    assert "limit cpu 7" in words
    for part in ("memory at most", "CPU time at most 7 s", "no file", "open files", "sandbox"):
        assert any(part in each for each in words)


@pytest.mark.parametrize("missing", ["landlock", "memory"])
def test_what_the_platform_lacks_is_said_and_nothing_breaks(missing: str) -> None:
    break_it = {
        "landlock": "import landlockpy; landlockpy.supported = lambda: False",
        "memory": "def refuse(*_): raise ValueError\nimport resource; resource.setrlimit = refuse",
    }[missing]
    script = (
        f"{break_it}\n"
        "from gate.isolation import Limits, confine\n"
        "state = confine(Limits(), 0)\n"
        "print(state.sandboxed, '|'.join(state.words))"
    )
    if sys.platform != "linux" and missing == "landlock":
        pytest.skip("Landlock is Linux's")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert b"not in force" in done.stdout
