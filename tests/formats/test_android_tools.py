import re
from collections import defaultdict
from itertools import chain

import pytest

from gate.formats import arsc, axml
from gate.formats.axml import Element
from gate.formats.res_value import COMPLEX, REFERENCE
from tests.formats.compiled_by_aapt import compiled, dump
from tests.formats.write_axml import ANDROID, DEBUGGABLE, Attr, Node, write

PLAIN = Node(
    "manifest",
    children=(
        Node("application", (Attr("debuggable", True, DEBUGGABLE),), (Node("activity"),)),
        Node("queries"),
    ),
)
SOURCE = """<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example.app"
    android:versionCode="7" android:versionName="1.0">
  <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="29" />
  <application android:debuggable="true" android:allowBackup="@bool/backup"
      android:label="Kontoführung 台北 &amp; &quot;more&quot;">
    <activity android:name=".Main" android:exported="true"
        android:configChanges="orientation|keyboard">
      <intent-filter><action android:name="android.intent.action.MAIN" /></intent-filter>
      <meta-data android:name="ratio" android:value="1.5" />
    </activity>
  </application>
</manifest>
"""


def as_aapt_prints(root: Element) -> list[str]:
    """The elements and attributes in the words of `aapt dump xmltree`, without indentation."""
    lines = [f"E: {root.name} (line={root.line})"]
    for attribute in root.attributes:
        value = attribute.value
        printed = f"(type 0x{value.type:x})0x{value.data:x}"
        if value.type == REFERENCE:
            printed = f"@0x{value.data:08x}"
        if value.text is not None:
            printed = f'"{escaped(value.text)}"'
        raw = "" if attribute.raw is None else f' (Raw: "{escaped(attribute.raw)}")'
        prefix = "android:" if attribute.namespace == ANDROID else ""
        number = f"(0x{attribute.resource_id:08x})" if attribute.resource_id else ""
        lines.append(f"A: {prefix}{attribute.name}{number}={printed}{raw}")
    return lines + list(chain.from_iterable(as_aapt_prints(child) for child in root.children))


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@pytest.mark.oracle
def test_a_manifest_compiled_by_aapt2_reads_as_aapt_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    build = compiled(tmp_path_factory.mktemp("build"), SOURCE)
    printed = dump("xmltree", build.apk, "AndroidManifest.xml")
    lines = [line.strip() for line in printed.splitlines()]
    document = axml.parse(build.read("AndroidManifest.xml"))
    assert document.anomalies == ()
    assert as_aapt_prints(document.root) == [line for line in lines if re.match("[EA]: ", line)]


def test_androguard_reads_the_same_tree_out_of_an_honest_file() -> None:
    from androguard.core.axml import AXMLPrinter
    from loguru import logger

    logger.disable("androguard")
    peer = AXMLPrinter(write(PLAIN)).get_xml_obj()
    ours = [element.name for element in walk(axml.parse(write(PLAIN)).root)]
    assert [element.tag for element in peer.iter()] == ours
    assert peer.find("application").get(f"{{{ANDROID}}}debuggable") == "true"


def walk(root: Element) -> list[Element]:
    return [root, *chain.from_iterable(walk(child) for child in root.children)]


@pytest.mark.oracle
@pytest.mark.parametrize("options", [(), ("--enable-sparse-encoding",)])
def test_a_table_compiled_by_aapt2_reads_as_aapt_reads_it(
    options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    build = compiled(tmp_path_factory.mktemp("build"), SOURCE, *options)
    read = arsc.parse(build.read("resources.arsc"), lowest=24)
    assert read.anomalies == ()
    expected, names = printed_resources(dump("resources", build.apk))
    assert len(expected) >= 9
    for resource_id, values in expected.items():
        ours = [(v.config, v.value.type, v.value.data) for v in read.values(resource_id)]
        assert ours == values
        assert read.name(resource_id) == names[resource_id]


def printed_resources(
    printed: str,
) -> tuple[dict[int, list[tuple[str, int, int]]], dict[int, str]]:
    values: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    names: dict[int, str] = {}
    words = ""
    for line in printed.splitlines():
        if found := re.match(r" {6}config (.*):$", line):
            words = "default" if found[1].startswith("(default)") else found[1].split(" ")[0]
        entry = re.match(r" {8}resource (0x\w{8}) \S*?:(\S+): (?:t=(0x\w+) d=(0x\w+)|<bag>)", line)
        if entry:
            resource_id = int(entry[1], 16)
            names[resource_id] = entry[2]
            kind = int(entry[3], 16) if entry[3] else COMPLEX
            values[resource_id].append((words, kind, int(entry[4] or "0", 16)))
    return values, names
