"""The manifests of several modules or splits as one.

The system reads the attributes of <application> from the base alone, and components from all
(AOSP ParsingPackageUtils.java, `parseSplitApplication`). A build tool that merges manifests may
carry a module's attribute over into the base, so that a flag which permits something counts from
wherever it is said; one that forbids, names a file or asks for a permission counts in the base.
"""

from collections.abc import Sequence
from dataclasses import replace

from gate.app.attribute import Attribute
from gate.app.manifest import Application, Manifest


def merged(base: Manifest, manifests: Sequence[Manifest]) -> Manifest:
    """The base with what the other manifests add; `manifests` holds the base as well."""
    others = [each for each in manifests if each is not base]
    if not others:
        return base
    together = [base, *others]
    return replace(
        base,
        application=_application(base.application, [each.application for each in others]),
        components=tuple(component for each in together for component in each.components),
        permissions_used=_union([each.permissions_used for each in together]),
        permissions_defined=_union([each.permissions_defined for each in together]),
        anomalies=tuple(
            f"{each.application.at.path}: {sentence}"
            for each in together
            for sentence in each.anomalies
        ),
    )


def _application(base: Application, others: Sequence[Application]) -> Application:
    return replace(
        base,
        debuggable=_permits(base.debuggable, [each.debuggable for each in others]),
        test_only=_permits(base.test_only, [each.test_only for each in others]),
        allow_backup=_permits(base.allow_backup, [each.allow_backup for each in others]),
        cleartext=_permits(base.cleartext, [each.cleartext for each in others]),
    )


def _permits(base: Attribute[bool], others: Sequence[Attribute[bool]]) -> Attribute[bool]:
    """The base's attribute, true as well if another says so, with the place of the first to do so.

    What another leaves open stays open, so that whoever asks hears of it.
    """
    says_so = next((each for each in others if True in each.values), None)
    if says_so and True not in base.values:
        return replace(says_so, values=(*base.values, True))
    is_open = next((each for each in others if each.unresolved), None)
    if is_open and True not in base.values and not base.unresolved:
        return replace(is_open, values=base.values)
    return base


def _union(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for each in names for name in each}))
