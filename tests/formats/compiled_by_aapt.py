"""An APK compiled on the fly by the Android SDK's own tools, for tests against them as oracle."""

import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")

RESOURCES = {
    "values/values.xml": """<resources>
        <bool name="backup">false</bool>
        <bool name="alias">@bool/backup</bool>
        <string name="greeting">Hello "台北" \\u00fc</string>
        <string name="framework">@android:string/ok</string>
        <integer name="count">42</integer>
        <dimen name="gap">12.5dp</dimen>
        <color name="tint">#80ff0000</color>
        <string-array name="list"><item>one</item><item>two</item></string-array>
        <style name="Look"><item name="android:textSize">10sp</item></style>
    </resources>""",
    "values-v26/values.xml": '<resources><bool name="backup">true</bool></resources>',
    "values-zh-rTW/values.xml": '<resources><string name="greeting">您好</string></resources>',
    "values-b+sr+Latn/values.xml": '<resources><string name="greeting">Zdravo</string></resources>',
    "values-mcc466-mnc92-fil-ldrtl-sw600dp-w720dp-h1024dp-large-long-round-widecg-highdr-land"
    "-car-night-xhdpi-finger-keyssoft-qwerty-navhidden-trackball-1024x768-v21/values.xml":
        '<resources><integer name="count">43</integer></resources>',
    "values-480dpi/values.xml": '<resources><integer name="count">44</integer></resources>',
    "values-nodpi/values.xml": '<resources><integer name="count">45</integer></resources>',
    "values-mnc00/values.xml": '<resources/>',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compiled:
    apk: Path

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.apk) as archive:
            return archive.read(name)


def compiled(folder: Path, manifest: str, *options: str) -> Compiled:
    """Link the manifest with RESOURCES; skip the test where the tools are not installed."""
    framework = _framework()
    if framework is None or not shutil.which("aapt2") or not shutil.which("aapt"):
        pytest.skip("aapt, aapt2 or the framework's resources are not installed")
    for name, text in RESOURCES.items():
        target = folder / "res" / name
        target.parent.mkdir(parents=True)
        target.write_text(text, encoding="utf-8")
    source, archive, apk = folder / "AndroidManifest.xml", folder / "res.zip", folder / "app.apk"
    source.write_text(manifest, encoding="utf-8")
    _run("aapt2", "compile", "--dir", str(folder / "res"), "-o", str(archive))
    _run("aapt2", "link", "--manifest", str(source), "-I", str(framework), "-o", str(apk),
         *options, str(archive))  # fmt: skip
    return Compiled(apk)


def converted(build: Compiled) -> Compiled:
    """The binary form that aapt2 makes of an APK in proto form."""
    binary = build.apk.with_name("binary.apk")
    _run("aapt2", "convert", "--output-format", "binary", "-o", str(binary), str(build.apk))
    return Compiled(binary)


def dump(what: str, apk: Path, *arguments: str) -> str:
    """What `aapt dump` prints of the APK."""
    return _run("aapt", "dump", "--values", what, str(apk), *arguments)


def _framework() -> Path | None:
    home = os.environ.get("ANDROID_HOME")
    jars = sorted(Path(home).glob("platforms/*/android.jar")) if home else []
    return next((path for path in [*jars, FRAMEWORK] if path.is_file()), None)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=120).stdout
