"""The policy: its words here; how it is read from YAML in `ruleset` and `waivers`."""

from gate.policy.words import (
    Action,
    Control,
    Exceptions,
    PolicyError,
    Profile,
    Rules,
    Ruleset,
    Text,
    Waiver,
)

__all__ = [
    "Action",
    "Control",
    "Exceptions",
    "PolicyError",
    "Profile",
    "Rules",
    "Ruleset",
    "Text",
    "Waiver",
]
