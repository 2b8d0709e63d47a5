"""Waivers: read from YAML and held against what their controls allow."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date

from gate.policy import Control, Ruleset, Waiver
from gate.policy.file import parse, read_file
from gate.policy.section import Section

WILDCARDS = re.compile(r"\[[^\]]*\]|[*?]")


def load_waivers(
    path: str, ruleset: Ruleset, known_checks: Collection[str], profile: str, as_of: date
) -> tuple[Waiver, ...]:
    """The waivers of a file, each one within what its controls allow in this profile.

    An expired waiver is no error. PolicyError names file, line and remedy of every problem found.
    """
    table, problems = parse(read_file(path), path)
    top = Section(table, problems, "waivers")
    top.choice("format", ("1",))
    controls = {control.id: control for control in ruleset.controls}
    read = [
        (section, _waiver(section, path, controls, known_checks))
        for section in top.sections("waivers", "waiver")
    ]
    top.close()
    problems.stop()
    for section, waiver in read:
        _check_dates(section, waiver, as_of)
        _check_people(section, waiver)
        _check_allowed(section, waiver, waived_controls(waiver, ruleset), profile)
    problems.stop()
    return tuple(waiver for _, waiver in read)


def waived_controls(waiver: Waiver, ruleset: Ruleset) -> tuple[Control, ...]:
    """The controls that a waiver bears on: the one it names, or all that name its check."""
    return tuple(
        control
        for control in ruleset.controls
        if control.id == waiver.control or waiver.check in control.checks
    )


def _waiver(
    section: Section, path: str, controls: Collection[str], checks: Collection[str]
) -> Waiver:
    control, check = _scope(section, controls, checks)
    waiver = Waiver(
        control=control,
        check=check,
        subject=section.text("subject"),
        app=section.text("app"),
        reason=section.text("reason"),
        compensating_measure=section.text("compensating_measure"),
        requested_by=section.text("requested_by"),
        approved_by=section.texts("approved_by", one=True, required=True),
        created=section.day("created"),
        expires=section.day("expires"),
        ticket=section.text("ticket"),
        file=path,
        line=section.line,
    )
    section.close()
    return waiver


def _scope(section: Section, controls: Collection[str], checks: Collection[str]) -> tuple[str, str]:
    by_control, by_check = section.has("control"), section.has("check")
    if by_control == by_check:
        what = "both 'control' and 'check'" if by_control else "neither 'control' nor 'check'"
        section.add("control", what, "name exactly one of them")
        return "", ""
    if by_control:
        return section.choice("control", controls), ""
    return "", section.choice("check", checks)


def _check_dates(section: Section, waiver: Waiver, as_of: date) -> None:
    if waiver.expires < waiver.created:
        section.add("expires", "expires before it was created", "correct one of the dates")
    if waiver.created > as_of:
        what = f"created on {waiver.created}, after the day of the scan, {as_of}"
        section.add("created", what, "correct the date")


def _check_people(section: Section, waiver: Waiver) -> None:
    approvers = [_person(name) for name in waiver.approved_by]
    if _person(waiver.requested_by) in approvers:
        section.add("approved_by", "approved by who requested it", "have another person approve")
    if len(set(approvers)) < len(approvers):
        section.add("approved_by", "an approver stands twice", "name each approver once")


def _person(name: str) -> str:
    # Full or half width, upper or lower case, any spacing, and with or without a department: the
    # same person.
    own = re.split(r"[,;(<\[/]", unicodedata.normalize("NFKC", name), maxsplit=1)[0]
    return "".join(letter for letter in own.casefold() if letter.isalnum()) or name


def _check_allowed(
    section: Section, waiver: Waiver, controls: Sequence[Control], profile: str
) -> None:
    key = "control" if waiver.control else "check"
    days = (waiver.expires - waiver.created).days
    approvers = len({_person(name) for name in waiver.approved_by})
    for control in controls:
        allowed = control.exceptions
        if profile in allowed.not_for or not allowed.max_days:
            what = f"{control.id} allows no waiver in the profile {profile}"
            section.add(key, what, "remove the waiver and mend the finding")
            continue
        if days > allowed.max_days:
            what = f"lasts {days} days where {control.id} allows {allowed.max_days}"
            section.add("expires", what, "set an earlier date")
        if approvers < allowed.approvers:
            what = f"{approvers} approver where {control.id} demands {allowed.approvers}"
            section.add("approved_by", what, "name as many different persons")
        if control.severity == "critical" and _is_blanket(waiver.subject):
            what = f"the subject {waiver.subject} waives all of {control.id}, which is critical"
            section.add("subject", what, "name what is waived")


def _is_blanket(subject: str) -> bool:
    return not any(letter.isalnum() for letter in WILDCARDS.sub("", subject))
