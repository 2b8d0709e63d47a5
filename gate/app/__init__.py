"""Facts about an app, without opinion: what a check looks at.

`AndroidApp` and `IosApp` are what checks are written for; everything else here is a part of them.
"""

from gate.app.android import AndroidApp, SplitApk
from gate.app.app import App, Fact, Unread
from gate.app.attribute import Attribute
from gate.app.budget import Budget
from gate.app.build import Build, Files
from gate.app.card import AppCard
from gate.app.coverage import Coverage, Gap, Journal
from gate.app.ios import Bundle, IosApp, Program
from gate.app.location import Location

__all__ = [
    "AndroidApp",
    "App",
    "AppCard",
    "Attribute",
    "Budget",
    "Build",
    "Bundle",
    "Coverage",
    "Fact",
    "Files",
    "Gap",
    "IosApp",
    "Journal",
    "Location",
    "Program",
    "SplitApk",
    "Unread",
]
