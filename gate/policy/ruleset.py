"""Rulesets: read from YAML and checked whole before they judge."""

import hashlib
from collections.abc import Collection, Mapping
from importlib.resources import files

from gate.check import Check, Severity
from gate.frozen import dataclass
from gate.policy import (
    Action,
    Control,
    Exceptions,
    PolicyError,
    Profile,
    Rules,
    Ruleset,
    Text,
)
from gate.policy.file import parse, quote, read_file, suggest
from gate.policy.section import Section

SUFFIXES = (".yml", ".yaml")
PLATFORMS = ("android", "ios")
SEVERITIES = tuple(severity.value for severity in Severity)
ACTIONS = tuple(action.value for action in Action)
OPEN_ACTIONS = tuple(action.value for action in Action if action is not Action.NOT_APPLIED)
AUTOMATABLE = ("yes", "partly", "no")
EVIDENCE = ("diff", "policy", "external", "attestation")
EXCEPTIONS = Exceptions(max_days=90, approvers=1)
EVERY_CHECK = Text("Every check", "所有檢查項目")


@dataclass(frozen=True, slots=True)
class _Names:
    """What a control may refer to."""

    profiles: Collection[str]
    areas: Collection[str]
    sources: Collection[str]
    checks: Collection[str]


def shipped_rulesets() -> tuple[str, ...]:
    """The names of the rulesets that come with the tool, sorted."""
    names = (each.name for each in files("gate.rulesets").iterdir())
    return tuple(sorted(name.removesuffix(".yml") for name in names if name.endswith(".yml")))


def load_ruleset(name_or_path: str, known_checks: Collection[str]) -> Ruleset:
    """The ruleset of a shipped name, or of a path: anything with a slash or a YAML suffix.

    `known_checks` are the ids that controls may name; where it maps them to checks, `every-check`
    takes its titles and severities from there. PolicyError names file, line and remedy of every
    problem found.
    """
    file, data = _read(name_or_path)
    table, problems = parse(data, file)
    top = Section(table, problems, "ruleset")
    ruleset = _ruleset(top, known_checks, hashlib.sha256(data).hexdigest())
    problems.stop()
    if not ruleset.checks:
        top.add("controls", "no control names a check", "add 'checks: [...]' to a control")
        problems.stop()
    return ruleset


def _read(name_or_path: str) -> tuple[str, bytes]:
    if "/" in name_or_path or name_or_path.endswith(SUFFIXES):
        return name_or_path, read_file(name_or_path)
    shipped = shipped_rulesets()
    if name_or_path not in shipped:
        raise PolicyError(
            f"there is no ruleset {quote(name_or_path)}; use one of {', '.join(shipped)}, "
            "or the path of a .yml file"
        )
    file = f"{name_or_path}.yml"
    return file, files("gate.rulesets").joinpath(file).read_bytes()


def _ruleset(top: Section, known_checks: Collection[str], sha256: str) -> Ruleset:
    top.choice("format", ("1",))
    profiles = _titles(top, "profiles")
    by_check = top.has("every-check")
    areas = {"every-check": EVERY_CHECK} if by_check else _titles(top, "areas")
    sources = _sources(top)
    names = _Names(profiles, areas, sources, known_checks)
    ruleset = Ruleset(
        name=top.id("name"),
        version=top.text("version"),
        title=_text(top, "title"),
        description=_text(top, "description"),
        profiles=tuple(Profile(name, title) for name, title in profiles.items()),
        default_profile=top.choice("default-profile", profiles, noun="profile"),
        rules=_rules(top),
        areas=areas,
        sources=sources,
        controls=_every_check(top, names) if by_check else _controls(top, names),
        sha256=sha256,
    )
    top.close()
    return ruleset


def _titles(top: Section, key: str) -> dict[str, Text]:
    section = top.section(key)
    if section is None:
        return {}
    titles = {name: _text(section, name) for name in section.names()}
    if not titles:
        top.add(key, f"{key} is empty", "write at least one")
    return titles


def _sources(top: Section) -> dict[str, str]:
    section = top.section("sources", required=False)
    return {key: section.text(key) for key in section.names()} if section else {}


def _text(section: Section, key: str) -> Text:
    if section.is_text(key):
        text = section.text(key)
        return Text(text, text)
    if (pair := section.section(key)) is None:
        return Text("", "")
    text_pair = Text(pair.text("en"), pair.text("zh-Hant"))
    pair.close()
    return text_pair


def _rules(top: Section) -> Rules:
    section = top.section("rules", required=False)
    if section is None:
        return Rules()
    usual = Rules()
    rules = {
        "undecided": section.choice("undecided", OPEN_ACTIONS, usual.undecided, "action"),
        "unresolved": section.choice("unresolved", OPEN_ACTIONS, usual.unresolved, "action"),
        "low": section.choice("low-confidence", ("one-step", "same"), usual.low_confidence),
        "third": section.choice("third-party", ("one-step", "same"), usual.third_party),
        "missing": section.choice("missing-evidence", ("list", "action"), usual.missing_evidence),
    }
    section.close()
    return Rules(
        Action(rules["undecided"] or usual.undecided),
        Action(rules["unresolved"] or usual.unresolved),
        rules["low"],
        rules["third"],
        rules["missing"],
    )


