"""What the tricks of archives and manifests hide or do, in words that follow a semicolon.

How the readers differ: AOSP system/libziparchive/zip_archive.cc and frameworks/base
libs/androidfw/ResourceTypes.cpp on one side, and the common tools (Info-ZIP, Python's zipfile,
apktool, androguard) on the other.
"""

from typing import Final

_CANNOT = "the device cannot read it as the directory says, and tools give up on it or guess"
_LOCAL = "a tool that goes by the local header reads other bytes than the device"
_LEADS_OUT = "a tool that extracts it writes outside its folder"
_BY_ID = "the device goes by the resource id, a tool that goes by the name reads something else"

# The first phrase that the trick holds decides.
_HIDES: Final = (
    # These quote names of the build, which may hold any other phrase.
    (
        "its data overlaps that of",
        "the same bytes stand for several files, so that a small archive unpacks to a huge one or "
        "two readers see two files",
    ),
    (
        "maps package id",
        "the device goes by the name, a tool that goes by the id reads another package",
    ),
    ("names a resource", "a tool that decodes resources writes outside its folder"),
    ("has the key", "readers differ in which value they keep"),
    (
        "Janus, CVE-2017-13156",
        "an Android without the patch of December 2017 runs this DEX file, while it verifies the "
        "signature of the archive behind it",
    ),
    (
        "data before the first entry",
        "Android refuses the file, while a tool that looks for the directory reads on",
    ),
    (
        "after the end of the archive",
        "Android refuses the file, while other tools find the directory all the same",
    ),
    (
        "of the archive comment",
        "Android refuses the file, while other tools find the directory all the same",
    ),
    ("the end record counts both", "a tool that goes by the other count sees other entries"),
    (
        "between the central directory and its end record",
        "no entry covers these bytes, so that they carry data past a tool that reads entries",
    ),
    (
        "after the last counted entry",
        "a tool that reads on there sees entries that do not exist on the device",
    ),
    (
        "bytes between its architectures",
        "no signature seals these bytes, and tools that look at each architecture pass them by",
    ),
    ("is an absolute path", _LEADS_OUT),
    ("leads out of the archive", _LEADS_OUT),
    ("holds a backslash", "on Windows a tool that extracts it takes the name for a path"),
    ("holds a NUL", "Android refuses the archive, and some tools see the name end there"),
    ("holds a control character", "it forges lines in what tools print, or hides itself there"),
    ("turns the direction of writing", "it is displayed as another name than it has"),
    ("is not UTF-8", "Android refuses the archive, while other tools guess a name"),
    ("has no name", "tools skip it, or fail on the archive"),
    ("local header says method", _LOCAL),
    ("local header gives", _LOCAL),
    ("local header bears another name", _LOCAL),
    ("local header", _CANNOT),
    ("ZIP64 sizes", _CANNOT),
    ("runs into the central directory", _CANNOT),
    ("file ends inside", _CANNOT),
    (
        "marked as encrypted",
        "a tool that honours the mark sees nothing, while the device reads on",
    ),
    (
        "unknown compression method",
        "a tool that does not know the method sees nothing, while newer devices read on",
    ),
    ("is stored, yet takes", "readers differ in how many of its bytes they read"),
    (
        "of the format, which does not exist",
        "a tool that honours the version sees nothing, while the device reads on",
    ),
    ("named as a folder", "a tool that extracts it makes a folder and drops the data"),
    ("inflates", "a tool that reads it whole runs out of time or memory"),
    (
        "occurs more than once",
        "some tools read the first and some the last, and Android refuses the archive",
    ),
    (
        "symbolic link",
        "a tool that extracts it is led to read or write outside its folder",
    ),
    ("wrong CRC", "the device does not check it, while a tool that does sees nothing"),
    (
        "behind its deflate stream",
        "neither the device nor most tools look at these bytes, so that they carry data unseen",
    ),
    ("has no resource id", "the device ignores it, while a tool that goes by names believes it"),
    ("there twice", "the device takes the first, many tools the last"),
    ("the same attribute twice", "the device takes the first, many tools the last"),
    ("the resource id of another attribute", _BY_ID),
    ("has another resource id", _BY_ID),
    ("outside the android: namespace", _BY_ID),
    ("has no name or an empty one", _BY_ID),
    ("not sorted by resource id", "the device may miss an attribute that tools find"),
    ("without its text", "the device reads the value, while tools that look for the text see none"),
    ("differs from its string value", "the device reads the value, while tools may show the text"),
    (
        "element in a namespace",
        "the device goes by the local name, while a tool that minds the namespace misses it",
    ),
    (
        "the package in a namespace",
        "the device sees no package name, while a tool that goes by the local name does",
    ),
    (
        "inside an element that does not hold it",
        "Android 11 and later read it as if it lay outside, earlier versions and most tools do not",
    ),
    (
        "<application>",
        "the device reads the first alone, while a tool may read the other or both",
    ),
    (
        "a package of id 1",
        "the device takes the framework's own resources first, a tool takes these for them",
    ),
    (
        "a package of id 0",
        "the device gives it an id as it runs, which a tool takes for that of another package",
    ),
    ("1000 namespaces", "tools that search the list of them at every element come to no end"),
    ("gives resources other ids", "a tool that goes by the id reads another resource"),
    (
        "depend on feature flags",
        "newer devices may take them, while earlier ones and most tools do not see them",
    ),
    (
        "reads otherwise",
        "earlier devices take other values from it than later ones and most tools",
    ),
    ("a second app", "one of them is installed, and a tool may judge the other"),
    ("entity", "tools that expand entities read other values, other files or no end"),
    (
        "two readers of native code disagree",
        "scanners that rest on lief judge another program than the device runs",
    ),
    (
        "two readers disagree",
        "scanners that rest on androguard judge another app than the device runs",
    ),
)
_OTHERWISE: Final = (
    "the device reads on, while a tool that expects the usual form stops or reads something else"
)


def hides(trick: str) -> str:
    """What a trick hides or does, a clause without a full stop."""
    return next((words for phrase, words in _HIDES if phrase in trick), _OTHERWISE)
