"""Fetches what Debian 11 was the last to have: dx, and the android.jar of Android 6.

Both are pinned by digest, unpacked into a cache folder outside of the repository, and not
installed. apt does the fetching, with a state of its own, so that the system's sources stay as
they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path

from fixture_toolbox import ToolError, run

_PINNED = {
    "dalvik-exchange": "8fc128db7c27253d963eb9b33de79b197162a4749d2ba69019b2fd0664cbd7fe",
    "libandroid-23-java": "8af1b6df556971dda0a6da3536ea526a838e0c363afcdd454213d8bce94793e3",
}
_SOURCE = (
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    " http://deb.debian.org/debian bullseye main\n"
)
_fetching = threading.Lock()


def dx_jar() -> Path:
    """The compiler from class files to dex."""
    return _unpacked("dalvik-exchange") / "usr/share/java/com.android.dx.jar"


def android_jar() -> Path:
    """The public API of Android 6, without code."""
    return _unpacked("libandroid-23-java") / "usr/share/java/com.android.android-23.jar"


def _unpacked(package: str) -> Path:
    """The folder with a package's files, fetched when it is not there yet."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "mobile-release-gate"
    place = cache / f"{package}-{_PINNED[package][:12]}"
    with _fetching:
        if not place.is_dir():
            _fetch(package, cache, place)
    return place


def _fetch(package: str, cache: Path, place: Path) -> None:
    state = cache / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(_SOURCE, encoding="ascii")
    settings = (
        f"Dir::Etc::sourcelist={state}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State={state}",
        f"Dir::State::status={state}/status",
        f"Dir::Cache={state}",
        "APT::Sandbox::User=",
    )
    apt = ("apt-get", *(word for setting in settings for word in ("-o", setting)))
    run(*apt, "update")
    for old in state.glob("*.deb"):
        old.unlink()
    run(*apt, "download", package, cwd=state)
    (archive,) = state.glob("*.deb")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _PINNED[package]:
        raise ToolError(f"{archive.name} is not the one that is pinned")
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    run("dpkg-deb", "-x", archive, beside)
    archive.unlink()
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)