def _every_check(top: Section, names: _Names) -> tuple[Control, ...]:
    action = Action(top.choice("every-check", OPEN_ACTIONS, noun="action") or Action.BLOCK)
    if top.has("controls"):
        top.add("controls", "both 'every-check' and 'controls'", "keep one of them")
    actions = dict.fromkeys(names.profiles, action)
    return tuple(_control_of(check, names.checks, actions) for check in sorted(names.checks))


def _control_of(name: str, checks: Collection[str], actions: dict[str, Action]) -> Control:
    check = checks[name] if isinstance(checks, Mapping) else None
    known = check if isinstance(check, Check) else None
    return Control(
        id=name,
        title=Text(known.doc.title if known else name, f"檢查項目 {name}"),
        area="every-check",
        clause="",
        platforms=(known.platform,) if known and known.platform in PLATFORMS else PLATFORMS,
        severity=known.severity.value if known else Severity.MEDIUM.value,
        rationale=known.doc.matters_because if known else "",
        automatable="yes",
        action=dict(actions),
        exceptions=EXCEPTIONS,
        checks=(name,),
    )


def _controls(top: Section, names: _Names) -> tuple[Control, ...]:
    controls: dict[str, Control] = {}
    for section in top.sections("controls", "control"):
        control = _control(section, names)
        if control.id in controls:
            section.add("id", f"the id {quote(control.id)} stands twice", "rename one")
        controls[control.id] = control
    if top.has("controls") and not controls:
        top.add("controls", "there is no control", "write at least one")
    return tuple(controls.values())


def _control(section: Section, names: _Names) -> Control:
    name = section.id("id")
    section.name = f"control {name}" if name else section.name
    control = Control(
        id=name,
        title=_text(section, "title"),
        area=section.choice("area", names.areas),
        clause=section.text("clause", ""),
        platforms=section.choices("platforms", PLATFORMS, "platform") or PLATFORMS,
        severity=section.choice("severity", SEVERITIES),
        rationale=section.text("rationale", ""),
        automatable=section.choice("automatable", AUTOMATABLE, "yes"),
        action=_actions(section, names.profiles),
        exceptions=_exceptions(section, names.profiles),
        checks=section.choices("checks", names.checks, "check"),
        evidence=_evidence(section),
        sources=section.choices("sources", names.sources, "source"),
        references=_references(section, names.sources),
    )
    section.close()
    if control.automatable == "no" and control.checks:
        section.add("checks", "checks although automatable is no", "say yes or partly")
    return control


def _actions(section: Section, profiles: Collection[str]) -> dict[str, Action]:
    if section.is_text("action"):
        action = Action(section.choice("action", ACTIONS) or Action.BLOCK)
        return dict.fromkeys(profiles, action)
    table = section.section("action")
    actions: dict[str, Action] = {}
    for profile in table.names() if table else ():
        assert table is not None
        if profile not in profiles:
            table.add(profile, f"unknown profile {quote(profile)}", suggest(profile, profiles))
        actions[profile] = Action(table.choice(profile, ACTIONS, noun="action") or Action.BLOCK)
    for profile in profiles:
        if table and profile not in actions:
            section.add("action", f"no action for the profile {profile}", f"add '{profile}: ...'")
    return actions


def _exceptions(section: Section, profiles: Collection[str]) -> Exceptions:
    table = section.section("exceptions", required=False)
    if table is None:
        return EXCEPTIONS
    allowed = Exceptions(
        max_days=table.number("max-days"),
        approvers=table.number("approvers"),
        not_for=table.choices("not-for", profiles, "profile"),
    )
    table.close()
    if allowed.max_days and not allowed.approvers:
        table.add("approvers", "a waiver that nobody approves", "write 1 or more")
    return allowed


def _evidence(section: Section) -> tuple[str, ...]:
    kinds = section.choices("evidence", EVIDENCE, "kind of evidence")
    fields = section.texts("attestation")
    if fields and "attestation" not in kinds:
        section.add("attestation", "evidence has no attestation", "add it to evidence")
    stated = f"attestation: {', '.join(fields)}" if fields else "attestation"
    return tuple(stated if kind == "attestation" else kind for kind in kinds)


def _references(section: Section, sources: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    table = section.section("references", required=False)
    if table is None:
        return None
    for catalogue in table.table.entries:
        if catalogue not in sources:
            what = f"the catalogue {quote(catalogue)} is not among the sources"
            table.add(catalogue, what, suggest(catalogue, sources))
    return {name: table.texts(name, required=True) for name in table.names()}
