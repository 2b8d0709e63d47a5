"""The words of the policy, as data: controls, profiles and waivers."""

from datetime import date
from enum import StrEnum

from gate.frozen import dataclass


class Action(StrEnum):
    """What the organisation does about a control that fails, the hardest first."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"
    NOT_APPLIED = "na"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in English and in Traditional Chinese as written in Taiwan."""

    en: str
    zh_hant: str


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What a control allows of waivers: longest life in days, approvers, profiles without any."""

    max_days: int
    approvers: int
    not_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """One demand of the policy.

    `action` maps each profile's name to what is done; `automatable` is yes, partly or no;
    `checks` are the ids that judge it; `evidence` lists what a person has to bring where the
    build alone cannot show it (an attestation with the fields it states); `references` maps a
    catalogue's name (masvs, maswe, cwe ...) to ids, and its edition stands in the ruleset's
    `sources`.
    """

    id: str
    title: Text
    area: str
    clause: str
    platforms: tuple[str, ...]
    severity: str
    rationale: str
    automatable: str
    action: dict[str, Action]
    exceptions: Exceptions
    checks: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    references: dict[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of app that the policy tells apart."""

    name: str
    title: Text


@dataclass(frozen=True, slots=True)
class Rules:
    """How the ruleset treats what is no plain finding.

    `undecided` and `unresolved` are the action for a check without a certain answer and for a place
    whose value is unknown, whatever the control's own action unless that is na. `low_confidence`
    is `one-step` (a finding of low confidence is acted on one step softer, on a control of severity
    critical never below warn) or `same`, and so is `third_party`, for a finding in a component that
    is not the app's own; a finding that is both goes one step. `missing_evidence` is `list`
    (controls for a person are listed) or `action` (without evidence the control's own action
    applies).
    """

    undecided: Action = Action.BLOCK
    unresolved: Action = Action.WARN
    low_confidence: str = "one-step"
    third_party: str = "one-step"
    missing_evidence: str = "list"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A policy, checked on loading: every check id exists and every profile has an action."""

    name: str
    version: str
    title: Text
    description: Text
    profiles: tuple[Profile, ...]
    default_profile: str
    rules: Rules
    areas: dict[str, Text]
    sources: dict[str, str]
    controls: tuple[Control, ...]
    sha256: str = ""

    @property
    def checks(self) -> tuple[str, ...]:
        """Every check id that some control names, sorted."""
        return tuple(sorted({check for control in self.controls for check in control.checks}))

    def profile(self, name: str = "") -> Profile:
        """The profile of that name, or the default one; PolicyError if there is none."""
        wanted = name or self.default_profile
        for profile in self.profiles:
            if profile.name == wanted:
                return profile
        names = ", ".join(profile.name for profile in self.profiles)
        raise PolicyError(f"{self.name}: there is no profile {wanted!r}; use one of {names}")


@dataclass(frozen=True, slots=True)
class Waiver:
    """A dated exception. `line` is where it stands in its file, for messages.

    `control` or `check` names what is waived; `subject` is exact or a glob, whose `*` matches any
    characters; the reserved subject `undecided` waives that a check has no certain answer.
    """

    subject: str
    app: str
    reason: str
    compensating_measure: str
    requested_by: str
    approved_by: tuple[str, ...]
    created: date
    expires: date
    ticket: str
    control: str = ""
    check: str = ""
    file: str = ""
    line: int = 0


class PolicyError(Exception):
    """A ruleset or waiver file that cannot be used; the message names file, line and remedy."""
